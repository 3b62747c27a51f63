import HTTPTransport
import Synchronization
import TestSupport
import Testing
import Timekeeping

/// Answers every request with its own method, target and connection.
private func echo(_ connection: LoopbackConnection) {
    while let request = connection.readRequest() {
        connection.answer("\(request.method) \(request.target) \(connection.index)")
    }
}

@Suite(.timeLimit(.minutes(1)))
struct CurlTransportTests {
    @Test func `a request carries method, target, headers and body as they were given`() async throws {
        let server = try LoopbackServer(script: echo)
        defer { server.stop() }
        let transport = try CurlTransport()
        let headers = [HTTPHeader(name: "X-One", value: "1"), HTTPHeader(name: "X-Empty", value: "")]
        let body = Array("{\"a\":1}".utf8)
        let answer = try await transport.perform(
            HTTPRequest(method: "PATCH", url: server.url + "/a/../b//c%2Fd?x=%20y", headers: headers, body: body)
        )
        #expect(answer.status == 200)
        #expect(answer.header("content-length") == "\(answer.body.count)")
        let request = try #require(server.requests.first)
        #expect(request.method == "PATCH")
        #expect(request.target == "/a/../b//c%2Fd?x=%20y")
        #expect(request.header("X-One") == "1")
        #expect(request.header("X-Empty") == "")
        #expect(request.header("Expect") == nil)
        #expect(request.header("Content-Type") == nil)
        #expect(request.body == body)
    }

    @Test(arguments: [
        ("GET", nil, nil), ("DELETE", nil, nil), ("POST", nil, "0"), ("PUT", nil, "0"), ("DELETE", "abc", "3"),
        ("POST", "", "0"), ("GET", "q", "1"),
    ])
    func `bodies are announced only where they belong`(method: String, body: String?, length: String?) async throws {
        let server = try LoopbackServer(script: echo)
        defer { server.stop() }
        let transport = try CurlTransport()
        // The handle served another kind of request before, which must leave no trace.
        _ = try await transport.perform(HTTPRequest(method: "PUT", url: server.url, body: Array("long one".utf8)))
        _ = try await transport.perform(HTTPRequest(method: method, url: server.url, body: body.map { Array($0.utf8) }))
        let request = try #require(server.requests.last)
        #expect(request.method == method)
        #expect(request.header("Content-Length") == length)
        #expect(String(decoding: request.body, as: UTF8.self) == body ?? "")
    }

