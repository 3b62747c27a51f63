internal import ControllerRuntime
internal import FoundationEssentials
package import HTTPTransport
internal import JSON
package import KubernetesClient
package import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
internal import Synchronization
package import Telemetry
package import Timekeeping

/// Tells people about Recoveries that wait for them, by the channels of their policy.
///
/// Nothing that decides waits for it: `offer` puts a notice into a bounded queue, `run` delivers. A delivery is tried four
/// times within three minutes; the same notice goes out again only after the channel's `repeatSeconds`, and one channel
/// gets no more than `NoticeGate.perMinute`. Secrets are read in the policy's namespace as its ServiceAccount; without
/// one only in the controller's own namespace.
///
/// Told at least once: when all channels have been told, that is written into the Recovery
/// (`status.escalation.notifiedTime`, `status.plan.notifiedTime`). A new leader tells what is missing there, and knows by
/// the rest what was told; only a notice that was on its way when the old leader ended comes twice. That one completed is
/// told by the leader that sees it, or not at all.
///
/// PagerDuty and an Alertmanager, which keep incidents open, are told as well when nobody has to act any more (`settle`).
package final class Notifier: Sendable {
    /// What a notifier works with.
    package struct Environment: Sendable {
        /// The hub, behind the leader's guard.
        package var client: KubernetesClient
        package var policies: @Sendable (ObjectKey) -> RecoveryPolicy?
        /// All Recoveries that are known, once they and their policies are.
        package var recoveries: @Sendable () async throws -> [Recovery]
        /// How channels are reached.
        package var transport: any HTTPTransport & MailTransport
        /// Where URLs may lead.
        package var addresses: AddressRule
        package var controllerNamespace: String
        package var timeSource: any TimeSource
        package var logger: Logger
        package var metrics: MetricsRegistry

        /// Gathers what a notifier works with.
        package init(
            client: KubernetesClient,
            policies: @escaping @Sendable (ObjectKey) -> RecoveryPolicy?,
            recoveries: @escaping @Sendable () async throws -> [Recovery] = { [] },
            transport: any HTTPTransport & MailTransport,
            addresses: AddressRule,
            controllerNamespace: String,
            timeSource: any TimeSource,
            logger: Logger,
            metrics: MetricsRegistry
        ) {
            self.client = client
            self.policies = policies
            self.recoveries = recoveries
            self.transport = transport
            self.addresses = addresses
            self.controllerNamespace = controllerNamespace
            self.timeSource = timeSource
            self.logger = logger
            self.metrics = metrics
        }
    }

    struct Delivery: Sendable {
        var notice: RecoveryNotice
        var channel: NotificationChannel
        /// Of an e-mail: each is one delivery, so that one who is refused keeps it from nobody else.
        var recipient: String?
        var policy: RecoveryPolicy
        /// Tells the channels of one policy apart.
        var name: String
        var heldBack: Int
        var tally: NoticeTally
    }

    private enum Work: Sendable {
        case deliver(Delivery)
        /// Nobody had to be told any more.
        case record(RecoveryNotice)
    }

    /// Older escalations than that are nobody's news.
    private static let maxAge = 86_400.0
    /// How many deliveries may wait or be under way.
    private static let maxPending = 256
    /// How many things are remembered that people have to act on and channels keep open.
    private static let maxUnsettled = 1_000

    let environment: Environment
    private let work: AsyncStream<Work>
    private let queue: AsyncStream<Work>.Continuation
    private let gate = Mutex(NoticeGate())
    private let pending = Mutex(0)
    /// What channels keep open, by what it is about, then by Recovery and channel.
    private let unsettled = Mutex<[String: [String: Delivery]]>([:])
    private let counter: Counter

    /// Makes a notifier; nothing is delivered before ``run()``.
    package init(_ environment: Environment) {
        self.environment = environment
        (work, queue) = AsyncStream.makeStream(
            of: Work.self,
            bufferingPolicy: .bufferingOldest(Self.maxPending)
        )
        counter = environment.metrics.counter(
            "tmc_notifications_total",
            help: "Notifications by channel and what became of them: sent, failed, duplicate, limited or dropped.",
            labels: ["channel", "result"]
        )
        // From the start: nobody could be alerted of the first one otherwise.
        for channel in ChannelKind.allCases {
            for result in ["sent", "failed", "dropped"] { _ = counter.series([channel.rawValue, result]) }
        }
    }

    /// Takes a Recovery that has ended, or waits for an approval; never waits.
    package func offer(_ recovery: Recovery) {
        guard let (notice, policy, channels) = told(recovery), notice.toldTime == nil, !channels.isEmpty else { return }
        let now = environment.timeSource.now()
        let tally = NoticeTally(notice)
        for (name, channel) in channels {
            let verdict = gate.withLock { gate in
                gate.admit(
                    notice.fingerprint,
                    channel: name,
                    repeatAfter: .seconds(channel.effectiveRepeatSeconds),
                    now: now
                )
            }
            switch verdict {
            case .duplicate:
                count(channel, "duplicate")
                // One that waits is offered again and again: whether people were told the first delivery will tell.
                if case .approval = notice.matter { tally.fail() }
            case .tooMany:
                tally.fail()
                count(channel, "limited")
            case .send(let heldBack):
                for recipient in channel.recipients {
                    enqueue(
                        Delivery(
                            notice: notice,
                            channel: channel,
                            recipient: recipient,
                            policy: policy,
                            name: name,
                            heldBack: heldBack,
                            tally: tally
                        )
                    )
                }
            }
        }
        if let done = tally.close() { record(done) }
    }

    /// What there is to tell, and who is to be told, with the names that tell the channels apart.
    private func told(
        _ recovery: Recovery
    ) -> (RecoveryNotice, RecoveryPolicy, [(name: String, channel: NotificationChannel)])? {
        guard let notice = RecoveryNotice(recovery), let name = recovery.status?.effective?.policy?.name,
            let policy = environment.policies(ObjectKey(namespace: recovery.metadata.namespace, name: name))
        else { return nil }
        let channels = (policy.spec.notifications ?? []).enumerated().filter {
            notice.level >= $0.element.effectiveMinLevel
                && !(notice.matter == .completion && $0.element.keepsIncidents)
        }
        return (
            notice, policy,
            channels.map { ("\(policy.metadata.key) \($0.offset) \($0.element.channel.rawValue)", $0.element) }
        )
    }

    /// Takes note that nobody has to act any more, and tells those channels that keep it open; never waits.
    ///
    /// - Parameters:
    ///   - subject: the failure (`Recovery.failure`) or the wait (`Recovery.approvalSubject`) that is over.
    ///   - time: since when; what began later is still open, and keeps the rest open as well. Now when it is nil.
    func settle(_ subject: String, at time: Date? = nil) {
        let end = time ?? environment.timeSource.wallTime()
        let deliveries = unsettled.withLock { unsettled in
            guard let known = unsettled[subject]?.values, known.allSatisfy({ $0.notice.date ?? .distantPast <= end })
            else { return [Delivery]() }
            unsettled[subject] = nil
            return known.sorted { ($0.notice.recovery, $0.name) < ($1.notice.recovery, $1.name) }
        }
        var tallies: [ObjectKey: NoticeTally] = [:]
        for var delivery in deliveries {
            // The next failure is another incident, however soon it comes.
            gate.withLock { $0.forget(delivery.notice.fingerprint, channel: delivery.name) }
            delivery.notice.endDate = end
            delivery.heldBack = 0
            delivery.tally = tallies[delivery.notice.recovery] ?? NoticeTally(delivery.notice)
            tallies[delivery.notice.recovery] = delivery.tally
            enqueue(delivery)
        }
        for tally in tallies.values { if let done = tally.close() { record(done) } }
    }

    /// Remembers what a channel keeps open from now on.
    func remember(_ delivery: Delivery) {
        guard delivery.channel.keepsIncidents, delivery.notice.endDate == nil else { return }
        let (subject, key) = (delivery.notice.subject, "\(delivery.notice.recovery)\n\(delivery.name)")
        unsettled.withLock { unsettled in
            guard unsettled.count < Self.maxUnsettled || unsettled[subject] != nil else { return }
            unsettled[subject, default: [:]][key] = delivery
        }
    }

    private func enqueue(_ delivery: Delivery) {
        delivery.tally.begin()
        guard takePlace() else { return drop(delivery, "dropped", "too many notifications wait already") }
        queue.yield(.deliver(delivery))
    }

    /// Asks for the record that everybody was told; without a place it is left out, and a new leader tells it again.
    func record(_ notice: RecoveryNotice) {
        if takePlace() { queue.yield(.record(notice)) }
    }

    private func takePlace() -> Bool {
        pending.withLock { pending in
            guard pending < Self.maxPending else { return false }
            pending += 1
            return true
        }
    }

    /// Delivers until cancelled, first of all what a predecessor has left.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.takeOver() }
            for await work in work {
                group.addTask {
                    switch work {
                    case .deliver(let delivery): await self.deliver(delivery)
                    case .record(let notice): await self.write(notice)
                    }
                    self.pending.withLock { $0 -= 1 }
                }
            }
        }
    }

    private func takeOver() async {
        let known: [Recovery]
        do { known = try await environment.recoveries() } catch { return }
        let (now, wall) = (environment.timeSource.now(), environment.timeSource.wallTime())
        let all = known.sorted { $0.metadata.key < $1.metadata.key }
        for recovery in all {
            guard let (notice, policy, channels) = told(recovery), let time = notice.toldTime, !notice.isSettled
            else { continue }
            let age = Duration.seconds(max(0, min(wall.timeIntervalSince(time), Self.maxAge * 30)))
            for (name, channel) in channels {
                gate.withLock { $0.recall(notice.fingerprint, channel: name, age: age, now: now) }
                remember(
                    Delivery(
                        notice: notice,
                        channel: channel,
                        policy: policy,
                        name: name,
                        heldBack: 0,
                        tally: NoticeTally(notice)
                    )
                )
            }
        }
        // What waits for an approval is offered by whoever looks at it.
        for recovery in all where recovery.isFinal && recovery.status?.escalation?.notifiedTime == nil {
            guard let time = recovery.status?.escalation?.time, wall.timeIntervalSince(time) < Self.maxAge else {
                continue
            }
            offer(recovery)
        }
        for recovery in all {
            let end = recovery.state == .completed ? recovery.status?.completionTime : nil
            if let end = recovery.status?.occurrences?.healedTime ?? end { settle(recovery.failure, at: end) }
        }
    }

    func drop(_ delivery: Delivery, _ result: String, _ reason: String) {
        gate.withLock { $0.forget(delivery.notice.fingerprint, channel: delivery.name) }
        delivery.tally.fail()
        count(delivery.channel, result)
        environment.logger.warning(
            "a notification was not delivered",
            [
                "policy": "\(delivery.policy.metadata.key)", "channel": delivery.channel.channel.rawValue,
                "reason": reason,
            ]
        )
    }

    func count(_ channel: NotificationChannel, _ result: String) {
        let known = channel.channel.value?.rawValue ?? "unknown"
        counter.increment(known, result)
    }
}

extension NotificationChannel {
    /// Whether it keeps what it is told open until it is told that it is over.
    fileprivate var keepsIncidents: Bool { channel.value == .pagerDuty || channel.value == .alertmanager }

    /// Who gets a delivery of their own: every recipient of an e-mail; nil stands for the channel as a whole.
    fileprivate var recipients: [String?] {
        guard channel.value == .email, let to = email?.to, !to.isEmpty else { return [nil] }
        return to
    }
}
