internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import Timekeeping

/// One attempt to resolve a conflict about one object.
struct ConflictRun: Sendable {
    let attempt: Attempt
    let target: TargetAccess
    let request: ConflictRequest
    let desired: JSONValue

    static let writeAction = "WriteMergedObject"
    static let applyAction = "ApplyServerSide"
    /// The most writes of one attempt: somebody who writes faster than that has to be stopped first.
    private static let maxWrites = 10

    /// What a finished write has to tell.
    struct Written: Sendable {
        var plan: ConflictPlan
        var base: String
        var resourceVersion: String
        var tries: Int
    }

    /// Resolves the conflict as the parameters say.
    ///
    /// - Throws: `StrategyFailure`, or a `ClientError`.
    func resolve(_ latest: Unstructured) async throws -> StrategyResult {
        switch request.resolution {
        case .threeWayMerge, .takeOurs: return try await merge(latest)
        case .serverSideApply: return try await apply(latest)
        case .takeTheirs: return takeTheirs(latest)
        case .manual: return try manual(latest)
        }
    }

    // MARK: - ThreeWayMerge, TakeOurs

    private func merge(_ latest: Unstructured) async throws -> StrategyResult {
        let first = try await plan(latest)
        try await attempt.read("CompareVersions") {
            try checkConflicts(first.plan, latest)
            return first.plan.isDone
                ? "the latest version has everything that was wanted (base: \(first.base))"
                : "to write: \(FieldList.text(first.plan.mergedFields)) (base: \(first.base))"
        }
        var written = Written(plan: first.plan, base: first.base, resourceVersion: latest.resourceVersion, tries: 0)
        // An interrupted write is looked after even when there is nothing left to write.
        guard !first.plan.isDone || attempt.recorded(Self.writeAction) != nil else {
            return result("\(target.description) has everything that was wanted; nothing was written", written)
        }
        try await attempt.mutate(Self.writeAction) {
            try await plan(target.read()).plan.isDone
        } _: {
            written = try await write()
            return "resourceVersion \(written.resourceVersion), writes: \(written.tries)"
        }
        return result("merged into \(target.description): \(FieldList.text(written.plan.mergedFields))", written)
    }

    /// What is to be written over a version of the object.
    private func plan(_ live: Unstructured) async throws -> (plan: ConflictPlan, base: String) {
        if request.resolution == .takeOurs {
            return (ConflictPlan(desired: desired, base: live.content, live: live.content), "the latest version")
        }
        let base = try await ConflictBase.find(request, target, live: live)
        return (ConflictPlan(desired: desired, base: base.content, live: live.content), base.source)
    }

    private func checkConflicts(_ plan: ConflictPlan, _ live: Unstructured) throws {
        guard !plan.conflicts.isEmpty else { return }
        let advice = ConflictAdvice(target: target, attempt: attempt)
        throw StrategyFailure.permanent(
            "\(target.description): both writers changed \(FieldList.text(plan.conflicts.map(\.path))) differently; "
                + "nothing was written",
            nextSteps: advice.decide(plan.conflicts, desired: desired, live: live.content),
            metrics: metrics(plan, tries: 0)
        )
    }

    /// Reads, merges and writes, again as long as somebody else is faster.
    private func write() async throws -> Written {
        for number in 1...Self.maxWrites {
            let live = try await target.read()
            try target.checkMayChange(live)
            let (plan, base) = try await plan(live)
            try checkConflicts(plan, live)
            if plan.isDone {
                return Written(plan: plan, base: base, resourceVersion: live.resourceVersion, tries: number - 1)
            }
            do {
                let stored = try await target.patch(plan.patch(for: live), fieldManager: request.fieldManager)
                return Written(plan: plan, base: base, resourceVersion: stored.resourceVersion, tries: number)
            } catch let error as ClientError where error.apiError?.isConflict == true {
                // Each wait is longer, so that several writers do not stay in step.
                try await attempt.pause(for: .milliseconds(50) * (number * number))
            }
        }
        throw StrategyFailure.transient(
            "\(target.description) was changed by others before each of \(Self.maxWrites) writes",
            nextSteps: ["Find who writes \(target.description) all the time: kubectl get -o yaml --show-managed-fields"]
        )
    }

    // MARK: - ServerSideApply

