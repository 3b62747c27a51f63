internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import Timekeeping

/// One attempt to drain a node.
struct DrainRun: Sendable {
    let attempt: Attempt
    let target: TargetAccess

    private var client: KubernetesClient { target.client }
    private var name: String { target.key.name }

    /// Cordons, evicts, and waits until the pods run elsewhere.
    ///
    /// - Throws: `StrategyFailure`, or a `ClientError`.
    func run() async throws -> StrategyResult {
        let node = try await target.read()
        try target.checkMayChange(node)
        var answers = Self.answers(node)
        // First: what came to the node after a look at its pods would be evicted unseen.
        try await cordon(node)
        // Those that are evicted no longer tell who has to make them again, nor a node that is back that it was dead.
        let begun = attempt.recorded(Self.evictAction)?.facts.map { DrainedOwners($0) }
        let wasDead = begun?.ofDeadNode ?? !answers
        let pods = try await pods(nodeAnswers: answers && !wasDead)
        attempt.note("CheckPods", .succeeded, "to evict: \(pods.toEvict.count), to leave: \(pods.toLeave)")
        let limit = attempt.lastMoment()
        let drained = begun ?? DrainedOwners(pods.toEvict, ofDeadNode: wasDead)
        try await attempt.mutate(Self.evictAction, facts: drained.facts) {
            "evicted \(try await evictAll(limit, wasDead: wasDead, &answers))"
        }
        if answers { try await waitForEnd(limit) }
        try await waitForOwners(drained.owners.union(pods.toEvict.compactMap(PodOwner.init)), limit)
        return StrategyResult(
            message: "\(target.description) is drained: \(drained.pods) pods run elsewhere or have ended",
            nextSteps: Self.nextSteps(name, answers),
            metrics: ["evicted": String(drained.pods)],
            isWholeProof: true
        )
    }

    private static let evictAction = "EvictPods"

    private static func nextSteps(_ name: String, _ answers: Bool) -> [String] {
        let back = "When the node is well again: kubectl uncordon \(name)"
        if answers { return [back] }
        return [
            "Once you are sure that the machine is off, let its volumes and StatefulSet pods go: "
                + "kubectl taint node \(name) node.kubernetes.io/out-of-service=nodeshutdown:NoExecute",
            back,
        ]
    }

    // MARK: Cordon

    private func cordon(_ node: Unstructured) async throws {
        // Cordoned by somebody else: then it is theirs to take back.
        let isBegun = attempt.recorded(CordonAndDrainStrategy.cordonAction) != nil
        if !isBegun, Self.isCordoned(node) { return }
        try await attempt.mutate(CordonAndDrainStrategy.cordonAction, inverse: ["unschedulable": false]) {
            let live = try await target.read()
            return Self.isCordoned(live) && OwnMark.isOf(attempt, on: live, strategy: StrategyName.cordonAndDrain)
        } _: {
            try await client.withRetryOnConflict {
                let live = try await target.read()
                try target.checkMayChange(live)
                if Self.isCordoned(live) { return "\(target.description) was cordoned by somebody else" }
                try OwnMark.check(live, present: "schedulable", strategy: StrategyName.cordonAndDrain, attempt)
                let mark = try OwnMark(from: "schedulable", to: "cordoned", attempt).text()
                try await target.setCordon(true, mark: .string(mark), over: live)
                return "\(target.description) takes no new pods"
            }
        }
        // Done before an interruption, and perhaps undone since.
        if isBegun, try await !Self.isCordoned(target.read()) {
            throw StrategyFailure.humanOverride("somebody lets pods onto \(target.description) again")
        }
    }

    private static func isCordoned(_ node: Unstructured) -> Bool { node["spec", "unschedulable"]?.boolValue == true }

    private static func answers(_ node: Unstructured) -> Bool { WorkloadReadiness.problem(of: node) == nil }

