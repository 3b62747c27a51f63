import HTTPTransport
import JSON
import KubernetesCore
import Telemetry
import TestSupport
import Testing

@testable import KubernetesClient

@Suite(.timeLimit(.minutes(1)))
struct TLSMaterialTests {
    private static func pem(_ text: String) -> String { "-----BEGIN CERTIFICATE-----\n\(text)\n" }

    private static func make(_ files: FileTable, _ answers: ScriptedTransport? = nil) -> TestClient {
        var configuration = ClientConfiguration(
            server: "https://api.test:6443",
            certificateAuthority: .file("ca"),
            clientCertificate: ClientCertificate(certificate: .file("crt"), key: .file("key"))
        )
        configuration.tlsServerName = "other"
        configuration.proxyURL = "http://proxy"
        return TestClient(
            answers ?? ScriptedTransport { _ in .json([:]) },
            configuration: configuration,
            files: files
        )
    }

    private static func files() -> FileTable {
        FileTable(["ca": pem("ca1"), "crt": pem("crt1"), "key": "-----BEGIN PRIVATE KEY-----\nkey1\n"])
    }

    private func security(_ test: TestClient) -> [UInt8]? {
        test.transport.requests.last?.security.certificateAuthority
    }

    @Test("Certificates, names and the proxy reach the connection")
    func describesConnections() async throws {
        let test = Self.make(Self.files())
        _ = try await test.client.send(.raw("/a"))
        let security = try #require(test.transport.requests.first?.security)
        #expect(security.certificateAuthority == Array(Self.pem("ca1").utf8))
        #expect(security.clientCertificate == Array(Self.pem("crt1").utf8))
        #expect(security.clientKey?.isEmpty == false)
        #expect(security.verifiesPeer)
        #expect(security.serverName == "other")
        #expect(security.proxyURL == "http://proxy")
    }

    @Test("Verification is off only when the configuration says so")
    func canSkipVerification() async throws {
        var configuration = ClientConfiguration(server: "https://api.test:6443")
        configuration.insecureSkipTLSVerify = true
        let test = TestClient([.json([:])], configuration: configuration)
        _ = try await test.client.send(.raw("/a"))
        #expect(test.transport.requests.first?.security.verifiesPeer == false)
    }

    @Test("Files are read again after five minutes, and a new CA closes idle connections")
    func reloadsAuthority() async throws {
        let files = Self.files()
        let test = Self.make(files)
        _ = try await test.client.send(.raw("/a"))
        files["ca"] = Self.pem("ca2")
        test.time.advance(by: .seconds(299))
        _ = try await test.client.send(.raw("/a"))
        #expect(security(test) == Array(Self.pem("ca1").utf8))
        #expect(test.transport.idleCloses == 0)
        test.time.advance(by: .seconds(1))
        _ = try await test.client.send(.raw("/a"))
        #expect(security(test) == Array(Self.pem("ca2").utf8))
        #expect(test.transport.idleCloses == 1)
        let line = #"rest_client_transport_ca_reload_total{result="success",reason="changed"} 1"#
        #expect(test.registry.exposition().contains(line))
    }

    @Test("A CA file that has become unusable leaves the old one in use", arguments: [nil, "", "garbage"])
    func keepsTheOldAuthority(content: String?) async throws {
        let files = Self.files()
        let test = Self.make(files)
        _ = try await test.client.send(.raw("/a"))
        files["ca"] = content
        test.time.advance(by: .seconds(300))
        _ = try await test.client.send(.raw("/a"))
        #expect(security(test) == Array(Self.pem("ca1").utf8))
        #expect(test.log.all.contains { $0.contains("the last content stays") })
        let line = #"rest_client_transport_ca_reload_total{result="failure",reason="unreadable"} 1"#
        #expect(test.registry.exposition().contains(line))
    }

    @Test("A file that is unusable from the start is an error that names it", arguments: ["ca", "crt", "key"])
    func needsItsFiles(path: String) async throws {
        for content in [nil, "", "garbage"] {
            let files = Self.files()
            files[path] = content
            let test = Self.make(files)
            do {
                _ = try await test.client.send(.raw("/a"))
                Issue.record("sent")
            } catch ClientError.credentials(let error) {
                #expect(error.source == path)
            }
        }
    }

    @Test("A new client certificate closes idle connections and ends watches")
    func rotatesClientCertificates() async throws {
        let files = Self.files()
        let feed = StreamFeed()
        let transport = ScriptedTransport { request in request.url.contains("watch=1") ? .stream(feed) : .json([:]) }
        let test = Self.make(files, transport)
        var events = try await test.client.watch(.configMaps).makeAsyncIterator()
        feed.send(event: "ADDED", .configMap("a"))
        #expect(try await events.next() != nil)

        files["crt"] = Self.pem("crt2")
        test.time.advance(by: .seconds(300))
        _ = try await test.client.send(.raw("/a"))
        #expect(test.transport.idleCloses == 1)
        feed.send(event: "ADDED", .configMap("b"))
        #expect(try await events.next() != nil)
        #expect(try await events.next() == nil)
    }

    @Test("A failed handshake makes the next request look at the files, at most every 10 s")
    func looksAgainAfterHandshakeFailures() async throws {
        let files = Self.files()
        let transport = ScriptedTransport { _ in
            .failure(HTTPTransportError(layer: .tls, message: "certificate verify failed"))
        }
        let test = Self.make(files, transport)
        for _ in 1...3 { await #expect(throws: ClientError.self) { try await test.client.send(.raw("/a")) } }
        #expect(files.reads("ca") == 1)
        test.time.advance(by: .seconds(10))
        await #expect(throws: ClientError.self) { try await test.client.send(.raw("/a")) }
        #expect(files.reads("ca") == 2)
    }
}
