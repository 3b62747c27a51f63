import HTTPTransport
import TestSupport
import Testing
import Timekeeping

/// Which connections requests use, and how often they are sent.
@Suite(.timeLimit(.minutes(1)))
struct ConnectionTests {
    private func server() throws -> LoopbackServer {
        try LoopbackServer { connection in
            while connection.readRequest() != nil { connection.answer("\(connection.index)") }
        }
    }

    @Test func `requests one after the other share a connection`() async throws {
        let server = try server()
        defer { server.stop() }
        let transport = try CurlTransport()
        for index in 0..<100 {
            let answer = try await transport.perform(HTTPRequest(url: server.url))
            #expect(answer.timings.isReusedConnection == (index > 0))
        }
        #expect(server.connections.count == 1)
    }

    @Test func `a fresh request takes a new connection and leaves it for others`() async throws {
        let server = try server()
        defer { server.stop() }
        let transport = try CurlTransport()
        for _ in 0..<3 {
            let answer = try await transport.perform(HTTPRequest(url: server.url, reuse: .fresh))
            #expect(!answer.timings.isReusedConnection)
        }
        #expect(server.connections.count == 3)
        let answer = try await transport.perform(HTTPRequest(url: server.url))
        #expect(answer.timings.isReusedConnection)
        #expect(server.connections.count == 3)
    }

    @Test func `a dedicated connection is closed when the answer is complete`() async throws {
        let server = try LoopbackServer { connection in
            while connection.readRequest() != nil { connection.answer("x") }
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        _ = try await transport.perform(HTTPRequest(url: server.url, reuse: .dedicated))
        try await #require(server.connections.first).peerClosed.wait()
        _ = try await transport.perform(HTTPRequest(url: server.url))
        #expect(server.connections.count == 2)
    }

    @Test func `a connection past its lifetime is not used again`() async throws {
        let server = try server()
        defer { server.stop() }
        let transport = try CurlTransport(configuration: CurlTransportConfiguration(maxLifetime: .seconds(1)))
        // libcurl counts whole seconds; the time passes while requests are made.
        while server.connections.count < 2 {
            _ = try await transport.perform(HTTPRequest(url: server.url))
            await Task.yield()
        }
        try await server.connections[0].peerClosed.wait()
    }

    @Test func `connections of a pool that nobody uses are closed in time`() async throws {
        let server = try server()
        defer { server.stop() }
        let transport = try CurlTransport(configuration: CurlTransportConfiguration(maxIdle: .milliseconds(50)))
        _ = try await transport.perform(HTTPRequest(url: server.url))
        try await server.connections[0].peerClosed.wait()
    }

    @Test func `closing idle connections closes them and spares the busy ones`() async throws {
        let gate = Gate()
        let server = try LoopbackServer { connection in
            while let request = connection.readRequest() {
                if request.target == "/slow" { connection.wait(gate) }
                connection.answer("x")
            }
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        _ = try await transport.perform(HTTPRequest(url: server.url))
        async let slow = transport.perform(HTTPRequest(url: server.url + "/slow", reuse: .fresh))
        try await server.waitForConnections(2)
        try await server.connections[1].requestRead.wait()
        await transport.closeIdleConnections()
        try await server.connections[0].peerClosed.wait()
        gate.open()
        #expect(try await slow.status == 200)
        try await server.connections[1].peerClosed.wait()
    }

    /// A peer that answers the first request of a connection and closes right after reading the second.
    private func closingServer() throws -> LoopbackServer {
        try LoopbackServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer("first")
            _ = connection.readRequest()
        }
    }

    @Test func `a read is sent again when a kept connection dies`() async throws {
        let server = try closingServer()
        defer { server.stop() }
        let transport = try CurlTransport()
        _ = try await transport.perform(HTTPRequest(url: server.url))
        let answer = try await transport.perform(HTTPRequest(url: server.url))
        #expect(answer.timings.wasResent)
        #expect(server.requests.count == 3)
    }

    @Test(arguments: ["POST", "PUT", "PATCH", "DELETE"])
    func `a write is sent once even when a kept connection dies`(method: String) async throws {
        let server = try closingServer()
        defer { server.stop() }
        let transport = try CurlTransport()
        _ = try await transport.perform(HTTPRequest(url: server.url))
        let error = await #expect(throws: HTTPTransportError.self) {
            try await transport.perform(HTTPRequest(method: method, url: server.url, body: [0x78]))
        }
        #expect(error?.layer == .http)
        #expect(error?.requestWasSent == true)
        #expect(server.requests.filter { $0.method == method }.count == 1)
    }

    @Test func `a write may be sent again when the caller says so`() async throws {
        let server = try closingServer()
        defer { server.stop() }
        let transport = try CurlTransport()
        _ = try await transport.perform(HTTPRequest(url: server.url))
        let request = HTTPRequest(method: "PUT", url: server.url, body: [0x78], allowsResend: true)
        #expect(try await transport.perform(request).timings.wasResent)
    }

    @Test func `a fresh write is sent once when its connection dies`() async throws {
        let server = try LoopbackServer { connection in _ = connection.readRequest() }
        defer { server.stop() }
        let transport = try CurlTransport()
        let error = await #expect(throws: HTTPTransportError.self) {
            try await transport.perform(HTTPRequest(method: "POST", url: server.url, body: [0x78], reuse: .fresh))
        }
        #expect(error?.requestWasSent == true)
        #expect(server.requests.count == 1)
    }
}
