internal import CCurl

extension EasyHandle {
    /// libcurl waits for the reply to a whole mail, and to QUIT, without giving way to other transfers: not for ever.
    private static let replySeconds = 30

    /// Sets everything that belongs to a mail; the handle is of no use for anything else afterwards.
    func prepare(_ mail: Mail) throws(HTTPTransportError) {
        try mail.validate()
        // A password in the clear would be anybody's.
        try setMail(requiresTLS: mail.credentials != nil)
        try set(.replySeconds, Self.replySeconds)
        try set(.targetURL, mail.server)
        try set(.mailSender, mail.sender)
        try set(.mailRecipients, [mail.recipient])
        try set(.userName, mail.credentials?.userName)
        try set(.password, mail.credentials?.password)
        try set(.connectTimeoutMilliseconds, Int(mail.timeouts.connect.wholeMilliseconds))
        try set(.timeoutMilliseconds, mail.timeouts.total.map { Int($0.wholeMilliseconds) } ?? 0)
        try set(.freshConnect, 1)
        try set(.forbidReuse, 1)
    }

    /// The mail has its last reply: the goodbye is a courtesy.
    func hurryMail() {
        do {
            try set(.replySeconds, 1)
        } catch {
            // Then the goodbye may take as long as any reply.
        }
    }

    /// Before a session is broken off: libcurl would end the mail as if it were whole, and wait for the reply.
    func abandonMail() throws(HTTPTransportError) {
        try set(.mailRecipients, [])
    }
}

extension Mail {
    /// Refuses what would become another command, another recipient or another mail on the line.
    func validate() throws(HTTPTransportError) {
        guard let scheme = ["smtp://", "smtps://"].first(where: { server.hasPrefix($0) }),
            server.utf8.count > scheme.utf8.count,
            // libcurl would read a name and a password before @, and greet with what follows a slash.
            server.utf8.dropFirst(scheme.utf8.count).allSatisfy({ isPlain($0) && !"/?#@%;\\".utf8.contains($0) })
        else {
            throw HTTPTransportError(layer: .url, message: "a mail server is smtp://host:port or smtps://host:port")
        }
        for address in [sender, recipient] {
            let isAddress = address.utf8.filter { $0 == UInt8(ascii: "@") }.count == 1
            guard isAddress, address.utf8.allSatisfy({ isPlain($0) && !"<>".utf8.contains($0) }) else {
                throw HTTPTransportError(
                    layer: .url,
                    message: "an e-mail address is name@host, in ASCII without blanks"
                )
            }
        }
        for text in [credentials?.userName, credentials?.password].compactMap(\.self) where text.utf8.contains(0) {
            throw HTTPTransportError(layer: .url, message: "the mail server's credentials hold a zero byte")
        }
        var last = UInt8(ascii: "\n")
        for byte in content {
            // A bare CR or LF ends a line for some servers only: what follows could pass for a mail of its own.
            guard (last == UInt8(ascii: "\r")) == (byte == UInt8(ascii: "\n")) else {
                throw HTTPTransportError(layer: .url, message: "a line of the mail does not end with CR and LF")
            }
            last = byte
        }
        guard last == UInt8(ascii: "\n") else {
            throw HTTPTransportError(layer: .url, message: "the mail does not end with CR and LF")
        }
    }

    private func isPlain(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7f }
}
