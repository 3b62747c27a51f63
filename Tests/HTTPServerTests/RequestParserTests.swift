import Testing

@testable import HTTPServer

struct RequestParserTests {
    private func parse(_ text: String, limits: HTTPServerLimits = HTTPServerLimits()) throws -> [HTTPServerRequest] {
        try parse(Array(text.utf8), pieces: [text.utf8.count], limits: limits)
    }

    /// Feeds the bytes in pieces of these sizes, the last one repeated.
    private func parse(
        _ bytes: [UInt8],
        pieces: [Int],
        limits: HTTPServerLimits = HTTPServerLimits()
    ) throws -> [HTTPServerRequest] {
        var parser = RequestParser(limits: limits)
        var requests: [HTTPServerRequest] = []
        var rest = bytes[...]
        var index = 0
        repeat {
            let size = max(pieces[min(index, pieces.count - 1)], 1)
            parser.append(rest.prefix(size))
            rest = rest.dropFirst(size)
            index += 1
            while let request = try parser.next() { requests.append(request) }
        } while !rest.isEmpty
        return requests
    }

    @Test func `a request is taken apart`() throws {
        let text = "GET /a%20b/c?x=1&y=%C3%A4+b&z HTTP/1.1\r\nHost: h\r\nX-A:  v 1 \t\r\n\r\n"
        let request = try #require(try parse(text).first)
        #expect(request.method == "GET")
        #expect(request.path == "/a b/c")
        #expect(request.query.map(\.name) == ["x", "y", "z"])
        #expect(request.query.map(\.value) == ["1", "ä b", ""])
        #expect(request.header("x-a") == "v 1")
        #expect(request.queryValue("y") == "ä b")
        #expect(request.body.isEmpty)
    }

    @Test(arguments: [
        ("http://host:80/p?q=1", "/p"), ("http://host", "/"), ("https://host?q=1", "/"), ("/", "/"),
        ("//a//b", "//a//b"),
    ])
    func `absolute targets and odd paths are understood`(target: String, path: String) throws {
        #expect(try parse("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n").first?.path == path)
    }

    @Test func `bodies by length and in chunks follow each other on one connection`() throws {
        let text =
            "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
            + "\r\nPUT /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
            + "2;x=y\r\nde\r\n0A\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n" + "GET /3 HTTP/1.1\nHost: h\n\n"
        let bytes = Array(text.utf8)
        for size in [1, 2, 3, 7, 50, bytes.count] {
            let requests = try parse(bytes, pieces: [size])
            #expect(requests.map(\.path) == ["/1", "/2", "/3"])
            #expect(requests.map { String(decoding: $0.body, as: UTF8.self) } == ["abc", "de0123456789", ""])
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", true), ("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n", false), ("GET / HTTP/1.0\r\n\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
    ])
    func `the connection stays open where both sides expect it`(text: String, keepsAlive: Bool) throws {
        var parser = RequestParser(limits: HTTPServerLimits())
        parser.append(text.utf8)
        #expect(try parser.next() != nil)
        #expect(parser.keepsAlive == keepsAlive)
    }

    @Test(arguments: [
        ("GET /\r\n\r\n", 400), ("GET  / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1 x\r\n\r\n", 400),
        ("G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("GET / HTTPS/1.1\r\n\r\n", 400), ("GET / HTTP/1.x\r\n\r\n", 400),
        ("GET x HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET /%2 HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("GET /%ff HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET /?a=%f HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("GET /#a HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\nnocolon\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: h\r\nX: a\u{1}b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: h\r\n: v\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", 400),
        ("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 400),
        ("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 405), ("TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 405),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", 413),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        ("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n", 413),
        ("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n5\r\n", 413),
        ("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n", 413),
        ("GET /" + String(repeating: "x", count: 600), 431),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: " + String(repeating: "x", count: 600) + "\r\n\r\n", 431),
        (
            "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
                + String(repeating: "X: y\r\n", count: 200), 431
        ), ("BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        ("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n", 501), ("GET / HTTP/2.0\r\n\r\n", 505),
    ])
    func `what has no meaning, two meanings or no end is refused`(text: String, status: Int) throws {
        let limits = HTTPServerLimits(maxHeaderBytes: 512, maxBodyBytes: 10)
        let error = #expect(throws: RequestRejection.self) { try parse(text, limits: limits) }
        #expect(error?.status == status)
        // It must not matter how the bytes were cut, and the stream must stay refused.
        var parser = RequestParser(limits: limits)
        var rejection: RequestRejection?
        for byte in text.utf8 {
            parser.append([byte])
            do { while try parser.next() != nil {} } catch { rejection = error }
        }
        #expect(rejection?.status == status)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `no input traps, and cutting it differently changes nothing`(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        let parts = [
            "GET / HTTP/1.1\r\n", "PUT /a?b=c HTTP/1.1\r\n", "Host: h\r\n", "Content-Length: 5\r\n", "\r\n", "hello",
            "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n", "0\r\n\r\n", "Connection: close\r\n", "\n", "%", " ", ":",
            "\r",
            "Expect: 100-continue\r\n", "99999999999999999999", "HTTP/1.0", "\u{0}", "ä",
        ]
        let limits = HTTPServerLimits(maxHeaderBytes: 200, maxBodyBytes: 20)
        for _ in 0..<50 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                bytes += Array(parts[Int.random(in: 0..<parts.count, using: &random)].utf8)
            }
            for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let whole = outcome(bytes, pieces: [bytes.count], limits: limits)
            let pieces = (0..<30).map { _ in Int.random(in: 1...9, using: &random) }
            #expect(outcome(bytes, pieces: pieces, limits: limits) == whole, "seed \(seed): \(bytes)")
        }
    }

    /// What the parser makes of the bytes, as text.
    private func outcome(_ bytes: [UInt8], pieces: [Int], limits: HTTPServerLimits) -> String {
        var parser = RequestParser(limits: limits)
        var text = ""
        var rest = bytes[...]
        var index = 0
        do {
            while !rest.isEmpty {
                let size = pieces[index % pieces.count]
                parser.append(rest.prefix(size))
                rest = rest.dropFirst(size)
                index += 1
                while let request = try parser.next() {
                    text += "\(request.method) \(request.path) \(request.headers.count) \(request.body);"
                }
            }
        } catch {
            text += "\(error)"
        }
        return text
    }
}

/// A small seeded generator, so that a failing seed fails again.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
