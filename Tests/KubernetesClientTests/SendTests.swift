import HTTPTransport
import JSON
import KubernetesCore
import Telemetry
import TestSupport
import Testing

@testable import KubernetesClient

@Suite(.timeLimit(.minutes(1)))
struct SendTests {
    private static let key = ObjectKey(namespace: "ns", name: "a")

    @Test("A request carries user agent, media types, time limit and body")
    func sendsHeaders() async throws {
        let test = TestClient([.json([:])])
        _ = try await test.client.send(.patch(.pods, Self.key, body: ["a": 1], type: .merge))
        let request = try #require(test.transport.requests.first)
        #expect(request.url == "https://api.test:6443/api/v1/namespaces/ns/pods/a?timeout=60s")
        #expect(request.header("user-agent") == "tests")
        #expect(request.header("accept") == "application/json")
        #expect(request.header("content-type") == "application/merge-patch+json")
        #expect(request.header("authorization") == nil)
        #expect(request.json == ["a": 1])
        #expect(request.timeouts.total == .seconds(60))
    }

    @Test(
        "The server's base path stays, doubled slashes do not",
        arguments: ["https://api.test:6443/k8s/c1", "https://api.test:6443/k8s/c1/"]
    )
    func keepsTheBasePath(server: String) async throws {
        let test = TestClient([.json([:])], configuration: ClientConfiguration(server: server))
        _ = try await test.client.send(.raw("/readyz"))
        #expect(test.sent == ["GET /k8s/c1/readyz?timeout=60s"])
    }

    @Test("A watch has the server's time and a margin, a streamed list only a limit on silence")
    func limitsStreams() async throws {
        let test = TestClient(ScriptedTransport { _ in .json(["kind": "PodList"]) })
        _ = try await test.client.watch(.pods, options: WatchOptions(timeoutSeconds: 300))
        _ = try await test.client.watch(.pods)
        _ = try await test.client.list(.pods)
        let timeouts = test.transport.requests.map(\.timeouts)
        #expect(timeouts.map(\.total) == [.seconds(330), nil, nil])
        #expect(timeouts.map(\.idle) == [nil, nil, .seconds(60)])
        #expect(test.sent[2] == "GET /api/v1/pods?limit=500")
    }

    @Test("An error names verb, resource, object, status and reason")
    func describesErrors() async throws {
        let test = TestClient([.status(404, reason: "NotFound", message: "pods \"a\" not found")])
        do {
            _ = try await test.client.get(.pods, Self.key)
            Issue.record("no error")
        } catch let error as ClientError {
            #expect("\(error)" == "get pods ns/a: 404 NotFound: pods \"a\" not found")
            #expect(error.disposition == .gone)
        }
    }

    @Test("An answer from a proxy that is no JSON is an error with its text")
    func toleratesProxies() async throws {
        let test = TestClient([.bytes(Array("<html>Bad gateway</html>".utf8), status: 502)])
        do {
            _ = try await test.client.get(.pods, Self.key)
            Issue.record("no error")
        } catch let error as ClientError {
            #expect(error.apiError?.status == 502)
            #expect("\(error)".contains("Bad gateway"))
            #expect(error.disposition == .retry)
        }
    }

    @Test("A success that is no JSON is a decoding error that names the request")
    func reportsUnreadableAnswers() async throws {
        let test = TestClient([.bytes(Array("<html>".utf8)), .json([1])])
        for _ in 1...2 {
            do {
                _ = try await test.client.get(.pods, Self.key)
                Issue.record("no error")
            } catch ClientError.decoding(_, let request) {
                #expect("\(request)" == "get pods ns/a")
            }
        }
    }

    @Test("What is wrong with a Secret does not show its content")
    func hidesSecrets() async throws {
        let test = TestClient([.json(["data": ["password": 17]])])
        do {
            _ = try await test.client.get(SecretWithText.self, Self.key)
            Issue.record("no error")
        } catch let error as ClientError {
            #expect("\(error)" == "get secrets ns/a: unreadable answer")
        }
    }

    @Test(
        "A request without the name or namespace that its URL needs is not sent",
        arguments: [
            .get(.pods, ObjectKey(name: "a")),
            .delete(.pods, ObjectKey(namespace: "ns", name: "")),
            .delete(.nodes, ObjectKey(name: "")),
            .create(.pods, namespace: nil, body: [:]),
            .raw("readyz"),
        ] as [APIRequest]
    )
    func refusesIncompleteRequests(request: APIRequest) async throws {
        let test = TestClient([.json([:])])
        do {
            _ = try await test.client.send(request)
            Issue.record("sent")
        } catch ClientError.invalidRequest {
            #expect(test.transport.requests.isEmpty)
        }
    }

