import HTTPTransport
import TestSupport
import Testing
import Timekeeping

/// Trust, names and client certificates.
@Suite(.timeLimit(.minutes(1)))
struct SecurityTests {
    /// One authority with a server and two clients; made once, because every key costs a process.
    private struct Cast: Sendable {
        let authority: TestAuthority
        let server: TestIdentity
        let alice: TestIdentity
        let bob: TestIdentity
        let stranger: TestAuthority

        init() throws {
            authority = try TestAuthority(name: "authority")
            server = try authority.issue("server", names: ["DNS:kubernetes", "IP:127.0.0.2"])
            alice = try authority.issue("alice")
            bob = try authority.issue("bob")
            stranger = try TestAuthority(name: "stranger")
        }
    }

    private static let cast = Result { try Cast() }

    private func server(_ cast: Cast) throws -> LoopbackServer {
        try LoopbackServer(identity: cast.server, clientAuthority: cast.authority.identity.certificate) { connection in
            while connection.readRequest() != nil {
                connection.answer(
                    connection.clientSubject ?? "nobody",
                    headers: ["X-Name: \(connection.serverName ?? "")"]
                )
            }
        }
    }

    @Test func `a server is verified against the given authority and the given name`() async throws {
        let cast = try Self.cast.get()
        let server = try server(cast)
        defer { server.stop() }
        let transport = try CurlTransport()
        let security = ConnectionSecurity(
            certificateAuthority: cast.authority.identity.certificate,
            serverName: "kubernetes"
        )
        let answer = try await transport.perform(HTTPRequest(url: server.url + "/x?y", security: security))
        #expect(answer.status == 200)
        #expect(answer.header("X-Name") == "kubernetes")
        #expect(answer.timings.tls > .zero)
        let request = try #require(server.requests.first)
        #expect(request.header("Host") == "127.0.0.1:\(server.port)")
        #expect(request.target == "/x?y")
    }

    @Test func `what does not verify is a TLS failure and no request is sent`() async throws {
        let cast = try Self.cast.get()
        let server = try server(cast)
        defer { server.stop() }
        let transport = try CurlTransport()
        let authority = cast.authority.identity.certificate
        let refused = [
            // The address is not in the certificate.
            ConnectionSecurity(certificateAuthority: authority),
            ConnectionSecurity(certificateAuthority: authority, serverName: "other"),
            ConnectionSecurity(certificateAuthority: cast.stranger.identity.certificate, serverName: "kubernetes"),
            // The system does not know the authority, and an empty one trusts nobody.
            ConnectionSecurity(serverName: "kubernetes"),
            ConnectionSecurity(certificateAuthority: [], serverName: "kubernetes"),
            ConnectionSecurity(certificateAuthority: Array("no PEM".utf8), serverName: "kubernetes"),
            // A client that cannot prove its identity is refused before anything is sent.
            ConnectionSecurity(
                certificateAuthority: authority,
                clientCertificate: cast.alice.certificate,
                clientKey: cast.bob.key,
                serverName: "kubernetes"
            ),
        ]
        for security in refused {
            let error = await #expect(throws: HTTPTransportError.self) {
                try await transport.perform(HTTPRequest(url: server.url, security: security))
            }
            #expect(error?.layer == .tls)
            #expect(error?.requestWasSent == false)
        }
        #expect(server.requests.isEmpty)
    }

    @Test func `verification can be turned off`() async throws {
        let server = try server(Self.cast.get())
        defer { server.stop() }
        let transport = try CurlTransport()
        let security = ConnectionSecurity(verifiesPeer: false)
        #expect(try await transport.perform(HTTPRequest(url: server.url, security: security)).status == 200)
    }

    @Test func `a connection with one client certificate never carries the requests of another client`() async throws {
        let cast = try Self.cast.get()
        let server = try server(cast)
        defer { server.stop() }
        let transport = try CurlTransport()
        let everybody: [(TestIdentity?, String)] = [(cast.alice, "/CN=alice"), (cast.bob, "/CN=bob"), (nil, "nobody")]
        for _ in 0..<3 {
            for (identity, subject) in everybody {
                let security = ConnectionSecurity(
                    certificateAuthority: cast.authority.identity.certificate,
                    clientCertificate: identity?.certificate,
                    clientKey: identity?.key,
                    serverName: "kubernetes"
                )
                let answer = try await transport.perform(HTTPRequest(url: server.url, security: security))
                #expect(String(decoding: answer.body, as: UTF8.self) == subject)
            }
        }
        #expect(server.connections.count == 3)
    }

    @Test func `a connection that was not verified is not used by requests that verify`() async throws {
        let cast = try Self.cast.get()
        let server = try server(cast)
        defer { server.stop() }
        let transport = try CurlTransport()
        let lax = ConnectionSecurity(certificateAuthority: cast.stranger.identity.certificate, verifiesPeer: false)
        var strict = lax
        strict.verifiesPeer = true
        _ = try await transport.perform(HTTPRequest(url: server.url, security: lax))
        await #expect(throws: HTTPTransportError.self) {
            try await transport.perform(HTTPRequest(url: server.url, security: strict))
        }
    }

    @Test func `kept TLS connections are used again`() async throws {
        let cast = try Self.cast.get()
        let server = try server(cast)
        defer { server.stop() }
        let transport = try CurlTransport()
        let security = ConnectionSecurity(
            certificateAuthority: cast.authority.identity.certificate,
            serverName: "kubernetes"
        )
        for _ in 0..<20 { _ = try await transport.perform(HTTPRequest(url: server.url, security: security)) }
        #expect(server.connections.count == 1)
    }
}
