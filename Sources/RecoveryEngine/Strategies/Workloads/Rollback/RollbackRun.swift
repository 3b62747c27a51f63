internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision

/// One attempt to roll a workload back.
struct RollbackRun: Sendable {
    let attempt: Attempt
    let target: TargetAccess
    let workload: WorkloadTarget

    /// Finds the revision, writes it, and waits for it.
    ///
    /// - Throws: `StrategyFailure`, or a `ClientError`.
    func run(_ object: Unstructured) async throws -> StrategyResult {
        let goal = try await findGoal(object)
        let before = recordedStart ?? WorkloadTemplate.hash(object["spec", "template"] ?? .null)
        let inverse: JSONValue = ["from": .string(before), "to": .string(goal.hash)]
        let stuck = stuckRevision(object)
        let facts: JSONValue? = stuck.map { ["stuckRevision": .string($0)] }
        try await attempt.mutate(RollbackStrategy.action, inverse: inverse, facts: facts) {
            WorkloadTemplate.hash(try await target.read()["spec", "template"] ?? .null) == goal.hash
        } _: {
            let live = try await target.read()
            try target.checkMayChange(live)
            guard WorkloadTemplate.hash(live["spec", "template"] ?? .null) == before else {
                throw StrategyFailure.humanOverride(
                    "somebody has changed the template of \(target.description) meanwhile"
                )
            }
            let mark = OwnMark(from: before, to: goal.hash, attempt)
            let stored = try await target.replaceTemplate(of: live, by: goal.template, mark: mark)
            return "revision \(goal.number) (\(goal.description)) again: generation \(stored.generation ?? 0)"
        }
        if let stuck { try await evictPods(of: object, at: stuck) }
        try await workload.waitUntilReady("WaitForRollout")
        return StrategyResult(
            message: "\(target.description) was rolled back to revision \(goal.number) and is ready",
            nextSteps: ["Repair the revision that failed before it is rolled out again"],
            metrics: ["revision": String(goal.number)]
        )
    }

    /// The template from which this attempt set out, where it did so before an interruption.
    private var recordedStart: String? {
        attempt.recorded(RollbackStrategy.action)?.inverse?["from"]?.stringValue
    }

    private var recordedGoal: String? {
        attempt.recorded(RollbackStrategy.action)?.inverse?["to"]?.stringValue
    }

    private func findGoal(_ object: Unstructured) async throws -> KeptRevision {
        let kept = try await KeptRevision.list(of: object, target.client)
        if let recordedGoal, let goal = kept.first(where: { $0.hash == recordedGoal }) { return goal }
        let present = WorkloadTemplate.hash(object["spec", "template"] ?? .null)
        try await attempt.checkGitOps(target)
        try OwnMark.check(object, present: present, strategy: StrategyName.rollback, attempt)
        var found: KeptRevision?
        try await attempt.read("FindHealthyRevision") {
            let goal: KeptRevision
            if let named = try named(kept) { goal = named } else { goal = try await vouchedFor(kept, object, present) }
            found = goal
            return "revision \(goal.number): \(goal.description)"
        }
        guard let found else { throw StrategyFailure.permanent("no revision was found") }
        return found
    }

    /// The revision that the parameters name.
    private func named(_ kept: [KeptRevision]) throws -> KeptRevision? {
        guard let number = attempt.parameters[RollbackStrategy.revisionParameter]?.intValue else { return nil }
        if let revision = kept.first(where: { $0.number == number }) { return revision }
        throw refusal("\(target.description) keeps no revision \(number)")
    }

