internal import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI

/// Whether what detection has reported is well again by itself.
enum SelfHealing {
    /// The end of a Recovery that detection opened: of one whose cluster's, Placement's or Migration's conditions are True
    /// again, and of one whose target is well for as long as its detector asks.
    ///
    /// Between attempts only: one that is under way finds out itself, and one that was interrupted has to be looked into.
    /// A condition must have changed after the Recovery was created, or it is an older state than the one reported.
    ///
    /// - Parameters:
    ///   - recovery: the Recovery.
    ///   - clusterConditions: of the MemberCluster that `clusterRef` names.
    ///   - targetConditions: of the Placement or Migration on the hub that `targetRef` names.
    ///   - detection: what the policy's detector sees.
    /// - Returns: nil when it goes on.
    static func verdict(
        _ recovery: Recovery,
        clusterConditions: [Condition],
        targetConditions: [Condition] = [],
        detection: DetectionFinding = .unwatched
    ) -> FinalVerdict? {
        // A target that an attempt has deleted and not made again is gone, but not well.
        guard recovery.status?.executions?.last.map({ $0.state.isFinal && !$0.isHalfDone }) ?? true else { return nil }
        if detection == .healed {
            return FinalVerdict(
                state: .completed,
                reason: ConditionReason.selfHealed,
                message: "the failure that was detected is over: the target is well again by itself, or gone"
            )
        }
        // What a detector looks at is over when that says so, after as much health as it asks for.
        guard detection == .unwatched, recovery.metadata.labels?[MetadataName.fingerprint] != nil,
            let created = recovery.metadata.creationTimestamp, let subject = Subject(recovery)
        else { return nil }
        let found = subject.isCluster ? clusterConditions : targetConditions
        let conditions = subject.conditions.compactMap { found[type: $0] }
        guard conditions.count == subject.conditions.count, conditions.allSatisfy({ $0.status == .true }),
            conditions.contains(where: { $0.lastTransitionTime ?? .distantPast >= created })
        else { return nil }
        return FinalVerdict(
            state: .completed,
            reason: ConditionReason.selfHealed,
            message: "\(subject.name) is well again by itself: \(subject.conditions.joined(separator: ", "))"
        )
    }

    /// What has to be well, and which of its conditions show it.
    private struct Subject {
        var name: String
        var conditions: [String]
        var isCluster = false

        init?(_ recovery: Recovery) {
            let type = recovery.spec.error.knownType
            switch (recovery.spec.clusterRef, recovery.spec.targetRef) {
            case (let cluster?, nil):
                name = "MemberCluster \(cluster.name)"
                isCluster = true
                switch type {
                case .clusterUnreachable: conditions = [ConditionType.reachable]
                case .clusterAuth: conditions = [ConditionType.authenticated, ConditionType.authorized]
                default: return nil
                }
            case (nil, let target?):
                guard target.apiVersion == RecoveryAPI.apiVersion else { return nil }
                name = "\(target.kind) \(target.name)"
                switch (target.kind, type) {
                case (Placement.resource.kind, .syncFailure), (Placement.resource.kind, .syncConflict):
                    conditions = [ConditionType.synced]
                case (Placement.resource.kind, .syncTimeout): conditions = [ConditionType.synced, ConditionType.ready]
                case (Placement.resource.kind, .placementConstraint), (Placement.resource.kind, .placementCapacity),
                    (Placement.resource.kind, .placementPolicy):
                    conditions = [ConditionType.scheduled, ConditionType.ready]
                case (Migration.resource.kind, .migrationFailure), (Migration.resource.kind, .migrationTimeout):
                    conditions = [ConditionType.succeeded]
                default: return nil
                }
            case (nil, nil), (.some, .some): return nil
            }
        }
    }
}
