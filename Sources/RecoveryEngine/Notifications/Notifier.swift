internal import ControllerRuntime
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
package final class Notifier: Sendable {
    /// What a notifier works with.
    package struct Environment: Sendable {
        /// The hub, behind the leader's guard.
        package var client: KubernetesClient
        package var policies: @Sendable (ObjectKey) -> RecoveryPolicy?
        /// How channels are reached.
        package var transport: any HTTPTransport
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
            transport: any HTTPTransport,
            addresses: AddressRule,
            controllerNamespace: String,
            timeSource: any TimeSource,
            logger: Logger,
            metrics: MetricsRegistry
        ) {
            self.client = client
            self.policies = policies
            self.transport = transport
            self.addresses = addresses
            self.controllerNamespace = controllerNamespace
            self.timeSource = timeSource
            self.logger = logger
            self.metrics = metrics
        }
    }

    private struct Delivery: Sendable {
        var notice: RecoveryNotice
        var channel: NotificationChannel
        var policy: RecoveryPolicy
        /// Tells the channels of one policy apart.
        var name: String
        var heldBack: Int
    }

    /// How many deliveries may wait or be under way.
    private static let maxPending = 256
    /// The waits before the second, third and fourth try.
    private static let waits: [Duration] = [.seconds(5), .seconds(30), .seconds(120)]

    private let environment: Environment
    private let deliveries: AsyncStream<Delivery>
    private let queue: AsyncStream<Delivery>.Continuation
    private let gate = Mutex(NoticeGate())
    private let pending = Mutex(0)
    private let counter: Counter

    /// Makes a notifier; nothing is delivered before ``run()``.
    package init(_ environment: Environment) {
        self.environment = environment
        (deliveries, queue) = AsyncStream.makeStream(
            of: Delivery.self,
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
        guard let notice = RecoveryNotice(recovery), let name = recovery.status?.effective?.policy?.name,
            let policy = environment.policies(ObjectKey(namespace: recovery.metadata.namespace, name: name))
        else { return }
        let now = environment.timeSource.now()
        for (index, channel) in (policy.spec.notifications ?? []).enumerated()
        where notice.level >= channel.effectiveMinLevel {
            let name = "\(policy.metadata.key) \(index) \(channel.channel.rawValue)"
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
            case .tooMany: count(channel, "limited")
            case .send(let heldBack):
                enqueue(
                    Delivery(notice: notice, channel: channel, policy: policy, name: name, heldBack: heldBack)
                )
            }
        }
    }

    private func enqueue(_ delivery: Delivery) {
        let hasRoom = pending.withLock { pending in
            guard pending < Self.maxPending else { return false }
            pending += 1
            return true
        }
        guard hasRoom else { return drop(delivery, "dropped", "too many notifications wait already") }
        queue.yield(delivery)
    }

    /// Delivers until cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await delivery in deliveries {
                group.addTask {
                    await self.deliver(delivery)
                    self.pending.withLock { $0 -= 1 }
                }
            }
        }
    }

    // MARK: One delivery

    private func deliver(_ delivery: Delivery) async {
        for wait in Self.waits.map(Optional.some) + [nil] {
            do {
                try await send(delivery)
                count(delivery.channel, "sent")
                return
            } catch is CancellationError {
                return
            } catch let error as NoticeRequest.Misconfigured {
                return drop(delivery, "failed", error.description)
            } catch {
                guard let wait else { return drop(delivery, "failed", Attempt.describe(error)) }
                do {
                    try await environment.timeSource.sleep(for: wait)
                } catch {
                    return
                }
            }
        }
    }

    /// The answer of a channel that did not take a notice.
    private struct Refused: Error, CustomStringConvertible {
        var status: Int
        var description: String { "it answered \(status)" }
    }

    private func send(_ delivery: Delivery) async throws {
        let secret = try await secret(delivery)
        var request = try NoticeRequest.make(
            delivery.notice,
            delivery.channel,
            secret: secret,
            heldBack: delivery.heldBack
        )
        let addresses = environment.addresses
        if let problem = addresses.problem(url: request.url) {
            throw NoticeRequest.Misconfigured(description: "the URL \(problem)")
        }
        request.mayConnect = { addresses.problem(address: $0) == nil }
        let answer = try await environment.transport.perform(request)
        switch answer.status {
        case 200..<300: return
        case 408, 429, 500...: throw Refused(status: answer.status)
        default: throw NoticeRequest.Misconfigured(description: Refused(status: answer.status).description)
        }
    }

    /// The decoded data of the channel's Secret.
    private func secret(_ delivery: Delivery) async throws -> [String: String] {
        guard let name = delivery.channel.secretRef?.name else { return [:] }
        let namespace = delivery.policy.metadata.namespace ?? ""
        var client = environment.client
        if let account = delivery.policy.spec.effectiveServiceAccountName {
            client = client.impersonating(.serviceAccount(namespace: namespace, name: account))
        } else if namespace != environment.controllerNamespace {
            throw NoticeRequest.Misconfigured(
                description: "Secret \(namespace)/\(name) is read only as a ServiceAccount; set spec.serviceAccountName"
            )
        }
        let secret = try await client.get(.secrets, ObjectKey(namespace: namespace, name: name))
        var texts = SecretText.all(secret)
        // A key of one's own holds what the channel cannot do without.
        if let key = delivery.channel.secretRef?.key {
            texts[delivery.channel.channel.value == .pagerDuty ? "routingKey" : "url"] = texts[key]
        }
        return texts
    }

    private func drop(_ delivery: Delivery, _ result: String, _ reason: String) {
        gate.withLock { $0.forget(delivery.notice.fingerprint, channel: delivery.name) }
        count(delivery.channel, result)
        environment.logger.warning(
            "a notification was not delivered",
            [
                "policy": "\(delivery.policy.metadata.key)", "channel": delivery.channel.channel.rawValue,
                "reason": reason,
            ]
        )
    }

    private func count(_ channel: NotificationChannel, _ result: String) {
        let known = channel.channel.value?.rawValue ?? "unknown"
        counter.increment(known, result)
    }
}
