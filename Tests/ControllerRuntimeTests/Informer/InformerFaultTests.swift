import JSON
import KubernetesCore
import Synchronization
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import ControllerRuntime

/// The informer when the server or the network misbehave; numbers are those of the reference's list of bugs.
@Suite(.timeLimit(.minutes(1)))
struct InformerFaultTests {
    let test = InformerWorld()
    let journal = Journal()

    // Bugs 1 and 2: a dead connection that nobody reports, and a proxy that forwards nothing.
    @Test func `bug 1, 2: a silent watch is replaced three minutes after the last bookmark, without a list`() {
        let informer = test.makeInformer()
        test.start(informer)
        test.server.sendBookmarks()
        test.world.settle()
        test.server.freezeWatches()
        test.put("a")
        test.world.run(for: .seconds(179))
        #expect(test.watches.count == 1)
        test.server.thawReads()
        test.world.run(for: .seconds(2))
        #expect(test.watches.count == 2)
        test.server.thawWatches()
        test.world.settle()
        #expect(test.agrees(informer))
        #expect(test.lists.count == 1)
        #expect(test.registry.exposition().contains(#"tmc_reflector_silent_watches_total{resource="configmaps"} 1"#))
    }

    @Test func `bug 1, 2: an event puts off the moment at which silence counts as death`() {
        test.start(test.makeInformer())
        test.server.sendBookmarks()
        test.world.run(for: .seconds(100))
        test.put("a")
        test.world.run(for: .seconds(179))
        #expect(test.watches.count == 1)
        test.world.run(for: .seconds(2))
        #expect(test.watches.count == 2)
    }

    @Test func `bug 1: without bookmarks a watch is given up soon after the server should have ended it`() {
        test.start(test.makeInformer())
        let seconds = test.watches.first.flatMap { Int($0.query["timeoutSeconds"] ?? "") } ?? 0
        test.server.freezeWatches()
        test.world.run(for: .seconds(seconds + 29))
        #expect(test.watches.count == 1)
        test.world.run(for: .seconds(2))
        #expect(test.watches.count == 2)
        #expect(test.lists.count == 1)
    }

    @Test func `since when the server is out of reach is known, and forgotten with the next watch`() {
        let informer = test.makeInformer()
        let made = test.world.time.now()
        #expect(informer.disconnectedSince == made)
        test.start(informer)
        #expect(informer.disconnectedSince == nil)
        let isDown = Mutex(true)
        test.server.before { _ in isDown.withLock { $0 } ? .failure(503, "ServiceUnavailable", "gone") : nil }
        test.server.breakWatches()
        test.world.run(for: .seconds(20))
        let since = informer.disconnectedSince
        #expect(since.map { $0 > made && made.duration(to: $0) < .seconds(5) } == true)
        test.world.run(for: .seconds(60))
        #expect(informer.disconnectedSince == since, "the first failure counts")
        isDown.withLock { $0 = false }
        test.world.run(for: .seconds(120))
        #expect(informer.disconnectedSince == nil)
    }

    // Bug 5 (PR#58547).
    @Test func `bug 5: after a deletion the watch goes on at the version of the deletion`() {
        let informer = test.makeInformer()
        test.start(informer)
        test.put("a")
        test.delete("a")
        test.world.settle()
        test.server.breakWatches()
        test.world.run(for: .seconds(5))
        #expect(test.watches.last?.query["resourceVersion"] == test.server.resourceVersion)
        #expect(test.lists.count == 1)
    }

    // Bug 6 (k/k#107133): etcd was restored, so the server is behind what the informer has seen.
    @Test func `bug 6: a restored server costs one consistent list`() {
        test.put("a")
        let informer = test.makeInformer()
        _ = test.note(informer, in: journal)
        test.start(informer)
        let version = Int(test.server.resourceVersion) ?? 0
        for index in 0..<5 { test.put("lost\(index)") }
        test.world.settle()
        test.server.before { request in
            let asked = Int(request.query["resourceVersion"] ?? "") ?? 0
            guard request.isWatch, asked > version else { return nil }
            let cause: JSONValue = ["reason": "ResourceVersionTooLarge", "message": "Too large resource version"]
            return .failure(504, "Timeout", "Too large resource version", causes: [cause], retryAfterSeconds: 1)
        }
        test.server.restore(to: version)
        test.world.run(for: .seconds(30))
        #expect(test.agrees(informer))
        #expect(test.lists.count == 2)
        #expect(test.lists.last?.query["resourceVersion"] == nil)
        #expect(informer.store.resourceVersion == test.server.resourceVersion)
        #expect(journal.entries.filter { $0.hasPrefix("?lost") }.count == 5)
    }

