internal import FoundationEssentials
package import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
internal import Timekeeping

/// Replaces the pods of a workload by new ones of the same kind, and waits until they are ready.
///
/// A Deployment, StatefulSet or DaemonSet is restarted as `kubectl rollout restart` does it; a pod with an owner is
/// evicted, so that PodDisruptionBudgets are honoured, and its owner makes another. Nothing of that can be taken back.
package struct RestartStrategy: RecoveryStrategy {
    /// What kubectl writes: the controllers see another template, and start a rollout.
    static let restartedAt = "kubectl.kubernetes.io/restartedAt"

    /// For whoever names it, as no error type leads here by itself; five minutes.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.restart,
        errorTypes: [],
        priority: 40,
        timeout: .seconds(300),
        destructiveness: .disruptive,
        canBeRehearsed: true
    )

    /// Makes the strategy.
    package init() {}

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        ParameterCheck(parameters).violations()
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        let client = try await attempt.targetClient()
        guard let target = try await TargetAccess(attempt, client) else {
            throw StrategyFailure.permanent(
                "there is nothing to restart: the Recovery names no target",
                nextSteps: ["Create a Recovery with spec.targetRef: a Deployment, StatefulSet, DaemonSet or Pod"]
            )
        }
        if target.resource == .pods {
            try await PodRestart(attempt: attempt, target: target).run()
            return StrategyResult(message: "\(target.description) was replaced", isWholeProof: true)
        }
        let workload = try WorkloadTarget(attempt, target, restarting: try await target.read())
        try await rollOut(workload)
        return StrategyResult(message: "\(target.description) was restarted and is ready")
    }

    private func rollOut(_ workload: WorkloadTarget) async throws {
        let attempt = workload.attempt
        // Depends on the attempt only: after a crash the same value shows that it was done.
        let stamp = attempt.execution.startTime.flatMap { RFC3339.string(from: $0) } ?? attempt.execution.id
        let path = ["spec", "template", "metadata", "annotations", Self.restartedAt]
        try await attempt.mutate("RestartRollout") {
            try await workload.target.read().content.value(at: path)?.stringValue == stamp
        } _: {
            let object = try await workload.target.read()
            try workload.target.checkMayChange(object)
            var patch: JSONValue = ["metadata": ["uid": .string(object.uid)]]
            patch.set(.string(stamp), at: path)
            let stored = try await workload.target.patch(patch)
            return "began a rollout: generation \(stored.generation ?? 0)"
        }
        try await workload.waitUntilReady("WaitForRollout")
    }
}

/// A pod that is to be replaced by its owner.
private struct PodRestart {
    let attempt: Attempt
    let target: TargetAccess

    private static let action = "EvictPod"

    func run() async throws {
        let (uid, owner) = try await subject()
        let limit = attempt.lastMoment()
        try await attempt.mutate(Self.action, facts: ["uid": .string(uid), "owner": owner.facts]) {
            try await live(uid).map(\.isBeingDeleted) ?? true
        } _: {
            guard let pod = try await live(uid) else { return "\(target.description) is gone already" }
            try target.checkMayChange(pod)
            let evictor = try await Evictor(target.client, attempt)
            while case .blocked(let reason, let wait) = try await evictor.evict(pod) {
                guard attempt.timeSource.now().advanced(by: wait ?? Evictor.pace) < limit else {
                    throw StrategyFailure.transient(
                        "\(target.description) may not be evicted: \(reason)",
                        nextSteps: ["See which budget forbids it: kubectl get pdb -n \(pod.namespace ?? "")"]
                    )
                }
                try await attempt.pause(for: wait ?? Evictor.pace)
            }
            return "evicted \(target.description)"
        }
        try await attempt.read("WaitForReplacement") {
            try await gone(uid, limit)
            return try await owner.waitUntilReady(attempt, target.client, limit)
        }
    }

    /// The pod's uid and who makes another; once it is gone, only the record of its eviction tells.
    private func subject() async throws -> (uid: String, owner: PodOwner) {
        let facts = attempt.recorded(Self.action)?.facts
        if let uid = facts?["uid"]?.stringValue, let owner = PodOwner(facts: facts?["owner"]) { return (uid, owner) }
        let pod = try await target.read()
        guard let owner = PodOwner(pod) else {
            throw StrategyFailure.permanent(
                "\(target.description) has no controller that would make another one; nothing was changed",
                nextSteps: [
                    "Name the strategy Recreate, which makes it again itself, or put the pod under a Deployment"
                ]
            )
        }
        guard !PodOwner.isMirror(pod) else {
            throw StrategyFailure.permanent(
                "\(target.description) is the mirror of a static pod: only its node's kubelet can restart it",
                nextSteps: ["Move the pod's manifest out of the kubelet's directory on node \(owner.name) and back"]
            )
        }
        try target.checkMayChange(pod)
        return (pod.uid, owner)
    }

    /// The pod, unless it is gone or another one has its name.
    private func live(_ uid: String) async throws -> Unstructured? {
        do {
            let live = try await target.client.get(.pods, target.key)
            return live.uid == uid ? live : nil
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return nil
        }
    }

    private func gone(_ uid: String, _ limit: MonotonicInstant) async throws {
        let watch = ObjectWatch(target.client, .pods, target.key)
        try await watch.wait(attempt, until: limit, target.description) { pods in
            pods.contains { $0.uid == uid } ? .waiting("has not ended yet") : .reached(())
        }
    }
}
