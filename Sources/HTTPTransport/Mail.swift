/// Sends mails by SMTP: ``CurlTransport`` over the network, fakes in tests.
public protocol MailTransport: Sendable {
    /// Hands a mail to its server and waits for the reply; any reply is an answer.
    ///
    /// - Throws: ``HTTPTransportError``; `CancellationError` as soon as the task is cancelled, with the session ended.
    func send(_ mail: Mail) async throws -> MailReply
}

/// A mail to one recipient, as it goes to a ``MailTransport``.
///
/// One recipient, so that one whom the server refuses keeps the mail from nobody else.
///
/// ```swift
/// let mail = Mail(server: "smtp://mail.example.com:587", sender: "a@example.com", recipient: "b@example.com", content: text)
/// let reply = try await transport.send(mail)
/// ```
public struct Mail: Sendable {
    /// `smtp://host:port` (TLS by STARTTLS where the server offers it) or `smtps://host:port` (TLS from the start).
    public var server: String
    /// Whom the server may tell of a delivery that fails: `a@example.com`, ASCII.
    public var sender: String
    /// Who gets it: `b@example.com`, ASCII.
    public var recipient: String
    /// Header and body as of RFC 5322, every line ended by CR and LF; the transport hides its dots.
    public var content: [UInt8]
    /// Who logs in, only ever over an encrypted connection; nil for nobody.
    public var credentials: MailCredentials?
    /// Trust and route.
    public var security: ConnectionSecurity
    /// The deadlines.
    public var timeouts: HTTPTimeouts
    /// Asked before a connection is made to an address, once for each that the host's name has; nil allows all.
    public var mayConnect: (@Sendable (_ address: String) -> Bool)?

    /// Makes a mail; without credentials, system trust, 10 s to connect and 60 s in total.
    public init(
        server: String,
        sender: String,
        recipient: String,
        content: [UInt8],
        credentials: MailCredentials? = nil,
        security: ConnectionSecurity = ConnectionSecurity()
    ) {
        self.server = server
        self.sender = sender
        self.recipient = recipient
        self.content = content
        self.credentials = credentials
        self.security = security
        timeouts = HTTPTimeouts(connect: .seconds(10), total: .seconds(60))
    }
}

/// Name and password for a mail server.
public struct MailCredentials: Sendable, Hashable, CustomStringConvertible {
    /// The name.
    public var userName: String
    /// The password.
    public var password: String

    /// Makes credentials.
    public init(userName: String, password: String) {
        self.userName = userName
        self.password = password
    }

    /// Only that there are some.
    public var description: String { "MailCredentials" }
}

/// The last reply of a mail server: to the whole mail, or the one that refused it.
public struct MailReply: Sendable, Hashable {
    /// The reply code (RFC 5321): 2xx has taken the mail, 4xx may later, 5xx never will.
    public var status: Int
    /// What it said.
    public var text: String

    /// Makes a reply; fakes use it.
    public init(status: Int, text: String) {
        self.status = status
        self.text = text
    }
}
