internal import FoundationEssentials
package import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
internal import Timekeeping

/// The fallback for any retryable error: wait a moment, see that hub, member and target are well, and have the target's
/// own controller look at it again.
///
/// Parameters: `waitSeconds` (5), `touch` (true: annotates the target).
package struct GenericStrategy: RecoveryStrategy {
    private static let waitParameter = "waitSeconds"
    private static let touchParameter = "touch"
    private static let standardWait: Int64 = 5
    /// How long the target's own controller may take to react.
    private static let reactionTime = Duration.seconds(30)

    /// Fallback, priority 10, two minutes.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.generic,
        errorTypes: [],
        priority: 10,
        timeout: .seconds(120),
        destructiveness: .mutating,
        isFallback: true
    )

    /// Makes the strategy.
    package init() {}

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        var check = ParameterCheck(parameters)
        check.whole(Self.waitParameter, in: 0...3_600)
        check.bool(Self.touchParameter)
        return check.violations()
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        let wait = attempt.parameters[Self.waitParameter]?.intValue ?? Self.standardWait
        if wait > 0 { try await attempt.pause(for: .seconds(wait)) }
        try await checkReady(attempt.client, "CheckHubHealth", attempt)
        let client = try await attempt.targetClient()
        if let cluster = attempt.target?.cluster {
            try await checkReady(client, "CheckMemberHealth", attempt, of: "member cluster \(cluster)")
        }
        guard let target = try await TargetAccess(attempt, client) else {
            return StrategyResult(message: "the API servers involved are healthy")
        }
        // Objects of our own this very controller looks after.
        let isTouched = target.resource.group != RecoveryAPI.group
        if isTouched, attempt.parameters[Self.touchParameter]?.boolValue ?? true { try await touch(target, attempt) }
        try await attempt.read("CheckTargetHealth") { try await waitForHealth(of: target, attempt) }
        return StrategyResult(message: "\(target.description) is healthy")
    }

    /// Gives the target's controller time to react, asking less and less often.
    private func waitForHealth(of target: TargetAccess, _ attempt: Attempt) async throws -> String {
        var delay = Duration.milliseconds(500)
        let limit = min(attempt.timeSource.now().advanced(by: Self.reactionTime), attempt.deadline)
        while let reason = ObjectHealth.problem(of: try await target.read()) {
            guard attempt.timeSource.now().advanced(by: delay) < limit else {
                throw StrategyFailure.transient(
                    "\(target.description) is not healthy: \(reason)",
                    nextSteps: ["See what keeps it from becoming healthy: \(target.describeCommand)"]
                )
            }
            try await attempt.pause(for: delay)
            delay *= 2
        }
        return "\(target.description) is healthy"
    }

    private func checkReady(
        _ client: KubernetesClient,
        _ action: String,
        _ attempt: Attempt,
        of server: String = "the hub"
    ) async throws {
        try await attempt.read(action) {
            _ = try await client.send(.raw("/readyz"))
            return "\(server) answers /readyz"
        }
    }

    /// Annotates the target, so that its controller sees a change and reconciles.
    private func touch(_ target: TargetAccess, _ attempt: Attempt) async throws {
        // Depends on the attempt only: after a crash the same value shows that it was done.
        let stamp = attempt.execution.startTime.flatMap { RFC3339.string(from: $0) } ?? attempt.execution.id
        try await attempt.mutate("TouchTarget") {
            try await target.read().annotations[MetadataName.touchedAt] == stamp
        } _: {
            let object = try await target.read()
            try target.checkMayChange(object)
            let patch: JSONValue = [
                "metadata": [
                    "uid": .string(object.uid),
                    "annotations": .object([MetadataName.touchedAt: .string(stamp)]),
                ]
            ]
            _ = try await target.patch(patch)
            return "annotated \(target.description), so that its controller looks again"
        }
    }
}
