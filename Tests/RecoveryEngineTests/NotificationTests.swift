import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

@Suite("Notifications")
struct NotificationTests {
    private let world = VirtualWorld()
    private let hub: FakeAPIServer

    init() {
        hub = FakeAPIServer(timeSource: world.time, resources: [Recovery.resource, RecoveryPolicy.resource])
        hub.put(
            [
                "metadata": ["name": "secret", "namespace": "tmc-recovery-system"],
                "data": [
                    "url": "aHR0cHM6Ly9ob29rcy5leGFtcGxlL3g=", "token": "dG9r", "routingKey": "cm91dGU=",
                    "own": "aHR0cHM6Ly9vd24uZXhhbXBsZS8=",
                ],
            ],
            .secrets
        )
    }

    private func recovery(
        _ level: EscalationLevel = .manual,
        name: String = "web",
        type: String = "SyncFailure"
    ) -> Recovery {
        var recovery = Recovery(
            metadata: ObjectMeta(name: name, namespace: "tmc-recovery-system"),
            spec: RecoverySpec(error: ReportedError(type: type))
        )
        var status = RecoveryStatus()
        status.state = .failed
        status.message = "all <attempts> failed"
        status.target = ResolvedTarget(apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web")
        status.escalation = Escalation(level: level, reason: "AttemptsExhausted", nextSteps: ["Look", "Repair"])
        status.effective = EffectiveSettings()
        status.effective?.policy = PolicySnapshot(name: "web")
        recovery.status = status
        return recovery
    }

    private func channel(
        _ kind: ChannelKind = .slack,
        _ change: (inout NotificationChannel) -> Void = { _ in }
    )
        -> NotificationChannel
    {
        var channel = NotificationChannel(kind, secretRef: SecretReference(name: "secret"))
        change(&channel)
        return channel
    }

    private func notifier(
        _ channels: [NotificationChannel],
        _ transport: ScriptedTransport,
        namespace: String = "tmc-recovery-system",
        metrics: MetricsRegistry = MetricsRegistry()
    ) -> Notifier {
        var policy = RecoveryPolicy(metadata: ObjectMeta(name: "web", namespace: namespace))
        policy.spec.notifications = channels
        let notifier = Notifier(
            Notifier.Environment(
                client: hub.client(identity: "controller"),
                policies: { [policy] _ in policy },
                transport: transport,
                addresses: AddressRule(),
                controllerNamespace: "tmc-recovery-system",
                timeSource: world.time,
                logger: .disabled,
                metrics: metrics
            )
        )
        world.start { await notifier.run() }
        return notifier
    }

    private func bodies(_ transport: ScriptedTransport) throws -> [JSONValue] {
        try transport.requests.map { try JSONValue(parsing: $0.body ?? []) }
    }

    @Test(
        "each channel gets its own form, with the address from the Secret",
        arguments: [
            (ChannelKind.slack, "https://hooks.example/x"), (.webhook, "https://hooks.example/x"),
            (.pagerDuty, "https://hooks.example/x"), (.alertmanager, "https://hooks.example/x/api/v2/alerts"),
        ]
    )
    func forms(_ kind: ChannelKind, _ url: String) throws {
        let transport = ScriptedTransport { _ in .json([:]) }
        notifier([channel(kind)], transport).offer(recovery())
        world.settle()
        let request = try #require(transport.requests.first)
        #expect(request.url == url && request.method == "POST" && transport.requests.count == 1)
        #expect(request.mayConnect?("169.254.169.254") == false)
        let body = try #require(try bodies(transport).first)
        switch kind {
        case .slack:
            let text = body["text"]?.stringValue ?? ""
            #expect(text.contains("[Manual] SyncFailure of Deployment shop/web: recovery Failed"))
            #expect(text.contains("all &lt;attempts&gt; failed") && text.contains("2. Repair"))
        case .webhook:
            #expect(body["recovery"]?["name"] == "web" && body["nextSteps"] == ["Look", "Repair"])
            #expect(request.headers.contains { $0.name == "Authorization" && $0.value == "Bearer tok" })
        case .pagerDuty:
            #expect(body["routing_key"] == "route" && body["event_action"] == "trigger")
            #expect(body["payload"]?["severity"] == "error")
        case .alertmanager:
            #expect(body[index: 0]?["labels"]?["alertname"] == "RecoveryEscalated")
        case .email: break
        }
    }

    @Test("only from the level that the channel asks for, and only when somebody has to act")
    func levels() {
        let transport = ScriptedTransport { _ in .json([:]) }
        let notifier = notifier([channel { $0.minLevel = .known(.emergency) }], transport)
        notifier.offer(recovery(.manual))
        var completed = recovery()
        completed.status?.escalation = nil
        notifier.offer(completed)
        world.settle()
        #expect(transport.requests.isEmpty)
        notifier.offer(recovery(.emergency))
        world.settle()
        #expect(transport.requests.count == 1)
    }

    @Test("the same failure is told again only after repeatSeconds, whichever Recovery reports it")
    func deduplicates() {
        let transport = ScriptedTransport { _ in .json([:]) }
        let notifier = notifier([channel { $0.repeatSeconds = 600 }], transport)
        for number in 0..<5 { notifier.offer(recovery(name: "web-\(number)")) }
        notifier.offer(recovery(type: "SyncTimeout"))
        world.settle()
        #expect(transport.requests.count == 2)
        world.run(for: .seconds(600))
        notifier.offer(recovery())
        world.settle()
        #expect(transport.requests.count == 3)
    }

    @Test("a flood is held back, and the next notice says by how much")
    func limits() throws {
        let transport = ScriptedTransport { _ in .json([:]) }
        let notifier = notifier([channel(.webhook)], transport)
        for number in 0..<50 { notifier.offer(recovery(type: "Type\(number)")) }
        world.settle()
        #expect(transport.requests.count == NoticeGate.perMinute)
        world.run(for: .seconds(60))
        notifier.offer(recovery(type: "Last"))
        world.settle()
        #expect(try bodies(transport).last?["heldBack"] == .number(50 - NoticeGate.perMinute))
    }

    @Test("a channel that does not answer is tried again; one that refuses is not, and neither hides the next report")
    func retries() {
        let count = Mutex(0)
        let transport = ScriptedTransport { _ in
            count.withLock { count in
                count += 1
                return count < 3 ? .json([:], status: 503) : .json([:])
            }
        }
        notifier([channel()], transport).offer(recovery())
        world.run(for: .seconds(4))
        #expect(transport.requests.count == 1)
        world.run(for: .seconds(31))
        #expect(transport.requests.count == 3)
        world.run(for: .seconds(600))
        #expect(transport.requests.count == 3)

        let refusing = ScriptedTransport { _ in .json([:], status: 404) }
        let other = notifier([channel()], refusing)
        other.offer(recovery())
        world.run(for: .seconds(600))
        #expect(refusing.requests.count == 1)
        other.offer(recovery())
        world.settle()
        #expect(refusing.requests.count == 2, "nobody was told the first time")
    }

    @Test("what is set up wrongly sends nothing: no Secret, no address, an address of the node, no ServiceAccount")
    func misconfigured() {
        let transport = ScriptedTransport { _ in .json([:]) }
        let channels = [
            channel { $0.secretRef = nil }, channel { $0.secretRef = SecretReference(name: "none") },
            channel {
                $0.secretRef = nil
                $0.url = "http://127.0.0.1:9/"
            },
        ]
        notifier(channels, transport).offer(recovery())
        notifier([channel()], transport, namespace: "shop").offer(recovery())
        world.run(for: .seconds(600))
        #expect(transport.requests.isEmpty)
        let read = hub.requests { $0.concerns(.secrets) }.compactMap { $0.target?.namespace }
        #expect(!read.contains("shop"))
    }

    @Test("a key of one's own in the Secret holds the address")
    func ownKey() {
        let transport = ScriptedTransport { _ in .json([:]) }
        notifier([channel { $0.secretRef?.key = "own" }], transport).offer(recovery())
        world.settle()
        #expect(transport.requests.map(\.url) == ["https://own.example/"])
    }
}
