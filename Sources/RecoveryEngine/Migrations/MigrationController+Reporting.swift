internal import ControllerRuntime
internal import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Telemetry

extension MigrationController {
    /// One event for each phase, and for each time that a move begins to hang.
    func report(_ migration: Migration, before: Migration) {
        guard let status = migration.status, let phase = status.phase else { return }
        let hasMoved = phase != before.status?.phase
        let isStalled = MigrationIncident.of(migration) != nil && MigrationIncident.of(before) == nil
        guard hasMoved && phase != .pending || isStalled else { return }
        let reason = Self.eventReason(phase, isStalled: isStalled)
        environment.recorder.record(
            isStalled || [.rollingBack, .rolledBack, .failed].contains(phase) ? .warning : .normal,
            reason: reason,
            message: "\(phase.rawValue): \(status.message ?? "")",
            about: ObjectReference(
                apiVersion: RecoveryAPI.apiVersion,
                kind: Migration.resource.kind,
                namespace: migration.metadata.namespace,
                name: migration.metadata.name,
                uid: migration.metadata.uid
            )
        )
        environment.context.logger.info(
            "migration",
            [
                "migration": migration.metadata.key.description, "phase": phase.rawValue, "reason": reason,
                "message": status.message ?? "",
            ]
        )
    }

    private static func eventReason(_ phase: MigrationPhase, isStalled: Bool) -> String {
        switch phase {
        case .completed: MigrationEvent.completed
        case .rolledBack: MigrationEvent.rolledBack
        case .failed: MigrationEvent.failed
        case .rollingBack: MigrationEvent.rollingBack
        case .prechecking where !isStalled: MigrationEvent.started
        default: isStalled ? MigrationEvent.stalled : MigrationEvent.progressed
        }
    }
}

extension MigrationIncident {
    /// The incident as it is reported: about the Migration, in its namespace.
    func report(_ migration: Migration) -> Incident {
        var incident = Incident(errorType, namespace: migration.metadata.namespace ?? "", since: since)
        incident.targetRef = TargetReference(
            apiVersion: RecoveryAPI.apiVersion,
            kind: Migration.resource.kind,
            name: migration.metadata.name ?? "",
            namespace: migration.metadata.namespace
        )
        incident.severity = migration.status?.isPastReturn == true ? .high : .medium
        incident.component = "migration"
        incident.operation = context["phase"] ?? ""
        incident.reason = reason
        incident.message = message
        incident.context = context
        incident.isLast = migration.isFinal
        return incident
    }
}
