import HTTPTransport
import JSON
import KubernetesCore
import TestSupport
import Testing

@testable import KubernetesClient

@Suite(.timeLimit(.minutes(1)))
struct ListTests {
    private static func page(
        _ names: [String],
        next: String? = nil,
        version: String = "9",
        kind: String = "ConfigMapList"
    ) -> ScriptedAnswer {
        var list: JSONValue = [
            "apiVersion": "v1", "kind": .string(kind),
            "metadata": ["resourceVersion": .string(version)],
            "items": .array(names.map { ["metadata": ["name": .string($0), "managedFields": [["manager": "x"]]]] }),
        ]
        if let next { list.set(.string(next), at: ["metadata", "continue"]) }
        return .json(list)
    }

    @Test("All pages are read, without the version after the first one")
    func readsPages() async throws {
        let test = TestClient([Self.page(["a", "b"], next: "t1", version: "8"), Self.page(["c"], next: "")])
        let list = try await test.client.list(
            .configMaps,
            namespace: "ns",
            options: ListOptions(labelSelector: "x=y", resourceVersion: "0")
        )
        #expect(list.items.map(\.name) == ["a", "b", "c"])
        #expect(list.metadata.resourceVersion == "9")
        #expect(
            test.sent == [
                "GET /api/v1/namespaces/ns/configmaps?labelSelector=x%3Dy&limit=500&resourceVersion=0",
                "GET /api/v1/namespaces/ns/configmaps?labelSelector=x%3Dy&limit=500&continue=t1",
            ]
        )
    }

    @Test("Items get the type fields that lists leave out, and no managed fields")
    func completesItems() async throws {
        let test = TestClient([Self.page(["a"])])
        let item = try #require(try await test.client.list(.configMaps).items.first)
        #expect(item.apiVersion == "v1")
        #expect(item.kind == "ConfigMap")
        #expect(item["metadata", "managedFields"] == nil)
    }

    @Test(
        "The page size is 500 unless a version is asked for that only the watch cache has",
        arguments: [
            (nil, nil, "limit=500"), ("", nil, "limit=500&resourceVersion="), ("0", nil, "limit=500&resourceVersion=0"),
            ("77", nil, "resourceVersion=77"), ("77", 50, "limit=50&resourceVersion=77"), (nil, 0, nil),
        ] as [(String?, Int?, String?)]
    )
    func choosesPageSizes(version: String?, limit: Int?, query: String?) async throws {
        let test = TestClient([Self.page([])])
        let options = ListOptions(limit: limit, resourceVersion: version)
        let summary = try await test.client.forEachListItem(.configMaps, options: options) { _ in }
        #expect(summary.pages == 1)
        #expect(test.sent == ["GET /api/v1/configmaps" + (query.map { "?\($0)" } ?? "")])
    }

    @Test("A page that has expired starts one whole list at the version first asked for")
    func startsAnew() async throws {
        let test = TestClient([
            Self.page(["a"], next: "t1"), .status(410, reason: "Expired"), Self.page(["b", "c"]),
        ])
        let list = try await test.client.list(.configMaps, options: ListOptions(resourceVersion: "0"))
        #expect(list.items.map(\.name) == ["b", "c"])
        #expect(test.sent.last == "GET /api/v1/configmaps?resourceVersion=0")
    }

    @Test("A first page that has expired, or a second expiry, goes to the caller")
    func reportsExpiry() async throws {
        for answers in [
            [ScriptedAnswer.status(410)],
            [Self.page(["a"], next: "t"), .status(410), .status(410)],
        ] {
            let test = TestClient(answers)
            do {
                _ = try await test.client.list(.configMaps)
                Issue.record("no error")
            } catch let error as ClientError {
                #expect(error.apiError?.isGone == true)
                #expect(error.disposition == .gone)
            }
        }
    }

    @Test("Items are given one by one while the body arrives", arguments: [1, 7, 100_000])
    func streamsItems(chunkSize: Int) async throws {
        let feed = StreamFeed()
        let test = TestClient([.stream(feed)])
        guard case .bytes(let bytes) = Self.page(["a", "b"]).content else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            feed.send(Array(rest.prefix(chunkSize)))
            rest = rest.dropFirst(chunkSize)
        }
        feed.finish()
        var names: [String] = []
        let summary = try await test.client.forEachListItem(.configMaps) { bytes in
            let item = try JSONValue(parsing: bytes, projection: .kubernetes)
            names.append(item.value(at: ["metadata", "name"])?.stringValue ?? "")
        }
        #expect(names == ["a", "b"])
        #expect(summary == ListSummary(metadata: ListMeta(resourceVersion: "9"), pages: 1, itemCount: 2))
    }

    @Test("The reader gets items before the list has ended, and its error ends the transfer")
    func handsOverEarly() async throws {
        let feed = StreamFeed()
        let test = TestClient([.stream(feed)])
        feed.send(#"{"kind":"ConfigMapList","items":[{"metadata":{"name":"a"}},"#)
        await #expect(throws: Refusal.self) {
            try await test.client.forEachListItem(.configMaps) { _ in throw Refusal() }
        }
        #expect(feed.isCancelled)
    }

    @Test(
        "What is no list is an error, not an empty collection",
        arguments: [
            #"{"kind":"Table","rows":[]}"#, #"{"kind":"Status","status":"Success"}"#, "{}", "[]", "", "<html>",
            #"{"kind":"ConfigMapList","items":[{"a":1}"#, #"{"kind":"ConfigMapList","items":[]} {"#,
        ]
    )
    func refusesOtherBodies(text: String) async throws {
        let test = TestClient([.bytes(Array(text.utf8))])
        do {
            _ = try await test.client.list(.configMaps, namespace: "ns")
            Issue.record("no error")
        } catch ClientError.decoding(_, let request) {
            #expect("\(request)" == "list configmaps")
        }
    }

    @Test("A list that breaks off is a transport error")
    func reportsBrokenLists() async throws {
        let feed = StreamFeed()
        let test = TestClient([.stream(feed)])
        feed.send(#"{"kind":"ConfigMapList","items":["#)
        feed.finish(throwing: HTTPTransportError(layer: .http, message: "reset"))
        do {
            _ = try await test.client.list(.configMaps)
            Issue.record("no error")
        } catch ClientError.transport(let error, let request) {
            #expect(error.layer == .http)
            #expect(request.verb == .list)
        }
    }

    @Test("Only the metadata is asked for where that is enough")
    func asksForMetadata() async throws {
        let test = TestClient([Self.page(["a"], kind: "PartialObjectMetadataList")])
        _ = try await test.client.forEachListItem(.configMaps, accept: MediaType.metadataOnlyList) { _ in }
        #expect(test.transport.requests.first?.header("Accept") == MediaType.metadataOnlyList)
    }

    @Test("A version that the server does not have yet goes to the caller at once")
    func doesNotWaitForVersions() async throws {
        let answer = try recorded("41-list-future-rv")
        let test = TestClient([.json(answer.body, status: answer.status, headers: ["Retry-After": "1"])])
        do {
            _ = try await test.client.list(.configMaps, options: ListOptions(resourceVersion: "999999999"))
            Issue.record("no error")
        } catch let error as ClientError {
            #expect(error.apiError?.isTooLargeResourceVersion == true)
            #expect(error.disposition == .gone)
        }
        #expect(test.time.slept == [])
    }

    @Test("Typed lists decode each item and name the request when one is malformed")
    func decodesItems() async throws {
        let test = TestClient([
            .json(["kind": "ConfigMapList", "items": [["metadata": ["name": "a"], "data": ["k": "v"]]]]),
            .json(["kind": "ConfigMapList", "items": [["metadata": ["name": 1]]]]),
        ])
        let list = try await test.client.list(ConfigMap.self, namespace: "ns")
        #expect(list.items.first?.data == ["k": "v"])
        do {
            _ = try await test.client.list(ConfigMap.self)
            Issue.record("no error")
        } catch ClientError.decoding(_, let request) {
            #expect("\(request)" == "list configmaps")
        }
    }
}

struct ConfigMap: KubernetesObject, Hashable {
    static let resource = APIResource.configMaps
    var metadata = ObjectMeta()
    var data: [String: String]?
}