    private func apply(_ latest: Unstructured) async throws -> StrategyResult {
        let before = ConflictPlan(desired: desired, base: latest.content, live: latest.content)
        var written = Written(plan: before, base: "field ownership", resourceVersion: latest.resourceVersion, tries: 0)
        let manager = request.fieldManager
        try await attempt.mutate(Self.applyAction) {
            let live = try await target.readWithManagedFields()
            let isThere = ConflictPlan(desired: desired, base: live, live: live).isDone
            return isThere && ManagedFields.hasApplied(manager, live)
        } _: {
            do {
                let stored = try await target.apply(desired, uid: latest.uid, fieldManager: manager)
                written.resourceVersion = stored.resourceVersion
                written.tries = 1
                return "applied as \(manager): resourceVersion \(stored.resourceVersion)"
            } catch let error as ClientError where error.apiError?.isApplyConflict == true {
                throw applyConflict(error)
            }
        }
        let fields = before.mergedFields
        return result(
            fields.isEmpty
                ? "\(target.description) has everything that was wanted; \(manager) owns it now, too"
                : "applied to \(target.description): \(FieldList.text(fields))",
            written
        )
    }

    /// Others own fields that the apply wants to change.
    private func applyConflict(_ error: ClientError) -> StrategyFailure {
        let causes = error.apiError?.kubernetesStatus?.details?.causes ?? []
        let fields = causes.compactMap(\.field)
        let steps = causes.prefix(ConflictAdvice.maxFields).map {
            "\($0.field ?? "?"): \($0.message ?? "owned by others")"
        }
        return .permanent(
            "\(target.description): other field managers own \(FieldList.text(fields)); nothing was written",
            nextSteps: steps + ConflictAdvice(target: target, attempt: attempt).choices,
            metrics: [
                "resolution": request.resolution.rawValue, "fieldsInConflict": String(fields.count),
                "conflictingFields": FieldList.text(fields),
            ]
        )
    }

    // MARK: - TakeTheirs, Manual

    private func takeTheirs(_ latest: Unstructured) -> StrategyResult {
        let plan = ConflictPlan(desired: desired, base: latest.content, live: latest.content)
        let written = Written(plan: plan, base: "the latest version", resourceVersion: latest.resourceVersion, tries: 0)
        var outcome = result(
            plan.isDone
                ? "\(target.description) has everything that was wanted; nothing was written"
                : "\(target.description) stays as it is; given up: \(FieldList.text(plan.mergedFields))",
            written
        )
        outcome.metrics["fieldsMerged"] = "0"
        outcome.metrics["mergedFields"] = nil
        return outcome
    }

    private func manual(_ latest: Unstructured) throws -> StrategyResult {
        let plan = ConflictPlan(desired: desired, base: latest.content, live: latest.content)
        guard !plan.isDone else {
            let written = Written(plan: plan, base: "", resourceVersion: latest.resourceVersion, tries: 0)
            return result("\(target.description) has everything that was wanted; nothing was written", written)
        }
        throw StrategyFailure.permanent(
            "\(target.description): a person has to decide \(FieldList.text(plan.mergedFields)); nothing was written",
            nextSteps: ConflictAdvice(target: target, attempt: attempt).show(plan, live: latest.content),
            metrics: ["resolution": request.resolution.rawValue, "fieldsInConflict": String(plan.mergedFields.count)]
        )
    }

    // MARK: - Reporting

    private func result(_ message: String, _ written: Written) -> StrategyResult {
        var metrics = metrics(written.plan, tries: written.tries)
        metrics["resourceVersion"] = written.resourceVersion
        if !written.base.isEmpty { metrics["base"] = written.base }
        return StrategyResult(message: message, metrics: metrics)
    }

    private func metrics(_ plan: ConflictPlan, tries: Int) -> [String: String] {
        var metrics = [
            "resolution": request.resolution.rawValue,
            "fieldsMerged": String(plan.mergedFields.count),
            "fieldsInConflict": String(plan.conflicts.count),
            "writes": String(tries),
        ]
        if !plan.mergedFields.isEmpty { metrics["mergedFields"] = FieldList.text(plan.mergedFields) }
        if !plan.conflicts.isEmpty { metrics["conflictingFields"] = FieldList.text(plan.conflicts.map(\.path)) }
        return metrics
    }
}
