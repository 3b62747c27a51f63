package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

extension MemberCluster {
    /// The status after one of the regular probes: conditions change only after as many equal results in a row as
    /// `spec.probe` asks for.
    ///
    /// Until then they stay as they are; those that were never known are Unknown. The counters stop at the thresholds,
    /// so that a cluster whose state does not change has a status that does not change either.
    ///
    /// - Parameters:
    ///   - finding: what the probe found.
    ///   - now: when.
    /// - Returns: the new status; the receiver does not change.
    package func status(afterProbe finding: ClusterFinding, now: Date) -> MemberClusterStatus {
        let probe = spec.effectiveProbe
        let isUsable = finding.verdict == .usable
        let threshold = max(1, isUsable ? probe.effectiveSuccessThreshold : probe.effectiveFailureThreshold)
        let before = (isUsable ? status?.consecutiveSuccesses : status?.consecutiveFailures) ?? 0
        let inARow = min(max(0, before) + 1, threshold)
        var new = status(after: finding, now: now)
        new.consecutiveSuccesses = isUsable ? inARow : 0
        new.consecutiveFailures = isUsable ? 0 : inARow
        // Where it is not to be had any more, what was known may be the identity of another cluster.
        if finding.version != nil { new.clusterUID = finding.clusterUID }
        if inARow < threshold { new.conditions = unsettledConditions(finding, inARow, of: threshold, now) }
        return new
    }

    /// Whether the status is worth a write: something but the time and the latency is new, or the time is old.
    ///
    /// A hundred clusters that are well must not cost a hundred writes at every interval.
    package func isNews(_ new: MemberClusterStatus, now: Date) -> Bool {
        guard var old = status, let last = old.lastProbeTime else { return true }
        if now.timeIntervalSince(last) >= Self.heartbeat { return true }
        old.lastProbeTime = new.lastProbeTime
        old.latencyMilliseconds = new.latencyMilliseconds
        return old != new
    }

    /// Seconds after which the time of the latest probe is written although nothing else has changed.
    package static let heartbeat = 300.0

    private func unsettledConditions(
        _ finding: ClusterFinding,
        _ inARow: Int,
        of threshold: Int,
        _ now: Date
    ) -> [Condition] {
        var conditions = status?.conditions ?? []
        for type in ConditionType.memberCluster where conditions[type: type] == nil {
            conditions.set(
                Condition(
                    type: type,
                    status: .unknown,
                    reason: ClusterReason.notProbed,
                    message: "\(inARow) of \(threshold) probes: \(finding.reason)",
                    observedGeneration: metadata.generation
                ),
                now: now
            )
        }
        return conditions
    }
}
