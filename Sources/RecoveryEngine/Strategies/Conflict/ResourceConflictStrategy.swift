package import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision

/// Resolves a write that was refused because somebody else had written first.
///
/// Reads the latest version, merges what both have changed, and writes with the version just read; a further conflict
/// reads and merges again. Status, identity and the server's own metadata are never written.
///
/// Parameters:
/// - `resolution`: ThreeWayMerge (default), ServerSideApply, TakeOurs, TakeTheirs or Manual.
/// - `desired`: the object, or the part of it, that the failed write wanted. What it leaves out stays; null deletes.
///   Without it nothing is written: the latest version is read, and the writer is told to repeat its write.
/// - `base`: what the failed write started from; see `ConflictBase.find` for the default.
/// - `fieldManager`: who wanted the write; writes are made in that name (default `recovery-controller`).
///
/// A SyncConflict about a Placement is about the objects that others have on the member which `spec.error.context.cluster`
/// names: see `PlacedConflictRun`.
///
/// With ThreeWayMerge and ServerSideApply, a field that both have changed differently is never decided silently: the
/// recovery fails for good with the list of fields and what a person can type. With Manual it always does.
package struct ResourceConflictStrategy: RecoveryStrategy {
    /// Priority 70, two minutes.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.resourceConflict,
        errorTypes: [ErrorType.resourceConflict.rawValue, ErrorType.syncConflict.rawValue],
        priority: 70,
        timeout: .seconds(120),
        destructiveness: .mutating,
        canBeRehearsed: true
    )

    /// Makes the strategy.
    package init() {}

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        ConflictRequest.violations(parameters)
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        if attempt.error.knownType == .syncConflict, PlacementTarget.isTarget(of: attempt) {
            return try await PlacedConflictRun(attempt).resolve()
        }
        guard let target = try await TargetAccess(attempt, try await attempt.targetClient()) else {
            throw StrategyFailure.permanent(
                "\(attempt.error.type) does not say of which object: spec.targetRef is missing",
                nextSteps: ["Create a new Recovery with spec.targetRef set to the object that could not be written"]
            )
        }
        var latest = Unstructured(.object([:]))
        try await attempt.read("ReadLatest") {
            latest = try await target.read()
            return "\(target.description) is at resourceVersion \(latest.resourceVersion)"
        }
        let request = try ConflictRequest(attempt.parameters, target: target, live: latest)
        guard let desired = request.desired else { return Self.nothingWanted(target, latest) }
        if request.resolution != .takeTheirs { try target.checkMayChange(latest) }
        let run = ConflictRun(attempt: attempt, target: target, request: request, desired: desired)
        return try await run.resolve(latest)
    }

    /// Nobody said what the failed write wanted, so only its writer can repeat it, now from the latest version.
    private static func nothingWanted(_ target: TargetAccess, _ live: Unstructured) -> StrategyResult {
        StrategyResult(
            message: "nothing was written, as spec.parameters.desired is not set: \(target.description) can be read at "
                + "resourceVersion \(live.resourceVersion), and its writer has to repeat its write from there",
            nextSteps: [
                "Read \(target.description) again and repeat the write",
                "Or create a Recovery with parameters.desired set to what the write wanted",
            ],
            metrics: ["resourceVersion": live.resourceVersion, "fieldsMerged": "0", "fieldsInConflict": "0"]
        )
    }
}
