import HTTPTransport
import Synchronization
import TestSupport
import Testing
import Timekeeping

/// Bodies that arrive while they are read.
@Suite(.timeLimit(.minutes(1)))
struct StreamTests {
    @Test func `the head is there before the body, and chunks arrive as they are sent`() async throws {
        let gates = [Gate(), Gate()]
        let server = try LoopbackServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nX-Kind: watch\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.wait(gates[0])
            connection.write("3\r\nabc\r\n")
            connection.wait(gates[1])
            connection.write("2\r\nde\r\n0\r\n\r\n")
            connection.waitForClose()
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        let stream = try await transport.stream(HTTPRequest(url: server.url))
        #expect(stream.status == 200)
        #expect(stream.header("x-kind") == "watch")
        var iterator = stream.body.makeAsyncIterator()
        gates[0].open()
        #expect(try await iterator.next() == Array("abc".utf8))
        gates[1].open()
        #expect(try await iterator.next() == Array("de".utf8))
        #expect(try await iterator.next() == nil)
        #expect(try await iterator.next() == nil)
    }

    @Test func `a large body is held back until it is read, and arrives whole`() async throws {
        let size = 24 << 20
        let block = (0..<65536).map { UInt8(truncatingIfNeeded: $0) }
        let written = Atomic(0)
        let server = try LoopbackServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            for _ in 0..<(size / block.count) {
                connection.write(block)
                written.add(block.count, ordering: .relaxed)
            }
            connection.waitForClose()
        }
        defer { server.stop() }
        let transport = try CurlTransport(configuration: CurlTransportConfiguration(streamBufferBytes: 100_000))
        let stream = try await transport.stream(HTTPRequest(url: server.url, reuse: .dedicated))
        // Other transfers go on while this one is held up, and give it the time to overrun its bound.
        let other = try LoopbackServer { connection in
            while connection.readRequest() != nil { connection.answer("x") }
        }
        defer { other.stop() }
        for _ in 0..<300 { _ = try await transport.perform(HTTPRequest(url: other.url)) }
        #expect(written.load(ordering: .relaxed) < size * 3 / 4)
        let pattern = block + block + block + block
        var count = 0
        for try await chunk in stream.body {
            try #require(chunk.count <= 120_000)
            #expect(Array(pattern[(count % 256)...].prefix(chunk.count)) == chunk)
            count += chunk.count
        }
        #expect(count == size)
    }

    @Test func `time for which the reader holds the stream up is not silence`() async throws {
        let body = [UInt8](repeating: 0x78, count: 8 << 20)
        let server = try LoopbackServer { connection in
            while let request = connection.readRequest() {
                if request.target == "/silent" { continue }
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
                connection.write(body)
            }
        }
        defer { server.stop() }
        let transport = try CurlTransport(configuration: CurlTransportConfiguration(streamBufferBytes: 1))
        let timeouts = HTTPTimeouts(total: nil, idle: .milliseconds(300))
        let stream = try await transport.stream(HTTPRequest(url: server.url, timeouts: timeouts))
        // Twice as long as the silence that is allowed, measured by the same means.
        for _ in 0..<2 {
            await #expect(throws: HTTPTransportError.self) {
                try await transport.perform(HTTPRequest(url: server.url + "/silent", timeouts: timeouts))
            }
        }
        #expect(try await stream.body.collect(upTo: 8 << 20).count == 8 << 20)
    }

    @Test func `bytes that arrived before a failure are read before it`() async throws {
        let server = try LoopbackServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        let stream = try await transport.stream(HTTPRequest(url: server.url))
        var text: [UInt8] = []
        let error = await #expect(throws: HTTPTransportError.self) {
            for try await chunk in stream.body { text += chunk }
        }
        #expect(text == Array("abc".utf8))
        #expect(error?.layer == .http)
    }

    @Test func `a stream that fails before its head throws at once`() async throws {
        let server = try LoopbackServer { _ = $0.readRequest() }
        defer { server.stop() }
        let transport = try CurlTransport()
        await #expect { try await transport.stream(HTTPRequest(url: server.url)) } throws: {
            ($0 as? HTTPTransportError)?.layer == .http
        }
    }

    @Test func `collecting stops above its limit`() async throws {
        let body = HTTPBody([Array("abc".utf8), [], Array("de".utf8)])
        #expect(try await body.collect(upTo: 5) == Array("abcde".utf8))
        await #expect { try await HTTPBody([[1, 2, 3]]).collect(upTo: 2) } throws: {
            ($0 as? HTTPTransportError)?.layer == .tooLarge
        }
    }
}
