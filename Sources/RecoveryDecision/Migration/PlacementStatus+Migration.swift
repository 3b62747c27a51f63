internal import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// What a Migration changes in the decisions of a Placement; every change may be made twice and is one then.
extension PlacementStatus {
    /// How many clusters are remembered as left.
    private static let maxEvacuated = 100

    /// The decision about a cluster.
    package func decision(on cluster: String) -> PlacementDecision? {
        decisions?.first { $0.cluster == cluster }
    }

    /// The entry of a cluster that was left.
    package func evacuation(of cluster: String) -> EvacuatedCluster? {
        evacuated?.first { $0.cluster == cluster }
    }

    /// The state of the copy on a cluster.
    package func sync(on cluster: String) -> ClusterSyncStatus? {
        clusters?.first { $0.cluster == cluster }
    }

    /// Whether the Migration has asked for its copy and not taken it back.
    func hasCopy(of move: MigrationMove) -> Bool {
        guard let decision = decision(on: move.to) else { return false }
        return decision.isOf(move) && !decision.isLeaving
    }

    /// Whether the decisions are those after the cut-over.
    func isCutOver(_ move: MigrationMove) -> Bool {
        evacuation(of: move.from)?.migration == move.name && decision(on: move.from).map(\.isLeaving) != false
    }

    /// Asks for a copy on the target; the source stays.
    func adding(_ move: MigrationMove) -> PlacementStatus {
        var copy = self
        var decision = PlacementDecision(cluster: move.to, reason: PlacementDecision.migrating)
        decision.placedBy = move.placedBy
        decision.migrationUID = move.uid
        copy.put(decision)
        copy.removeEvacuation(of: move.to)
        // What was seen there before was seen of another copy: the point of no return is not passed on that.
        if let index = copy.clusters?.firstIndex(where: { $0.cluster == move.to }) {
            copy.clusters?[index] = ClusterSyncStatus(cluster: move.to, state: .pending)
        }
        return copy
    }

    /// Leaves the source for the target.
    ///
    /// - Parameters:
    ///   - move: who leaves what.
    ///   - isLost: whether the source does not answer: then its copy stays behind until it does.
    ///   - reason: CamelCase, for the entry that keeps the scheduler away.
    ///   - now: when.
    /// - Returns: the status to write.
    func cuttingOver(_ move: MigrationMove, isLost: Bool, reason: String, now: Date) -> PlacementStatus {
        var copy = self
        if var target = copy.decision(on: move.to) {
            target.reason = MigrationReason.migrated
            copy.put(target)
        }
        if var source = copy.decision(on: move.from), !isLost {
            source.leaving = true
            copy.put(source)
        }
        if isLost { copy.decisions?.removeAll { $0.cluster == move.from } }
        var entry = copy.evacuation(of: move.from)
        if entry?.migration != move.name {
            entry = EvacuatedCluster(cluster: move.from, reason: reason, time: now, migration: move.name)
        }
        if isLost { entry?.leftovers = true }
        copy.removeEvacuation(of: move.from)
        if let entry { copy.remember(entry) }
        return copy
    }

    /// Takes the copy on the target back.
    ///
    /// One that is well goes once the others are; one that is not is of no use to anybody and goes at once, or as soon as
    /// the cluster answers.
    ///
    /// - Parameters:
    ///   - move: whose copy it is.
    ///   - isWell: whether the copy is synced and ready on a cluster that answers.
    ///   - displaced: the entry of the cluster before the move.
    ///   - now: when.
    /// - Returns: the status to write; the same one when the copy is not the Migration's.
    func withdrawing(
        _ move: MigrationMove,
        isWell: Bool,
        displaced: EvacuatedCluster?,
        now: Date
    ) -> PlacementStatus {
        var copy = self
        guard var target = decision(on: move.to), target.isOf(move) else { return self }
        if isWell {
            target.leaving = true
            target.reason = MigrationReason.rolledBack
            copy.put(target)
        } else {
            copy.decisions?.removeAll { $0.cluster == move.to }
            var entry = displaced
            if entry == nil {
                entry = EvacuatedCluster(
                    cluster: move.to,
                    reason: MigrationReason.rolledBack,
                    time: now,
                    migration: move.name
                )
            }
            entry?.leftovers = true
            copy.removeEvacuation(of: move.to)
            if let entry { copy.remember(entry) }
        }
        return copy
    }

