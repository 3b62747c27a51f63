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
        let answers = WorkloadReadiness.problem(of: node) == nil
        let pods = try await pods()
        try await attempt.read("CheckPods") {
            try check(pods, nodeAnswers: answers)
            return "to evict: \(pods.toEvict.count), to leave: \(pods.toLeave)"
        }
        try await cordon(node)
        let limit = attempt.lastMoment()
        try await attempt.mutate("EvictPods") {
            "evicted \(try await evictAll(limit))"
        }
        if answers { try await waitForEnd(limit) }
        try await waitForOwners(pods.toEvict, limit)
        return StrategyResult(
            message: "\(target.description) is drained: \(pods.toEvict.count) pods run elsewhere or have ended",
            nextSteps: Self.nextSteps(name, answers),
            metrics: ["evicted": String(pods.toEvict.count)],
            isWholeProof: true
        )
    }

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
        if attempt.recorded(CordonAndDrainStrategy.cordonAction) == nil {
            // Cordoned by somebody else: then it is theirs to take back.
            if node["spec", "unschedulable"]?.boolValue == true { return }
            try OwnMark.check(node, present: "schedulable", strategy: StrategyName.cordonAndDrain, attempt)
        }
        try await attempt.mutate(CordonAndDrainStrategy.cordonAction, inverse: ["unschedulable": false]) {
            try await target.read()["spec", "unschedulable"]?.boolValue == true
        } _: {
            let mark = try OwnMark(from: "schedulable", to: "cordoned", attempt).text()
            let annotation = OwnMark.annotation(StrategyName.cordonAndDrain)
            let patch: JSONValue = [
                "metadata": ["uid": .string(node.uid), "annotations": [annotation: .string(mark)]],
                "spec": ["unschedulable": true],
            ]
            _ = try await target.patch(patch)
            return "\(target.description) takes no new pods"
        }
    }

    // MARK: Pods

    /// The pods of the node, as far as a drain is concerned with them.
    private struct NodePods: Sendable {
        var toEvict: [Unstructured] = []
        var toLeave = 0
    }

    private var onNode: ListOptions { ListOptions(fieldSelector: "spec.nodeName=\(name)") }

    private func pods() async throws -> NodePods {
        var sorted = NodePods()
        for pod in try await client.list(.pods, options: onNode).items {
            if Self.isEvictable(pod) { sorted.toEvict.append(pod) } else { sorted.toLeave += 1 }
        }
        sorted.toEvict.sort { $0.key < $1.key }
        return sorted
    }

    /// Whether a drain has to end the pod: not one that ends or has ended, no static pod, none of a DaemonSet, which
    /// would come back at once.
    private static func isEvictable(_ pod: Unstructured) -> Bool {
        if pod.isBeingDeleted || PodOwner.isMirror(pod) { return false }
        if ["Succeeded", "Failed"].contains(pod["status", "phase"]?.stringValue) { return false }
        return PodOwner(pod)?.kind != APIResource.daemonSets.kind
    }

    /// Throws before anything is done when a pod would be lost for good, or the data of one.
    private func check(_ pods: NodePods, nodeAnswers: Bool) throws {
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

    private func refuse(_ pods: [Unstructured], _ why: String, _ parameter: String) throws {
        guard !pods.isEmpty else { return }
        let names = pods.prefix(5).map(\.key.description).joined(separator: ", ")
        throw StrategyFailure.permanent(
            "pods of \(target.description) \(why): \(names)\(pods.count > 5 ? " and others" : ""); nothing was changed",
            nextSteps: [
                "Move or delete these pods by hand, then create a new Recovery",
                "Or accept the loss: parameters.\(parameter): true",
            ]
        )
    }

    /// Evicts what is on the node now, as often as budgets ask for; pods that came meanwhile, too.
    private func evictAll(_ limit: MonotonicInstant) async throws -> Int {
        let evictor = try await Evictor(client)
        var count = 0
        while true {
            var blocked: (words: String, wait: Duration)?
            for pod in try await pods().toEvict {
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
    private func waitForOwners(_ pods: [Unstructured], _ limit: MonotonicInstant) async throws {
        let owners = Set(pods.compactMap(PodOwner.init)).sorted { $0.description < $1.description }
        try await attempt.read("WaitForReplacements") {
            for owner in owners { _ = try await owner.waitUntilReady(attempt, client, limit) }
            return "owners that are ready again: \(owners.count)"
        }
    }
}
