import FoundationEssentials
import HTTPTransport
import Synchronization
import TestSupport
import Testing
import Timekeeping

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1)))
struct HTTPServerTests {
    /// Runs a server beside `body`, which gets its port.
    private func serve(
        _ handler: @escaping HTTPServer.Handler,
        limits: HTTPServerLimits = HTTPServerLimits(),
        _ body: (Int, HTTPServer) async throws -> Void
    ) async throws {
        let server = HTTPServer(address: "127.0.0.1:0", limits: limits, handler: handler)
        let port = try server.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await body(port, server)
            server.shutdown()
            try await group.waitForAll()
        }
    }

    private static let echo: HTTPServer.Handler = { request in
        .text("\(request.method) \(request.path) \(String(decoding: request.body, as: UTF8.self))")
    }

    @Test func `requests are answered over one kept connection`() async throws {
        let transport = try CurlTransport()
        try await serve(Self.echo) { port, _ in
            for index in 0..<20 {
                let request = HTTPRequest(
                    method: "POST",
                    url: "http://127.0.0.1:\(port)/x",
                    body: Array("\(index)".utf8)
                )
                let answer = try await transport.perform(request)
                #expect(String(decoding: answer.body, as: UTF8.self) == "POST /x \(index)")
                #expect(answer.header("Content-Type") == "text/plain; charset=utf-8")
                #expect(answer.timings.isReusedConnection == (index > 0))
            }
        }
    }

    @Test func `many clients are served at once`() async throws {
        let transport = try CurlTransport()
        try await serve(Self.echo) { port, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<50 {
                    group.addTask {
                        for index in 0..<20 {
                            let answer = try await transport.perform(
                                HTTPRequest(url: "http://127.0.0.1:\(port)/\(client)/\(index)")
                            )
                            #expect(String(decoding: answer.body, as: UTF8.self) == "GET /\(client)/\(index) ")
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `HEAD gets the length of what GET would get`() async throws {
        let transport = try CurlTransport()
        let handler: HTTPServer.Handler = { _ in .text("12345") }
        try await serve(handler) { port, _ in
            for _ in 0..<2 {
                let answer = try await transport.perform(HTTPRequest(method: "HEAD", url: "http://127.0.0.1:\(port)/"))
                #expect(answer.header("Content-Length") == "5")
                #expect(answer.body.isEmpty)
            }
        }
    }

    @Test func `an answer without a body keeps its connection, and bad header lines are left out`() async throws {
        let transport = try CurlTransport()
        let handler: HTTPServer.Handler = { _ in
            HTTPServerResponse(
                status: 204,
                headers: [
                    HTTPServerHeader(name: "X-Good", value: "1"),
                    HTTPServerHeader(name: "X-Bad", value: "1\r\nX-Evil: 1"),
                    HTTPServerHeader(name: "Content-Length", value: "7"),
                ]
            )
        }
        try await serve(handler) { port, _ in
            for _ in 0..<2 {
                let answer = try await transport.perform(HTTPRequest(url: "http://127.0.0.1:\(port)/"))
                #expect(answer.status == 204)
                #expect(answer.headers.map(\.name).filter { $0 != "Date" } == ["X-Good"])
            }
        }
    }

    @Test func `requests sent without waiting are answered in order`() async throws {
        try await serve(Self.echo) { port, _ in
            let client = try RawClient(port: port)
            let request = "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n"
            client.send((1...5).map { request.replacing("%d", with: "\($0)") }.joined())
            client.send("GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let answers = try await client.receive()
            let paths = answers.split(separator: "\r\n\r\nGET ").dropFirst().map { $0.prefix { $0 != " " } }
            #expect(paths == ["/1", "/2", "/3", "/4", "/5", "/last"])
        }
    }

    @Test func `a client that asks before sending its body is told to go on`() async throws {
        try await serve(Self.echo) { port, _ in
            let client = try RawClient(port: port)
            client.send(
                "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
            )
            #expect(try await client.receive(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send("abc")
            #expect(try await client.receive().hasSuffix("PUT /x abc"))
        }
    }

    @Test(arguments: [
        ("GET x HTTP/1.1\r\n\r\n", 400), ("TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 405),
        ("FOO / HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n" + String(repeating: "x", count: 1001), 413),
        ("GET /" + String(repeating: "x", count: 5000) + " HTTP/1.1\r\n\r\n", 431),
    ])
    func `a refused request is answered before the connection closes`(text: String, status: Int) async throws {
        let limits = HTTPServerLimits(maxHeaderBytes: 1000, maxBodyBytes: 1000)
        try await serve(Self.echo, limits: limits) { port, _ in
            let client = try RawClient(port: port)
            client.send(text)
            let answer = try await client.receive()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.contains("Connection: close\r\n"))
        }
    }

    @Test func `what a refused request is told is the owner's business`() async throws {
        let server = HTTPServer(
            address: "127.0.0.1:0",
            limits: HTTPServerLimits(maxBodyBytes: 10),
            refusal: { .text("no: \($0)", status: $0) },
            handler: Self.echo
        )
        let port = try server.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let client = try RawClient(port: port)
            client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n")
            let answer = try await client.receive()
            #expect(answer.hasPrefix("HTTP/1.1 413 ") && answer.hasSuffix("no: 413"))
            server.shutdown()
            try await group.waitForAll()
        }
    }

    @Test(arguments: ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
    func `a gate refuses a request before its body is read`(framing: String) async throws {
        let server = HTTPServer(
            address: "127.0.0.1:0",
            gate: { $0.path == "/open" ? nil : .text("no \($0.path)", status: 401) },
            handler: Self.echo
        )
        let port = try server.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let refused = try RawClient(port: port)
            refused.send("PUT /x HTTP/1.1\r\nHost: h\r\n\(framing)\r\n\r\n")
            let answer = try await refused.receive()
            #expect(answer.hasPrefix("HTTP/1.1 401 ") && answer.hasSuffix("no /x"))
            #expect(answer.contains("Connection: close\r\n"))
            let admitted = try RawClient(port: port)
            admitted.send("PUT /open HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nConnection: close\r\n\r\n")
            admitted.send("ab")
            #expect(try await admitted.receive().hasSuffix("PUT /open ab"))
            server.shutdown()
            try await group.waitForAll()
        }
    }

    @Test func `a request that does not become whole in time is answered 408`() async throws {
        let limits = HTTPServerLimits(
            readHeaderTimeout: .milliseconds(50),
            transferTimeout: .milliseconds(50),
            idleTimeout: .milliseconds(50)
        )
        try await serve(Self.echo, limits: limits) { port, _ in
            for start in ["GET / HT", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na"] {
                let client = try RawClient(port: port)
                client.send(start)
                #expect(try await client.receive().hasPrefix("HTTP/1.1 408 "))
            }
            let silent = try RawClient(port: port)
            #expect(try await silent.receive().isEmpty)
            let idle = try RawClient(port: port)
            idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            // The answer, then the end of the stream without another byte.
            #expect(try await idle.receive().hasSuffix("GET / "))
        }
    }

    @Test func `connections above the limit wait their turn`() async throws {
        try await serve(Self.echo, limits: HTTPServerLimits(maxConnections: 1)) { port, _ in
            let first = try RawClient(port: port)
            first.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await first.receive(until: "GET /1 ").hasSuffix("GET /1 "))
            let second = try RawClient(port: port)
            second.send("GET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            first.send("GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(try await first.receive().hasSuffix("GET /3 "))
            first.finishSending()
            #expect(try await second.receive().hasSuffix("GET /2 "))
        }
    }

    @Test func `a client that goes away while its request is in work does no harm`() async throws {
        let arrived = Latch()
        let release = Latch()
        let handler: HTTPServer.Handler = { request in
            if request.path == "/slow" {
                arrived.open()
                try? await release.wait()
            }
            return .text(String(repeating: "x", count: 1 << 20))
        }
        try await serve(handler) { port, _ in
            var client: RawClient? = try RawClient(port: port)
            client?.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            try await arrived.wait()
            client = nil
            release.open()
            let transport = try CurlTransport()
            let answer = try await transport.perform(HTTPRequest(url: "http://127.0.0.1:\(port)/"))
            #expect(answer.body.count == 1 << 20)
        }
    }

    @Test func `shutting down answers what is in work and then refuses connections`() async throws {
        let arrived = Latch()
        let release = Latch()
        let handler: HTTPServer.Handler = { _ in
            arrived.open()
            try? await release.wait()
            return .text("done")
        }
        let server = HTTPServer(address: "127.0.0.1:0", handler: handler)
        let port = try server.start()
        let transport = try CurlTransport()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            async let answer = transport.perform(HTTPRequest(url: "http://127.0.0.1:\(port)/"))
            try await arrived.wait()
            server.shutdown()
            release.open()
            let received = try await answer
            #expect(received.body == Array("done".utf8))
            #expect(received.header("Connection") == "close")
            try await group.waitForAll()
        }
        #expect(throws: LoopbackError.self) { try RawClient(port: port) }
        #expect(throws: HTTPServerError.self) { try server.start() }
        server.shutdown()
    }

    @Test func `cancellation cancels the handlers, sends their answers and ends the server`() async throws {
        let arrived = Latch()
        let handler: HTTPServer.Handler = { _ in
            arrived.open()
            do { try await Latch().wait() } catch { return .text("cancelled", status: 503) }
            return .text("never")
        }
        let server = HTTPServer(address: "127.0.0.1:0", handler: handler)
        let port = try server.start()
        let transport = try CurlTransport()
        async let answer = transport.perform(HTTPRequest(url: "http://127.0.0.1:\(port)/"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await arrived.wait()
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
        #expect(try await answer.status == 503)
    }

    @Test func `a request that arrives when there are no handlers any more does not hold up the end`() async throws {
        let socket = try ListeningSocket(address: "127.0.0.1:0")
        let port = socket.port
        let channel = try RequestChannel()
        let handover = Mutex<ListeningSocket?>(socket)
        let ended = Latch()
        let thread = try OwnedThread {
            guard let socket = handover.withLock({ $0.take() }) else { return }
            let bounds = ServerConnection.Bounds(
                limits: HTTPServerLimits(),
                refusal: HTTPServerResponse.plain,
                gate: { _ in nil }
            )
            ServerLoop(listener: socket, channel: channel, bounds: bounds, time: SystemTimeSource()).run()
            ended.open()
        }
        let client = try RawClient(port: port)
        client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        #expect(try await channel.nextExchanges()?.count == 1)
        channel.stop()
        channel.endAnswers()
        try await ended.wait()
        thread.join()
        #expect(try await client.receive() == "")
    }

    @Test func `an idle kept connection does not hold up the shutdown`() async throws {
        var client: RawClient?
        try await serve(Self.echo) { port, _ in
            client = try RawClient(port: port)
            client?.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client?.receive(until: "GET / ").isEmpty == false)
        }
        #expect(try await client?.receive() == "")
    }

    @Test(arguments: ["", "nohost", "host:", "host:x", "host:70000", "a:b:1", "[::1:80", "256.256.256.256:1"])
    func `an address that makes no sense is refused`(address: String) {
        #expect(throws: HTTPServerError.self) { try HTTPServer(address: address, handler: Self.echo).start() }
    }

    @Test(arguments: [":0", "0.0.0.0:0", "localhost:0", "127.0.0.1:0"])
    func `an address of this machine is bound`(address: String) async throws {
        let server = HTTPServer(address: address, handler: Self.echo)
        let port = try server.start()
        #expect(port > 0)
        #expect(try server.start() == port)
        let transport = try CurlTransport()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            #expect(try await transport.perform(HTTPRequest(url: "http://localhost:\(port)/")).status == 200)
            server.shutdown()
            try await group.waitForAll()
        }
    }

    @Test func `a port that is taken is refused with the reason`() throws {
        let first = HTTPServer(address: "127.0.0.1:0", handler: Self.echo)
        let port = try first.start()
        let error = #expect(throws: HTTPServerError.self) {
            try HTTPServer(address: "127.0.0.1:\(port)", handler: Self.echo).start()
        }
        #expect(error?.function == "bind")
        #expect(error?.message.contains("Address already in use") == true)
    }

    @Test(arguments: [(784_111_777.0, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT")])
    func `dates are written as HTTP wants them`(seconds: Double, text: String) {
        #expect(HTTPServerResponse.httpDate(.init(timeIntervalSince1970: seconds)) == text)
    }
}
