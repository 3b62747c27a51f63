package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// The failure of a Migration that needs a Recovery, as its status shows it.
package struct MigrationIncident: Sendable, Hashable {
    /// MigrationFailure, or MigrationTimeout once the deadline has passed.
    package var errorType: ErrorType
    /// CamelCase, one of `MigrationReason`.
    package var reason: String
    /// The same for people.
    package var message: String
    /// Since when.
    package var since: Date
    /// For the Recovery's `error.context`.
    package var context: [String: String]

    /// The incident of a Migration; nil when it gets on, waits for its turn, or came to an end that somebody wanted.
    package static func of(_ migration: Migration) -> MigrationIncident? {
        guard let status = migration.status, let phase = status.phase, phase != .pending else { return nil }
        let type = phase == .failed ? ConditionType.succeeded : ConditionType.progressing
        guard let condition = status.conditions?[type: type], condition.status == .false,
            condition.reason != MigrationReason.finished
        else { return nil }
        let isLate = condition.reason == MigrationReason.deadlineExceeded
        let isAboutSource =
            status.isPastReturn || [MigrationReason.sourceLost, MigrationReason.sourceReady].contains(condition.reason)
        return MigrationIncident(
            errorType: isLate ? .migrationTimeout : .migrationFailure,
            reason: condition.reason,
            message: condition.message,
            since: condition.lastTransitionTime ?? .distantPast,
            context: [
                "reason": condition.reason, "phase": phase.rawValue, "from": migration.source,
                "to": migration.destination, "cluster": isAboutSource ? migration.source : migration.destination,
            ]
        )
    }
}
