import HTTPTransport
import JSON
import KubernetesCore
import TestSupport
import Testing
import Timekeeping

@testable import KubernetesClient

@Suite(.timeLimit(.minutes(1)))
struct WatchTests {
    private static func read(_ text: String, chunkSize: Int = .max) async throws -> [String] {
        let feed = StreamFeed()
        let test = TestClient([.stream(feed)])
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            feed.send(Array(rest.prefix(chunkSize)))
            rest = rest.dropFirst(chunkSize)
        }
        feed.finish()
        var seen: [String] = []
        for try await event in try await test.client.watch(.configMaps) { seen.append(describe(event)) }
        return seen + test.log.all.filter { $0.contains("skipped") }.map { _ in "skipped" }
    }

    private static func describe(_ event: WatchEvent<Unstructured>) -> String {
        switch event {
        case .added(let object): "added \(object.name) \(object.kind)"
        case .modified(let object): "modified \(object.name) \(object.kind)"
        case .deleted(let object): "deleted \(object.name) \(object.kind)"
        case .bookmark(let version, let ends): "bookmark \(version) \(ends)"
        case .error(let status): "error \(status.code ?? 0)"
        }
    }

    @Test("The events of a real server arrive in order, however they are cut", arguments: [1, 13, 100_000])
    func readsRecordedEvents(chunkSize: Int) async throws {
        let events = try #require(recorded("82-watch").body.arrayValue)
        // A server writes the two fields in this order; ours would come sorted.
        let text = events.map { event in
            #"{"type":"\#(event["type"]?.stringValue ?? "")","object":\#((event["object"] ?? .null).text)}"# + "\n"
        }.joined()
        #expect(
            try await Self.read(text, chunkSize: chunkSize) == [
                "modified a ConfigMap", "added w ConfigMap", "deleted w ConfigMap", "bookmark 130754 false",
            ]
        )
    }

    @Test("Fields in another order, blanks and missing newlines make no difference")
    func toleratesSpelling() async throws {
        let object = #"{"metadata":{"name":"a","resourceVersion":"1"}}"#
        let text = """
            {"object":\(object),"type":"ADDED"}{ "type" : "MODIFIED", "object" : \(object) }
            {"type":"DELETED","object":\(object),"more":1}{"type":"ADDED","object":\(object) }
            """
        #expect(
            try await Self.read(text.replacing(",\"more\":1", with: "")) == [
                "added a ConfigMap", "modified a ConfigMap", "deleted a ConfigMap", "added a ConfigMap",
            ]
        )
    }

    @Test("An error event is an event: the server's own words")
    func readsErrors() async throws {
        let events = try #require(recorded("85-watch-expired").body.arrayValue)
        #expect(try await Self.read(events.map(\.text).joined()) == ["error 410"])
    }

    @Test("The end of the initial events shows in the bookmark")
    func readsInitialEventsEnd() async throws {
        let text = """
            {"type":"BOOKMARK","object":{"kind":"ConfigMap","metadata":{"resourceVersion":"5",\
            "annotations":{"k8s.io/initial-events-end":"true"}}}}
            """
        #expect(try await Self.read(text) == ["bookmark 5 true"])
    }

    @Test("An event of unknown type is logged and skipped")
    func skipsUnknownTypes() async throws {
        let text = #"{"type":"RENAMED","object":{}}{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"5"}}}"#
        #expect(try await Self.read(text) == ["bookmark 5 false", "skipped"])
    }

    @Test(
        "An event that cannot be read ends the stream with an error that names the watch",
        arguments: [
            "<html>", #"{"type":"ADDED"}"#, #"{"object":{}}"#, #"{"type":"ADDED","object":{"a":}}"#, "[1]",
            #"{"type":"BOOKMARK","object":{}}"#, #"{"type":"ADDED","object":{"a":1"#,
            #"{"type":"ADDED","object":{"a":1},"b":{}}x"#,
        ]
    )
    func reportsUnreadableEvents(text: String) async throws {
        do {
            _ = try await Self.read(text)
            Issue.record("no error")
        } catch ClientError.decoding(_, let request) {
            #expect("\(request)" == "watch configmaps")
        }
    }

    @Test("What the decoder throws ends the stream with its cause")
    func reportsDecoderErrors() async throws {
        let feed = StreamFeed()
        let test = TestClient([.stream(feed)])
        feed.send(event: "ADDED", .configMap("a"))
        let events = try await test.client.watch(.configMaps) { _ -> Int in throw Refusal() }
        do {
            for try await _ in events {}
            Issue.record("no error")
        } catch ClientError.decoding(let cause, _) {
            #expect(cause is Refusal)
        }
    }

    @Test("A connection that breaks is a transport error after the events before it")
    func reportsBrokenStreams() async throws {
        let feed = StreamFeed()
        let test = TestClient([.stream(feed)])
        feed.send(event: "ADDED", .configMap("a"))
        feed.finish(throwing: HTTPTransportError(layer: .http, message: "reset"))
        var count = 0
        do {
            for try await _ in try await test.client.watch(.configMaps) { count += 1 }
            Issue.record("no error")
        } catch ClientError.transport(let error, _) {
            #expect(error.layer == .http)
        }
        #expect(count == 1)
    }

    @Test("A watch has a connection of its own and asks for bookmarks")
    func usesItsOwnConnection() async throws {
        let test = TestClient([.stream(StreamFeed())])
        _ = try await test.client.watch(
            ConfigMap.self,
            namespace: "ns",
            options: WatchOptions(resourceVersion: "7", timeoutSeconds: 400)
        )
        #expect(
            test.sent == [
                "GET /api/v1/namespaces/ns/configmaps?watch=1&resourceVersion=7&timeoutSeconds=400"
                    + "&allowWatchBookmarks=true"
            ]
        )
        #expect(test.transport.requests.first?.reuse == .dedicated)
        #expect(test.transport.requests.first?.acceptsCompression == false)
    }

    @Test("A refusal to start is the server's error")
    func reportsRefusals() async throws {
        let test = TestClient([.status(403, reason: "Forbidden", message: "no")])
        do {
            _ = try await test.client.watch(.configMaps)
            Issue.record("no error")
        } catch let error as ClientError {
            #expect("\(error)" == "watch configmaps: 403 Forbidden: no")
        }
    }

    @Test("Dropping the sequence closes the connection")
    func closesWhenDropped() async throws {
        let feed = StreamFeed()
        let test = TestClient([.stream(feed)])
        feed.send(event: "ADDED", .configMap("a"))
        for try await _ in try await test.client.watch(.configMaps) { break }
        #expect(feed.isCancelled)
    }

    @Test("Cancelling the reading task ends the stream with CancellationError and closes it")
    func cancels() async throws {
        let feed = StreamFeed()
        let test = TestClient([.stream(feed)])
        let client = test.client
        let started = Promise<Void>()
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var events = try await client.watch(.configMaps).makeAsyncIterator()
                _ = try await events.next()
                started.fulfil()
                _ = try await events.next()
            }
            feed.send(event: "ADDED", .configMap("a"))
            try? await started.value()
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
        try await feed.waitUntilCancelled()
    }

    @Test("Typed watches decode their objects")
    func decodesObjects() async throws {
        let feed = StreamFeed()
        let test = TestClient([.stream(feed)])
        feed.send(event: "ADDED", ["metadata": ["name": "a", "managedFields": [[:]]], "data": ["k": "v"]])
        feed.finish()
        var objects: [ConfigMap] = []
        for try await case .added(let object) in try await test.client.watch(ConfigMap.self) { objects.append(object) }
        #expect(objects.map(\.data) == [["k": "v"]])
    }
}
