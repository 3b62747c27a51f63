package import JSON
package import RecoveryAPI
package import RecoveryDecision

/// Finds out why a member cluster does not accept the controller, renews the credential where that is configured, and
/// proves that it works again.
///
/// The Secret is read anew, exec plug-ins run again: what somebody rotated meanwhile is used. A credential that is
/// accepted and near its end is renewed by TokenRequest. Every required permission is reviewed. What only a person can
/// give ends the recovery with what is missing, and with the manifest that would grant it. A cluster that does not answer
/// at all is handed over to ClusterConnectivity, unless that is where the Recovery came from.
///
/// It takes no parameters.
package struct ClusterAuthStrategy: RecoveryStrategy {
    /// Priority 90, three minutes.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.clusterAuth,
        errorTypes: [ErrorType.clusterAuth.rawValue],
        priority: 90,
        timeout: .seconds(180)
    )

    private let members: MemberClients

    /// Makes the strategy.
    package init(members: MemberClients) {
        self.members = members
    }

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        ParameterCheck(parameters).violations()
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        guard let cluster = attempt.target?.cluster else {
            throw StrategyFailure.permanent(
                "\(attempt.error.type) does not say of which cluster: spec.clusterRef is missing",
                nextSteps: ["Create a new Recovery with spec.clusterRef.name set to a MemberCluster"]
            )
        }
        let endpoint = MemberEndpoint(cluster: cluster, members: members, attempt: attempt)
        return try await ClusterAuthRun(attempt: attempt, members: members, endpoint: endpoint).recover()
    }
}
