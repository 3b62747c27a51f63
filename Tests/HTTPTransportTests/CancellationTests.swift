import HTTPTransport
import Synchronization
import TestSupport
import Testing
import Timekeeping

/// How transfers end before their time.
@Suite(.timeLimit(.minutes(1)))
struct CancellationTests {
    @Test(arguments: [ConnectionReuse.pooled, .fresh, .dedicated])
    func `cancelling the task closes the connection`(reuse: ConnectionReuse) async throws {
        let server = try LoopbackServer { connection in
            _ = connection.readRequest()
            connection.waitForClose()
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        try await withThrowingTaskGroup { group in
            group.addTask {
                try await transport.perform(
                    HTTPRequest(url: server.url, timeouts: HTTPTimeouts(total: nil), reuse: reuse)
                )
            }
            try await server.waitForConnections(1)
            try await server.connections[0].requestRead.wait()
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
        try await server.connections[0].peerClosed.wait()
    }

    @Test func `a task that is cancelled already sends nothing`() async throws {
        let server = try LoopbackServer { _ = $0.readRequest() }
        defer { server.stop() }
        let transport = try CurlTransport()
        await withTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask {
                await #expect(throws: CancellationError.self) {
                    try await transport.perform(HTTPRequest(url: server.url))
                }
                await #expect(throws: CancellationError.self) {
                    try await transport.stream(HTTPRequest(url: server.url))
                }
            }
        }
        #expect(server.requests.isEmpty)
    }

    @Test func `cancelling the reader of a stream closes its connection`() async throws {
        let server = try LoopbackServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
            connection.waitForClose()
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        let stream = try await transport.stream(
            HTTPRequest(url: server.url, timeouts: HTTPTimeouts(total: nil), reuse: .dedicated)
        )
        let firstChunk = Latch()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for try await _ in stream.body { firstChunk.open() }
            }
            try await firstChunk.wait()
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
        try await server.connections[0].peerClosed.wait()
    }

    @Test func `dropping the body of a stream closes its connection`() async throws {
        let server = try LoopbackServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.waitForClose()
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        let status = try await transport.stream(HTTPRequest(url: server.url, timeouts: HTTPTimeouts(total: nil))).status
        #expect(status == 200)
        try await server.connections[0].peerClosed.wait()
    }

    @Test func `shutting down ends what is under way and refuses what comes`() async throws {
        let server = try LoopbackServer { connection in
            while let request = connection.readRequest() {
                if request.target == "/silent" { continue }
                if request.target == "/stream" {
                    connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                } else {
                    connection.answer("x")
                }
            }
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        let stream = try await transport.stream(HTTPRequest(url: server.url + "/stream"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<50 {
                group.addTask {
                    let target = index.isMultiple(of: 2) ? "/silent" : "/"
                    // The quick ones may be answered before; none may hang or fail otherwise.
                    do {
                        while true { _ = try await transport.perform(HTTPRequest(url: server.url + target)) }
                    } catch let error as HTTPTransportError {
                        #expect(error.layer == .shutdown)
                    }
                }
            }
            try await server.waitForConnections(26)
            transport.shutdown()
            transport.shutdown()
            try await group.waitForAll()
        }
        await #expect { try await stream.body.collect(upTo: 1) } throws: {
            ($0 as? HTTPTransportError)?.layer == .shutdown
        }
        await #expect { try await transport.stream(HTTPRequest(url: server.url)) } throws: {
            ($0 as? HTTPTransportError)?.layer == .shutdown
        }
        await transport.closeIdleConnections()
        for connection in server.connections { try await connection.peerClosed.wait() }
    }

    @Test func `letting go of the transport closes its connections`() async throws {
        let server = try LoopbackServer { connection in
            while connection.readRequest() != nil { connection.answer("x") }
        }
        defer { server.stop() }
        var transport: CurlTransport? = try CurlTransport()
        _ = try await transport?.perform(HTTPRequest(url: server.url))
        transport = nil
        try await server.connections[0].peerClosed.wait()
    }
}
