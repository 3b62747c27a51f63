internal import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// Of several Migrations of one Placement one runs; the others wait.
package enum MigrationTurn {
    /// The Migration whose turn it is: one that has begun, else the oldest, then by name; nil when all are at their end.
    ///
    /// One that is not accepted waits for a person, and nobody waits for it.
    package static func first(of migrations: [Migration]) -> Migration? {
        migrations.filter { !$0.isFinal && !($0.metadata.isBeingDeleted && !$0.hasBegun) }.min { left, right in
            if left.hasBegun != right.hasBegun { return left.hasBegun }
            if left.isRefused != right.isRefused { return right.isRefused }
            let times = [left, right].map { $0.metadata.creationTimestamp ?? .distantPast }
            if times[0] != times[1] { return times[0] < times[1] }
            return left.metadata.name ?? "" < right.metadata.name ?? ""
        }
    }
}

extension Migration {
    /// Whether a final phase is reached.
    package var isFinal: Bool { status?.phase?.isFinal ?? false }
    /// Whether it is beyond waiting for its turn.
    package var hasBegun: Bool { status?.phase.map { $0 != .pending } ?? false }
    /// Whether it has not begun because its spec is not accepted.
    package var isRefused: Bool {
        !hasBegun && status?.conditions?[type: ConditionType.accepted]?.status == .false
    }
}
