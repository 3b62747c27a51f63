package import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision

/// Brings the copies of a Placement back to what its manifests say, on the member that the failure is about, or on all.
///
/// A member that does not answer is handed over to ClusterConnectivity, one that does not accept the credential to
/// ClusterAuth, and an object that belongs to somebody else to ResourceConflict. It does what the placement controller
/// does, by the same rules: objects of others are never touched.
///
/// It takes no parameters.
package struct SyncStrategy: RecoveryStrategy {
    /// Priority 50, four minutes.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.sync,
        errorTypes: [ErrorType.syncFailure.rawValue, ErrorType.syncTimeout.rawValue],
        priority: 50,
        timeout: .seconds(240),
        destructiveness: .mutating
    )

    private let members: MemberClients

    /// Makes the strategy.
    ///
    /// - Parameter members: the fleet.
    package init(members: MemberClients) {
        self.members = members
    }

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        ParameterCheck(parameters).violations()
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        let target = try await PlacementTarget(attempt)
        let placement = try await target.read()
        let clusters = try target.reportedCluster.map { [$0] } ?? Self.clusters(of: placement, target)
        for cluster in clusters {
            let run = SyncRun(
                attempt: attempt,
                target: target,
                members: members,
                cluster: cluster,
                suffix: clusters.count > 1 ? " on \(cluster)" : ""
            )
            try await run.recover()
        }
        return StrategyResult(
            message: "\(target.description) is synced and ready on \(clusters.joined(separator: ", "))",
            metrics: ["clusters": clusters.joined(separator: ",")]
        )
    }

    /// All members with a copy that is to stay.
    private static func clusters(of placement: Placement, _ target: PlacementTarget) throws -> [String] {
        guard !placement.wantedClusters.isEmpty else {
            throw StrategyFailure.permanent(
                "\(target.description) has no cluster yet: there is nothing to sync",
                nextSteps: ["See why no cluster was chosen: status.rejected of \(target.description)"]
            )
        }
        return placement.wantedClusters
    }
}
