/// Someone who is told about a recovery.
package struct NotificationChannel: Codable, Hashable, Sendable {
    /// How they are told.
    package var channel: Open<ChannelKind>
    /// A Secret of the policy's namespace, with the keys that the channel reads: `url`, `token`, `routingKey`; for `Email`
    /// `username` and `password`, or neither, and `ca.crt`, the only certificates trusted.
    package var secretRef: SecretReference?
    /// The lowest escalation level that is told; `Guided` when absent, which includes waits for an approval; with `Automatic`
    /// completed Recoveries are told as well, but not to `PagerDuty` and `Alertmanager`, which open incidents.
    package var minLevel: Open<EscalationLevel>?
    /// Where to send, when that is no secret; the Secret's `url` wins.
    package var url: String?
    /// For `Email`: sender and recipients.
    package var email: EmailSettings?
    /// Seconds before the same thing is told again; 3600 when absent.
    package var repeatSeconds: Int?

    /// Makes a channel.
    package init(_ channel: ChannelKind, secretRef: SecretReference? = nil) {
        self.channel = .known(channel)
        self.secretRef = secretRef
    }

    /// The lowest level that is told, with the default applied.
    package var effectiveMinLevel: EscalationLevel { minLevel?.value ?? .guided }
    /// Seconds before a repetition, with the default applied.
    package var effectiveRepeatSeconds: Int { repeatSeconds ?? 3600 }
}

/// How a notification travels.
package enum ChannelKind: String, CaseIterable, Codable, Hashable {
    case slack = "Slack"
    case webhook = "Webhook"
    case pagerDuty = "PagerDuty"
    case alertmanager = "Alertmanager"
    case email = "Email"
}

/// Sender and recipients of an e-mail.
package struct EmailSettings: Codable, Hashable, Sendable {
    /// The server, `smtps://host:port`, or `smtp://host:port` with TLS by STARTTLS: where the server offers it, and with a
    /// password always.
    package var server: String
    /// The sender's address.
    package var from: String
    /// The recipients' addresses.
    package var to: [String]

    /// Makes settings.
    package init(server: String, from: String, to: [String]) {
        self.server = server
        self.from = from
        self.to = to
    }
}
