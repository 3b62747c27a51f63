package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI
internal import RecoveryDecision

extension MemberCluster {
    /// The status with what the watches of the cluster's nodes and pods know of its capacity.
    ///
    /// What was counted last stays while it is not known: the condition `CapacityKnown` tells that it is old. Without
    /// the right to look there are no numbers at all.
    ///
    /// - Parameters:
    ///   - status: the status otherwise, conditions included.
    ///   - observation: what is known.
    ///   - now: when.
    /// - Returns: the new status; the receiver does not change.
    package func status(
        _ status: MemberClusterStatus,
        with observation: CapacityObservation,
        now: Date
    ) -> MemberClusterStatus {
        var (new, conditions) = (status, status.conditions ?? [])
        var condition = Condition(type: ConditionType.capacityKnown, status: .true, reason: "Counted")
        condition.observedGeneration = metadata.generation
        switch observation {
        case .counted(let counted):
            new.capacity = counted.capacity.texts
            new.allocatable = counted.allocatable.texts
            new.requested = counted.requested.texts
        case .forbidden(let missing):
            (new.capacity, new.allocatable, new.requested) = (nil, nil, nil)
            condition.status = .false
            condition.reason = ClusterReason.missingPermissions
            condition.message = "for capacity the credential needs: \(missing.text)"
        case .unknown:
            // Nothing to say before the first count; between two of them it goes with Ready.
            guard conditions[type: ConditionType.capacityKnown] != nil, !conditions.isTrue(ConditionType.ready) else {
                return status
            }
            condition.status = .unknown
            condition.reason = ClusterReason.notProbed
            condition.message = "the cluster is not ready: the numbers are old"
        }
        conditions.set(condition, now: now)
        new.conditions = conditions
        return new
    }
}

extension ResourceAmounts {
    /// As status has them; no more names than fit there.
    fileprivate var texts: [String: String] {
        Dictionary(uniqueKeysWithValues: names.prefix(64).map { ($0, self[$0].description) })
    }
}