    /// Whether the node answers now; looked at before each round of evictions, which budgets may keep going for long.
    ///
    /// - Throws: `StrategyFailure.permanent` when a person has let pods onto it again or keeps actions away from it, and
    ///   when it was dead and has come back: then its pods are well where they are.
    private func look(wasDead: Bool) async throws -> Bool {
        let node = try await target.read()
        // What is only gone through has not cordoned it.
        if attempt.rehearsal == nil, !Self.isCordoned(node) {
            throw StrategyFailure.humanOverride("somebody lets pods onto \(target.description) again")
        }
        if node.labels[MetadataName.exclude] == "true" {
            throw StrategyFailure.humanOverride("\(target.description) has got the label \(MetadataName.exclude)=true")
        }
        let answers = Self.answers(node)
        guard wasDead, answers else { return answers }
        throw StrategyFailure.permanent(
            "\(target.description) came back while it was drained; what still runs there stays",
            nextSteps: ["To drain it nevertheless, create a new Recovery"]
        )
    }

    // MARK: Pods

    /// The pods of the node, as far as a drain is concerned with them.
    private struct NodePods: Sendable {
        var toEvict: [Unstructured] = []
        var toLeave = 0
    }

    private var onNode: ListOptions { ListOptions(fieldSelector: "spec.nodeName=\(name)") }

    /// The pods as they are now.
    ///
    /// - Throws: `StrategyFailure.permanent` when one of them must not be evicted.
    private func pods(nodeAnswers: Bool) async throws -> NodePods {
        var sorted = NodePods()
        for pod in try await client.list(.pods, options: onNode).items {
            if Self.isEvictable(pod) { sorted.toEvict.append(pod) } else { sorted.toLeave += 1 }
        }
        sorted.toEvict.sort { $0.key < $1.key }
        try check(sorted, nodeAnswers: nodeAnswers)
        return sorted
    }

    /// Whether a drain has to end the pod: not one that ends or has ended, no static pod, none of a DaemonSet, which
    /// would come back at once.
    private static func isEvictable(_ pod: Unstructured) -> Bool {
        if pod.isBeingDeleted || PodOwner.isMirror(pod) { return false }
        if ["Succeeded", "Failed"].contains(pod["status", "phase"]?.stringValue) { return false }
        return PodOwner(pod)?.kind != APIResource.daemonSets.kind
    }

    /// Throws when a pod would be lost for good, or the data of one, or a person keeps every action away from it.
    private func check(_ pods: NodePods, nodeAnswers: Bool) throws {
        let excluded = pods.toEvict.filter { $0.labels[MetadataName.exclude] == "true" }
        try refuse(excluded, "have the label \(MetadataName.exclude)=true", nil)
        if attempt.parameters[CordonAndDrainStrategy.forceParameter]?.boolValue != true {
            let bare = pods.toEvict.filter { PodOwner($0) == nil }
            try refuse(bare, "would not come back, as no controller owns them", CordonAndDrainStrategy.forceParameter)
        }
        // Data on a node that does not answer is out of reach anyway.
        if nodeAnswers, attempt.parameters[CordonAndDrainStrategy.emptyDirParameter]?.boolValue != true {
            let holding = pods.toEvict.filter { pod in
                (pod["spec", "volumes"]?.arrayValue ?? []).contains { $0["emptyDir"] != nil }
            }
            try refuse(holding, "would lose data in an emptyDir", CordonAndDrainStrategy.emptyDirParameter)
        }
    }

    private func refuse(_ pods: [Unstructured], _ why: String, _ parameter: String?) throws {
        guard !pods.isEmpty else { return }
        let names = pods.prefix(5).map(\.key.description).joined(separator: ", ")
        var steps = ["Move or delete these pods by hand, then create a new Recovery"]
        if let parameter { steps.append("Or accept the loss: parameters.\(parameter): true") }
        throw StrategyFailure.permanent(
            "pods of \(target.description) \(why): \(names)\(pods.count > 5 ? " and others" : ""); they were not evicted",
            nextSteps: steps
        )
    }

