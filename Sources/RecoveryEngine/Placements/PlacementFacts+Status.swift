internal import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision

extension PlacementFacts {
    /// The status that follows from a plan and from the latest looks at the members.
    ///
    /// - Parameter plan: what the scheduler says; nil while nothing is to be decided.
    /// - Returns: the status to write; the present one when there is no news.
    func status(after plan: PlacementPlan?) -> PlacementStatus {
        var status = placement.status ?? PlacementStatus()
        status.observedGeneration = placement.metadata.generation
        if let plan {
            status.decisions = plan.decisions
            status.rejected = news(of: Array(plan.rejections.prefix(Self.maxRejections)), plan.decisions)
        }
        status.keptOn = keptOn()
        // What has left is out of the decisions, and what was left behind is remembered no more.
        status.decisions?.removeAll { $0.isLeaving && hasLeft($0.cluster) }
        for index in (status.evacuated ?? []).indices {
            guard let entry = status.evacuated?[index], entry.hasLeftovers else { continue }
            if hasLeft(entry.cluster) { status.evacuated?[index].leftovers = false }
        }
        rememberGone(&status)
        status.clusters = clusters(status)
        status.placedKinds = placedKinds(status)
        let copies = Self.byCluster(status.clusters)
        status.readyClusters = staying(status).filter { copies[$0.cluster]?.isReady == true }.count
        status.conditions = conditions(status, plan, copies)
        return status
    }

    /// The status of a placement that is not acted upon: all else stays as it is.
    func rejectedStatus(_ reason: String, _ found: [FieldViolation]) -> PlacementStatus {
        var status = placement.status ?? PlacementStatus()
        status.observedGeneration = placement.metadata.generation
        var conditions = status.conditions ?? []
        let words = found.prefix(5).map(\.description).joined(separator: "; ")
        set(&conditions, ConditionType.accepted, .false, reason, words)
        for type in [ConditionType.scheduled, ConditionType.synced, ConditionType.ready]
        where conditions[type: type] == nil {
            set(&conditions, type, .unknown, ConditionReason.notYetKnown, "the placement is not accepted")
        }
        status.conditions = conditions
        return status
    }

    private static let maxRejections = 100

    /// The clusters with data that a move has left there.
    private func keptOn() -> [String]? {
        let kept = outcomes.filter { hasLeft($0.key) && $0.value.hasKeptData }.map(\.key)
        let all = Set(placement.status?.keptOn ?? []).union(kept)
        return all.isEmpty ? nil : Array(all.sorted().prefix(Self.maxKept))
    }

    private static let maxKept = 1_000

    /// A cluster whose MemberCluster is gone may have its copy still, and be registered again: only a removal that was
    /// seen, or a new decision for it, ends that.
    private func rememberGone(_ status: inout PlacementStatus) {
        let decided = Set((status.decisions ?? []).map(\.cluster))
        status.evacuated?.removeAll { $0.wasGone && (!$0.hasLeftovers || decided.contains($0.cluster)) }
        for cluster in Set(decisions.map(\.cluster)).union((status.clusters ?? []).map(\.cluster)).sorted()
        where !isRegistered(cluster) && !decided.contains(cluster) && !hasLeft(cluster) {
            if let index = status.evacuated?.firstIndex(where: { $0.cluster == cluster }) {
                status.evacuated?[index].leftovers = true
            } else {
                let reason = PlacementRejectionReason.clusterGone.rawValue
                status.remember(
                    EvacuatedCluster(cluster: cluster, reason: reason, time: now.wholeSecond, leftovers: true)
                )
            }
        }
    }

    private func staying(_ status: PlacementStatus) -> [PlacementDecision] {
        (status.decisions ?? []).filter { !$0.isLeaving }
    }

