import Synchronization
internal import Timekeeping

/// A small SMTP server (RFC 5321) on a free loopback port, which keeps what it is given.
///
/// ```swift
/// let server = try LoopbackMailServer()
/// defer { server.stop() }
/// let mails = try await server.mails(atLeast: 1)
/// ```
public final class LoopbackMailServer: Sendable {
    /// A mail that was taken.
    public struct Received: Sendable {
        /// As `MAIL` named it.
        public var sender: String
        /// As `RCPT` named them.
        public var recipients: [String]
        /// Header and body, dots as the sender wrote them.
        public var content: String
        /// Whether the session was encrypted.
        public var isEncrypted: Bool
        /// The token of `AUTH PLAIN`; nil when nobody had logged in.
        public var login: String?
    }

    private struct Session {
        var sender = ""
        var recipients: [String] = []
        var isEncrypted: Bool
        var login: String?
    }

    private final class Mailbox: Sendable {
        let all = Mutex<[Received]>([])
        let commands = Mutex<[String]>([])
        let arrival = Signal()
    }

    private let received: Mailbox
    private let server: LoopbackServer
    /// `smtp://127.0.0.1:port`, or `smtps` when TLS begins at once.
    public let url: String

    /// Starts listening.
    ///
    /// - Parameters:
    ///   - identity: the certificate for TLS; nil has none.
    ///   - offersStartTLS: whether TLS begins by STARTTLS, not at once.
    ///   - refusals: what to answer instead, by the start of the command; `"."` is the end of the mail.
    /// - Throws: ``LoopbackError``.
    public init(identity: TestIdentity? = nil, offersStartTLS: Bool = false, refusals: [String: String] = [:]) throws {
        let received = Mailbox()
        self.received = received
        let isSecureFromStart = identity != nil && !offersStartTLS
        server = try LoopbackServer(identity: identity, isSecureFromStart: isSecureFromStart) { connection in
            Self.serve(connection, received, refusals, offersStartTLS: offersStartTLS, isEncrypted: isSecureFromStart)
        }
        url = "\(isSecureFromStart ? "smtps" : "smtp")://127.0.0.1:\(server.port)"
    }

    /// What was taken so far.
    public var mails: [Received] { received.all.withLock { $0 } }

    /// Every command so far, in order of arrival.
    public var commands: [String] { received.commands.withLock { $0 } }

    /// How many connections there were.
    public var connectionCount: Int { server.connections.count }

    /// Waits until so many mails were taken.
    ///
    /// - Throws: `CancellationError`.
    public func mails(atLeast count: Int) async throws -> [Received] {
        while mails.count < count {
            try await received.arrival.wait()
        }
        return mails
    }

    /// Closes everything.
    public func stop() {
        server.stop()
    }

    private static func serve(
        _ connection: LoopbackConnection,
        _ received: Mailbox,
        _ refusals: [String: String],
        offersStartTLS: Bool,
        isEncrypted: Bool
    ) {
        var session = Session(isEncrypted: isEncrypted)
        func answer(_ command: String, _ reply: String) -> Bool {
            let refusal = refusals.first { command.hasPrefix($0.key) }?.value
            connection.write("\(refusal ?? reply)\r\n")
            return refusal == nil
        }
        guard answer("connect", "220 mail.test ESMTP") else { return connection.waitForClose() }
        while let line = connection.readLine() {
            received.commands.withLock { $0.append(line) }
            let word = line.prefix { $0 != " " }.uppercased()
            switch word {
            case "EHLO":
                let startTLS = offersStartTLS && !session.isEncrypted ? "250-STARTTLS\r\n" : ""
                _ = answer(line, "250-mail.test\r\n\(startTLS)250-AUTH PLAIN\r\n250 8BITMIME")
            case "STARTTLS":
                guard answer(line, "220 go ahead") else { continue }
                guard connection.startTLS() else { return }
                session = Session(isEncrypted: true)
            case "AUTH":
                // AUTH PLAIN, with or without the initial response.
                var token = line.split(separator: " ").dropFirst(2).first.map(String.init)
                if token == nil {
                    connection.write("334 \r\n")
                    token = connection.readLine()
                }
                if answer(line, "235 welcome") { session.login = token }
            case "MAIL": if answer(line, "250 sender ok") { session.sender = address(line) }
            case "RCPT": if answer(line, "250 recipient ok") { session.recipients.append(address(line)) }
            case "DATA":
                guard answer(line, "354 end with a dot") else { continue }
                guard let content = readMail(connection) else { return }
                guard answer(".", "250 taken") else { continue }
                received.all.withLock {
                    $0.append(
                        Received(
                            sender: session.sender,
                            recipients: session.recipients,
                            content: content,
                            isEncrypted: session.isEncrypted,
                            login: session.login
                        )
                    )
                }
                received.arrival.send()
            case "QUIT":
                _ = answer(line, "221 bye")
                return
            default: _ = answer(line, "500 what?")
            }
        }
    }

    /// What is between the angle brackets.
    private static func address(_ line: String) -> String {
        String(line.drop { $0 != "<" }.dropFirst().prefix { $0 != ">" })
    }

    private static func readMail(_ connection: LoopbackConnection) -> String? {
        var lines: [String] = []
        while let line = connection.readLine() {
            if line == "." { return lines.map { $0 + "\r\n" }.joined() }
            lines.append(line.hasPrefix(".") ? String(line.dropFirst()) : line)
        }
        return nil
    }
}
