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

    @discardableResult
    private func notifier(
        _ channels: [NotificationChannel],
        _ transport: ScriptedTransport,
        namespace: String = "tmc-recovery-system",
        metrics: MetricsRegistry = MetricsRegistry(),
        knows: Bool = false
    ) -> Notifier {
        var policy = RecoveryPolicy(metadata: ObjectMeta(name: "web", namespace: namespace))
        policy.spec.notifications = channels
        let notifier = Notifier(
            Notifier.Environment(
                client: hub.client(identity: "controller"),
                policies: { [policy] _ in policy },
                recoveries: { [hub] in
                    guard knows else { return [] }
                    return try hub.objects(Recovery.resource).map { try Recovery(json: $0.content) }
                },
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

    @Test("each recipient gets an e-mail of its own, in which nothing from an object is more than text")
    func mails() throws {
        let transport = ScriptedTransport { _ in .json([:]) }
        var failed = recovery()
        failed.status?.message = "é\r\n.\r\nQUIT"
        failed.status?.target?.name = "web\r\nBcc: <evil@example.com>"
        notifier([email()], transport).offer(failed)
        world.settle()
        #expect(transport.requests.isEmpty && transport.mails.map(\.recipient) == ["a@example.com", "b@example.com"])
        let mail = try #require(transport.mails.first)
        #expect(mail.server == "smtps://mail.example:465" && mail.sender == "tmc@example.com")
        #expect(mail.credentials == nil && mail.mayConnect?("169.254.169.254") == false)
        try #require(mail.content.allSatisfy { $0 < 0x80 })
        let text = String(decoding: mail.content, as: UTF8.self)
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
        let headers = parts[0].replacing("\r\n ", with: "").split(separator: "\r\n").map(String.init)
        #expect(
            headers.map { $0.prefix { $0 != ":" } } == [
                "Date", "From", "To", "Message-ID", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type",
                "Content-Transfer-Encoding",
            ]
        )
        #expect(headers[0].wholeMatch(of: /Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000/) != nil)
        #expect(headers[1...2] == ["From: <tmc@example.com>", "To: <a@example.com>"])
        let subject = try headers[4].matches(of: /=\?utf-8\?B\?([^?]*)\?=/).map { match in
            String(decoding: try #require(Data(base64Encoded: String(match.1))), as: UTF8.self)
        }
        #expect(
            subject.joined().hasPrefix("[Manual] SyncFailure of Deployment shop/web\r\nBcc: <evil@example.com>: rec")
        )
        #expect(text.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 76 })
        let body = try #require(Data(base64Encoded: String(parts[1]).replacing("\r\n", with: "")))
        let told = String(decoding: body, as: UTF8.self)
        #expect(told.contains("\r\né\r\n") && told.hasSuffix("\r\n2. Repair"))
        #expect(headers[3] != String(decoding: transport.mails[1].content, as: UTF8.self).split(separator: "\r\n")[3])
    }

    @Test(
        "an e-mail says when it was sent",
        arguments: [
            (1_795_291_399.9, "Sat, 21 Nov 2026 20:03:19 +0000"), (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 +0000"),
        ]
    )
    func mailDate(_ time: Double, _ text: String) throws {
        let notice = try #require(RecoveryNotice(recovery()))
        let mail = try NoticeMail.make(
            notice,
            email(),
            to: "a@example.com",
            secret: [:],
            heldBack: 2,
            now: Date(timeIntervalSince1970: time)
        )
        #expect(String(decoding: mail.content, as: UTF8.self).hasPrefix("Date: \(text)\r\n"))
    }

    private func email(_ change: (inout NotificationChannel) -> Void = { _ in }) -> NotificationChannel {
        channel(.email) { channel in
            channel.secretRef = nil
            channel.email = EmailSettings(
                server: "smtps://mail.example:465",
                from: "tmc@example.com",
                to: ["a@example.com", "b@example.com"]
            )
            change(&channel)
        }
    }

    @Test("a mail server that is busy is tried again, one that refuses is not; credentials come from the Secret")
    func mailReplies() {
        hub.put(
            [
                "metadata": ["name": "mail", "namespace": "tmc-recovery-system"],
                "data": ["username": "bWU=", "password": "c2VjcmV0", "ca.crt": "UEVN"],
            ],
            .secrets
        )
        let transport = ScriptedTransport { _ in .json([:]) }
        transport.answerMails(MailReply(status: 451, text: "later"))
        let channel = email { $0.secretRef = SecretReference(name: "mail") }
        notifier([channel], transport).offer(recovery())
        world.run(for: .seconds(4))
        #expect(transport.mails.count == 2)
        #expect(transport.mails.first?.credentials == MailCredentials(userName: "me", password: "secret"))
        #expect(transport.mails.first?.security.certificateAuthority == Array("PEM".utf8))
        transport.answerMails(MailReply(status: 550, text: "no"))
        world.run(for: .seconds(600))
        #expect(transport.mails.count == 4)
        #expect(
            Set(transport.mails.map { String(decoding: $0.content, as: UTF8.self).split(separator: "\r\n")[3] }).count
                == 2
        )
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
            }, email { $0.email?.server = "smtp://127.0.0.1:9" }, email { $0.email?.server = "http://mail.example" },
            email { $0.email = nil },
            // A password alone.
            email { $0.secretRef = SecretReference(name: "secret", key: "own") },
        ]
        notifier(channels, transport).offer(recovery())
        notifier([channel()], transport, namespace: "shop").offer(recovery())
        world.run(for: .seconds(600))
        #expect(transport.requests.isEmpty && transport.mails.isEmpty)
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

    @Test("with minLevel Automatic people hear of what completed as well, and channels that open incidents do not")
    func completions() throws {
        let transport = ScriptedTransport { _ in .json([:]) }
        let curious = [ChannelKind.slack, .pagerDuty, .alertmanager].map { kind in
            channel(kind) { $0.minLevel = .known(.automatic) }
        }
        var completed = recovery()
        completed.status?.state = .completed
        completed.status?.escalation = nil
        completed.status?.message = "the target is healthy"
        notifier([channel()] + curious, transport).offer(completed)
        world.settle()
        let text = try #require(try bodies(transport).first?["text"]?.stringValue)
        #expect(
            text.hasPrefix("[Automatic] SyncFailure of Deployment shop/web: recovery Completed\nthe target is healthy")
        )
        #expect(transport.requests.count == 1 && hub.requests { $0.verb == .patch }.isEmpty)
    }

    // MARK: What is over

    private var keepers: [NotificationChannel] { [channel(), channel(.pagerDuty), channel(.alertmanager)] }

    @Test("PagerDuty and an Alertmanager are told when it is over, once, and of the next failure at once")
    func settles() throws {
        let transport = ScriptedTransport { _ in .json([:]) }
        let notifier = notifier(keepers, transport)
        let failed = try stored()
        notifier.offer(failed)
        world.settle()
        let begin = try #require(failed.status?.escalation?.time)
        notifier.settle(failed.failure, at: begin.addingTimeInterval(-1))
        world.settle()
        #expect(transport.requests.count == 3, "what was well before it failed is not over")
        let end = world.time.wallTime()
        notifier.settle(failed.failure, at: end)
        notifier.settle(failed.failure, at: end)
        world.settle()
        let all = try bodies(transport)
        #expect(all.count == 5)
        let events = all.filter { $0["routing_key"] == "route" }
        #expect(events.map { $0["event_action"] } == ["trigger", "resolve"])
        #expect(events[0]["dedup_key"] == events[1]["dedup_key"] && events[1]["payload"] == nil)
        let alerts = all.compactMap { $0[index: 0] }
        #expect(alerts.count == 2 && alerts[0]["labels"] == alerts[1]["labels"])
        #expect(alerts[0]["endsAt"] == .string(RFC3339.string(from: begin.addingTimeInterval(86_400)) ?? ""))
        #expect(alerts[1]["endsAt"] == .string(RFC3339.string(from: end) ?? ""))
        #expect(try escalation()?.resolvedTime != nil)
        notifier.offer(try stored("next", escalatedAgo: 0))
        world.settle()
        #expect(transport.requests.count == 7, "Slack was told of this failure a minute ago")
    }

    @Test("what heals while it is being told is settled when it has been told")
    func healsMeanwhile() throws {
        let isUp = Mutex(false)
        let transport = ScriptedTransport { _ in isUp.withLock { $0 } ? .json([:]) : .json([:], status: 503) }
        let failed = try stored()
        let notifier = notifier([channel(.pagerDuty)], transport)
        notifier.offer(failed)
        world.settle()
        heal("web")
        notifier.settle(failed.failure)
        world.settle()
        isUp.withLock { $0 = true }
        world.run(for: .seconds(10))
        #expect(try bodies(transport).map { $0["event_action"] } == ["trigger", "trigger", "resolve"])
        #expect(try escalation()?.resolvedTime != nil)
    }

    @Test("a new leader settles what its predecessor has told, and nothing twice")
    func settlesAfterLeaderChange() throws {
        notifier(keepers, ScriptedTransport { _ in .json([:]) }).offer(try stored())
        world.settle()
        let idle = ScriptedTransport { _ in .json([:]) }
        notifier(keepers, idle, knows: true)
        world.settle()
        #expect(idle.requests.isEmpty)
        heal("web")
        let second = ScriptedTransport { _ in .json([:]) }
        notifier(keepers, second, knows: true)
        world.settle()
        #expect(
            try bodies(second).map { $0["event_action"] ?? $0[index: 0]?["labels"]?["level"] } == ["resolve", "Manual"]
        )
        let third = ScriptedTransport { _ in .json([:]) }
        notifier(keepers, third, knows: true)
        world.settle()
        #expect(third.requests.isEmpty)
    }

    private func heal(_ name: String) {
        hub.edit(Recovery.resource, ObjectKey(namespace: "tmc-recovery-system", name: name)) {
            $0.set(
                ["count": 1, "healedTime": .string(RFC3339.string(from: world.time.wallTime()) ?? "")],
                at: ["status", "occurrences"]
            )
        }
    }

    // MARK: Another leader

    /// A Recovery that has ended and is on the hub.
    private func stored(_ name: String = "web", escalatedAgo seconds: Double = 60) throws -> Recovery {
        var recovery = recovery(name: name)
        recovery.status?.escalation?.time = world.time.wallTime().addingTimeInterval(-seconds)
        return try Recovery(json: hub.put(recovery.jsonValue(), Recovery.resource).content)
    }

    private func notifiedTime(_ name: String = "web") throws -> Date? { try escalation(name)?.notifiedTime }

    private func escalation(_ name: String = "web") throws -> Escalation? {
        let key = ObjectKey(namespace: "tmc-recovery-system", name: name)
        let object = try #require(hub.object(Recovery.resource, key))
        return try Recovery(json: object.content).status?.escalation
    }

    @Test("what was told is written once all have been told, and the next leader neither repeats nor forgets it")
    func leaderChange() throws {
        let transport = ScriptedTransport { _ in .json([:]) }
        let channels = [channel { $0.repeatSeconds = 600 }, email { $0.repeatSeconds = 600 }]
        notifier(channels, transport).offer(try stored())
        world.settle()
        #expect(transport.requests.count == 1 && transport.mails.count == 2)
        let time = try #require(try notifiedTime())
        #expect(abs(time.timeIntervalSince(world.time.wallTime())) < 2)
        #expect(hub.requests { $0.verb == .patch }.count == 1, "one write for all channels")

        world.run(for: .seconds(300))
        let next = ScriptedTransport { _ in .json([:]) }
        let successor = notifier(channels, next, knows: true)
        world.settle()
        successor.offer(try stored("later"))
        world.settle()
        #expect(next.requests.isEmpty && next.mails.isEmpty, "the same failure was told five minutes ago")
        #expect(try notifiedTime("later") != nil, "who has been told needs no leader to tell them")
        world.run(for: .seconds(301))
        successor.offer(try stored("last"))
        world.settle()
        #expect(next.requests.count == 1 && next.mails.count == 2)
    }

    @Test("what the old leader could not deliver, the next one does; all channels then, as nobody knows who was told")
    func undelivered() throws {
        let refusing = ScriptedTransport { _ in .json([:], status: 404) }
        notifier([channel(), email()], refusing).offer(try stored())
        world.run(for: .seconds(600))
        #expect(refusing.requests.count == 1 && refusing.mails.count == 2)
        #expect(try notifiedTime() == nil)
        let transport = ScriptedTransport { _ in .json([:]) }
        notifier([channel(), email()], transport, knows: true)
        world.settle()
        #expect(transport.requests.count == 1 && transport.mails.count == 2)
        #expect(try notifiedTime() != nil)
    }

    @Test("a wait for an approval that was told is not told again by the next leader; one that was not, is")
    func waits() throws {
        var waiting = recovery(name: "waiting")
        waiting.status?.state = .pending
        waiting.status?.escalation = nil
        waiting.status?.plan = RecoveryPlan(hash: "ab12")
        waiting.status?.conditions = [
            Condition(type: ConditionType.admitted, status: .false, reason: RecoveryGate.awaitingApproval.rawValue)
        ]
        let stored = try Recovery(json: hub.put(waiting.jsonValue(), Recovery.resource).content)
        let refusing = ScriptedTransport { _ in .json([:], status: 404) }
        notifier([channel()], refusing).offer(stored)
        world.settle()
        let transport = ScriptedTransport { _ in .json([:]) }
        notifier([channel()], transport).offer(stored)
        world.settle()
        #expect(refusing.requests.count == 1 && transport.requests.count == 1)
        let object = try #require(hub.object(Recovery.resource, stored.metadata.key))
        let told = try Recovery(json: object.content)
        #expect(told.status?.plan?.notifiedTime != nil && told.status?.plan?.hash == "ab12")
        notifier([channel()], transport, knows: true).offer(told)
        world.settle()
        #expect(transport.requests.count == 1)
    }

    @Test("a new leader leaves alone what is old, what needs nobody, and what no channel asks for")
    func oldNews() throws {
        _ = try stored("old", escalatedAgo: 86_401)
        var completed = recovery(name: "completed")
        completed.status?.state = .completed
        completed.status?.escalation = nil
        hub.put(try completed.jsonValue(), Recovery.resource)
        var running = recovery(name: "running")
        running.status?.state = .inProgress
        hub.put(try running.jsonValue(), Recovery.resource)
        _ = try stored("quiet")
        let transport = ScriptedTransport { _ in .json([:]) }
        notifier([channel { $0.minLevel = .known(.emergency) }], transport, knows: true)
        world.settle()
        #expect(transport.requests.isEmpty && hub.requests { $0.verb == .patch }.isEmpty)
    }

    @Test("a record that cannot be written costs nothing but a repetition by the next leader")
    func unwritten() throws {
        hub.inject(.status(403, "Forbidden")) { $0.verb == .patch }
        let transport = ScriptedTransport { _ in .json([:]) }
        notifier([channel()], transport).offer(try stored())
        world.settle()
        #expect(try transport.requests.count == 1 && notifiedTime() == nil)
        notifier([channel()], transport, knows: true)
        world.settle()
        #expect(try transport.requests.count == 2 && notifiedTime() != nil)
    }
}
