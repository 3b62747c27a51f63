import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import TestSupport
import Testing
import Timekeeping

/// The fake is trusted by many tests, so it is tested like anything else.
@Suite(.timeLimit(.minutes(1)))
struct FakeAPIServerTests {
    let time = ManualTimeSource()
    let server: FakeAPIServer
    let client: KubernetesClient
    let key = ObjectKey(namespace: "default", name: "a")

    init() {
        server = FakeAPIServer(timeSource: time)
        client = server.client(identity: "tester")
    }

    private func configMap(_ name: String = "a", _ data: JSONValue = ["x": "1"]) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "namespace": "default"],
            "data": data,
        ]
    }

    private func code(_ operation: () async throws -> Void) async throws -> Int {
        do {
            try await operation()
            return 200
        } catch ClientError.api(let error) {
            return error.status
        }
    }

    @Test func `create gives uid, version, generation and time, and refuses a second one`() async throws {
        let made = try await client.create(.configMaps, Unstructured(configMap()))
        #expect(!made.uid.isEmpty)
        #expect(made.resourceVersion == server.resourceVersion)
        #expect(made.generation == 1)
        #expect(made.creationTimestamp == time.wallTime())
        let second = try await code {
            _ = try await client.create(.configMaps, Unstructured(configMap()))
        }
        #expect(second == 409)
        #expect(server.requests { $0.verb == .create }.map(\.identity) == ["tester", "tester"])
    }

    @Test func `an update with an old version conflicts, and one without changes makes no version`() async throws {
        var object = server.put(configMap(), .configMaps)
        let before = server.resourceVersion
        _ = try await client.update(.configMaps, object)
        #expect(server.resourceVersion == before)
        server.edit(.configMaps, key) { $0.set("2", at: ["data", "x"]) }
        object.content.set("3", at: ["data", "x"])
        let status = try await code { _ = try await client.update(.configMaps, object) }
        #expect(status == 409)
        #expect(server.object(.configMaps, key)?["data", "x"] == "2")
    }

    @Test func `status is written only through its subresource, and spec only without it`() async throws {
        var object = Unstructured([
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a", "namespace": "default"], "spec": ["n": 1],
        ])
        object.content["status"] = ["phase": "Running"]
        _ = try await client.create(.pods, object)
        #expect(server.object(.pods, key)?["status"] == nil)
        let patch: JSONValue = ["spec": ["n": 2], "status": ["phase": "Failed"]]
        _ = try await client.patch(.pods, key, patch, type: .merge, subresource: "status")
        #expect(server.object(.pods, key)?["status", "phase"] == "Failed")
        #expect(server.object(.pods, key)?["spec", "n"] == 1)
        #expect(server.object(.pods, key)?.generation == 1)
        _ = try await client.patch(.pods, key, ["spec": ["n": 3], "status": .null], type: .merge)
        #expect(server.object(.pods, key)?["status", "phase"] == "Failed")
        #expect(server.object(.pods, key)?.generation == 2)
    }

    @Test func `a patch with a version is conditional, and a JSON patch with a failing test changes nothing`()
        async throws
    {
        server.put(configMap(), .configMaps)
        let old: JSONValue = ["metadata": ["resourceVersion": "5"], "data": ["x": "9"]]
        let merged = try await code { _ = try await client.patch(.configMaps, key, old, type: .merge) }
        #expect(merged == 409)
        let operations = JSONPatch([.test(["data", "x"], "no"), .replace(["data", "x"], "9")])
        let tested = try await code {
            _ = try await client.patch(.configMaps, key, operations.jsonValue, type: .json)
        }
        #expect(tested == 422)
        #expect(server.object(.configMaps, key)?["data", "x"] == "1")
    }

    @Test func `apply creates, merges and notes its manager`() async throws {
        let apply = PatchType.apply(fieldManager: "me", force: true)
        _ = try await client.patch(.configMaps, key, configMap(), type: apply)
        _ = try await client.patch(.configMaps, key, configMap("a", ["y": "2"]), type: apply)
        let object = try #require(server.object(.configMaps, key))
        #expect(object["data"] == ["x": "1", "y": "2"])
        let managers = object["metadata", "managedFields"]?.arrayValue?.compactMap { $0["manager"]?.stringValue }
        #expect(managers == ["me"])
    }

    @Test func `delete honours preconditions and finalizers`() async throws {
        var object = configMap()
        object.set(["keep"], at: ["metadata", "finalizers"])
        server.put(object, .configMaps)
        let wrong = DeleteOptions(preconditionUID: "other")
        #expect(try await code { try await client.delete(.configMaps, key, options: wrong) } == 409)
        try await client.delete(.configMaps, key)
        #expect(server.object(.configMaps, key)?.isBeingDeleted == true)
        _ = try await client.patch(.configMaps, key, ["metadata": ["finalizers": .null]], type: .merge)
        #expect(server.object(.configMaps, key) == nil)
        #expect(try await code { _ = try await client.get(.configMaps, key) } == 404)
    }

    @Test func `lists are paged from one snapshot, filtered, and expire`() async throws {
        for index in 0..<5 { server.put(configMap("m\(index)"), .configMaps) }
        server.edit(.configMaps, ObjectKey(namespace: "default", name: "m3")) {
            $0.set("web", at: ["metadata", "labels", "app"])
        }
        let all = try await client.list(.configMaps, options: ListOptions(limit: 2))
        #expect(all.items.map(\.name) == ["m0", "m1", "m2", "m3", "m4"])
        #expect(server.requests { $0.verb == .list }.count == 3)
        let labelled = try await client.list(.configMaps, options: ListOptions(labelSelector: "app in (web,api)"))
        #expect(labelled.items.map(\.name) == ["m3"])
        let named = try await client.list(.configMaps, options: ListOptions(fieldSelector: "metadata.name=m1"))
        #expect(named.items.map(\.name) == ["m1"])
        let tooLarge = ListOptions(resourceVersion: "99999")
        #expect(try await code { _ = try await client.list(.configMaps, options: tooLarge) } == 504)
    }

    @Test func `a watch replays what happened since its version and goes on`() async throws {
        let first = server.put(configMap(), .configMaps)
        server.edit(.configMaps, key) { $0.set("2", at: ["data", "x"]) }
        server.remove(.configMaps, key)
        let watch = try await client.watch(
            .configMaps,
            namespace: "default",
            options: WatchOptions(resourceVersion: first.resourceVersion)
        )
        var events = watch.makeAsyncIterator()
        guard case .modified(let changed) = try await events.next() else { throw Unexpected() }
        #expect(changed["data", "x"] == "2")
        guard case .deleted(let gone) = try await events.next() else { throw Unexpected() }
        #expect(gone.resourceVersion == server.resourceVersion)
        server.put(configMap("b"), .configMaps)
        guard case .added(let new) = try await events.next() else { throw Unexpected() }
        #expect(new.name == "b")
        server.sendBookmarks()
        guard case .bookmark(let version, _) = try await events.next() else { throw Unexpected() }
        #expect(version == server.resourceVersion)
        server.closeWatches()
        #expect(try await events.next() == nil)
    }

    @Test func `a watch from before the compaction says so and ends`() async throws {
        server.put(configMap(), .configMaps)
        server.compact()
        let watch = try await client.watch(.configMaps, options: WatchOptions(resourceVersion: "1000"))
        var events = watch.makeAsyncIterator()
        guard case .error(let status) = try await events.next() else { throw Unexpected() }
        #expect(status.isExpired)
        #expect(try await events.next() == nil)
    }

    @Test func `an object that leaves the selector of a watch is deleted there`() async throws {
        let options = WatchOptions(labelSelector: "app=web", resourceVersion: server.resourceVersion)
        let watch = try await client.watch(.configMaps, options: options)
        server.put(configMap(), .configMaps)
        server.edit(.configMaps, key) { $0.set("web", at: ["metadata", "labels", "app"]) }
        server.edit(.configMaps, key) { $0.set("api", at: ["metadata", "labels", "app"]) }
        var events = watch.makeAsyncIterator()
        guard case .added = try await events.next() else { throw Unexpected() }
        guard case .deleted = try await events.next() else { throw Unexpected() }
    }

    @Test func `a frozen watch is silent and then catches up`() async throws {
        let watch = try await client.watch(.configMaps, options: WatchOptions(resourceVersion: server.resourceVersion))
        server.freezeWatches()
        server.put(configMap(), .configMaps)
        server.sendBookmarks()
        server.thawWatches()
        var events = watch.makeAsyncIterator()
        guard case .added = try await events.next() else { throw Unexpected() }
        guard case .bookmark = try await events.next() else { throw Unexpected() }
    }

    @Test func `a lost reply leaves the write done, a refused connection does not`() async throws {
        server.inject(.refuse) { $0.verb == .create }
        server.inject(.loseReply) { $0.verb == .create }
        for expected in [0, 1] {
            await #expect(throws: ClientError.self) {
                _ = try await client.create(.configMaps, Unstructured(configMap()))
            }
            #expect(server.objects(.configMaps).count == expected)
        }
        #expect(server.log.map(\.status) == [nil, 201])
        #expect(server.log.map(\.wasAnswered) == [false, false])
    }

    @Test func `stale reads lag behind until they thaw`() async throws {
        server.put(configMap(), .configMaps)
        server.freezeReads(includesConsistentReads: true)
        server.edit(.configMaps, key) { $0.set("2", at: ["data", "x"]) }
        #expect(try await client.get(.configMaps, key)["data", "x"] == "1")
        server.thawReads()
        #expect(try await client.get(.configMaps, key)["data", "x"] == "2")
    }

    @Test func `hooks see requests and may answer them`() async throws {
        server.before { request in request.verb == .get ? .failure(418, "Teapot") : nil }
        #expect(try await code { _ = try await client.get(.configMaps, key) } == 418)
        server.stop()
        await #expect(throws: ClientError.self) { _ = try await client.list(.configMaps) }
    }

    private struct Unexpected: Error {}
}
