internal import JSON

/// The status of a Deployment: counts over its ReplicaSets, and the conditions `Available` and `Progressing`.
struct DeploymentStatus {
    private let deployment: JSONValue
    private let sets: [JSONValue]
    private let current: JSONValue?

    init(deployment: JSONValue, sets: [(set: JSONValue, isCurrent: Bool)]) {
        self.deployment = deployment
        self.sets = sets.map(\.set)
        current = sets.first { $0.isCurrent }?.set
    }

    private var wanted: Int { deployment.count("spec", "replicas", default: 1) }
    private var total: Int { sum("replicas") }
    private var updated: Int { current?.count("status", "replicas") ?? 0 }
    private var available: Int { sum("availableReplicas") }

    private func sum(_ name: String) -> Int {
        sets.map { $0.count("status", name) }.reduce(0, +)
    }

    /// Whether everything runs with the present template and nothing else does.
    private var isComplete: Bool {
        current != nil && updated == wanted && total == wanted && available == wanted
            && current?.count("spec", "replicas") == wanted
    }

    /// The status to be.
    func updated(_ context: ReconcileContext) -> JSONValue {
        var status = deployment["status"] ?? [:]
        let before = (0..<4).map { status.count(Self.counters[$0]) }
        let counts = [total, updated, sum("readyReplicas"), available, max(0, total - available)]
        for (name, count) in zip(Self.counters, counts) {
            // Zero is left out, as in the API's types.
            status[name] = count == 0 ? nil : .number(count)
        }
        if total < wanted { status["unavailableReplicas"] = .number(max(0, wanted - available)) }
        status["observedGeneration"] = deployment["metadata"]?["generation"]
        setProgressing(&status, hasMoved: before != Array(counts.prefix(4)), context)
        let missing = RolloutPlan.unavailable(of: deployment, surge: RolloutPlan.surge(of: deployment))
        let isAvailable = available >= wanted - missing
        status.setCondition(
            "Available",
            isAvailable ? "True" : "False",
            reason: isAvailable ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
            message: "Deployment \(isAvailable ? "has" : "does not have") minimum availability.",
            withUpdateTime: true,
            context
        )
        return status
    }

    private static let counters = [
        "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas",
    ]

    private func setProgressing(_ status: inout JSONValue, hasMoved: Bool, _ context: ReconcileContext) {
        func set(_ value: String, _ reason: String, _ message: String) {
            status.setCondition(
                "Progressing",
                value,
                reason: reason,
                message: message,
                withUpdateTime: true,
                context
            )
        }
        let old = status.condition("Progressing")
        let name = current?.objectName.name ?? ""
        if deployment["spec"]?["paused"]?.boolValue == true {
            if old == nil || old?["reason"]?.stringValue != "DeploymentPaused" {
                set("Unknown", "DeploymentPaused", "Deployment is paused")
            }
        } else if isComplete {
            set("True", "NewReplicaSetAvailable", "ReplicaSet \"\(name)\" has successfully progressed.")
        } else if old == nil || isNewRollout {
            set("True", "NewReplicaSetCreated", "Created new replica set \"\(name)\"")
        } else if hasMoved || old?["reason"]?.stringValue == "DeploymentPaused" {
            set("True", "ReplicaSetUpdated", "ReplicaSet \"\(name)\" is progressing.")
            // Movement itself counts, also when the words stay the same.
            status.touchCondition("Progressing", context)
        } else if old?["reason"]?.stringValue != "NewReplicaSetAvailable", remainingTime(context) == nil {
            set("False", "ProgressDeadlineExceeded", "ReplicaSet \"\(name)\" has timed out progressing.")
        }
    }

    /// Whether the status still speaks of a former template.
    private var isNewRollout: Bool {
        deployment["status"]?["observedGeneration"] != deployment["metadata"]?["generation"] && updated == 0
    }

    private func remainingTime(_ context: ReconcileContext) -> Duration? {
        let seconds = deployment.count("spec", "progressDeadlineSeconds", default: 600)
        let since = deployment["status"]?.condition("Progressing")?["lastUpdateTime"]
        return since == nil ? .seconds(seconds) : context.remaining(of: .seconds(seconds), since: since)
    }

    /// When to look whether progress has stopped for too long; nil when there is nothing to wait for.
    func deadline(_ context: ReconcileContext) -> Duration? {
        isComplete ? nil : remainingTime(context)
    }
}

extension JSONValue {
    fileprivate mutating func touchCondition(_ type: String, _ context: ReconcileContext) {
        guard var conditions = self["conditions"]?.arrayValue,
            let index = conditions.firstIndex(where: { $0["type"]?.stringValue == type })
        else { return }
        conditions[index]["lastUpdateTime"] = context.timestamp
        self["conditions"] = .array(conditions)
    }
}
