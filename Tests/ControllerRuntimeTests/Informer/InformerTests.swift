import JSON
import KubernetesCore
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import ControllerRuntime

/// The informer on the common paths, against a server in memory and under a virtual clock.
@Suite(.timeLimit(.minutes(1)))
struct InformerTests {
    let test = InformerWorld()
    let journal = Journal()

    @Test func `it lists, syncs and follows changes`() {
        test.put("a")
        let informer = test.makeInformer()
        let registration = test.note(informer, in: journal)
        #expect(!informer.hasSynced.isOpen)
        test.start(informer)
        #expect(informer.hasSynced.isOpen)
        #expect(registration.hasSynced.isOpen)
        test.put("a", "2")
        test.put("b")
        test.delete("a")
        test.world.settle()
        #expect(journal.entries == ["*a=1", "a=1>2", "+b=1", "-a=2"])
        #expect(test.agrees(informer))
        #expect(informer.store.keys(byIndex: "x", "1") == [InformerWorld.key("b")])
        #expect(informer.store.resourceVersion == test.server.resourceVersion)
    }

    @Test func `managed fields never reach the store, and list items get their type`() {
        test.put("a")
        let informer = test.makeInformer()
        test.start(informer)
        let object = informer.store.get(InformerWorld.key("a"))
        #expect(object?["metadata", "managedFields"] == nil)
        #expect(object?.kind == "ConfigMap")
        #expect(object?.apiVersion == "v1")
        test.put("b")
        test.world.settle()
        #expect(informer.store.get(InformerWorld.key("b"))?["metadata", "managedFields"] == nil)
    }

    @Test func `the store has a change before a handler hears of it`() {
        let informer = test.makeInformer()
        informer.addHandler { [journal] event in
            guard case .added(let object, _) = event else { return }
            journal.add(informer.store.get(object.key) == nil ? "missing" : "there")
        }
        test.start(informer)
        test.put("a")
        test.world.settle()
        #expect(journal.entries == ["there"])
    }

    @Test func `a late handler hears of everything that is there, once, and then of changes`() {
        test.put("a")
        let informer = test.makeInformer()
        test.start(informer)
        test.put("b")
        test.world.settle()
        let registration = test.note(informer, in: journal)
        #expect(!registration.hasSynced.isOpen)
        test.world.settle()
        #expect(registration.hasSynced.isOpen)
        test.put("c")
        test.world.settle()
        #expect(journal.entries == ["*a=1", "*b=1", "+c=1"])
    }

    @Test func `a handler is synced when it has been told everything, not when the list has arrived`() {
        test.put("a")
        test.put("b")
        let informer = test.makeInformer()
        let gate = Latch()
        let registration = informer.addHandler { _ in
            do { try await gate.wait() } catch { return }
        }
        test.start(informer)
        #expect(informer.hasSynced.isOpen)
        #expect(!registration.hasSynced.isOpen)
        gate.open()
        test.world.settle()
        #expect(registration.hasSynced.isOpen)
    }

    @Test func `a handler of an empty collection is synced too`() {
        let informer = test.makeInformer()
        let registration = test.note(informer, in: journal)
        test.start(informer)
        #expect(registration.hasSynced.isOpen)
        #expect(journal.entries.isEmpty)
    }

    // Bug 23 (k/k#103789): the socket is drained whatever the handlers do.
    @Test func `a handler that hangs neither stops the store nor other handlers`() {
        let informer = test.makeInformer()
        informer.addHandler { _ in
            do { try await Latch().wait() } catch { return }
        }
        _ = test.note(informer, in: journal)
        test.start(informer)
        for index in 0..<3000 { test.put("m\(index)") }
        test.world.settle()
        #expect(informer.store.count == 3000)
        #expect(journal.entries.count == 3000)
        let metrics = test.registry.exposition()
        let labels = #"{name="configmaps",group="",version="v1",resource="configmaps"}"#
        #expect(metrics.contains("informer_queued_items\(labels) "))
        #expect(metrics.contains("informer_store_resource_version\(labels) \(test.server.resourceVersion)\n"))
        #expect(test.logLines.contain("handler is slow"))
    }

    @Test func `a long first list is no slow handler`() {
        for index in 0..<1500 { test.put("m\(index)") }
        let informer = test.makeInformer()
        _ = test.note(informer, in: journal)
        test.start(informer)
        #expect(journal.entries.count == 1500)
        #expect(!test.logLines.contain("handler is slow"))
    }

    @Test func `a removed handler hears nothing more`() {
        let informer = test.makeInformer()
        let registration = test.note(informer, in: journal)
        test.start(informer)
        test.put("a")
        test.world.settle()
        registration.remove()
        test.put("b")
        test.world.settle()
        #expect(journal.entries == ["+a=1"])
    }

