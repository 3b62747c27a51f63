package import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision

/// Helps a Migration that does not get on: looks at both ends, asks the target again, and lets the move go on from its
/// last checkpoint, or be undone.
///
/// Before the point of no return a move that cannot succeed is rolled back, where `spec.rollbackOnFailure` permits; past
/// it there is only forward. The moving itself is the migration controller's: this strategy writes `resumeTime`, or the
/// phase RollingBack, into the Migration's status and follows it.
package struct MigrationStrategy: RecoveryStrategy {
    /// Priority 85, ten minutes.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.migration,
        errorTypes: [ErrorType.migrationFailure.rawValue, ErrorType.migrationTimeout.rawValue],
        priority: 85,
        timeout: .seconds(600),
        destructiveness: .mutating
    )

    private let members: MemberClients
    private let reservations: CapacityReservations

    /// Makes the strategy.
    ///
    /// - Parameters:
    ///   - members: reads MemberClusters.
    ///   - reservations: what placements are about to take of them.
    package init(members: MemberClients, reservations: CapacityReservations = CapacityReservations()) {
        self.members = members
        self.reservations = reservations
    }

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        ParameterCheck(parameters).violations()
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        guard let reference = attempt.target, reference.cluster == nil, reference.kind == Migration.resource.kind,
            GroupVersionKind(apiVersion: reference.apiVersion ?? "", kind: "").group == RecoveryAPI.group,
            let target = try await TargetAccess(attempt, attempt.client)
        else {
            throw StrategyFailure.permanent(
                "\(attempt.error.type) is about a Migration, and spec.targetRef names none",
                nextSteps: ["Create a new Recovery with spec.targetRef set to the Migration, without spec.clusterRef"]
            )
        }
        let run = MigrationRun(attempt: attempt, target: target, members: members, reservations: reservations)
        return try await run.recover()
    }
}
