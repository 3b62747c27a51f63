internal import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI

/// Whether what detection has reported is well again by itself.
enum SelfHealing {
    /// The end of a Recovery that detection opened: of one for a member cluster whose condition is True again, and of one
    /// whose target is well for as long as its detector asks.
    ///
    /// Between attempts only: one that is under way finds out itself, and one that was interrupted has to be looked into.
    /// The condition must have changed after the Recovery was created, or it is an older state than the one reported.
    ///
    /// - Returns: nil when it goes on.
    static func verdict(
        _ recovery: Recovery,
        clusterConditions: [Condition],
        detection: DetectionFinding = .unwatched
    ) -> FinalVerdict? {
        guard recovery.status?.executions?.last.map(\.state.isFinal) ?? true else { return nil }
        if detection == .healed {
            return FinalVerdict(
                state: .completed,
                reason: ConditionReason.selfHealed,
                message: "the failure that was detected is over: the target is well again by itself, or gone"
            )
        }
        guard recovery.metadata.labels?[MetadataName.fingerprint] != nil, recovery.spec.targetRef == nil,
            let cluster = recovery.spec.clusterRef?.name, let created = recovery.metadata.creationTimestamp
        else { return nil }
        let needed: [String]
        switch recovery.spec.error.knownType {
        case .clusterUnreachable: needed = [ConditionType.reachable]
        case .clusterAuth: needed = [ConditionType.authenticated, ConditionType.authorized]
        default: return nil
        }
        let conditions = needed.compactMap { clusterConditions[type: $0] }
        guard conditions.count == needed.count, conditions.allSatisfy({ $0.status == .true }),
            conditions.contains(where: { $0.lastTransitionTime ?? .distantPast >= created })
        else { return nil }
        return FinalVerdict(
            state: .completed,
            reason: ConditionReason.selfHealed,
            message: "MemberCluster \(cluster) is well again by itself: \(needed.joined(separator: ", "))"
        )
    }
}
