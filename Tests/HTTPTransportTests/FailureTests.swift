import Glibc
import HTTPTransport
import TestSupport
import Testing
import Timekeeping

/// Each way to fail names its layer.
@Suite(.timeLimit(.minutes(1)))
struct FailureTests {
    private func failure(of request: HTTPRequest) async throws -> HTTPTransportError {
        let transport = try CurlTransport()
        return try await #require(throws: HTTPTransportError.self) { try await transport.perform(request) }
    }

    @Test func `a name that does not exist is a DNS failure`() async throws {
        let error = try await failure(of: HTTPRequest(url: "http://does-not-exist.invalid/"))
        #expect(error.layer == .dns)
        #expect(error.phase == .dns)
        #expect(!error.requestWasSent)
    }

    @Test func `a port without listener is a TCP failure that says refused`() async throws {
        let server = try LoopbackServer { _ in }
        let url = server.url
        server.stop()
        let error = try await failure(of: HTTPRequest(url: url))
        #expect(error.layer == .tcp)
        #expect(error.systemCode == ECONNREFUSED)
        #expect(error.message.contains("Connection refused"))
        #expect(!error.requestWasSent)
    }

    @Test func `a listener that does not complete connections is a timeout of TCP`() async throws {
        let server = try LoopbackServer(backlog: 0, isAccepting: false) { _ in }
        defer { server.stop() }
        // The kernel completes a connection or two before the queue is full.
        let transport = try CurlTransport()
        let timeouts = HTTPTimeouts(connect: .milliseconds(100), total: .seconds(1))
        let layers = try await withThrowingTaskGroup(of: HTTPTransportError.Layer.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    let request = HTTPRequest(url: server.url, timeouts: timeouts)
                    return try await #require(throws: HTTPTransportError.self) { try await transport.perform(request) }
                        .layer
                }
            }
            return try await group.reduce(into: Set<HTTPTransportError.Layer>()) { $0.insert($1) }
        }
        #expect(layers.contains(.timeout(.tcp)))
    }

    @Test func `a peer that is silent in the handshake is a timeout of TLS`() async throws {
        let server = try LoopbackServer { $0.waitForClose() }
        defer { server.stop() }
        let url = server.url.replacing("http:", with: "https:")
        let timeouts = HTTPTimeouts(connect: .milliseconds(100))
        let error = try await failure(of: HTTPRequest(url: url, timeouts: timeouts))
        #expect(error.layer == .timeout(.tls))
        #expect(error.isTimeout)
        #expect(!error.requestWasSent)
    }

    @Test func `a peer that speaks no TLS is a TLS failure`() async throws {
        let server = try LoopbackServer { connection in
            connection.write("HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.waitForClose()
        }
        defer { server.stop() }
        let error = try await failure(of: HTTPRequest(url: server.url.replacing("http:", with: "https:")))
        #expect(error.layer == .tls)
    }

    @Test func `a peer that does not answer is a timeout of HTTP`() async throws {
        let server = try LoopbackServer { $0.waitForClose() }
        defer { server.stop() }
        let error = try await failure(
            of: HTTPRequest(url: server.url, timeouts: HTTPTimeouts(total: .milliseconds(100)))
        )
        #expect(error.layer == .timeout(.http))
        #expect(error.requestWasSent)
        try await server.connections[0].peerClosed.wait()
    }

    @Test func `a line that falls silent is a timeout of HTTP though the total is unlimited`() async throws {
        let server = try LoopbackServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
            connection.waitForClose()
        }
        defer { server.stop() }
        let timeouts = HTTPTimeouts(total: nil, idle: .milliseconds(100))
        let error = try await failure(of: HTTPRequest(url: server.url, timeouts: timeouts, reuse: .dedicated))
        #expect(error.layer == .timeout(.http))
        try await server.connections[0].peerClosed.wait()
    }

    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "HTTP/1.1 200 OK\r\nContent-Le",
        "hello\r\n\r\n",
        "HTTP/1.1 xyz OK\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "SSH-2.0-OpenSSH\r\n",
    ])
    func `an answer that is cut short or nonsense is an HTTP failure`(bytes: String) async throws {
        let server = try LoopbackServer { connection in
            _ = connection.readRequest()
            connection.write(bytes)
        }
        defer { server.stop() }
        let error = try await failure(of: HTTPRequest(url: server.url))
        #expect(error.layer == .http)
        #expect(error.requestWasSent)
    }

    @Test func `descriptions hold neither headers nor bodies`() async throws {
        let server = try LoopbackServer { connection in _ = connection.readRequest() }
        defer { server.stop() }
        let secret = "s3cr3t"
        let error = try await failure(
            of: HTTPRequest(
                url: server.url + "/?" + secret,
                headers: [HTTPHeader(name: "Authorization", value: "Bearer \(secret)")],
                body: Array(secret.utf8)
            )
        )
        #expect(!"\(error)".contains(secret))
        let security = ConnectionSecurity(clientKey: Array(secret.utf8), proxyURL: "http://u:\(secret)@h")
        #expect(!"\(security)".contains(secret))
    }
}
