import HTTPTransport
import Synchronization
import TestSupport
import Testing
import Timekeeping

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1)))
struct HTTPServerStreamTests {
    private static let head = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

    /// Runs a server that answers every request but `/plain` with the stream.
    private func serve(
        _ stream: HTTPServerStream,
        limits: HTTPServerLimits = HTTPServerLimits(),
        _ body: (Int, HTTPServer) async throws -> Void
    ) async throws {
        let server = HTTPServer(address: "127.0.0.1:0", limits: limits) { request in
            request.path == "/plain" ? .text("plain") : HTTPServerResponse(status: 200, stream: stream)
        }
        let port = try server.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await body(port, server)
            server.shutdown()
            try await group.waitForAll()
        }
    }

    private func expectPlainAnswer(_ port: Int) async throws {
        let answer = try await CurlTransport().perform(HTTPRequest(url: "http://127.0.0.1:\(port)/plain"))
        #expect(answer.body == Array("plain".utf8))
    }

    private func open(_ port: Int, _ request: String = head) async throws -> RawClient {
        let client = try RawClient(port: port)
        client.send(request)
        #expect(try await client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200 OK\r\n"))
        return client
    }

    // MARK: framing

    @Test func `what is written arrives at once, and the connection serves another request afterwards`() async throws {
        let stream = HTTPServerStream()
        try await serve(stream) { port, _ in
            let client = try await open(port)
            stream.write(Array("one\n".utf8))
            #expect(try await client.receive(until: "one\n\r\n") == "4\r\none\n\r\n")
            stream.write(Array("two\n".utf8))
            #expect(try await client.receive(until: "two\n\r\n") == "4\r\ntwo\n\r\n")
            stream.finish()
            #expect(try await client.receive(until: "0\r\n\r\n") == "0\r\n\r\n")
            client.send("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.receive(until: "plain").hasSuffix("plain"))
        }
    }

    @Test func `an HTTP client puts the pieces together`() async throws {
        let stream = HTTPServerStream()
        for index in 0..<1000 { stream.write(Array("event \(index)\n".utf8)) }
        stream.finish()
        try await serve(stream) { port, _ in
            let answer = try await CurlTransport().perform(HTTPRequest(url: "http://127.0.0.1:\(port)/"))
            let lines = String(decoding: answer.body, as: UTF8.self).split(separator: "\n")
            #expect(lines == (0..<1000).map { "event \($0)" })
        }
    }

    @Test func `a client of HTTP 1.0 gets bare bytes up to the end of the connection`() async throws {
        let stream = HTTPServerStream()
        stream.write(Array("one".utf8))
        stream.write(Array("two".utf8))
        stream.finish()
        try await serve(stream) { port, _ in
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let answer = try await client.receive()
            #expect(answer.hasSuffix("\r\n\r\nonetwo"))
            #expect(answer.contains("Connection: close\r\n") && !answer.contains("Transfer-Encoding"))
        }
    }

    @Test func `HEAD gets the head only and closes the stream`() async throws {
        let stream = HTTPServerStream()
        let closed = Latch()
        stream.onClose { closed.open() }
        try await serve(stream) { port, _ in
            let client = try RawClient(port: port)
            client.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(try await client.receive().hasSuffix("Connection: close\r\n\r\n"))
            try await closed.wait()
        }
    }

    @Test func `a stream that its writer closes breaks off in the middle`() async throws {
        let stream = HTTPServerStream()
        try await serve(stream) { port, _ in
            let client = try await open(port)
            stream.write(Array("one".utf8))
            #expect(try await client.receive(until: "one\r\n") == "3\r\none\r\n")
            stream.close()
            #expect(try await client.receive() == "")
        }
    }

    @Test func `no answer resets the connection`() async throws {
        let server = HTTPServer(address: "127.0.0.1:0") { _ in .none }
        let port = try server.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let error = await #expect(throws: HTTPTransportError.self) {
                try await CurlTransport().perform(HTTPRequest(url: "http://127.0.0.1:\(port)/"))
            }
            #expect(error != nil)
            server.shutdown()
            try await group.waitForAll()
        }
    }

    // MARK: clients that go, or do not read

    @Test(arguments: [true, false])
    func `a client that goes away, or closes its half, closes the stream`(isHalf: Bool) async throws {
        let stream = HTTPServerStream()
        let closed = Latch()
        stream.onClose { closed.open() }
        try await serve(stream) { port, _ in
            var client: RawClient? = try await open(port)
            if isHalf { client?.finishSending() } else { client = nil }
            try await closed.wait()
            #expect(!stream.write([1]))
            #expect(stream.isClosed)
            // Keeps the half-open one open until here.
            withExtendedLifetime(client) {}
        }
    }

    @Test func `a client that does not read is cut when the buffer is full, and disturbs nobody`() async throws {
        let stream = HTTPServerStream(maxBufferedBytes: 1 << 20)
        let closed = Latch()
        stream.onClose { closed.open() }
        try await serve(stream) { port, _ in
            let slow = try await open(port)
            try await expectPlainAnswer(port)
            let piece = [UInt8](repeating: 0x78, count: 1 << 16)
            // The sockets hold some megabytes beside the buffer.
            var written = 0
            while written < 4096, stream.write(piece) { written += 1 }
            #expect(written < 4096)
            try await closed.wait()
            try await expectPlainAnswer(port)
            withExtendedLifetime(slow) {}
        }
    }

    @Test func `a client that takes nothing for too long is cut`() async throws {
        let stream = HTTPServerStream(maxBufferedBytes: 64 << 20)
        let closed = Latch()
        stream.onClose { closed.open() }
        try await serve(stream, limits: HTTPServerLimits(transferTimeout: .milliseconds(50))) { port, _ in
            let stuck = try await open(port)
            let piece = [UInt8](repeating: 0x78, count: 1 << 20)
            for _ in 0..<32 { stream.write(piece) }
            try await closed.wait()
            withExtendedLifetime(stuck) {}
        }
    }

    @Test func `a silent stream stays open beyond all timeouts`() async throws {
        let stream = HTTPServerStream()
        let limits = HTTPServerLimits(
            readHeaderTimeout: .milliseconds(20),
            transferTimeout: .milliseconds(20),
            idleTimeout: .milliseconds(20)
        )
        try await serve(stream, limits: limits) { port, _ in
            let client = try await open(port)
            // Another connection that lives through its whole timeout shows that the time has passed.
            let idle = try RawClient(port: port)
            #expect(try await idle.receive() == "")
            stream.write(Array("late".utf8))
            #expect(try await client.receive(until: "late\r\n") == "4\r\nlate\r\n")
        }
    }

    @Test func `a hundred open streams leave room for other requests`() async throws {
        let streams = Mutex<[HTTPServerStream]>([])
        let server = HTTPServer(address: "127.0.0.1:0") { request in
            guard request.path != "/plain" else { return .text("plain") }
            let stream = HTTPServerStream()
            streams.withLock { $0.append(stream) }
            return HTTPServerResponse(status: 200, stream: stream)
        }
        let port = try server.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            var clients: [RawClient] = []
            for _ in 0..<100 { clients.append(try await open(port)) }
            try await expectPlainAnswer(port)
            let event = Array("event".utf8)
            for stream in streams.withLock({ $0 }) { #expect(stream.write(event)) }
            for client in clients { #expect(try await client.receive(until: "event\r\n") == "5\r\nevent\r\n") }
            server.shutdown()
            try await group.waitForAll()
        }
    }

    // MARK: the end of the server

    @Test func `shutting down completes the bodies and tells the writers`() async throws {
        let stream = HTTPServerStream()
        let closed = Latch()
        stream.onClose { closed.open() }
        var client: RawClient?
        try await serve(stream) { port, _ in client = try await open(port) }
        #expect(try await client?.receive() == "0\r\n\r\n")
        try await closed.wait()
        #expect(!stream.write([1]))
    }

    @Test func `cancellation ends the streams, too`() async throws {
        let stream = HTTPServerStream()
        let closed = Latch()
        stream.onClose { closed.open() }
        let server = HTTPServer(address: "127.0.0.1:0") { _ in HTTPServerResponse(status: 200, stream: stream) }
        let port = try server.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let client = try await open(port)
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
            #expect(try await client.receive() == "0\r\n\r\n")
        }
        try await closed.wait()
    }

    // MARK: the buffer

    @Test func `a write beyond the buffer closes the stream, unless nothing else waits`() {
        let stream = HTTPServerStream(maxBufferedBytes: 4)
        #expect(stream.write([1, 2, 3, 4, 5]))
        #expect(!stream.write([6]))
        #expect(stream.isClosed && stream.read() == .closed)
        let closed = Mutex(0)
        stream.onClose { closed.withLock { $0 += 1 } }
        #expect(closed.withLock { $0 } == 1)
    }

    @Test func `a writer hears when there is room again`() {
        let stream = HTTPServerStream(maxBufferedBytes: 8)
        let calls = Mutex(0)
        stream.onRoom { calls.withLock { $0 += 1 } }
        stream.write([1, 2, 3])
        #expect(stream.hasRoom)
        stream.write([4, 5, 6])
        #expect(!stream.hasRoom)
        #expect(stream.read(upTo: 1) == .bytes([[1, 2, 3]]))
        #expect(calls.withLock { $0 } == 0)
        #expect(stream.read() == .bytes([[4, 5, 6]]))
        #expect(calls.withLock { $0 } == 1)
        #expect(stream.read() == .nothing)
        stream.finish()
        #expect(stream.read() == .finished && !stream.write([7]))
    }

    @Test func `the reader is told once until it has found nothing`() {
        let stream = HTTPServerStream()
        let calls = Mutex(0)
        stream.write([1])
        stream.onReadable { calls.withLock { $0 += 1 } }
        stream.write([2])
        #expect(calls.withLock { $0 } == 1)
        #expect(stream.read() == .bytes([[1], [2]]))
        stream.write([3])
        #expect(calls.withLock { $0 } == 1)
        #expect(stream.read() == .bytes([[3]]))
        #expect(stream.read() == .nothing)
        stream.write([4])
        #expect(calls.withLock { $0 } == 2)
    }
}
