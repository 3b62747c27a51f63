import HTTPTransport
import Synchronization
import TestSupport
import Testing

/// Requests that say which addresses they may be sent to.
@Suite(.timeLimit(.minutes(1)))
struct AddressCheckTests {
    private func server() throws -> LoopbackServer {
        try LoopbackServer { connection in
            while connection.readRequest() != nil { connection.answer("x") }
        }
    }

    @Test func `an address that is refused gets no connection, however it is written`() async throws {
        let server = try server()
        defer { server.stop() }
        let transport = try CurlTransport()
        let asked = Mutex<[String]>([])
        for host in ["127.0.0.1", "localhost", "2130706433", "0x7f.1"] {
            var request = HTTPRequest(url: "http://\(host):\(server.port)/")
            request.mayConnect = { address in
                asked.withLock { $0.append(address) }
                return false
            }
            let error = await #expect(throws: HTTPTransportError.self) { try await transport.perform(request) }
            #expect(error?.layer == .url && error?.requestWasSent == false, "\(error as Any)")
            #expect(error?.message.hasPrefix("no connection may be made to ") == true)
        }
        #expect(asked.withLock { $0 }.filter { $0 == "127.0.0.1" }.count == 4, "\(asked.withLock { $0 })")
        #expect(server.connections.isEmpty)
    }

    @Test func `a kept connection does not get around the question, and none is left behind`() async throws {
        let server = try server()
        defer { server.stop() }
        let transport = try CurlTransport()
        _ = try await transport.perform(HTTPRequest(url: server.url))
        var request = HTTPRequest(url: server.url)
        request.mayConnect = { _ in false }
        await #expect(throws: HTTPTransportError.self) { try await transport.perform(request) }
        request.mayConnect = { $0 == "127.0.0.1" }
        #expect(try await transport.perform(request).status == 200)
        await #expect(throws: HTTPTransportError.self) {
            request.mayConnect = { _ in false }
            return try await transport.perform(request)
        }
        #expect(server.connections.count == 2)
    }
}
