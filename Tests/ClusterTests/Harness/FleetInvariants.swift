import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import RecoveryTestSupport

/// What must hold from one change on the hub to the next, whatever is done to the fleet.
struct FleetInvariants {
    private var recoveries: [ObjectKey: Recovery] = [:]
    private(set) var problems: [String] = []

    /// A Recovery changes as it may, and never runs beside another one of its target.
    mutating func apply(_ change: ObjectHistory<Recovery>.Change) {
        let old = recoveries[change.key]
        recoveries[change.key] = change.object
        guard let new = change.object else { return }
        report(change.key, StatusInvariants(old: old, new: new).problems())
        guard let lock = Self.lockOfRunning(new) else { return }
        let running = recoveries.values.filter { Self.lockOfRunning($0) == lock }.map { $0.metadata.key }
        if running.count > 1 { report(change.key, ["several attempts run on one target: \(running)"]) }
    }

    private static func lockOfRunning(_ recovery: Recovery) -> LockKey? {
        guard !recovery.isFinal, recovery.status?.executions?.last?.state == .inProgress else { return nil }
        return recovery.status?.target.flatMap { LockKey($0) }
    }

    /// Of the copies of a Placement that are well, one at least is never given up.
    mutating func check(_ old: Placement, _ new: Placement) {
        guard !new.metadata.isBeingDeleted, old.metadata.uid == new.metadata.uid else { return }
        let kept = new.status?.decided(.all) ?? []
        let well = (old.status?.well ?? []) + (new.status?.well ?? [])
        if old.status?.well.isEmpty == false, kept.isDisjoint(with: well) {
            report(new.metadata.key, ["left every cluster with a copy that is well: \(well), now on \(kept)"])
        }
    }

    /// A Migration loses no checkpoint and never turns round behind the point of no return.
    mutating func check(_ old: Migration, _ new: Migration) {
        guard old.metadata.uid == new.metadata.uid, let before = old.status else { return }
        let (earlier, steps) = (before.completedSteps ?? [], new.status?.completedSteps ?? [])
        var found: [String] = []
        if steps.prefix(earlier.count) != earlier[...] { found.append("checkpoints were lost: \(earlier), \(steps)") }
        if before.isPastReturn, new.status?.isPastReturn != true { found.append("the point of no return is gone") }
        if before.isPastReturn, new.status?.phase == .rollingBack { found.append("turned round behind no return") }
        if before.phase?.isFinal == true, before.phase != new.status?.phase { found.append("its end was changed") }
        report(new.metadata.key, found)
    }

    private mutating func report(_ key: ObjectKey, _ found: [String]) {
        problems += found.map { "\(key): \($0)" }
    }
}

extension PlacementStatus {
    /// Which decisions count.
    enum Decided { case all, staying }

    /// The clusters that have a copy, or are to have one for good.
    func decided(_ which: Decided = .staying) -> Set<String> {
        Set((decisions ?? []).filter { which == .all || $0.leaving != true }.map(\.cluster))
    }

    /// The clusters whose copy is synced and ready.
    var well: [String] { (clusters ?? []).filter { $0.state == .synced && $0.ready == true }.map(\.cluster) }
}