    private static func byCluster(_ states: [ClusterSyncStatus]?) -> [String: ClusterSyncStatus] {
        Dictionary((states ?? []).map { ($0.cluster, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Numbers in messages change all the time; they are news only when who was rejected, or why, has changed.
    private func news(of rejected: [PlacementRejection], _ decisions: [PlacementDecision]) -> [PlacementRejection] {
        let old = placement.status?.rejected ?? []
        let isSame =
            old.map { [$0.cluster, $0.reason] } == rejected.map { [$0.cluster, $0.reason] }
            && decisions == placement.status?.decisions
        return isSame ? old : rejected
    }

    // MARK: Clusters

    private func clusters(_ status: PlacementStatus) -> [ClusterSyncStatus] {
        let decided = (status.decisions ?? []).map(\.cluster)
        let known = Self.byCluster(placement.status?.clusters)
        let isDecided = Set(decided)
        // Nobody wants these copies any more, and they are not gone yet.
        let undecided = (status.clusters ?? []).map(\.cluster).filter { name in
            !isDecided.contains(name) && isRegistered(name) && !hasLeft(name)
                && status.evacuated?.contains { $0.cluster == name && !$0.hasLeftovers } != true
        }
        return (decided + undecided).map { entry($0, after: known[$0]) }
    }

    private func entry(_ cluster: String, after known: ClusterSyncStatus?) -> ClusterSyncStatus {
        var entry = known ?? ClusterSyncStatus(cluster: cluster, state: .pending)
        guard isReady(cluster) else {
            entry.ready = false
            entry.message = "the MemberCluster is not Ready: nobody can tell what is there"
            return entry
        }
        switch look(at: cluster)?.result {
        case nil, .notReady:
            entry.message = entry.message ?? "not looked at yet"
        case .unreachable(let message):
            entry.ready = false
            entry.message = message
        case .removed(let removal):
            entry.ready = false
            entry.state = .pending
            entry.hash = nil
            entry.message = "removed; waits for \(removal.leaving.prefix(3).joined(separator: ", "))"
        case .placed(let state):
            let isCurrent = state.hash == hash
            let isRefused = !state.conflicts.isEmpty || !state.refusals.isEmpty
            entry.state = isRefused ? .failed : state.isInSync && isCurrent ? .synced : .pending
            if state.isInSync { (entry.hash, entry.clusterUID) = (state.hash, outcomes[cluster]?.clusterUID) }
            if let time = outcomes[cluster]?.syncTime { entry.lastSyncTime = time }
            entry.ready = state.isReady && isCurrent
            entry.message = state.message
            if outcomes[cluster]?.repairs.isFight == true {
                let words = "somebody else changes again and again what is declared: it is repaired less and less often"
                entry.message = String("\(words); \(state.message)".prefix(1_024))
            }
        }
        return entry
    }

    /// The kinds of the manifests, with those of earlier ones until every member is known to have none of them.
    private func placedKinds(_ status: PlacementStatus) -> [String] {
        let present = Set(PlacedManifest.all(of: placement).map(\.placedKind))
        let earlier = Set((placement.status?.placedKinds ?? []).map { PlacedKind($0) })
        let isClean =
            (status.evacuated ?? []).allSatisfy { !$0.hasLeftovers }
            && (status.clusters ?? []).allSatisfy { $0.state == .synced && $0.hash == hash }
        // Data outlives the manifest that made it.
        let kept = isClean ? earlier.filter(\.isKeptByMoves) : earlier
        return Array(present.union(kept).sorted().map(\.description).prefix(Self.maxKinds))
    }

    private static let maxKinds = 200

    // MARK: Conditions

    private func conditions(
        _ status: PlacementStatus,
        _ plan: PlacementPlan?,
        _ copies: [String: ClusterSyncStatus]
    ) -> [Condition] {
        var conditions = status.conditions ?? []
        set(&conditions, ConditionType.accepted, .true, ConditionReason.valid, "")
        setScheduled(&conditions, status, plan)
        let staying = staying(status)
        let count = placement.spec.effectiveClusterCount
        let (synced, reason, words) = syncCondition(staying, copies)
        set(&conditions, ConditionType.synced, synced, reason, words)
        setWatched(&conditions, staying)
        let ready = status.readyClusters ?? 0
        let isReady = ready >= count
        let problems = staying.filter { copies[$0.cluster]?.isReady != true }.map {
            "\($0.cluster): \(copies[$0.cluster]?.message ?? "")"
        }
        let state = "\(ready) of \(count) copies are ready" + (problems.isEmpty ? "" : "; ")
        set(
            &conditions,
            ConditionType.ready,
            isReady ? .true : .false,
            isReady ? PlacementReason.ready : PlacementReason.notReady,
            isReady ? "\(ready) of \(count) copies are ready" : state + problems.joined(separator: "; ")
        )
        return conditions
    }

    /// Says where drift is only looked for now and then, for want of rights; nothing while that was never so.
    private func setWatched(_ conditions: inout [Condition], _ staying: [PlacementDecision]) {
        let unwatched = staying.compactMap { decision in
            outcomes[decision.cluster]?.unwatched.map { "\(decision.cluster) (\($0))" }
        }
        if !unwatched.isEmpty {
            let words = "drift is repaired late, because the credential may not watch: "
            let clusters = unwatched.joined(separator: "; ")
            set(&conditions, ConditionType.driftWatched, .false, PlacementReason.missingRights, words + clusters)
        } else if conditions[type: ConditionType.driftWatched] != nil {
            set(&conditions, ConditionType.driftWatched, .true, PlacementReason.watched, "")
        }
    }

    private func setScheduled(_ conditions: inout [Condition], _ status: PlacementStatus, _ plan: PlacementPlan?) {
        let names = staying(status).map(\.cluster)
        let count = placement.spec.effectiveClusterCount
        let missing = plan?.missing ?? max(0, count - names.count)
        guard missing > 0 else {
            let words = "on \(names.joined(separator: ", "))"
            return set(&conditions, ConditionType.scheduled, .true, PlacementReason.scheduled, words)
        }
        guard let plan else {
            let words = "waits until somebody has counted what the clusters have free"
            return set(&conditions, ConditionType.scheduled, .false, PlacementReason.notScheduled, words)
        }
        let why = plan.rejectionTexts.joined(separator: "; ")
        let words = "\(missing) of \(count) copies have no cluster" + (why.isEmpty ? "" : ": \(why)")
        let old = conditions[type: ConditionType.scheduled]
        let reason = unschedulableReason(status.rejected ?? [])
        let isSame = old?.status == .false && old?.reason == reason && status.rejected == placement.status?.rejected
        set(&conditions, ConditionType.scheduled, .false, reason, isSame ? old?.message ?? words : words)
    }

    private func syncCondition(
        _ staying: [PlacementDecision],
        _ copies: [String: ClusterSyncStatus]
    ) -> (Condition.Status, String, String) {
        guard !staying.isEmpty else { return (.unknown, PlacementReason.notScheduled, "no cluster was chosen yet") }
        let open = staying.compactMap { copies[$0.cluster] }.filter { $0.state != .synced || $0.hash != hash }
        guard let worst = open.first(where: { $0.state == .failed }) ?? open.first else {
            return (.true, PlacementReason.inSync, "")
        }
        let words = open.map { "\($0.cluster): \($0.message ?? "")" }.joined(separator: "; ")
        let reason: String =
            if outcomes[worst.cluster]?.state?.conflicts.isEmpty == false {
                PlacementReason.syncConflict
            } else if worst.state == .failed {
                PlacementReason.syncFailed
            } else if !isReady(worst.cluster) {
                PlacementReason.clusterUnreachable
            } else {
                PlacementReason.syncing
            }
        return (.false, reason, words)
    }

    /// Why copies found no cluster: the reason of those that came furthest through the filters.
    private func unschedulableReason(_ rejected: [PlacementRejection]) -> String {
        let reasons = Set(rejected.compactMap { PlacementRejectionReason(rawValue: $0.reason) })
        if reasons.contains(.insufficientCapacity) { return PlacementReason.insufficientCapacity }
        let constraints: Set<PlacementRejectionReason> = [
            .selectorMismatch, .unschedulable, .taintNotTolerated, .apiNotAvailable, .sameCluster, .spreadUnsatisfied,
        ]
        if !reasons.isDisjoint(with: constraints) { return PlacementReason.constraintsUnsatisfied }
        if !reasons.isDisjoint(with: [.outsideFence, .evacuated, .leftByRecovery]) {
            return PlacementReason.notPermitted
        }
        return PlacementReason.clustersNotReady
    }

    private func set(
        _ conditions: inout [Condition],
        _ type: String,
        _ status: Condition.Status,
        _ reason: String,
        _ message: String
    ) {
        conditions.set(
            Condition(
                type: type,
                status: status,
                reason: reason,
                message: String(message.prefix(1_024)),
                observedGeneration: placement.metadata.generation
            ),
            now: now
        )
    }
}
