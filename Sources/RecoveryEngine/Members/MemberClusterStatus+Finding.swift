package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

extension MemberCluster {
    /// The status after a look at the cluster: conditions, times and counters; the rest stays.
    ///
    /// Reachable, Authenticated and Authorized stand apart, because each maps to another recovery. What the look could
    /// not reach becomes Unknown. Ready is all three together.
    ///
    /// - Parameters:
    ///   - finding: what was found.
    ///   - now: when.
    /// - Returns: the new status; the receiver does not change.
    package func status(after finding: ClusterFinding, now: Date) -> MemberClusterStatus {
        var new = status ?? MemberClusterStatus()
        new.observedGeneration = metadata.generation
        var conditions = new.conditions ?? []
        for condition in Self.conditions(finding) {
            var condition = condition
            condition.observedGeneration = metadata.generation
            conditions.set(condition, now: now)
        }
        new.conditions = conditions
        let isUsable = finding.verdict == .usable
        new.consecutiveFailures = isUsable ? 0 : Self.increment(new.consecutiveFailures)
        new.consecutiveSuccesses = isUsable ? Self.increment(new.consecutiveSuccesses) : 0
        // Without a kubeconfig nothing was probed.
        if finding.verdict != .unconfigured {
            new.lastProbeTime = Date(timeIntervalSinceReferenceDate: now.timeIntervalSinceReferenceDate.rounded(.down))
        }
        if let version = finding.version { new.version = version }
        if let latency = finding.latency, isUsable {
            new.latencyMilliseconds = Int(clamping: Int64(max(1, latency / .milliseconds(1))))
        }
        return new
    }

    private static func increment(_ count: Int?) -> Int {
        min(max(count ?? 0, 0), 1_000_000) + 1
    }

    /// The four conditions that a finding means.
    private static func conditions(_ finding: ClusterFinding) -> [Condition] {
        typealias Statuses = (
            reachable: Condition.Status, authenticated: Condition.Status, authorized: Condition.Status
        )
        let statuses: Statuses =
            switch finding.verdict {
            case .usable: (.true, .true, .true)
            case .unreachable: (.false, .unknown, .unknown)
            case .unauthenticated: (.true, .false, .unknown)
            case .unauthorized: (.true, .true, .false)
            case .unasked, .unconfigured: (.unknown, .false, .unknown)
            }
        func condition(_ type: String, _ status: Condition.Status) -> Condition {
            switch status {
            case .true:
                Condition(type: type, status: .true, reason: positive[type] ?? type, message: "")
            case .false:
                Condition(type: type, status: .false, reason: finding.reason, message: finding.limitedMessage)
            case .unknown:
                Condition(
                    type: type,
                    status: .unknown,
                    reason: ClusterReason.notProbed,
                    message: "not known: \(finding.reason)"
                )
            }
        }
        return [
            condition(ConditionType.reachable, statuses.reachable),
            condition(ConditionType.authenticated, statuses.authenticated),
            condition(ConditionType.authorized, statuses.authorized),
            condition(ConditionType.ready, finding.verdict == .usable ? .true : .false),
        ]
    }

    /// The reasons of conditions that are True.
    private static let positive = [
        ConditionType.reachable: ClusterReason.answering,
        ConditionType.authenticated: "CredentialAccepted",
        ConditionType.authorized: "Permitted",
        ConditionType.ready: ClusterReason.ready,
    ]
}

extension ClusterFinding {
    /// The layer and the message, short enough for a condition.
    fileprivate var limitedMessage: String {
        String(description.prefix(1_024))
    }
}
