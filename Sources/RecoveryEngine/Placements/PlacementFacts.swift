internal import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision

/// Everything that is known about a placement at one moment: what follows from it is pure.
struct PlacementFacts: Sendable {
    var placement: Placement
    /// The latest looks at members.
    var outcomes: [String: SyncOutcome]
    /// Every MemberCluster by name.
    var members: [String: MemberCluster]
    /// The MemberClusters that nobody can read: they are there, and not gone, and cannot be asked.
    var unreadable: Set<String>
    var fence: PlacementFence
    /// The labels of the placement's namespace; nil when they are not known.
    var namespaceLabels: [String: String]?
    var now: Date
    /// Of the manifests.
    let hash: String
    /// Why the placement is not acted upon; nothing is found when it is.
    let violations: (reason: String, found: [FieldViolation])

    init(
        _ placement: Placement,
        outcomes: [String: SyncOutcome],
        members: [String: MemberCluster],
        unreadable: Set<String> = [],
        fence: PlacementFence,
        namespaceLabels: [String: String]?,
        now: Date
    ) {
        self.placement = placement
        self.outcomes = outcomes
        self.members = members
        self.unreadable = unreadable
        self.fence = fence
        self.namespaceLabels = namespaceLabels
        self.now = now
        hash = placement.manifestsHash
        let invalid = placement.validate()
        violations =
            invalid.isEmpty
            ? (ConditionReason.outsideFence, fence.violations(of: placement)) : (ConditionReason.invalidSpec, invalid)
    }

    var decisions: [PlacementDecision] { placement.status?.decisions ?? [] }

    func decision(on cluster: String) -> PlacementDecision? { decisions.first { $0.cluster == cluster } }

    var isAccepted: Bool { violations.found.isEmpty }

    /// Why the placement may not be on a member; nil when it may.
    func fenceProblem(_ cluster: MemberCluster) -> String? {
        let namespace = placement.metadata.namespace
        if fence.allows(cluster, namespace: namespace, labels: namespaceLabels) { return nil }
        return "spec.allowedNamespaces of the MemberCluster does not match namespace \(namespace ?? "")"
    }

    /// Whether there is a MemberCluster of the name.
    func isRegistered(_ cluster: String) -> Bool { members[cluster] != nil || unreadable.contains(cluster) }

    /// Whether a member can be asked.
    func isReady(_ cluster: String) -> Bool {
        guard let member = members[cluster], !member.metadata.isBeingDeleted else { return false }
        return (member.status?.conditions ?? []).isTrue(ConditionType.ready)
    }

    /// Whether a look of this process has found the present manifests on a member, and everything ready.
    func isServed(by cluster: String) -> Bool {
        guard isReady(cluster), let state = outcomes[cluster]?.state else { return false }
        return state.isReady && state.hash == hash
    }

    /// The latest look at a member; one from before a Migration asked for the copy there counts for nothing.
    func look(at cluster: String) -> SyncOutcome? {
        guard let outcome = outcomes[cluster] else { return nil }
        guard let decision = decision(on: cluster), decision.isProvisional else { return outcome }
        return outcome.migrationUID == decision.migrationUID ? outcome : nil
    }

    /// The hash of the manifests that were applied to a member last, as far as anybody knows, and empty where it was another
    /// cluster; this process knows it before the status does.
    func appliedHash(on cluster: String) -> String? {
        let known = placement.syncStatus(cluster)
        var (hash, clusterUID) = (known?.hash, known?.clusterUID)
        if let outcome = outcomes[cluster], let state = outcome.state, state.isInSync {
            (hash, clusterUID) = (state.hash, outcome.clusterUID)
        }
        // Nothing was applied yet where the member leads now, so nothing is missing there.
        return members[cluster]?.leadsElsewhere(than: clusterUID) == true ? "" : hash
    }

    /// Whether copies may be removed from clusters that are left: as many as asked for are synced and ready elsewhere.
    var mayLeave: Bool {
        let staying = decisions.filter { !$0.isLeaving }
        return staying.count >= placement.spec.effectiveClusterCount && staying.allSatisfy { isServed(by: $0.cluster) }
    }

    /// The members that have, or may have, objects of the placement, and those that shall get them; sorted.
    var targets: [String] {
        var names = Set(decisions.map(\.cluster)).union((placement.status?.clusters ?? []).map(\.cluster))
        let evacuated = placement.status?.evacuated ?? []
        names.formUnion(evacuated.filter(\.hasLeftovers).map(\.cluster))
        if placement.metadata.isBeingDeleted { names.formUnion(keptOn.filter { isReady($0) }) }
        return names.sorted()
    }

