package import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision

/// Takes a node out of use as `kubectl drain` does: no new pods, those that are there evicted, and their owners have
/// them running elsewhere.
///
/// PodDisruptionBudgets are honoured; pods of DaemonSets and static pods stay. A pod that nobody would make again, or one
/// with data in an emptyDir on a node that still answers, stops the drain, and so does one with the label
/// `recovery.tmc.io/exclude`. A person who lets pods onto the node again ends it, and so does a dead node that comes back.
/// What it undoes is its own cordon. Only for Recoveries in the controller's own namespace, as for all that has no
/// namespace.
///
/// Parameters: `force` (false: evicts pods without a controller, too), `deleteEmptyDirData` (false).
package struct CordonAndDrainStrategy: RecoveryStrategy {
    static let cordonAction = "CordonNode"
    static let forceParameter = "force"
    static let emptyDirParameter = "deleteEmptyDirData"

    /// For whoever names it, as no error type leads here by itself; ten minutes.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.cordonAndDrain,
        errorTypes: [],
        priority: 45,
        timeout: .seconds(600),
        destructiveness: .destructive,
        canBeRehearsed: true
    )

    /// Makes the strategy.
    package init() {}

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        var check = ParameterCheck(parameters)
        check.bool(Self.forceParameter)
        check.bool(Self.emptyDirParameter)
        check.whole(OwnMark.holdOffParameter, in: 0...604_800)
        return check.violations()
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        guard let target = try await TargetAccess(attempt, try await attempt.targetClient()), target.resource == .nodes
        else {
            throw StrategyFailure.permanent(
                "only nodes can be drained; nothing was changed",
                nextSteps: ["Create a Recovery whose targetRef is a Node (apiVersion v1)"]
            )
        }
        return try await DrainRun(attempt: attempt, target: target).run()
    }

    /// Lets pods onto the node again, unless somebody did so already.
    package func undo(_ action: ActionRecord, _ attempt: Attempt) async throws -> String {
        guard let target = try await TargetAccess(attempt, try await attempt.targetClient()) else {
            throw StrategyFailure.permanent("the Recovery names no node any more")
        }
        return try await target.client.withRetryOnConflict {
            let node = try await target.read()
            guard node["spec", "unschedulable"]?.boolValue == true else {
                return "\(target.description) takes pods already"
            }
            guard OwnMark.isOf(attempt, on: node, strategy: StrategyName.cordonAndDrain) else {
                return "\(target.description) was cordoned by somebody else, and stays so"
            }
            try await target.setCordon(false, mark: .null, over: node)
            return "\(target.description) takes pods again"
        }
    }
}