    @Test func `a HEAD answer has a length and no body`() async throws {
        let server = try LoopbackServer { connection in
            while connection.readRequest() != nil {
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            }
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        for _ in 0..<2 {
            let answer = try await transport.perform(HTTPRequest(method: "HEAD", url: server.url))
            #expect(answer.header("Content-Length") == "5")
            #expect(answer.body.isEmpty)
        }
        #expect(server.connections.count == 1)
    }

    @Test func `any status is an answer and redirects are not followed`() async throws {
        let server = try LoopbackServer { connection in
            while let request = connection.readRequest() {
                let status = Int(request.target.dropFirst()) ?? 0
                connection.answer("{}", status: status, headers: ["Location: /200", "Retry-After: 1"])
            }
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        for status in [201, 302, 307, 401, 404, 409, 429, 500, 503] {
            let answer = try await transport.perform(HTTPRequest(url: "\(server.url)/\(status)"))
            #expect(answer.status == status)
            #expect(answer.body == Array("{}".utf8))
        }
        #expect(server.connections.count == 1)
    }

    @Test func `interim answers and trailers are not mistaken for the answer`() async throws {
        let server = try LoopbackServer { connection in
            while connection.readRequest() != nil {
                connection.write(
                    "HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                connection.write("3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n")
            }
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        let answer = try await transport.perform(HTTPRequest(url: server.url))
        #expect(answer.status == 200)
        #expect(answer.body == Array("abcde".utf8))
        #expect(answer.header("X-Early") == nil)
        #expect(answer.header("X-Trailer") == nil)
    }

    @Test func `a body larger than allowed is refused`() async throws {
        let server = try LoopbackServer { connection in
            while connection.readRequest() != nil { connection.answer(String(repeating: "x", count: 1000)) }
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        let answer = try await transport.perform(HTTPRequest(url: server.url, maxResponseBytes: 1000))
        #expect(answer.body.count == 1000)
        await #expect { try await transport.perform(HTTPRequest(url: server.url, maxResponseBytes: 999)) } throws: {
            ($0 as? HTTPTransportError)?.layer == .tooLarge
        }
    }

    @Test func `a header without end is refused`() async throws {
        let server = try LoopbackServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\n")
            for _ in 0..<400 { connection.write("X: " + String(repeating: "x", count: 1000) + "\r\n") }
            connection.waitForClose()
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        await #expect { try await transport.perform(HTTPRequest(url: server.url)) } throws: {
            ($0 as? HTTPTransportError)?.layer == .tooLarge
        }
    }

    @Test func `a compressed answer is undone only when it was asked for`() async throws {
        // gzip -n of "hello hello hello hello\n"
        let packed: [UInt8] = [
            31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 203, 72, 205, 201, 201, 87, 200, 64, 39, 185, 0, 0, 136, 89, 11, 24, 0,
            0, 0,
        ]
        let server = try LoopbackServer { connection in
            while let request = connection.readRequest() {
                let isWanted = request.header("Accept-Encoding") == "gzip"
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(packed.count)\r\n")
                connection.write(isWanted ? "Content-Encoding: gzip\r\n\r\n" : "\r\n")
                connection.write(packed)
            }
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        let plain = try await transport.perform(HTTPRequest(url: server.url))
        #expect(plain.body == packed)
        let answer = try await transport.perform(HTTPRequest(url: server.url, acceptsCompression: true))
        #expect(String(decoding: answer.body, as: UTF8.self) == "hello hello hello hello\n")
        await #expect {
            try await transport.perform(HTTPRequest(url: server.url, maxResponseBytes: 23, acceptsCompression: true))
        } throws: {
            ($0 as? HTTPTransportError)?.layer == .tooLarge
        }
    }

    @Test(arguments: [
        HTTPRequest(method: "GE T", url: "http://127.0.0.1:1/"),
        HTTPRequest(url: "http://127.0.0.1:1/a b"),
        HTTPRequest(url: "http://127.0.0.1:1/\r\nX: y"),
        HTTPRequest(url: "ftp://127.0.0.1:1/"),
        HTTPRequest(url: "file:///etc/passwd"),
        HTTPRequest(url: "http://"),
        HTTPRequest(url: ""),
        HTTPRequest(url: "http://127.0.0.1:1/", headers: [HTTPHeader(name: "A\nB", value: "")]),
        HTTPRequest(url: "http://127.0.0.1:1/", headers: [HTTPHeader(name: "A", value: "b\r\nC: d")]),
        HTTPRequest(url: "http://127.0.0.1:1/", headers: [HTTPHeader(name: "Content-Length", value: "3")]),
    ])
    func `a request that cannot be sent as it is written is refused`(request: HTTPRequest) async throws {
        let transport = try CurlTransport()
        let error = await #expect(throws: HTTPTransportError.self) { try await transport.perform(request) }
        #expect(error?.layer == .url)
        #expect(error?.requestWasSent == false)
    }

    @Test func `a thousand transports start and stop`() async throws {
        for _ in 0..<1000 {
            let transport = try CurlTransport()
            transport.shutdown()
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `what the transport is told while it takes other commands wakes it again`() async throws {
        let transport = try CurlTransport()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    for _ in 0..<10_000 { await transport.closeIdleConnections() }
                }
            }
        }
    }

    @Test func `writing to a peer that is gone does not end the process`() async throws {
        let server = try LoopbackServer { connection in
            _ = connection.readRequest()
            connection.resetOnClose()
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        let body = [UInt8](repeating: 0x78, count: 4 << 20)
        for _ in 0..<5 {
            let request = HTTPRequest(method: "POST", url: server.url, body: body)
            await #expect(throws: HTTPTransportError.self) { try await transport.perform(request) }
        }
    }
}