    /// The revision that was healthy last, by the policy's ledger, or one before it where that is kept no longer.
    ///
    /// - Throws: `StrategyFailure.permanent` when it is the present one, and when no other is known.
    private func vouchedFor(
        _ kept: [KeptRevision],
        _ object: Unstructured,
        _ present: String
    ) async throws -> KeptRevision {
        let namespace = attempt.recovery.metadata.namespace
        guard let policy = attempt.recovery.status?.effective?.policy?.name, attempt.target?.cluster == nil,
            target.key.namespace == namespace
        else {
            throw refusal("no policy of its namespace keeps a ledger of healthy revisions of \(target.description)")
        }
        let name = RevisionLedger.name(ofPolicy: policy)
        var ledger: RevisionLedger
        do {
            let map = try await attempt.client.get(.configMaps, ObjectKey(namespace: namespace, name: name))
            guard RevisionLedger.isLedger(map, ofPolicy: policy) else {
                throw refusal("ConfigMap \(name) is not the ledger of RecoveryPolicy \(policy), and has its name")
            }
            ledger = RevisionLedger(data: map.content["data"])
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            throw refusal("there is no ledger \(name) yet: no revision of \(target.description) is known to be healthy")
        }
        let key = RevisionLedger.key(kind: target.resource.kind, name: target.key.name)
        // The keeper of the ledger may not have seen yet what the last rollback has left.
        if let last = OwnMark(object, strategy: StrategyName.rollback) {
            _ = try ledger.leave(last.from, at: last.time, of: key)
        }
        if ledger.latest(key)?.template == present {
            throw refusal(
                "the present revision of \(target.description) is the one that was healthy last, says ledger \(name): what "
                    + "fails now is not the revision"
            )
        }
        let goals = ledger.goals(key, from: present)
        guard !goals.isEmpty else {
            let room = ledger.isFull && !ledger.knows(key) ? ", which has no place for another workload" : ""
            throw refusal(
                "no other revision of \(target.description) is known to have been healthy, says ledger \(name)\(room)"
            )
        }
        for goal in goals {
            if let revision = kept.first(where: { $0.hash == goal.template }) { return revision }
        }
        throw refusal("the revisions of \(target.description) that were healthy are kept no longer")
    }

    private func refusal(_ message: String) -> StrategyFailure {
        .permanent(
            "\(message); nothing was changed",
            nextSteps: [
                "See the revisions: kubectl rollout history \(target.resource.kind.lowercased()) \(target.key.name) "
                    + "-n \(target.key.namespace ?? "")",
                "Name one in parameters.\(RollbackStrategy.revisionParameter) of a new Recovery, or repair the template",
            ]
        )
    }

    // MARK: Stuck pods

    /// The failed revision of a StatefulSet, whose pods keep it from going on: it waits for each to become ready before it
    /// replaces it, even by another revision (kubernetes/kubernetes#67250).
    ///
    /// After an interruption the StatefulSet may be at the healthy one already; then only the record tells.
    private func stuckRevision(_ object: Unstructured) -> String? {
        if let record = attempt.recorded(RollbackStrategy.action) {
            return record.facts?["stuckRevision"]?.stringValue
        }
        // A status from before the last change of the template still names the revision before it.
        let isObserved = object["status", "observedGeneration"]?.intValue ?? 0 >= object.generation ?? 0
        guard object.kind == APIResource.statefulSets.kind, isObserved else { return nil }
        return object["status", "updateRevision"]?.stringValue
    }

    private func evictPods(of object: Unstructured, at revision: String) async throws {
        let options = ListOptions(labelSelector: "controller-revision-hash=\(revision)")
        let pods = try await target.client.list(.pods, namespace: object.namespace, options: options).items.filter {
            $0.isControlled(by: object.uid) && WorkloadReadiness.problem(of: $0) != nil
        }
        guard !pods.isEmpty else { return }
        try await attempt.mutate("EvictStuckPods") {
            let evictor = try await Evictor(target.client, attempt)
            var blocked: [String] = []
            for pod in pods {
                if case .blocked(let reason, _) = try await evictor.evict(pod) {
                    blocked.append("\(pod.name): \(reason)")
                }
            }
            return blocked.isEmpty ? "evicted \(pods.count)" : blocked.joined(separator: "; ")
        }
    }
}

extension TargetAccess {
    /// Replaces the pod template of a version of a workload; another version is a conflict.
    ///
    /// A merge would keep what only the failed template has.
    func replaceTemplate(of live: Unstructured, by template: JSONValue, mark: OwnMark?) async throws -> Unstructured {
        let name = OwnMark.annotation(StrategyName.rollback)
        var operations: [JSONPatch.Operation] = [
            .test(["metadata", "uid"], .string(live.uid)),
            .replace(["metadata", "resourceVersion"], .string(live.resourceVersion)),
            .replace(["spec", "template"], template),
        ]
        if let mark {
            if live["metadata", "annotations"] == nil { operations.append(.add(["metadata", "annotations"], [:])) }
            operations.append(.add(["metadata", "annotations", name], .string(try mark.text())))
        } else if live.annotations[name] != nil {
            operations.append(.remove(["metadata", "annotations", name]))
        }
        return try await client.patch(
            resource,
            key,
            JSONPatch(operations).jsonValue,
            type: .json,
            options: WriteOptions(fieldManager: MetadataName.fieldManager)
        )
    }
}
