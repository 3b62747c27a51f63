package import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision

/// Puts a workload back to its last revision that was healthy, and waits until that is rolled out.
///
/// Which one that is says the policy's ledger (`LedgerKeeper`). Where it knows of none, or the present revision is the one
/// that was healthy last, nothing is done: what fails then is not the revision. A revision that a rollback has left is no
/// goal until it was rolled out again by others and stayed healthy. Objects that a GitOps tool owns are left alone unless
/// `gitOps: Override`, and so is one that a person has put forward again.
///
/// Parameters: `toRevision` (a number of `kubectl rollout history`, instead of the ledger), `gitOps`, `holdOffSeconds`.
package struct RollbackStrategy: RecoveryStrategy {
    static let action = "RollBackTemplate"
    static let revisionParameter = "toRevision"

    /// For whoever names it, as no error type leads here by itself; five minutes.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.rollback,
        errorTypes: [],
        priority: 40,
        timeout: .seconds(300),
        destructiveness: .disruptive,
        canBeRehearsed: true
    )

    /// Makes the strategy.
    package init() {}

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        var check = ParameterCheck(parameters)
        check.whole(Self.revisionParameter, in: 1...Int64.max)
        check.word(Attempt.gitOpsParameter, oneOf: GitOpsMode.allCases.map(\.rawValue))
        check.whole(OwnMark.holdOffParameter, in: 0...604_800)
        return check.violations()
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        guard let target = try await TargetAccess(attempt, try await attempt.targetClient()) else {
            throw StrategyFailure.permanent(
                "there is nothing to roll back: the Recovery names no target",
                nextSteps: ["Create a Recovery with spec.targetRef: a Deployment, StatefulSet or DaemonSet"]
            )
        }
        let object = try await target.read()
        let workload = try WorkloadTarget(attempt, target, restarting: object)
        return try await RollbackRun(attempt: attempt, target: target, workload: workload).run(object)
    }

    /// Puts the revision back that was there before, unless somebody has changed the template since.
    package func undo(_ action: ActionRecord, _ attempt: Attempt) async throws -> String {
        guard let before = action.inverse?["from"]?.stringValue, let after = action.inverse?["to"]?.stringValue,
            let target = try await TargetAccess(attempt, try await attempt.targetClient())
        else { throw StrategyFailure.permanent("the record of the rollback cannot be read") }
        let object = try await target.read()
        let present = WorkloadTemplate.hash(object["spec", "template"] ?? .null)
        if present == before { return "\(target.description) has the revision from before already" }
        guard present == after else {
            throw StrategyFailure.humanOverride("somebody has changed the template of \(target.description) since")
        }
        let kept = try await KeptRevision.list(of: object, target.client).first { $0.hash == before }
        guard let kept else {
            throw StrategyFailure.permanent("the revision from before is kept no longer by \(target.description)")
        }
        _ = try await target.replaceTemplate(of: object, by: kept.template, mark: nil)
        return "\(target.description) is back at \(kept.description)"
    }
}
