internal import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision

/// When what goes wrong with placements becomes a Recovery.
package struct PlacementThresholds: Sendable, Hashable {
    /// Looks in a row that ended with a refusal or a conflict.
    package var failures = 3
    /// How long applied objects may take to become ready.
    package var readyWithin: Duration = .seconds(600)
    /// How long copies may be without a cluster.
    package var scheduledWithin: Duration = .seconds(30)
    /// How long a deleted placement waits for a member that does not answer.
    package var removedWithin: Duration = .seconds(300)
    /// How much longer it waits for a look at one that seems to answer.
    package var lookedWithin: Duration = .seconds(60)

    /// The thresholds of the design.
    package init() {}
}

extension PlacementFacts {
    /// What needs a Recovery now, and when there may be more.
    func incidents(
        _ status: PlacementStatus,
        _ thresholds: PlacementThresholds
    ) -> (due: [Incident], recheckAfter: Duration?) {
        var due: [Incident] = []
        var recheck: [Duration] = []
        let copies = decisions.filter { !$0.isLeaving }.compactMap { decision in
            outcomes[decision.cluster].map { (cluster: decision.cluster, outcome: $0) }
        }
        let failing = copies.filter { isReady($0.cluster) && $0.outcome.failures >= thresholds.failures }
        if let copy = failing.first(where: { !($0.outcome.state?.conflicts ?? []).isEmpty }) {
            due.append(incident(.syncConflict, copy.cluster, copy.outcome, status))
        }
        if let copy = failing.first(where: { !($0.outcome.state?.refusals ?? []).isEmpty }) {
            due.append(incident(.syncFailure, copy.cluster, copy.outcome, status))
        }
        for copy in copies where isReady(copy.cluster) {
            guard let since = copy.outcome.unreadySince else { continue }
            let left = thresholds.readyWithin - .seconds(now.timeIntervalSince(since))
            guard left <= .zero else {
                recheck.append(left)
                continue
            }
            if !due.contains(where: { $0.errorType == ErrorType.syncTimeout.rawValue }) {
                due.append(incident(.syncTimeout, copy.cluster, copy.outcome, status))
            }
        }
        if let (type, scheduled) = unscheduled(status), let since = scheduled.lastTransitionTime {
            let left = thresholds.scheduledWithin - .seconds(now.timeIntervalSince(since))
            if left > .zero {
                recheck.append(left)
            } else {
                var incident = incident(type, since: since, operation: "schedule")
                incident.reason = scheduled.reason
                incident.message = scheduled.message
                due.append(incident)
            }
        }
        return (due, recheck.min())
    }

    private func unscheduled(_ status: PlacementStatus) -> (ErrorType, Condition)? {
        guard let scheduled = status.conditions?[type: ConditionType.scheduled], scheduled.status == .false else {
            return nil
        }
        switch scheduled.reason {
        case PlacementReason.insufficientCapacity: return (.placementCapacity, scheduled)
        case PlacementReason.constraintsUnsatisfied: return (.placementConstraint, scheduled)
        case PlacementReason.notPermitted: return (.placementPolicy, scheduled)
        // That no cluster is ready has Recoveries of its own: those of the clusters.
        default: return nil
        }
    }

    private func incident(
        _ type: ErrorType,
        _ cluster: String,
        _ outcome: SyncOutcome,
        _ status: PlacementStatus
    ) -> Incident {
        let isSynced = type == .syncTimeout
        let condition = status.conditions?[type: isSynced ? ConditionType.ready : ConditionType.synced]
        let since = condition?.status == .false ? condition?.lastTransitionTime : nil
        var incident = incident(type, since: since ?? outcome.unreadySince ?? now, operation: "sync")
        incident.reason = isSynced ? PlacementReason.notReady : condition?.reason ?? PlacementReason.syncFailed
        incident.message = "\(cluster): \(outcome.state?.message ?? "")"
        incident.context["cluster"] = cluster
        return incident
    }

    private func incident(_ type: ErrorType, since: Date, operation: String) -> Incident {
        var incident = Incident(type, namespace: placement.metadata.namespace ?? "", since: since)
        incident.targetRef = TargetReference(
            apiVersion: RecoveryAPI.apiVersion,
            kind: Placement.resource.kind,
            name: placement.metadata.name ?? "",
            namespace: placement.metadata.namespace
        )
        incident.component = "placement"
        incident.operation = operation
        return incident
    }
}
