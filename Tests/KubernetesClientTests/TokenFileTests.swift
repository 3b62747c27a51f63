import HTTPTransport
import JSON
import KubernetesCore
import Telemetry
import TestSupport
import Testing

@testable import KubernetesClient

@Suite(.timeLimit(.minutes(1)))
struct TokenFileTests {
    private static let path = "/var/run/token"

    private static func make(_ files: FileTable, _ handler: @escaping ScriptedTransport.Handler) -> TestClient {
        TestClient(
            ScriptedTransport(handler),
            configuration: ClientConfiguration(server: "https://api.test:6443", credentials: .tokenFile(path)),
            files: files
        )
    }

    @Test("The token is trimmed and read again 10 s before a minute is over")
    func readsAgain() async throws {
        let files = FileTable([Self.path: " one\n"])
        let test = Self.make(files) { _ in .json([:]) }
        _ = try await test.client.send(.raw("/a"))
        files[Self.path] = "two"
        test.time.advance(by: .seconds(49))
        _ = try await test.client.send(.raw("/b"))
        #expect(files.reads(Self.path) == 1)
        test.time.advance(by: .seconds(1))
        _ = try await test.client.send(.raw("/c"))
        #expect(
            test.transport.requests.map { $0.header("Authorization") } == ["Bearer one", "Bearer one", "Bearer two"]
        )
    }

    @Test("The last good token stays in use while the file is bad", arguments: [nil, "", "  \n", "two words"])
    func keepsTheLastToken(content: String?) async throws {
        let files = FileTable([Self.path: "one"])
        let test = Self.make(files) { _ in .json([:]) }
        _ = try await test.client.send(.raw("/a"))
        files[Self.path] = content
        test.time.advance(by: .seconds(60))
        _ = try await test.client.send(.raw("/b"))
        _ = try await test.client.send(.raw("/c"))
        #expect(files.reads(Self.path) == 2)
        files[Self.path] = "two"
        test.time.advance(by: .seconds(10))
        _ = try await test.client.send(.raw("/d"))
        #expect(test.transport.requests.last?.header("Authorization") == "Bearer two")
        #expect(test.log.all.contains { $0.contains("the last token stays") })
        #expect(!test.log.all.contains { $0.contains("one") && $0.contains("Bearer") })
    }

    @Test("Without any good token nothing is sent", arguments: [nil, "", "\n", "a\nb"])
    func failsWithoutToken(content: String?) async throws {
        let files = FileTable()
        files[Self.path] = content
        let test = Self.make(files) { _ in .json([:]) }
        do {
            _ = try await test.client.send(.raw("/a"))
            Issue.record("sent")
        } catch ClientError.credentials(let error) {
            #expect(error.source == Self.path)
        }
        #expect(test.transport.requests.isEmpty)
    }

    @Test("After 401 the file is read at once, and a new token tried once")
    func renewsAfterUnauthorized() async throws {
        let files = FileTable([Self.path: "one"])
        let test = Self.make(files) { request in
            request.header("Authorization") == "Bearer two" ? .json([:]) : .status(401)
        }
        await #expect(throws: ClientError.self) { try await test.client.send(.raw("/a")) }
        #expect(test.transport.requests.count == 1)
        files[Self.path] = "two"
        _ = try await test.client.send(.raw("/b", method: "POST"))
        #expect(test.sent.map { String($0.prefix(7)) } == ["GET /a?", "POST /b", "POST /b"])
        #expect(test.time.slept == [])
    }

    @Test("Several requests rejected with the same token read the file once")
    func sharesRenewals() async throws {
        let files = FileTable([Self.path: "one"])
        var context = CredentialContext(timeSource: HastyTime(), logger: .disabled, metrics: nil)
        context.readFile = { path throws(FileReadError) in try files.read(path) }
        let provider = TokenFileCredential(path: Self.path, context: context)
        let rejected = try await provider.current()
        files[Self.path] = "two"
        for _ in 1...3 { #expect(try await provider.renew(rejected: rejected)) }
        #expect(files.reads(Self.path) == 2)
    }

    @Test("A second 401 in a row goes to the caller")
    func renewsOnce() async throws {
        let files = FileTable([Self.path: "0"])
        let test = Self.make(files) { _ in
            files[Self.path] = "\(files.reads(Self.path))"
            return .status(401)
        }
        do {
            _ = try await test.client.send(.raw("/a"))
            Issue.record("no error")
        } catch let error as ClientError {
            #expect(error.apiError?.isUnauthorized == true)
        }
        #expect(test.transport.requests.count == 2)
    }

    @Test(
        "Tokens and passwords go into the header, but never over plain HTTP",
        arguments: [
            (.token(Sensitive("t")), "https://h", "Bearer t"),
            (.basic(username: "u", password: Sensitive("p")), "https://h", "Basic dTpw"),
            (.none, "https://h", nil),
            (.token(Sensitive("t")), "http://h", nil),
            (.basic(username: "u", password: Sensitive("p")), "http://h", nil),
            (.tokenFile("/missing"), "http://h", nil),
        ] as [(Credentials, String, String?)]
    )
    func sendsCredentials(credentials: Credentials, server: String, expected: String?) async throws {
        let test = TestClient(
            [.json([:])],
            configuration: ClientConfiguration(server: server, credentials: credentials)
        )
        _ = try await test.client.send(.raw("/a"))
        #expect(test.transport.requests.first?.header("Authorization") == expected)
    }
}
