import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// Channels over the real transport, to servers on this machine.
@Suite("Notifications on the wire", .timeLimit(.minutes(2)))
struct NotificationDeliveryTests {
    private static let namespace = "tmc-recovery-system"
    private let web: LoopbackServer
    private let mail: LoopbackMailServer
    private let authority: TestAuthority

    init() throws {
        authority = try TestAuthority(name: "mail authority")
        web = try LoopbackServer { connection in
            while connection.readRequest() != nil { connection.answer("{}") }
        }
        mail = try LoopbackMailServer(
            identity: try authority.issue("mail", names: ["IP:127.0.0.1"]),
            offersStartTLS: true
        )
    }

    private func hub() -> FakeAPIServer {
        let hub = FakeAPIServer(timeSource: SystemTimeSource(), resources: [Recovery.resource])
        func text(_ text: String) -> JSONValue { .string(Data(text.utf8).base64EncodedString()) }
        let data: JSONValue = [
            "username": text("me"), "password": text("secret"), "routingKey": text("route"), "token": text("tok"),
            "ca.crt": text(String(decoding: authority.identity.certificate, as: UTF8.self)),
        ]
        hub.put(["metadata": ["name": "secret", "namespace": .string(Self.namespace)], "data": data], .secrets)
        return hub
    }

    private var channels: [NotificationChannel] {
        [ChannelKind.slack, .webhook, .pagerDuty, .alertmanager, .email].map { kind in
            var channel = NotificationChannel(kind, secretRef: SecretReference(name: "secret"))
            if kind == .email {
                channel.email = EmailSettings(server: mail.url, from: "tmc@example.com", to: ["a@example.com"])
            } else {
                channel.url = "\(web.url)/\(kind.rawValue)"
            }
            return channel
        }
    }

    private func recovery() -> Recovery {
        var recovery = Recovery(
            metadata: ObjectMeta(name: "web", namespace: Self.namespace),
            spec: RecoverySpec(error: ReportedError(type: "SyncFailure"))
        )
        var status = RecoveryStatus()
        status.state = .failed
        status.target = ResolvedTarget(apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web")
        status.escalation = Escalation(level: .manual, reason: "AttemptsExhausted", nextSteps: ["Look"])
        status.effective = EffectiveSettings()
        status.effective?.policy = PolicySnapshot(name: "web")
        recovery.status = status
        return recovery
    }

    /// Runs a notifier over a real transport while `body` waits for what it does.
    private func withNotifier(
        allowed: [String],
        _ metrics: MetricsRegistry,
        _ body: () async throws -> Void
    ) async throws {
        var policy = RecoveryPolicy(metadata: ObjectMeta(name: "web", namespace: Self.namespace))
        policy.spec.notifications = channels
        let transport = try CurlTransport()
        let notifier = Notifier(
            Notifier.Environment(
                client: hub().client(identity: "controller"),
                policies: { [policy] _ in policy },
                transport: transport,
                addresses: AddressRule(allowed: allowed.compactMap(AddressRange.init)),
                controllerNamespace: Self.namespace,
                timeSource: SystemTimeSource(),
                logger: .disabled,
                metrics: metrics
            )
        )
        defer {
            transport.shutdown()
            web.stop()
            mail.stop()
        }
        let running = Task { await notifier.run() }
        notifier.offer(recovery())
        try await body()
        running.cancel()
        await running.value
    }

    @Test("every channel reaches its server, the e-mail with a login through TLS")
    func delivers() async throws {
        let metrics = MetricsRegistry()
        try await withNotifier(allowed: ["127.0.0.0/8"], metrics) {
            let mails = try await mail.mails(atLeast: 1)
            while web.requests.count < 4 {
                try Task.checkCancellation()
                await Task.yield()
            }
            let received = Dictionary(grouping: web.requests, by: \.target)
            #expect(received.keys.sorted() == ["/Alertmanager/api/v2/alerts", "/PagerDuty", "/Slack", "/Webhook"])
            #expect(received.values.allSatisfy { $0.count == 1 && $0[0].method == "POST" })
            #expect(received["/Webhook"]?.first?.header("Authorization") == "Bearer tok")
            let event = try JSONValue(parsing: received["/PagerDuty"]?.first?.body ?? [])
            #expect(event["routing_key"] == "route")
            #expect(mails.count == 1 && mails[0].isEncrypted && mails[0].login == "AG1lAHNlY3JldA==")
            #expect(mails[0].sender == "tmc@example.com" && mails[0].recipients == ["a@example.com"])
            #expect(mails[0].content.contains("Auto-Submitted: auto-generated\r\n"))
        }
    }

    @Test("nothing reaches this machine unless the configuration allows it")
    func refuses() async throws {
        let metrics = MetricsRegistry()
        try await withNotifier(allowed: [], metrics) {
            while failures(metrics) < 5 {
                try Task.checkCancellation()
                await Task.yield()
            }
        }
        #expect(web.connections.isEmpty && mail.connectionCount == 0)
    }

    private func failures(_ metrics: MetricsRegistry) -> Int {
        metrics.exposition().split(separator: "\n").count {
            $0.hasPrefix("tmc_notifications_total{") && $0.contains("result=\"failed\"") && $0.hasSuffix(" 1")
        }
    }
}
