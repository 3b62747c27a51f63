import HTTPTransport
import Synchronization
import TestSupport
import Testing
import Timekeeping

@Suite(.timeLimit(.minutes(1)))
struct MailTests {
    private static let text = "Subject: x\r\n\r\n.a dot\r\n.\r\n..two\r\nend\r\n"

    private func mail(_ server: LoopbackMailServer, _ change: (inout Mail) -> Void = { _ in }) -> Mail {
        var mail = Mail(
            server: server.url,
            sender: "a@example.com",
            recipient: "b@example.com",
            content: Array(Self.text.utf8)
        )
        change(&mail)
        return mail
    }

    @Test func `a mail arrives as it was written, dots included`() async throws {
        let server = try LoopbackMailServer()
        defer { server.stop() }
        let reply = try await CurlTransport().send(mail(server))
        #expect(reply == MailReply(status: 250, text: "taken"))
        let received = try #require(try await server.mails(atLeast: 1).first)
        #expect(received.sender == "a@example.com" && received.recipients == ["b@example.com"])
        #expect(received.content == Self.text && !received.isEncrypted && received.login == nil)
    }

    @Test func `one transport carries mails and requests side by side`() async throws {
        let server = try LoopbackMailServer()
        let web = try LoopbackServer { connection in
            while connection.readRequest() != nil { connection.answer("x") }
        }
        defer {
            server.stop()
            web.stop()
        }
        let transport = try CurlTransport()
        for _ in 0..<3 {
            #expect(try await transport.perform(HTTPRequest(url: web.url)).status == 200)
            #expect(try await transport.send(mail(server)).status == 250)
            let error = await #expect(throws: HTTPTransportError.self) {
                try await transport.perform(HTTPRequest(url: server.url))
            }
            #expect(error?.layer == .url, "HTTP requests stay HTTP requests")
        }
        #expect(server.mails.count == 3 && server.connectionCount == 3 && web.connections.count == 1)
    }

    @Test(
        "what the server refuses is the answer, whenever it says so",
        arguments: [
            ("connect", "554 no service here", 554), ("MAIL", "452-come\r\n452 later", 452),
            ("RCPT", "550 5.1.1 no such user", 550), ("DATA", "503 no", 503), (".", "554 5.7.1 spam", 554),
        ]
    )
    func refusals(_ command: String, _ text: String, _ status: Int) async throws {
        let server = try LoopbackMailServer(refusals: [command: text])
        defer { server.stop() }
        let reply = try await CurlTransport().send(mail(server))
        #expect(reply.status == status)
        #expect(reply.text == (status == 452 ? "come later" : String(text.dropFirst(4))))
        #expect(server.mails.isEmpty)
    }

    @Test func `credentials go only through TLS, which the server's name and authority vouch for`() async throws {
        let authority = try TestAuthority(name: "mail authority")
        let identity = try authority.issue("mail", names: ["IP:127.0.0.1"])
        let plain = try LoopbackMailServer()
        let upgrading = try LoopbackMailServer(identity: identity, offersStartTLS: true)
        let secure = try LoopbackMailServer(identity: identity)
        defer { for server in [plain, upgrading, secure] { server.stop() } }
        let transport = try CurlTransport()
        func login(_ server: LoopbackMailServer, _ trusted: [UInt8]?) -> Mail {
            mail(server) { mail in
                mail.credentials = MailCredentials(userName: "me", password: "secret")
                mail.security.certificateAuthority = trusted
            }
        }
        let trusted = authority.identity.certificate
        for server in [upgrading, secure] {
            #expect(try await transport.send(login(server, trusted)).status == 250)
            let received = try #require(server.mails.first)
            #expect(received.isEncrypted && received.login == "AG1lAHNlY3JldA==", "PLAIN: NUL me NUL secret")
            let untrusted = await #expect(throws: HTTPTransportError.self) {
                try await transport.send(login(server, nil))
            }
            #expect(untrusted?.layer == .tls && server.mails.count == 1)
        }
        let error = await #expect(throws: HTTPTransportError.self) { try await transport.send(login(plain, trusted)) }
        #expect(error?.layer == .tls, "\(error as Any)")
        #expect(!plain.commands.contains { $0.hasPrefix("AUTH") } && plain.mails.isEmpty)
        #expect(!"\(login(plain, nil))".contains("secret"))
    }

    @Test func `a wrong password is the server's answer`() async throws {
        let identity = try TestAuthority(name: "mail authority").issue("mail", names: ["IP:127.0.0.1"])
        let server = try LoopbackMailServer(identity: identity, refusals: ["AUTH": "535 5.7.8 wrong"])
        defer { server.stop() }
        let reply = try await CurlTransport().send(
            mail(server) { mail in
                mail.credentials = MailCredentials(userName: "me", password: "x")
                mail.security.certificateAuthority = identity.certificate
                mail.security.verifiesPeer = false
            }
        )
        #expect(reply == MailReply(status: 535, text: "5.7.8 wrong"))
    }

    @Test(
        "what would be another command, recipient or mail is not sent",
        arguments: [
            ("b@example.com>\r\nRCPT TO:<c@example.com", nil, nil), ("b@example.com> SIZE=1", nil, nil),
            ("b", nil, nil),
            ("b@x@y", nil, nil), (nil, "Subject: x\n\nx\r\n", nil), (nil, "x\r\n.\rQUIT\r\n", nil), (nil, "x", nil),
            (nil, nil, "/host"), (nil, nil, "?x"), ("ü@example.com", nil, nil),
        ] as [(String?, String?, String?)]
    )
    func injections(_ recipient: String?, _ content: String?, _ suffix: String?) async throws {
        let server = try LoopbackMailServer()
        defer { server.stop() }
        let mail = mail(server) { mail in
            if let recipient { mail.recipient = recipient }
            if let content { mail.content = Array(content.utf8) }
            if let suffix { mail.server += suffix }
        }
        let error = await #expect(throws: HTTPTransportError.self) { try await CurlTransport().send(mail) }
        #expect(error?.layer == .url && server.connectionCount == 0)
    }

    @Test func `an address that is refused gets no connection, and no other protocol is spoken`() async throws {
        let server = try LoopbackMailServer()
        defer { server.stop() }
        let transport = try CurlTransport()
        let asked = Mutex<[String]>([])
        let refused = await #expect(throws: HTTPTransportError.self) {
            try await transport.send(
                mail(server) { mail in
                    mail.mayConnect = { address in
                        asked.withLock { $0.append(address) }
                        return false
                    }
                }
            )
        }
        #expect(refused?.message == "no connection may be made to 127.0.0.1" && asked.withLock { $0 } == ["127.0.0.1"])
        let other = await #expect(throws: HTTPTransportError.self) {
            try await transport.send(mail(server) { $0.server = "ftp://127.0.0.1:21" })
        }
        #expect(other?.layer == .url && server.connectionCount == 0)
    }

    @Test func `a server that says nothing holds nobody else up, and a cancelled task goes at once`() async throws {
        let silent = try LoopbackServer { $0.waitForClose() }
        let server = try LoopbackMailServer()
        defer {
            silent.stop()
            server.stop()
        }
        let transport = try CurlTransport()
        let waiting = Task {
            try await transport.send(mail(server) { $0.server = "smtp://127.0.0.1:\(silent.port)" })
        }
        try await silent.waitForConnections(1)
        #expect(try await transport.send(mail(server)).status == 250)
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        var late = mail(server) { $0.server = "smtp://127.0.0.1:\(silent.port)" }
        late.timeouts.total = .milliseconds(50)
        let error = await #expect(throws: HTTPTransportError.self) { try await transport.send(late) }
        #expect(error?.isTimeout == true)
    }

    @Test func `a server that never says goodbye does not hold the transport`() async throws {
        let rude = try LoopbackServer { connection in
            connection.write("220 x\r\n")
            while let line = connection.readLine() {
                if line == "QUIT" { return connection.waitForClose() }
                if line == "DATA" {
                    connection.write("354 go\r\n")
                    while let text = connection.readLine(), text != "." {}
                    connection.write("250 taken\r\n")
                } else {
                    connection.write("250 ok\r\n")
                }
            }
        }
        defer { rude.stop() }
        let transport = try CurlTransport()
        var mail = Mail(
            server: "smtp://127.0.0.1:\(rude.port)",
            sender: "a@example.com",
            recipient: "b@example.com",
            content: Array(Self.text.utf8)
        )
        // libcurl would wait for the answer to QUIT for two minutes, whatever the deadline.
        mail.timeouts.total = .seconds(20)
        for _ in 0..<3 { #expect(try await transport.send(mail).status == 250) }
    }
}
