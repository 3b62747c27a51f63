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
/// (`status.escalation.notifiedTime`). A new leader tells what is missing there, and knows by the rest what was told; only
/// a notice that was on its way when the old leader ended comes twice.
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
        case record(Recovery)
    }

    /// Older escalations than that are nobody's news.
    private static let maxAge = 86_400.0
    /// How many deliveries may wait or be under way.
    private static let maxPending = 256

    let environment: Environment
    private let work: AsyncStream<Work>
    private let queue: AsyncStream<Work>.Continuation
    private let gate = Mutex(NoticeGate())
    private let pending = Mutex(0)
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

    /// Takes a Recovery that has ended; never waits.
    package func offer(_ recovery: Recovery) {
        guard let (notice, policy, channels) = told(recovery), !channels.isEmpty else { return }
        let now = environment.timeSource.now()
        let tally = NoticeTally(recovery)
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
            case .duplicate: count(channel, "duplicate")
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
        }
        return (
            notice, policy,
            channels.map { ("\(policy.metadata.key) \($0.offset) \($0.element.channel.rawValue)", $0.element) }
        )
    }

    private func enqueue(_ delivery: Delivery) {
        delivery.tally.begin()
        guard takePlace() else { return drop(delivery, "dropped", "too many notifications wait already") }
        queue.yield(.deliver(delivery))
    }

    /// Asks for the record that everybody was told; without a place it is left out, and a new leader tells it again.
    func record(_ recovery: Recovery) {
        if takePlace() { queue.yield(.record(recovery)) }
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
                    case .record(let recovery): await self.write(recovery)
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
        let ended = known.filter(\.isFinal).sorted { $0.metadata.key < $1.metadata.key }
        for recovery in ended {
            guard let time = recovery.status?.escalation?.notifiedTime, let (notice, _, channels) = told(recovery)
            else { continue }
            let age = Duration.seconds(max(0, min(wall.timeIntervalSince(time), Self.maxAge * 30)))
            gate.withLock { gate in
                for (name, _) in channels { gate.recall(notice.fingerprint, channel: name, age: age, now: now) }
            }
        }
        for recovery in ended where recovery.status?.escalation?.notifiedTime == nil {
            guard let time = recovery.status?.escalation?.time, wall.timeIntervalSince(time) < Self.maxAge else {
                continue
            }
            offer(recovery)
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
    /// Who gets a delivery of their own: every recipient of an e-mail; nil stands for the channel as a whole.
    fileprivate var recipients: [String?] {
        guard channel.value == .email, let to = email?.to, !to.isEmpty else { return [nil] }
        return to
    }
}
