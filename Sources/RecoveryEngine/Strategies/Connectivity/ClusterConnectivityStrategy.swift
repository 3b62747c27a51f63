package import JSON
internal import KubernetesClient
package import RecoveryAPI
package import RecoveryDecision
internal import Timekeeping

/// Finds out why a member cluster cannot be reached, renews the way to it, and proves that it works again.
///
/// Probes with rising timeouts say which of DNS, TCP, TLS and HTTP fails, and every finding goes into the MemberCluster's
/// conditions. After the first failure connections, kubeconfig and CA are read anew. A cluster that answers but does not
/// accept the credential is handed over to ClusterAuth; one that stays away is a transient failure, so that the engine
/// tries again later.
///
/// Parameters: `timeoutsSeconds` ([30, 60, 120, 300]): one probe for each, cut to the attempt's deadline. A probe that
/// fails at once is followed by a pause of a sixth of its timeout.
///
/// Without `spec.clusterRef`, NetworkConnectivity is about the hub, which is probed alike; the other types need one.
package struct ClusterConnectivityStrategy: RecoveryStrategy {
    static let timeoutsParameter = "timeoutsSeconds"
    static let standardTimeouts: [Int64] = [30, 60, 120, 300]
    private static let maxTimeouts = 8

    /// Priority 80, five minutes; changes nothing but conditions.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.clusterConnectivity,
        errorTypes: [
            ErrorType.clusterUnreachable.rawValue, ErrorType.clusterUnavailable.rawValue,
            ErrorType.networkConnectivity.rawValue,
        ],
        priority: 80,
        timeout: .seconds(300)
    )

    private let members: MemberClients

    /// Makes the strategy.
    package init(members: MemberClients) {
        self.members = members
    }

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        var check = ParameterCheck(parameters)
        check.expect(
            Self.timeoutsParameter,
            "a list of 1 to \(Self.maxTimeouts) whole numbers from 1 to 3600, none less than the one before"
        ) { value in
            let numbers = (value.arrayValue ?? []).compactMap(\.intValue)
            return (1...Self.maxTimeouts).contains(numbers.count) && numbers.count == value.arrayValue?.count
                && numbers.allSatisfy { (1...3_600).contains($0) } && numbers == numbers.sorted()
        }
        return check.violations()
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        let numbers = attempt.parameters[Self.timeoutsParameter]?.arrayValue?.compactMap(\.intValue)
        let timeouts = (numbers ?? Self.standardTimeouts).map { Duration.seconds($0) }
        if let cluster = attempt.target?.cluster {
            let run = ConnectivityRun(
                attempt: attempt,
                endpoint: MemberEndpoint(cluster: cluster, members: members, attempt: attempt)
            )
            return try await run.recover(timeouts)
        }
        guard attempt.error.type == ErrorType.networkConnectivity.rawValue else {
            throw StrategyFailure.permanent(
                "\(attempt.error.type) does not say of which cluster: spec.clusterRef is missing",
                nextSteps: ["Create a new Recovery with spec.clusterRef.name set to a MemberCluster"]
            )
        }
        return try await ConnectivityRun(attempt: attempt, endpoint: HubEndpoint(attempt: attempt)).recover(timeouts)
    }
}