    /// Puts back what was remembered of the target before the move, once nothing of the copy is left there.
    func restoring(_ displaced: EvacuatedCluster?, _ move: MigrationMove) -> PlacementStatus {
        var copy = self
        let current = evacuation(of: move.to)
        let isOurs = current?.reason == MigrationReason.rolledBack && current?.migration == move.name
        if let displaced, current != displaced {
            copy.removeEvacuation(of: move.to)
            copy.remember(displaced)
        } else if displaced == nil, isOurs {
            copy.removeEvacuation(of: move.to)
        }
        return copy
    }

    /// Leaves the copy on the target to the scheduler, like any other.
    func releasing(_ move: MigrationMove, reason: String) -> PlacementStatus {
        var copy = self
        if var target = decision(on: move.to), target.isOf(move), target.reason != reason {
            target.reason = reason
            target.leaving = nil
            copy.put(target)
        }
        return copy
    }

    /// Takes back the copy of a Migration that nobody looks after any more; nil when there is none.
    ///
    /// - Parameter orphan: the decision that was found without its Migration.
    /// - Returns: the status to write: the copy leaves, or stays as any other when it is the only one.
    package func abandoning(_ orphan: PlacementDecision) -> PlacementStatus? {
        let cluster = orphan.cluster
        guard var copy = decision(on: cluster), copy.isProvisional, copy.placedBy == orphan.placedBy,
            copy.migrationUID == orphan.migrationUID
        else { return nil }
        let hasOthers = decisions?.contains { $0.cluster != cluster && !$0.isLeaving } ?? false
        copy.reason = "MigrationDeleted"
        if hasOthers { copy.leaving = true }
        var status = self
        status.put(copy)
        return status
    }

    private mutating func put(_ decision: PlacementDecision) {
        if let index = decisions?.firstIndex(where: { $0.cluster == decision.cluster }) {
            decisions?[index] = decision
        } else {
            decisions = (decisions ?? []) + [decision]
        }
    }

    private mutating func removeEvacuation(of cluster: String) {
        guard evacuation(of: cluster) != nil else { return }
        evacuated?.removeAll { $0.cluster == cluster }
    }

    /// Remembers a cluster that was left.
    package mutating func remember(_ entry: EvacuatedCluster) {
        var entries = (evacuated ?? []) + [entry]
        // What has to be cleaned is never forgotten in favour of what has not.
        while entries.count > Self.maxEvacuated {
            entries.remove(at: entries.firstIndex { !$0.hasLeftovers } ?? 0)
        }
        evacuated = entries
    }
}

/// Who moves what: the part of a Migration that stands in the Placement.
struct MigrationMove: Sendable, Hashable {
    /// The Migration's name.
    var name: String
    /// The Migration's uid: another one of its name is another one.
    var uid: String?
    /// The cluster that is left.
    var from: String
    /// The cluster that is gone to.
    var to: String

    init(_ migration: Migration) {
        name = migration.metadata.name ?? ""
        uid = migration.metadata.uid
        from = migration.source
        to = migration.destination
    }

    /// What the decision on the target carries.
    var placedBy: String { PlacementDecision.migrationPrefix + name }
}

extension PlacementDecision {
    /// Whether this very Migration has asked for the copy, and no other one of its name.
    func isOf(_ move: MigrationMove) -> Bool {
        placedBy == move.placedBy && (migrationUID ?? move.uid) == move.uid
    }

    /// Whether a Migration looks after this provisional copy: the one that asked for it, which moves that Placement there.
    package func isLookedAfter(by migration: Migration) -> Bool {
        isOf(MigrationMove(migration)) && migration.destination == cluster && migration.hasBegun && !migration.isFinal
    }
}