    // Bug 8: a restart of the server under many informers.
    @Test func `bug 8: a restarted server is asked for no list at all, and not by all at once`() {
        let informers = (0..<100).map { test.makeInformer(seed: UInt64($0)) }
        for informer in informers { test.start(informer) }
        #expect(test.lists.count == 100)
        test.server.stop()
        test.world.run(for: .seconds(5))
        let requestsBefore = test.server.log.count
        test.server.start()
        test.put("a")
        test.world.run(for: .seconds(70))
        #expect(informers.allSatisfy { test.agrees($0) })
        #expect(test.lists.count == 100)
        let moments = Set(test.server.log.dropFirst(requestsBefore).map(\.request.time))
        #expect(moments.count > 90)
    }

    // Bug 9 (k/k#138552).
    @Test func `bug 9: three watches that are closed at once cost no list`() {
        let informer = test.makeInformer()
        test.start(informer)
        for _ in 0..<3 {
            test.server.closeWatches()
            test.world.run(for: .milliseconds(100))
            _ = test.world.run(until: { test.server.watchCount == 1 })
        }
        test.put("a")
        test.world.settle()
        #expect(test.agrees(informer))
        #expect(test.lists.count == 1)
        #expect(test.watches.count == 4)
        #expect(test.registry.exposition().contains(#"tmc_reflector_short_watches_total{resource="configmaps"} 3"#))
    }

    // Bug 22 (c-r#1219): see also ControllerTests, which names the kind that does not sync.
    @Test func `bug 22: a forbidden list is tried again and logged until it is allowed`() {
        let informer = test.makeInformer()
        test.server.inject(.status(403, "Forbidden"), times: 5) { $0.verb == .list }
        test.start(informer)
        #expect(!informer.hasSynced.isOpen)
        #expect(test.logLines.contain("list failed", "403", "configmaps"))
        test.world.run(for: .seconds(120))
        #expect(informer.hasSynced.isOpen)
    }

    // Bug 25 (beyla#1420).
    @Test func `bug 25: what was deleted while the watch was down has its own event`() {
        test.put("a")
        test.put("b")
        let informer = test.makeInformer()
        _ = test.note(informer, in: journal)
        test.start(informer)
        test.server.stop()
        test.delete("a")
        test.server.compact()
        test.server.start()
        test.world.run(for: .seconds(30))
        #expect(journal.entries == ["*a=1", "*b=1", "?a=1"])
        #expect(test.agrees(informer))
    }

    // Bug 26 (k/k#85221): the fake refuses a version together with a token, as the real server does.
    @Test func `bug 26: later pages carry the token and no version`() {
        for index in 0..<5 { test.put("m\(index)") }
        let informer = test.makeInformer(pageSize: 2)
        test.start(informer)
        #expect(informer.store.count == 5)
        #expect(test.lists.map { $0.query["limit"] } == ["2", "2", "2"])
        #expect(test.lists.dropFirst().allSatisfy { $0.query["continue"] != nil && $0.query["resourceVersion"] == nil })
    }

    @Test func `an expired page leads to one list in one piece`() {
        for index in 0..<5 { test.put("m\(index)") }
        test.server.before { [server = test.server] request in
            if request.query["continue"] != nil { server.compact() }
            return nil
        }
        let informer = test.makeInformer(pageSize: 2)
        test.start(informer)
        #expect(test.agrees(informer))
        #expect(test.lists.count == 3)
        #expect(["", "0"].contains(test.lists.last?.query["limit"] ?? ""))
    }

    // Bug 27 (fabric8#4388 and others): every status and a garbage body, at each place.
    @Test(arguments: [400, 401, 403, 404, 409, 410, 429, 500, 502, 503, 504], ["list", "watch"])
    func `bug 27: any error answer is survived`(status: Int, place: String) {
        test.put("a")
        let informer = test.makeInformer()
        test.server.inject(.status(status, "Test"), times: 3) { $0.verb.rawValue == place }
        test.start(informer)
        test.world.run(for: .seconds(60))
        test.put("b")
        test.world.run(for: .seconds(60))
        #expect(test.agrees(informer))
    }

    @Test(arguments: ["", "<html>", "{\"kind\":", "[]", "\u{0}", "{\"kind\":\"Table\",\"rows\":[]}"])
    func `bug 27: any garbage instead of a list is survived, and never taken for an empty one`(body: String) {
        test.put("a")
        let informer = test.makeInformer()
        _ = test.note(informer, in: journal)
        test.start(informer)
        test.server.inject(.answer(FakeReply(status: 200, body: Array(body.utf8))), times: 2) { $0.verb == .list }
        test.server.compact()
        test.server.sendError(410, "Expired")
        test.world.run(for: .seconds(60))
        #expect(test.agrees(informer))
        #expect(journal.entries == ["*a=1"])
    }