    /// The members on which a deleted placement has left data, and that cannot be asked: nothing waits for them.
    var keptOnUnseen: [String] {
        let targets = Set(targets)
        return keptOn.filter { !targets.contains($0) && !isReady($0) }
    }

    private var keptOn: [String] { placement.status?.keptOn ?? [] }

    /// What is to be done on a member; nil when nothing is.
    func duty(on cluster: String) -> SyncDuty? {
        if placement.metadata.isBeingDeleted { return .delete }
        guard isAccepted, let member = members[cluster] else { return nil }
        guard let decision = decision(on: cluster) else {
            if isLeftover(cluster) { return mayClean(cluster) ? .leave : .hold }
            guard placement.syncStatus(cluster) != nil else { return nil }
            return mayLeave ? .leave : .hold
        }
        if decision.isLeaving {
            if mayLeave || hasLeft(cluster) { return .leave }
            if isPerhapsGone(cluster) { return .hold }
        }
        return fenceProblem(member) == nil ? .place : .hold
    }

    /// Whether a copy that is not to stay is gone, by a look of this process.
    func hasLeft(_ cluster: String) -> Bool {
        guard let outcome = outcomes[cluster], decision(on: cluster)?.isLeaving != false else { return false }
        return outcome.duty == .leave && outcome.isRemoved
    }

    /// Whether an earlier process may have removed a copy that leaves: it is not made again before the copies that stay were
    /// looked at.
    private func isPerhapsGone(_ cluster: String) -> Bool {
        outcomes[cluster]?.duty != .place && decisions.contains { !$0.isLeaving && look(at: $0.cluster) == nil }
    }

    /// Whether a copy was left behind on a member that was not asked for it any more.
    func isLeftover(_ cluster: String) -> Bool {
        decision(on: cluster) == nil
            && placement.status?.evacuated?.contains { $0.cluster == cluster && $0.hasLeftovers } == true
    }

    /// Whether what was left behind may go: a copy that stays is well, or the removal has begun.
    ///
    /// Without such a copy it is the last one. Its own state says little: after an edit it is well without being in sync.
    private func mayClean(_ cluster: String) -> Bool {
        if case .removed = outcomes[cluster]?.result { return true }
        return decisions.contains { !$0.isLeaving && isServed(by: $0.cluster) }
    }

    /// Whether a member has to be looked at: nobody has, something else was to be done then, or it was not ready.
    ///
    /// One that failed is looked at again by the sync queue, less and less often.
    func needsSync(_ cluster: String) -> Bool {
        guard let duty = duty(on: cluster), isReady(cluster) else { return false }
        guard let outcome = look(at: cluster) else { return true }
        if outcome.duty != duty || outcome.generation != placement.metadata.generation { return true }
        return outcome.result == .notReady
    }
}

extension MemberCluster {
    /// Whether it leads to another cluster than the one with this identity, as far as both are known.
    func leadsElsewhere(than clusterUID: String?) -> Bool {
        guard let clusterUID, let present = status?.clusterUID else { return false }
        return clusterUID != present
    }
}

/// The reasons of conditions of a Placement, beside those that all kinds share.
enum PlacementReason {
    /// As many clusters as asked for.
    static let scheduled = "Scheduled"
    /// Fewer clusters than asked for have room for the pods.
    static let insufficientCapacity = "InsufficientCapacity"
    /// Fewer clusters than asked for match selector, taints, kinds or spread.
    static let constraintsUnsatisfied = "ConstraintsUnsatisfied"
    /// The fence, or clusters that were left, keep copies away.
    static let notPermitted = "NotPermitted"
    /// No cluster is ready.
    static let clustersNotReady = "ClustersNotReady"
    /// Nobody has chosen a cluster yet.
    static let notScheduled = "NotScheduled"
    /// Objects are being applied.
    static let syncing = "Syncing"
    /// The clusters have what they should.
    static let inSync = "InSync"
    /// A cluster refuses an object.
    static let syncFailed = "SyncFailed"
    /// An object belongs to somebody else.
    static let syncConflict = "SyncConflict"
    /// A cluster does not answer.
    static let clusterUnreachable = "ClusterUnreachable"
    /// As many copies as asked for are ready.
    static let ready = "Ready"
    /// Copies are there and not ready yet.
    static let notReady = "NotReady"
    /// Changes on the clusters are noticed as they happen.
    static let watched = "Watched"
    /// A credential lacks the rights to watch what is placed.
    static let missingRights = "MissingRights"
    /// The placement is deleted and its objects are being removed.
    static let removing = "Removing"
}