    @Test func `a handler that is removed while it works gets nothing of what was waiting for it`() {
        for name in ["a", "b", "c"] { test.put(name) }
        let informer = test.makeInformer()
        let gate = Latch()
        let registration = informer.addHandler { [journal] event in
            journal.add(InformerWorld.short(event))
            do { try await gate.wait() } catch { return }
        }
        test.start(informer)
        registration.remove()
        gate.open()
        test.world.settle()
        #expect(journal.entries == ["*a=1"])
    }

    @Test func `a resync tells about every object again, to those who want it`() {
        test.put("a")
        let informer = test.makeInformer(resync: .seconds(600))
        _ = test.note(informer, in: journal)
        let other = Journal()
        informer.addHandler(receivesResyncs: false) { other.add(InformerWorld.short($0)) }
        test.start(informer)
        test.world.run(for: .seconds(600))
        #expect(journal.entries == ["*a=1", "a=1>1"])
        #expect(other.entries == ["*a=1"])
    }

    @Test func `an object that was made again under its name arrives as an update between uids`() {
        test.put("a")
        let informer = test.makeInformer()
        informer.addHandler { [journal] event in
            if case .updated(let old, let new) = event { journal.add(old.uid == new.uid ? "same" : "other") }
        }
        test.start(informer)
        // The informer misses the deletion itself.
        test.server.freezeWatches()
        test.delete("a")
        test.put("a", "2")
        test.server.compact()
        test.server.breakWatches()
        test.server.thawWatches()
        test.world.run(for: .seconds(10))
        #expect(journal.entries == ["other"])
    }

    @Test func `keys go to a queue, routine ones with low priority`() async throws {
        test.put("a")
        let informer = test.makeInformer()
        let queue = WorkQueue<ObjectKey>(name: "test", timeSource: test.world.time)
        informer.enqueue(into: queue, priority: 5)
        test.start(informer)
        test.put("b")
        test.world.settle()
        #expect(try await queue.next()?.priority == 5)
        let second = try await queue.next()
        #expect(second?.key == InformerWorld.key("a"))
        #expect(second?.priority == routinePriority)
    }

    @Test func `selectors and namespace go with every list and watch`() {
        let scope = WatchScope(namespace: "default", labelSelector: "app=web", fieldSelector: "metadata.name=a")
        test.start(test.makeInformer(scope: scope))
        for request in test.lists + test.watches {
            #expect(request.path == "/api/v1/namespaces/default/configmaps")
            #expect(request.query["labelSelector"] == "app=web")
            #expect(request.query["fieldSelector"] == "metadata.name=a")
        }
        #expect(test.watches.first?.query["allowWatchBookmarks"] == "true")
    }

    @Test func `a cancelled informer ends, closes its watch, and can run again`() {
        let informer = test.makeInformer()
        _ = test.note(informer, in: journal)
        let run = test.start(informer)
        #expect(test.server.watchCount == 1)
        run.cancel()
        test.world.settle()
        #expect(run.error is CancellationError)
        #expect(test.server.watchCount == 0)
        test.put("a")
        test.start(informer)
        #expect(journal.entries == ["+a=1"])
    }

    // The design of a kept "undecodable" marker: one bad object stops neither the list nor the watch.
    @Test func `an object that cannot be decoded is kept as such, told, logged, and recovers`() {
        struct Strict: KubernetesObject {
            static let resource = APIResource.configMaps
            var metadata: ObjectMeta
            var data: [String: Int]
        }
        test.put("good", "x")
        let informer = Informer<Strict>(
            client: test.server.client(),
            source: InformerSource(resource: .configMaps, decoder: .typed()),
            context: test.context
        )
        informer.addHandler { [journal] event in
            switch event {
            case .added(let object, _): journal.add("+\(object.metadata.name ?? "")")
            case .undecodable(let failure, _): journal.add("!\(failure.key.name)")
            case .deletedFinalStateUnknown(let key, _): journal.add("?\(key.name)")
            default: journal.add("other")
            }
        }
        test.start(informer)
        #expect(informer.hasSynced.isOpen)
        #expect(informer.store.get(InformerWorld.key("good")) == nil)
        #expect(informer.store.undecodable.map(\.key.name) == ["good"])
        #expect(test.logLines.contain("default/good", "data.x"))
        test.server.edit(.configMaps, InformerWorld.key("good")) { $0.set(7, at: ["data", "x"]) }
        test.put("bad", "y")
        test.world.settle()
        #expect(informer.store.get(InformerWorld.key("good"))?.data == ["x": 7])
        #expect(informer.store.undecodable.map(\.key.name) == ["bad"])
        test.delete("bad")
        test.world.settle()
        #expect(journal.entries == ["!good", "+good", "!bad", "?bad"])
        #expect(informer.store.undecodable.isEmpty)
    }
}