    @Test(arguments: [
        "garbage}", "{\"type\":\"ADDED\"}", "{\"type\":\"MODIFIED\",\"object\":{}}", "[1,2]", "{\"type\":7}",
        "{\"type\":\"ADDED\",\"object\":\"text\"}",
    ])
    func `bug 27: garbage in the stream costs a new watch at the last version and no object`(bytes: String) {
        let informer = test.makeInformer()
        _ = test.note(informer, in: journal)
        test.start(informer)
        test.put("a")
        test.world.settle()
        test.server.sendRaw(Array(bytes.utf8))
        test.put("b")
        test.world.run(for: .seconds(60))
        #expect(test.agrees(informer))
        #expect(test.lists.count == 1)
        #expect(journal.entries == ["+a=1", "+b=1"])
    }

    @Test func `an event of a type from the future is skipped and the stream goes on`() {
        let informer = test.makeInformer()
        test.start(informer)
        test.server.sendRaw(Array(#"{"type":"SPLIT","object":{"metadata":{"name":"q"}}}"#.utf8))
        test.put("a")
        test.world.settle()
        #expect(test.agrees(informer))
        #expect(test.watches.count == 1)
    }

    @Test(arguments: [410, 429, 500, 503, 403])
    func `any ERROR event is survived`(code: Int) {
        let informer = test.makeInformer()
        test.start(informer)
        test.put("a")
        test.server.sendError(code, "Test")
        test.put("b")
        test.world.run(for: .seconds(60))
        #expect(test.agrees(informer))
        #expect(test.lists.count == ([429, 500, 503].contains(code) ? 1 : 2))
    }

    // Bug 28 (javascript#1933).
    @Test func `bug 28: a server that ends each watch at once sees requests at the rate of the backoff`() {
        test.server.before { [server = test.server] request in
            if request.isWatch { server.closeWatches() }
            return request.isWatch ? FakeReply(status: 200, body: []) : nil
        }
        test.start(test.makeInformer())
        test.world.run(for: .seconds(600))
        #expect(test.server.log.count < 40)
        #expect(test.server.log.count > 10)
    }

    // Bug 29 (kubeclient#599).
    @Test func `bug 29: a write between list and watch is seen`() {
        test.put("a")
        let informer = test.makeInformer()
        test.server.before { [server = test.server] request in
            if request.isWatch { server.edit(.configMaps, InformerWorld.key("a")) { $0.set("2", at: ["data", "x"]) } }
            return nil
        }
        _ = test.note(informer, in: journal)
        test.start(informer)
        #expect(journal.entries == ["*a=1", "a=1>2"])
    }

    @Test func `an expired watch relists no older than what was seen`() {
        test.put("a")
        let informer = test.makeInformer()
        test.start(informer)
        let seen = test.server.resourceVersion
        test.server.freezeWatches()
        for index in 0..<3 { test.put("b\(index)") }
        test.server.compact()
        test.server.breakWatches()
        test.server.thawWatches()
        test.world.run(for: .seconds(20))
        #expect(test.lists.last?.query["resourceVersion"] == seen)
        #expect(test.agrees(informer))
    }

    @Test func `any cut of the stream into chunks gives the same events`() {
        test.server.limitChunks(to: 3)
        test.put("a")
        let informer = test.makeInformer()
        _ = test.note(informer, in: journal)
        test.start(informer)
        test.put("a", "2")
        test.delete("a")
        test.world.settle()
        #expect(journal.entries == ["*a=1", "a=1>2", "-a=2"])
    }

    // Bug 4 again, with everything at once: whatever goes wrong, handlers, store and server agree in the end.
    @Test(arguments: 0..<60)
    func `any schedule of writes and faults ends in agreement`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let informer = test.makeInformer(seed: seed, pageSize: 3)
        let told = ToldState()
        informer.addHandler { told.note($0) }
        test.server.limitChunks(to: Int.random(in: 1..<200, using: &random))
        test.start(informer)
        for _ in 0..<120 {
            let name = "k\(Int.random(in: 0..<8, using: &random))"
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<8: test.put(name, String(Int.random(in: 0..<1000, using: &random)))
            case 8..<11: test.delete(name)
            case 11: test.server.breakWatches()
            case 12: test.server.closeWatches()
            case 13: test.server.compact()
            case 14: test.server.freezeWatches()
            case 15: test.server.thawWatches()
            case 16: test.server.sendBookmarks()
            case 17:
                test.server.inject(
                    [.refuse, .loseReply, .status(500, "X"), .status(410, "Gone")].randomElement(using: &random)
                        ?? .refuse
                )
            case 18: test.server.sendRaw(Array("}garbage".utf8))
            default: test.world.run(for: .seconds(Int.random(in: 0..<40, using: &random)))
            }
            if Bool.random(using: &random) { test.world.settle() }
        }
        test.server.thawWatches()
        test.server.clearFaults()
        test.world.run(for: .seconds(700))
        #expect(test.agrees(informer), "seed \(seed)")
        let there = test.server.objects(.configMaps).map { ($0.key, $0.resourceVersion) }
        #expect(told.versions == Dictionary(uniqueKeysWithValues: there), "seed \(seed)")
    }
}
