internal import FoundationEssentials
internal import KubernetesCore
internal import Synchronization
internal import Timekeeping

/// One placement on one member: the unit of work of the sync queue.
struct SyncKey: Hashable, Sendable, CustomStringConvertible {
    var placement: ObjectKey
    var cluster: String

    /// `namespace/name on cluster`.
    var description: String { "\(placement) on \(cluster)" }
}

/// What has to be done for a placement on a member.
enum SyncDuty: String, Sendable, Hashable {
    /// The objects are to be there as declared.
    case place
    /// The objects stay as they are: nothing is written, only looked at.
    case hold
    /// A copy that moves away: all goes but data.
    case leave
    /// The placement itself is deleted: all goes.
    case delete
}

/// What came of the latest look at a placement on a member.
struct SyncOutcome: Sendable, Hashable {
    enum Result: Sendable, Hashable {
        /// What is there.
        case placed(PlacedState)
        /// What was removed.
        case removed(PlacedRemoval)
        /// The member did not answer, or refused the whole; the sync queue tries again by itself.
        case unreachable(String)
        /// Nobody was asked: the MemberCluster is not Ready.
        case notReady
    }

    /// The placement that was looked at.
    var uid: String
    var generation: Int64?
    var duty: SyncDuty
    /// The uid of the Migration that had asked for the copy then.
    var migrationUID: String?
    var result: Result
    /// The identity of the cluster that the member led to.
    var clusterUID: String?
    /// When something was applied last, by this process.
    var syncTime: Date?
    /// Looks in a row that ended with a refusal or a conflict, at most one counted in a second.
    var failures = 0
    var lastFailure: MonotonicInstant?
    /// Drift that was repaired lately.
    var repairs = DriftRepairs()
    /// The rights without which changes on the member are not noticed; nil when they are, or nobody knows.
    var unwatched: String?
    /// Since when everything is applied and something is not ready.
    var unreadySince: Date?

    /// What is there; nil when nobody could look, or all was removed.
    var state: PlacedState? {
        if case .placed(let state) = result { state } else { nil }
    }

    /// Whether data was left there.
    var hasKeptData: Bool {
        if case .removed(let removal) = result { !removal.kept.isEmpty } else { false }
    }

    /// Whether nothing is left that should be gone.
    var isRemoved: Bool {
        if case .removed(let removal) = result { removal.isComplete } else { false }
    }
}

/// The latest outcomes, by placement and member; lost with the process, which looks at everything again then.
final class SyncOutcomes: Sendable {
    private struct Entry {
        var firstSeen: MonotonicInstant
        var byCluster: [String: SyncOutcome] = [:]
        /// Members that somebody is to look at, and has not yet.
        var awaited: Set<String> = []
        /// Members that copies are being removed from, for others that stay.
        var leaving: Set<String> = []
    }

    private let entries = Mutex<[ObjectKey: Entry]>([:])

    /// The outcomes of one placement, those of another one of its name left out.
    func of(_ placement: ObjectKey, uid: String) -> [String: SyncOutcome] {
        entries.withLock { $0[placement]?.byCluster.filter { $0.value.uid == uid } ?? [:] }
    }

    subscript(key: SyncKey) -> SyncOutcome? {
        get { entries.withLock { $0[key.placement]?.byCluster[key.cluster] } }
    }

    /// Notes an outcome, unless the placement was forgotten meanwhile.
    ///
    /// - Returns: whether the outcomes of other members are still awaited.
    func set(_ outcome: SyncOutcome, for key: SyncKey) -> Bool {
        entries.withLock { entries in
            entries[key.placement]?.byCluster[key.cluster] = outcome
            entries[key.placement]?.awaited.remove(key.cluster)
            return entries[key.placement]?.awaited.isEmpty == false
        }
    }

    /// Notes that members are to be looked at.
    func expectLooks(at clusters: [String], of placement: ObjectKey) {
        entries.withLock { $0[placement]?.awaited.formUnion(clusters) }
    }

    /// Notes that nobody has to look at a member after all.
    func settle(_ key: SyncKey) {
        entries.withLock { _ = $0[key.placement]?.awaited.remove(key.cluster) }
    }

    /// Forgets that a copy was removed: it is to be there again.
    func forgetRemoval(_ key: SyncKey) {
        entries.withLock { entries in
            guard case .removed = entries[key.placement]?.byCluster[key.cluster]?.result else { return }
            entries[key.placement]?.byCluster[key.cluster] = nil
        }
    }

    /// Begins to remove a copy, unless one that it relies on is being removed: what was decided may have turned round.
    ///
    /// - Parameters:
    ///   - key: the copy.
    ///   - staying: the members with the copies that it is removed for.
    /// - Returns: whether it has begun; then `endRemoval` has to be called.
    func beginRemoval(_ key: SyncKey, for staying: [String]) -> Bool {
        entries.withLock { entries in
            guard let entry = entries[key.placement], entry.leaving.isDisjoint(with: staying) else { return false }
            entries[key.placement]?.leaving.insert(key.cluster)
            return true
        }
    }

    /// Ends what `beginRemoval` has begun.
    func endRemoval(_ key: SyncKey) {
        entries.withLock { _ = $0[key.placement]?.leaving.remove(key.cluster) }
    }

    /// When this process saw the placement first.
    func firstSeen(_ placement: ObjectKey, now: MonotonicInstant) -> MonotonicInstant {
        entries.withLock { entries in
            if let entry = entries[placement] { return entry.firstSeen }
            entries[placement] = Entry(firstSeen: now)
            return now
        }
    }

    /// Forgets the outcomes of members that do not matter to the placement any more.
    func keep(_ clusters: Set<String>, of placement: ObjectKey) {
        entries.withLock { entries in
            entries[placement]?.awaited.formIntersection(clusters)
            guard let known = entries[placement]?.byCluster, known.keys.contains(where: { !clusters.contains($0) })
            else { return }
            entries[placement]?.byCluster = known.filter { clusters.contains($0.key) }
        }
    }

    /// Forgets a placement that is gone.
    func forget(_ placement: ObjectKey) {
        entries.withLock { $0[placement] = nil }
    }
}
