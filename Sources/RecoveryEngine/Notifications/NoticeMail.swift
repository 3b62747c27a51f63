package import FoundationEssentials
package import HTTPTransport
internal import JSON
package import RecoveryAPI

/// A notice as an e-mail: plain text in UTF-8 (RFC 5322, 2045 and 2047).
///
/// Everything that comes from objects is encoded, so none of it can become a header, a command or another mail.
package enum NoticeMail {
    private static let maxSubject = 200
    /// How many bytes fit into one encoded word, whose line may have 76 characters.
    private static let wordBytes = 39

    /// Makes the mail.
    ///
    /// - Parameters:
    ///   - notice: what to tell.
    ///   - channel: who is told, with the settings of its server.
    ///   - recipient: one of its addresses.
    ///   - secret: the decoded data of the channel's Secret (`username`, `password`, `ca.crt`); empty when it has none.
    ///   - heldBack: how many notices were held back since the last one.
    ///   - now: when it is sent.
    /// - Returns: the mail, without the check of its server's address.
    /// - Throws: `NoticeRequest.Misconfigured`.
    package static func make(
        _ notice: RecoveryNotice,
        _ channel: NotificationChannel,
        to recipient: String,
        secret: [String: String],
        heldBack: Int,
        now: Date
    ) throws(NoticeRequest.Misconfigured) -> Mail {
        guard let email = channel.email else {
            throw NoticeRequest.Misconfigured(description: "channel Email has no email settings")
        }
        let more = heldBack == 0 ? "" : "\n(\(heldBack) more were held back)"
        // The same for every try, so that a mailbox can tell that it has it already.
        let identity = [notice.fingerprint, "\(notice.recovery)", notice.time, recipient].joined(separator: "\n")
        let host = email.from.split(separator: "@").last ?? "localhost"
        let lines = [
            "Date: \(date(now))",
            "From: <\(email.from)>",
            "To: <\(recipient)>",
            "Message-ID: <\(SHA256.hexDigest(of: Array(identity.utf8)).prefix(40))@\(host)>",
            "Subject: \(encoded(String(notice.title.prefix(maxSubject))))",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64",
            "",
            // As lines of text have it: mail knows no bare line feed.
            Data(
                (notice.text + more).split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
                    .utf8
            )
            .base64EncodedString(options: [.lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed]),
            "",
        ]
        var mail = Mail(
            server: email.server,
            sender: email.from,
            recipient: recipient,
            content: Array(lines.joined(separator: "\r\n").utf8)
        )
        mail.credentials = try credentials(secret)
        mail.security.certificateAuthority = secret["ca.crt"].map { Array($0.utf8) }
        return mail
    }

    private static func credentials(_ secret: [String: String]) throws(NoticeRequest.Misconfigured) -> MailCredentials?
    {
        switch (secret["username"], secret["password"]) {
        case (nil, nil): return nil
        case (let name?, let password?): return MailCredentials(userName: name, password: password)
        default:
            throw NoticeRequest.Misconfigured(
                description: "the Secret of channel Email needs both keys, username and password, or neither"
            )
        }
    }

    /// As `Sat, 21 Nov 2026 08:00:00 +0000`.
    private static func date(_ now: Date) -> String {
        // The calendar's first day was a Thursday.
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let seconds = Int(max(0, min(now.timeIntervalSince1970, 253_402_300_799)))
        let parts = (RFC3339.string(from: Date(timeIntervalSince1970: Double(seconds))) ?? "").split {
            "-T.Z".contains($0)
        }
        guard parts.count >= 4, let month = Int(parts[1]), months.indices.contains(month - 1) else { return "" }
        return "\(days[seconds / 86_400 % 7]), \(parts[2]) \(months[month - 1]) \(parts[0]) \(parts[3]) +0000"
    }

    /// A header's text: as it is when it is short and plain, else as encoded words.
    private static func encoded(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { (0x20...0x7e).contains($0) } && !text.contains("=?")
        guard !isPlain || text.utf8.count > 60 else { return text }
        var words: [[UInt8]] = [[]]
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            // A word has whole characters only.
            if words[words.count - 1].count + bytes.count > wordBytes { words.append([]) }
            words[words.count - 1] += bytes
        }
        return words.map { "=?utf-8?B?\(Data($0).base64EncodedString())?=" }.joined(separator: "\r\n ")
    }
}
