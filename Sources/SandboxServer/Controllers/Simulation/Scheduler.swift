internal import JSON

/// Binds pods to simulated nodes: those that fit, and of these the one with the fewest pods of the same controller.
struct Scheduler: Reconciler {
    var manager: String { "kube-scheduler" }

    private static let component = "default-scheduler"
    /// How soon a pod that fits nowhere is tried again.
    private static let retry = Duration.seconds(2)

    /// Where a pod runs, and for whom.
    private struct Placement {
        var node: String
        var owner: String?
    }

    /// The pods that have a node.
    private var placements: [ObjectName: Placement] = [:]

    mutating func objects(toReconcileAfter change: ObjectStore.Change) throws(APIFailure) -> [ObjectReference] {
        guard change.resource == Builtin.pods, let name = (change.new ?? change.old)?.name else { return [] }
        guard let pod = change.new else {
            placements[name] = nil
            return []
        }
        guard placements[name] == nil else { return [] }
        if let node = try pod.value()["spec"]?["nodeName"]?.stringValue, !node.isEmpty {
            placements[name] = Placement(node: node, owner: pod.owners.first)
            return []
        }
        return [ObjectReference(resource: change.resource, name: name)]
    }

    mutating func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let pod = try tx.value(object.resource, object.name), Self.isWaiting(pod) else { return nil }
        let nodes = try tx.values(Builtin.nodes)
        let refusals = nodes.map { Self.refusal(of: $0, for: pod) }
        var load: [String: Int] = [:]
        var own: [String: Int] = [:]
        let owner = tx.get(object.resource, object.name)?.owners.first
        for placement in placements.values {
            load[placement.node, default: 0] += 1
            if let owner, placement.owner == owner { own[placement.node, default: 0] += 1 }
        }
        let fitting = zip(nodes, refusals).filter { $1 == nil }.map { $0.0.objectName.name }
        let best = fitting.min { left, right in
            (own[left] ?? 0, load[left] ?? 0, left) < (own[right] ?? 0, load[right] ?? 0, right)
        }
        guard let best else {
            try refuse(pod, refusals.compactMap(\.self), nodeCount: nodes.count, &tx, context)
            return Self.retry
        }
        var bound = pod
        bound.set(.string(best), at: ["spec", "nodeName"])
        bound["status"]?.setCondition("PodScheduled", "True", context)
        tx.update(object.resource, bound, from: pod, context)
        let place = "\(object.name.namespace)/\(object.name.name)"
        let message = "Successfully assigned \(place) to \(best)"
        try tx.recordEvent(on: pod, "Scheduled", message, component: Self.component, context)
        return nil
    }

    private static func isWaiting(_ pod: JSONValue) -> Bool {
        let spec = pod["spec"]
        return (spec?["nodeName"]?.stringValue ?? "").isEmpty && pod.isActivePod
            && (spec?["schedulerName"]?.stringValue ?? component) == component
            && (spec?["schedulingGates"]?.arrayValue ?? []).isEmpty
    }

    private func refuse(
        _ pod: JSONValue,
        _ refusals: [String],
        nodeCount: Int,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        let counts = Dictionary(refusals.map { ($0, 1) }, uniquingKeysWith: +).sorted { $0.key < $1.key }
        let reasons = counts.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        let message =
            nodeCount == 0
            ? "no nodes available to schedule pods" : "0/\(nodeCount) nodes are available: \(reasons)."
        var changed = pod
        changed["status"]?.setCondition(
            "PodScheduled",
            "False",
            reason: "Unschedulable",
            message: message,
            context
        )
        guard changed != pod else { return }
        tx.update(Builtin.pods, changed, from: pod, context)
        try tx.recordEvent(
            on: pod,
            "FailedScheduling",
            message,
            type: "Warning",
            component: Self.component,
            context
        )
    }

    /// Why a pod cannot run on a node; nil when it can.
    static func refusal(of node: JSONValue, for pod: JSONValue) -> String? {
        if pod.failure == "unschedulable" { return "node(s) refused by the annotation \(Workload.failureAnnotation)" }
        let taints = node["spec"]?["taints"]?.arrayValue ?? []
        let hindering = taints.first { taint in
            ["NoSchedule", "NoExecute"].contains(taint["effect"]?.stringValue) && !tolerates(pod, taint)
        }
        if hindering?["key"]?.stringValue == "node.kubernetes.io/unschedulable" {
            return "node(s) were unschedulable"
        }
        if let hindering {
            let value = hindering["value"]?.stringValue ?? ""
            return "node(s) had untolerated taint {\(hindering["key"]?.stringValue ?? ""): \(value)}"
        }
        return isSelected(node, by: pod) ? nil : "node(s) didn't match Pod's node affinity/selector"
    }

    /// Whether a pod tolerates a taint of a node.
    static func tolerates(_ pod: JSONValue, _ taint: JSONValue) -> Bool {
        toleration(of: pod, for: taint) != nil
    }

    /// The toleration of a pod for a taint.
    static func toleration(of pod: JSONValue, for taint: JSONValue) -> JSONValue? {
        pod["spec"]?["tolerations"]?.arrayValue?.first { toleration in
            let effect = toleration["effect"]?.stringValue ?? ""
            guard effect.isEmpty || effect == taint["effect"]?.stringValue else { return false }
            let key = toleration["key"]?.stringValue ?? ""
            let exists = toleration["operator"]?.stringValue == "Exists"
            if key.isEmpty { return exists }
            guard key == taint["key"]?.stringValue else { return false }
            return exists || (toleration["value"]?.stringValue ?? "") == (taint["value"]?.stringValue ?? "")
        }
    }

    private static func isSelected(_ node: JSONValue, by pod: JSONValue) -> Bool {
        let labels = node["metadata"]?["labels"]?.stringDictionary ?? [:]
        let wanted = pod["spec"]?["nodeSelector"]?.stringDictionary ?? [:]
        guard wanted.allSatisfy({ labels[$0.key] == $0.value }) else { return false }
        let path = ["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]
        guard let terms = pod.value(at: path)?["nodeSelectorTerms"]?.arrayValue else { return true }
        return terms.contains { term in
            let expressions = term["matchExpressions"]?.arrayValue ?? []
            let fields = term["matchFields"]?.arrayValue ?? []
            guard !expressions.isEmpty || !fields.isEmpty else { return false }
            return expressions.allSatisfy { LabelSelector.Requirement($0).matches(labels) }
                && fields.allSatisfy {
                    LabelSelector.Requirement($0).matches(["metadata.name": node.objectName.name])
                }
        }
    }
}
