import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import RecoveryTestSupport
import Timekeeping

@testable import TestSupport

/// What must hold of Placements, of Migrations and of the copies on members, whatever goes wrong.
struct FleetInvariants {
    private(set) var placements: [ObjectKey: Placement] = [:]
    private(set) var migrations: [ObjectKey: Migration] = [:]
    /// The fewest copies that each Placement has ever asked for, by its uid: a cache may lag behind.
    private var fewest: [String: Int] = [:]
    /// When a person has removed a copy, by the Placement's uid and the member: the controller cannot know at once.
    private var takenByHand: [[String]: MonotonicInstant] = [:]
    private var problems: [String] = []
    /// Whether no Placement and no Migration has anything before it.
    private(set) var isSettled = true

    /// How long what a person has removed may be taken for present.
    private static let patience = Duration.seconds(30)
    /// Seconds by which a Migration may be late: the controller was away, or the hub did not answer.
    private static let delay = 180.0

    /// What was found since the last time.
    mutating func takeProblems() -> [String] {
        defer { problems = [] }
        return problems
    }

    // MARK: The hub

    /// Checks a change of a Placement or a Migration.
    ///
    /// - Returns: Lines for the trace.
    mutating func apply(_ change: FakeState.Change) -> [String] {
        defer { isSettled = unsettled.isEmpty }
        let isPlacement = change.collection.plural == Placement.resource.plural
        do {
            return isPlacement
                ? apply(change.key, try change.new?.decode(Placement.self))
                : apply(change.key, try change.new?.decode(Migration.self))
        } catch {
            problems.append("\(change.key) cannot be read: \(error)")
            return []
        }
    }

    private mutating func apply(_ key: ObjectKey, _ new: Placement?) -> [String] {
        let old = placements[key]
        placements[key] = new
        guard let new else { return ["placement \(key) deleted"] }
        let uid = new.metadata.uid ?? ""
        fewest[uid] = min(fewest[uid] ?? .max, new.spec.effectiveClusterCount)
        if let old { problems += PlacementInvariants(old: old, new: new).problems().map { "\(key): \($0)" } }
        return [Self.describe(new)]
    }

    private mutating func apply(_ key: ObjectKey, _ new: Migration?) -> [String] {
        let old = migrations[key]
        migrations[key] = new
        guard let new else { return ["migration \(key) deleted"] }
        if let old {
            problems += MigrationInvariants(old: old, new: new).problems().map { "\(key): \($0)" }
            if !old.isFinal, new.isFinal { checkEnd(new) }
        }
        return [Self.describe(new)]
    }

    /// Behind the point of no return it may be late: it only goes forward.
    private mutating func checkEnd(_ migration: Migration) {
        guard let status = migration.status, status.pointOfNoReturn != true, let deadline = status.deadline,
            let end = status.completionTime, end > deadline.addingTimeInterval(Self.delay)
        else { return }
        problems.append("\(migration.metadata.key) ended at \(end), long after \(deadline)")
    }

    // MARK: The members

    /// A person has removed a copy.
    mutating func takeByHand(_ uid: String, _ cluster: String, now: MonotonicInstant) {
        takenByHand[[uid, cluster]] = now
    }

    /// The controller has removed a copy: as many as asked for are elsewhere, or one when it was left behind.
    mutating func removed(_ uid: String, from cluster: String, left copies: Set<String>, now: MonotonicInstant) {
        guard let placement = placements.values.first(where: { $0.metadata.uid == uid }),
            !placement.metadata.isBeingDeleted
        else { return }
        let byHand = takenByHand.filter { $0.key[0] == uid && $0.value.duration(to: now) < Self.patience }.map(\.key[1])
        let left = copies.union(byHand).subtracting([cluster])
        let isLeftBehind = placement.status?.evacuated?.contains { $0.cluster == cluster && $0.hasLeftovers } == true
        let needed = isLeftBehind ? 1 : fewest[uid] ?? 1
        if left.count < needed {
            problems.append("the copy on \(cluster) is removed, and \(needed) are wanted: \(left.sorted()) have one")
        }
    }

    // MARK: At rest

    /// The Placements and Migrations that still have something before them.
    var unsettled: [String] {
        placements.values.filter { !Self.isSettled($0) }.map(Self.describe).sorted()
            + migrations.values.filter { !isSettled($0) }.map(Self.describe).sorted()
    }

    /// One that is refused, or has nothing to move, waits for a person.
    private func isSettled(_ migration: Migration) -> Bool {
        migration.isFinal || migration.isRefused || !migration.hasBegun && placements.isEmpty
    }

    private static func isSettled(_ placement: Placement) -> Bool {
        guard let status = placement.status, !placement.metadata.isBeingDeleted,
            status.observedGeneration == placement.metadata.generation,
            status.evacuated?.contains(where: \.hasLeftovers) != true
        else { return false }
        let decisions = status.decisions ?? []
        return decisions.allSatisfy { decision in
            !decision.isLeaving && !decision.isProvisional
                && status.clusters?.contains { $0.cluster == decision.cluster && $0.ready == true } == true
        }
    }

    /// How many Migrations came to which end.
    var ends: [MigrationPhase: Int] {
        Dictionary(grouping: migrations.values.compactMap { $0.status?.phase }) { $0 }.mapValues(\.count)
    }

    /// Whether the one copy is where the one Migration was to bring it.
    var hasMovedOnce: Bool {
        let decided = placements.values.flatMap { $0.status?.decisions ?? [] }.map(\.cluster)
        return migrations.values.map { $0.status?.phase } == [.completed]
            && decided == migrations.values.map(\.destination)
    }

    private static func describe(_ placement: Placement) -> String {
        let status = placement.status
        let decisions = (status?.decisions ?? []).map { "\($0.cluster)\($0.isLeaving ? " leaves" : "")" }
        let copies = (status?.clusters ?? []).map {
            "\($0.cluster) \($0.state.rawValue)\($0.ready == true ? " ready" : "")"
        }
        let left = (status?.evacuated ?? []).map { "\($0.cluster)\($0.hasLeftovers ? " with leftovers" : "")" }
        return "placement \(placement.metadata.key) g\(placement.metadata.generation ?? 0) decided \(decisions)"
            + " has \(copies) left \(left)\(placement.metadata.isBeingDeleted ? " deleting" : "")"
    }

    private static func describe(_ migration: Migration) -> String {
        "migration \(migration.metadata.key) \(migration.source) to \(migration.destination)"
            + " \(migration.status?.phase?.rawValue ?? "new"): \(migration.status?.message ?? "")"
    }
}
