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

    /// A Placement changes as it may.
    mutating func check(_ old: Placement, _ new: Placement) {
        report(new.metadata.key, PlacementInvariants(old: old, new: new).problems())
    }

    /// A Migration changes as it may.
    mutating func check(_ old: Migration, _ new: Migration) {
        report(new.metadata.key, MigrationInvariants(old: old, new: new).problems())
    }

    private mutating func report(_ key: ObjectKey, _ found: [String]) {
        problems += found.map { "\(key): \($0)" }
    }
}