    /// Evicts what is on the node now, as often as budgets ask for; pods that came meanwhile, too.
    private func evictAll(_ limit: MonotonicInstant, wasDead: Bool, _ nodeAnswers: inout Bool) async throws -> Int {
        let evictor = try await Evictor(client, attempt)
        var count = 0
        while true {
            nodeAnswers = try await look(wasDead: wasDead)
            var blocked: (words: String, wait: Duration)?
            for pod in try await pods(nodeAnswers: nodeAnswers).toEvict {
                switch try await evictor.evict(pod) {
                case .evicted: count += 1
                case .blocked(let reason, let wait):
                    let wait = max(blocked?.wait ?? .zero, wait ?? Evictor.pace)
                    blocked = ("\(pod.key) may not be evicted: \(reason)", wait)
                }
            }
            guard let blocked else { return count }
            guard attempt.timeSource.now().advanced(by: blocked.wait) < limit else {
                throw StrategyFailure.transient(
                    "\(target.description) is not drained: \(blocked.words)",
                    nextSteps: ["See which PodDisruptionBudget forbids it: kubectl get pdb --all-namespaces"]
                )
            }
            // The server says only when it is asked whether a budget has room again.
            try await attempt.pause(for: blocked.wait)
        }
    }

    /// Waits until no pod is left that was to go; a node that does not answer cannot confirm it.
    private func waitForEnd(_ limit: MonotonicInstant) async throws {
        try await attempt.read("WaitForPodsToEnd") {
            let watch = ObjectWatch(client, .pods, namespace: nil, options: onNode)
            return try await watch.wait(attempt, until: limit, "\(target.description) is not drained:") { pods in
                let left = pods.filter { $0.isBeingDeleted || Self.isEvictable($0) }
                return left.isEmpty ? .reached("none is left") : .waiting("\(left.count) pods have not ended yet")
            }
        }
    }

    /// The proof that nothing is missing: every owner has its pods ready again.
    private func waitForOwners(_ owners: Set<PodOwner>, _ limit: MonotonicInstant) async throws {
        let owners = owners.sorted { $0.description < $1.description }
        try await attempt.read("WaitForReplacements") {
            for owner in owners { _ = try await owner.waitUntilReady(attempt, client, limit) }
            return "owners that are ready again: \(owners.count)"
        }
    }
}

extension TargetAccess {
    /// Writes whether a node takes pods, over this version of it only.
    func setCordon(_ isCordoned: Bool, mark: JSONValue, over node: Unstructured) async throws {
        let annotation = OwnMark.annotation(StrategyName.cordonAndDrain)
        let metadata: JSONValue = [
            "uid": .string(node.uid), "resourceVersion": .string(node.resourceVersion),
            "annotations": [annotation: mark],
        ]
        _ = try await patch(["metadata": metadata, "spec": ["unschedulable": isCordoned ? true : .null]])
    }
}

/// Who has to make the pods again that a drain evicts; kept in the record of the eviction.
private struct DrainedOwners {
    var pods: Int64
    var owners: Set<PodOwner>
    /// Whether the node did not answer when the drain began.
    var ofDeadNode: Bool

    init(_ evicted: [Unstructured], ofDeadNode: Bool) {
        self.ofDeadNode = ofDeadNode
        pods = Int64(evicted.count)
        owners = Set(evicted.compactMap(PodOwner.init))
    }

    init(_ facts: JSONValue) {
        ofDeadNode = facts["ofDeadNode"]?.boolValue ?? false
        pods = facts["pods"]?.intValue ?? 0
        owners = Set((facts["owners"]?.arrayValue ?? []).compactMap { PodOwner(facts: $0) })
    }

    var facts: JSONValue {
        let sorted = owners.sorted { $0.description < $1.description }
        return ["pods": .number(pods), "owners": .array(sorted.map(\.facts)), "ofDeadNode": .bool(ofDeadNode)]
    }
}