    @Test("Warnings are returned each time and logged once")
    func surfacesWarnings() async throws {
        let headers = ["Warning": #"299 - "v1beta1 is \"old\"", 299 - "really", 199 - "no""#]
        let test = TestClient([.json([:], headers: headers), .json([:], headers: headers)])
        for _ in 1...2 {
            let response = try await test.client.send(.get(.pods, Self.key))
            #expect(response.warnings == [#"v1beta1 is "old""#, "really"])
        }
        #expect(test.log.all.filter { $0.contains("really") }.count == 1)
        #expect(test.log.all.count == 2)
    }

    @Test("Warning headers that are malformed are left out", arguments: ["", "299", "299 -", #"299 - "open"#, "x y z"])
    func toleratesMalformedWarnings(value: String) {
        #expect(WarningLog.texts(in: [HTTPHeader(name: "warning", value: value)]) == [])
    }

    @Test("Impersonation goes along with every request and can be ended")
    func impersonates() async throws {
        let test = TestClient(ScriptedTransport { _ in .json([:]) })
        let identity = Impersonation(user: "jane", groups: ["dev"])
        _ = try await test.client.impersonating(identity).send(.get(.pods, Self.key))
        _ = try await test.client.impersonating(identity).impersonating(nil).send(.get(.pods, Self.key))
        #expect(test.transport.requests.map { $0.header("Impersonate-User") } == ["jane", nil])
        #expect(test.transport.requests[0].header("Impersonate-Group") == "dev")
    }

    @Test(
        "Compression is asked for only from servers that are far away",
        arguments: [
            ("https://api.test:6443", false, true), ("https://api.test:6443", true, false),
            ("https://127.0.0.1:6443", false, false), ("https://[::1]:6443", false, false),
            ("https://localhost", false, false),
        ]
    )
    func compresses(server: String, isDisabled: Bool, expected: Bool) async throws {
        var configuration = ClientConfiguration(server: server)
        configuration.disableCompression = isDisabled
        let test = TestClient([.json([:])], configuration: configuration)
        _ = try await test.client.send(.raw("/readyz"))
        #expect(test.transport.requests.first?.acceptsCompression == expected)
    }

    @Test("Metrics count tries by code, method and host, never by path")
    func countsRequests() async throws {
        let test = TestClient([
            .status(429, headers: ["Retry-After": "1"]), .json([:]),
            .failure(HTTPTransportError(layer: .dns, message: "no such host")),
        ])
        _ = try await test.client.send(.get(.pods, Self.key))
        await #expect(throws: ClientError.self) { try await test.client.send(.get(.pods, Self.key)) }
        let text = test.registry.exposition()
        for line in [
            #"rest_client_requests_total{code="200",method="GET",host="api.test:6443"} 1"#,
            #"rest_client_requests_total{code="429",method="GET",host="api.test:6443"} 1"#,
            #"rest_client_requests_total{code="<error>",method="GET",host="api.test:6443"} 1"#,
            #"rest_client_request_retries_total{code="429",verb="GET",host="api.test:6443"} 1"#,
            #"rest_client_request_duration_seconds_count{verb="GET",host="api.test:6443"} 3"#,
        ] {
            #expect(text.contains(line))
        }
        #expect(test.registry.misuses == [])
        #expect(!text.contains("namespaces"))
    }

    @Test("The user agent is the one given, else the configuration's, else the program's name")
    func choosesUserAgents() async throws {
        var configuration = ClientConfiguration(server: "https://api.test:6443")
        let own = TestClient(ScriptedTransport { _ in .json([:]) }, configuration: configuration, userAgent: nil)
        configuration.userAgent = "configured"
        let configured = TestClient(ScriptedTransport { _ in .json([:]) }, configuration: configuration, userAgent: nil)
        for test in [own, configured] { _ = try await test.client.send(.raw("/readyz")) }
        #expect(own.transport.requests[0].header("User-Agent")?.hasSuffix(") kubernetes/unknown") == true)
        #expect(configured.transport.requests[0].header("User-Agent") == "configured")
        #expect(UserAgent.text(name: "a b\r\n", version: "").hasPrefix("ab/unknown (linux/"))
    }
}

private struct SecretWithText: KubernetesObject {
    static let resource = APIResource.secrets
    var metadata = ObjectMeta()
    var data: [String: String]?
}
