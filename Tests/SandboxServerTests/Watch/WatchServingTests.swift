import HTTPServer
import JSON
import Testing

@testable import SandboxServer

/// Watches as a whole server answers them.
@Suite("Watch requests")
struct WatchServingTests {
    private let sandbox = TestSandbox()
    private static let configMaps = "/api/v1/namespaces/default/configmaps"

    private func watch(
        _ path: String,
        _ query: [(name: String, value: String)] = [],
        accept: String = "application/json"
    ) async throws -> HTTPServerStream {
        let response = await sandbox.server.handle(
            HTTPServerRequest(
                path: path,
                query: [("watch", "1")] + query,
                headers: [HTTPServerHeader(name: "Accept", value: accept)]
            )
        )
        #expect(response.status == 200)
        return try #require(response.stream)
    }

    private func change(_ name: String) async {
        #expect(await sandbox.post(Self.configMaps, Sample.configMap(name, ["k": "1"])).status == 201)
        #expect(await sandbox.delete("\(Self.configMaps)/\(name)").status == 200)
    }

    private var now: (name: String, value: String) { ("resourceVersion", "\(sandbox.server.store.revision)") }

    @Test("events carry whole objects, with the revision of the deletion at the end")
    func objects() async throws {
        let stream = try await watch(Self.configMaps, [now])
        await change("w")
        let events = try stream.events()
        #expect(events.map(\.type) == ["ADDED", "DELETED"])
        #expect(events.allSatisfy { $0.object["kind"] == "ConfigMap" && $0.object["apiVersion"] == "v1" })
        #expect(events[1].revision == (events[0].revision ?? 0) + 1)
        #expect(events[1].object["data"] == ["k": "1"])
    }

    @Test("tables describe their columns in the first event alone, as recorded")
    func tables() async throws {
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
        let stream = try await watch(Self.configMaps, [now], accept: accept)
        await change("w")
        let events = try stream.events()
        let recorded = try #require(SchemaFixtures.exchange("87-watch-table").response.arrayValue)
        #expect(events.map(\.type) == ["ADDED", "DELETED"])
        for (event, recording) in zip(events, recorded) {
            let object = try #require(recording["object"])
            #expect(event.object["kind"] == "Table")
            #expect(event.object.objectValue.map { Array($0.keys) } == object.objectValue.map { Array($0.keys) })
            let names = { (table: JSONValue) in table["columnDefinitions"]?.arrayValue?.map { $0["name"] } }
            #expect(names(event.object) == names(object))
        }
    }

    @Test("metadata-only watches carry metadata only")
    func metadataOnly() async throws {
        let accept = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
        let stream = try await watch(Self.configMaps, [now], accept: accept)
        await change("w")
        let event = try #require(try stream.events().first)
        #expect(event.object["kind"] == "PartialObjectMetadata" && event.object["data"] == nil && event.name == "w")
    }

    @Test("watches of custom resources end with their definition, and when it serves them otherwise")
    func definitions() async throws {
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        let path = "/apis/recovery.tmc.io/v1alpha1/recoverypolicies"
        _ = await sandbox.post(definitions, try SchemaFixtures.definition("recoverypolicies"))
        let definition = "\(definitions)/recoverypolicies.recovery.tmc.io"
        let first = try await watch(path)
        _ = await sandbox.merge(definition, ["metadata": ["labels": ["a": "b"]]])
        #expect(first.read() == .nothing)
        _ = await sandbox.merge(definition, ["spec": ["names": ["shortNames": ["rp", "policies"]]]])
        #expect(first.read() == .finished)
        let second = try await watch(path)
        let other = try await watch("/api/v1/namespaces", [now])
        let policy: JSONValue = [
            "apiVersion": "recovery.tmc.io/v1alpha1", "kind": "RecoveryPolicy", "metadata": ["name": "p"],
            "spec": ["detection": ["workloads": [:]]],
        ]
        let created = await sandbox.post("/apis/recovery.tmc.io/v1alpha1/namespaces/default/recoverypolicies", policy)
        #expect(created.status == 201, "\(created.text)")
        _ = await sandbox.delete(definition)
        #expect(try second.events().map(\.type) == ["ADDED", "DELETED"])
        #expect(second.read() == .finished)
        #expect(other.read() == .nothing && sandbox.server.watches.count == 1)
    }

    @Test("a pod that goes at once is seen with its mark first")
    func forcedPod() async throws {
        let pods = "/api/v1/namespaces/default/pods"
        let stream = try await watch(pods, [now])
        _ = await sandbox.post(
            pods,
            ["metadata": ["name": "p"], "spec": ["containers": [["name": "c", "image": "i"]]]]
        )
        let answer = await sandbox.delete("\(pods)/p")
        #expect(answer.body["metadata"]?["deletionGracePeriodSeconds"] == 0)
        let events = try stream.events()
        #expect(events.map(\.type) == ["ADDED", "MODIFIED", "DELETED"])
        #expect(events[1].object == answer.body)
    }

    @Test("initial events of both representations end with their bookmark", arguments: [false, true])
    func initialEvents(isTable: Bool) async throws {
        let accept = isTable ? "application/json;as=Table;v=v1;g=meta.k8s.io" : "application/json"
        let query = [
            ("sendInitialEvents", "true"), ("resourceVersionMatch", "NotOlderThan"), ("allowWatchBookmarks", "true"),
        ]
        let stream = try await watch("/api/v1/namespaces", query.map { (name: $0.0, value: $0.1) }, accept: accept)
        let events = try stream.events()
        #expect(Set(events.dropLast().map(\.type)) == ["ADDED"])
        #expect(events.last?.type == "BOOKMARK")
        if !isTable { #expect(events.last?.endsInitialEvents == true) }
    }

    @Test("one object is watched by its path's field selector")
    func fieldSelector() async throws {
        let stream = try await watch(Self.configMaps, [now, ("fieldSelector", "metadata.name=b")])
        await change("a")
        await change("b")
        #expect(try stream.events().map(\.name) == ["b", "b"])
    }

    @Test("events of both groups can be selected by their own fields")
    func eventFields() async {
        for path in [
            "/api/v1/events?fieldSelector=involvedObject.name%3Dx",
            "/apis/events.k8s.io/v1/events?fieldSelector=regarding.name%3Dx",
        ] {
            #expect(await sandbox.get(path).status == 200)
        }
        #expect(await sandbox.get("/apis/events.k8s.io/v1/events?fieldSelector=involvedObject.name%3Dx").status == 400)
    }

    @Test("faults of the admin endpoint reach requests and watches")
    func faults() async throws {
        let plan: JSONValue = [
            "rules": [
                ["verbs": ["get"], "resources": ["configmaps"], "status": 429, "count": 1],
                ["watch": "cut", "afterEvents": 1], ["resources": ["secrets"], "refuse": true],
            ]
        ]
        #expect(await sandbox.put(FaultPlan.path, plan).status == 200)
        let refused = await sandbox.get("\(Self.configMaps)/a")
        #expect(refused.status == 429 && refused.headers("Retry-After") == ["1"])
        #expect(await sandbox.get("\(Self.configMaps)/a").status == 404)
        let stream = try await watch(Self.configMaps, [now])
        await change("a")
        #expect(stream.isClosed)
        let secrets = await sandbox.server.handle(HTTPServerRequest(path: "/api/v1/secrets"))
        #expect(secrets.stream?.isClosed == true)
    }
}
