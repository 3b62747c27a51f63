import Glibc
import HTTPTransport
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ProxyTests {
    @Test func `plain requests go to an HTTP proxy with their whole URL`() async throws {
        let proxy = try LoopbackServer { connection in
            while connection.readRequest() != nil { connection.answer("by proxy") }
        }
        defer { proxy.stop() }
        let transport = try CurlTransport()
        let security = ConnectionSecurity(proxyURL: proxy.url.replacing("//", with: "//user:word@"))
        let answer = try await transport.perform(HTTPRequest(url: "http://member.invalid/healthz", security: security))
        #expect(answer.body == Array("by proxy".utf8))
        let request = try #require(proxy.requests.first)
        #expect(request.target == "http://member.invalid/healthz")
        #expect(request.header("Proxy-Authorization") == "Basic dXNlcjp3b3Jk")
    }

    @Test func `TLS goes through a tunnel, whose own answer does not show`() async throws {
        let proxy = try LoopbackServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.write("HTTP/1.1 200 Connected\r\nX-Proxy: 1\r\n\r\nno TLS here")
            connection.waitForClose()
        }
        defer { proxy.stop() }
        let transport = try CurlTransport()
        let error = await #expect(throws: HTTPTransportError.self) {
            try await transport.perform(
                HTTPRequest(url: "https://member.invalid:6443/", security: ConnectionSecurity(proxyURL: proxy.url))
            )
        }
        #expect(error?.layer == .tls)
        #expect(proxy.requests.first?.method == "CONNECT")
        #expect(proxy.requests.first?.target == "member.invalid:6443")
    }

    @Test(arguments: [403, 407, 502])
    func `a proxy that refuses the tunnel is a proxy failure`(status: Int) async throws {
        let proxy = try LoopbackServer { connection in
            while connection.readRequest() != nil { connection.answer("no", status: status) }
        }
        defer { proxy.stop() }
        let transport = try CurlTransport()
        let error = await #expect(throws: HTTPTransportError.self) {
            try await transport.perform(
                HTTPRequest(url: "https://member.invalid/", security: ConnectionSecurity(proxyURL: proxy.url))
            )
        }
        #expect(error?.layer == .proxy)
        #expect(error?.requestWasSent == false)
    }

    @Test func `a proxy that cannot be reached or does not answer is a proxy failure`() async throws {
        let gone = try LoopbackServer { _ in }
        gone.stop()
        let silent = try LoopbackServer { $0.waitForClose() }
        defer { silent.stop() }
        let transport = try CurlTransport()
        let cases: [(String, HTTPTransportError.Layer)] = [
            (gone.url, .proxy), ("http://proxy.invalid:1", .proxy), ("gopher://127.0.0.1:1", .proxy),
            (silent.url, .timeout(.proxy)), (silent.url.replacing("http", with: "socks5"), .timeout(.proxy)),
        ]
        for (url, layer) in cases {
            let request = HTTPRequest(
                url: "https://member.invalid/",
                security: ConnectionSecurity(proxyURL: url),
                timeouts: HTTPTimeouts(connect: .milliseconds(200))
            )
            let error = await #expect(throws: HTTPTransportError.self) { try await transport.perform(request) }
            #expect(error?.layer == layer, "\(url)")
        }
    }

    @Test func `a SOCKS proxy resolves the name`() async throws {
        let proxy = try LoopbackServer { connection in
            // Greeting (version, methods) -> no authentication; request -> granted; then plain HTTP.
            guard let greeting = connection.readBytes(2), connection.readBytes(Int(greeting[1])) != nil else { return }
            connection.write([5, 0])
            guard let request = connection.readBytes(5), let name = connection.readBytes(Int(request[4]) + 2) else {
                return
            }
            connection.write([5, 0, 0, 1, 127, 0, 0, 1, 0, 80])
            while connection.readRequest() != nil {
                connection.answer(String(decoding: name.dropLast(2), as: UTF8.self))
            }
        }
        defer { proxy.stop() }
        let transport = try CurlTransport()
        let security = ConnectionSecurity(proxyURL: "socks5://127.0.0.1:\(proxy.port)")
        let answer = try await transport.perform(HTTPRequest(url: "http://member.invalid/", security: security))
        #expect(String(decoding: answer.body, as: UTF8.self) == "member.invalid")
    }

    /// In a process of its own, because the environment cannot be changed while other threads read it.
    @Test func `the environment's proxy variables are not asked`() async throws {
        await #expect(processExitsWith: .success) {
            let server = try LoopbackServer { connection in
                while connection.readRequest() != nil { connection.answer("direct") }
            }
            let proxy = try LoopbackServer { connection in
                while connection.readRequest() != nil { connection.answer("by proxy") }
            }
            unsafe setenv("http_proxy", "http://127.0.0.1:1", 1)
            unsafe setenv("no_proxy", "*", 1)
            let transport = try CurlTransport()
            let direct = try await transport.perform(HTTPRequest(url: server.url))
            #expect(String(decoding: direct.body, as: UTF8.self) == "direct")
            let security = ConnectionSecurity(proxyURL: proxy.url)
            let proxied = try await transport.perform(HTTPRequest(url: server.url, security: security))
            #expect(String(decoding: proxied.body, as: UTF8.self) == "by proxy")
            server.stop()
            proxy.stop()
        }
    }
}
