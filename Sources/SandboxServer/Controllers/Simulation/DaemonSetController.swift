internal import JSON

/// Keeps one pod of a DaemonSet on every node that fits, and replaces them when the template changes.
struct DaemonSetController: Reconciler {
    private static let component = "daemonset-controller"
    private static let revisionLabel = "controller-revision-hash"
    /// How soon nodes are looked at again: their changes come from elsewhere.
    private static let nodePeriod = Duration.seconds(5)

    private var objects = OwnedObjects(of: Builtin.daemonSets, Builtin.pods)

    mutating func objects(toReconcileAfter change: ObjectStore.Change) -> [ObjectReference] {
        objects.owners(after: change)
    }

    func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let set = try tx.value(object.resource, object.name) else { return nil }
        let nodes = try tx.values(Builtin.nodes)
        if !set.isBeingDeleted {
            let pods = try Workload.claim(Builtin.pods, for: set, &tx, context)
            try place(set, on: nodes, pods, &tx, context)
        }
        let pods = try tx.values(Builtin.pods, namespace: object.name.namespace) { $0.owners.contains(set.uid) }
        var changed = set
        changed["status"] = Self.status(of: set, nodes: nodes, pods, context)
        tx.update(object.resource, changed, from: set, context)
        return set.isBeingDeleted ? nil : Self.nodePeriod
    }

    private func place(
        _ set: JSONValue,
        on nodes: [JSONValue],
        _ pods: [JSONValue],
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        let wanted = nodes.filter { Self.fits(set, $0) }.map { $0.objectName.name }
        let byNode = Dictionary(grouping: pods) { $0["spec"]?["nodeName"]?.stringValue ?? "" }
        for node in wanted where byNode[node]?.isEmpty ?? true {
            let pod = Self.pod(of: set, on: node)
            guard tx.create(Builtin.pods, pod, context) != nil else { continue }
            let message = "Created pod: \(pod.objectName.name)"
            try tx.recordEvent(on: set, "SuccessfulCreate", message, component: Self.component, context)
        }
        for pod in Self.removals(of: set, pods, nodes: nodes, context) {
            try tx.delete(Builtin.pods, pod, context)
            let message = "Deleted pod: \(pod.name)"
            try tx.recordEvent(on: set, "SuccessfulDelete", message, component: Self.component, context)
        }
    }

    /// The pods that do not belong, have ended, or are next to be replaced.
    static func removals(
        of set: JSONValue,
        _ pods: [JSONValue],
        nodes: [JSONValue],
        _ context: ReconcileContext
    ) -> [ObjectName] {
        let wanted = Set(nodes.filter { fits(set, $0) }.map { $0.objectName.name })
        let living = pods.filter { !$0.isBeingDeleted }
        let wrong = living.filter { !$0.isActivePod || !wanted.contains($0["spec"]?["nodeName"]?.stringValue ?? "") }
        let strategy = set["spec"]?["updateStrategy"]
        guard strategy?["type"]?.stringValue != "OnDelete" else { return wrong.map(\.objectName) }
        let limit = RolloutPlan.share(
            strategy?["rollingUpdate"]?["maxUnavailable"] ?? 1,
            of: wanted.count,
            roundsUp: true
        )
        let minReady = set.count("spec", "minReadySeconds")
        let available = living.filter { $0.isAvailablePod(minReadySeconds: minReady, context) }.count
        var budget = max(0, max(1, limit) - (wanted.count - available))
        let old = living.filter { pod in
            pod["metadata"]?["labels"]?[revisionLabel]?.stringValue != revision(of: set)
        }
        var replaced: [JSONValue] = []
        for pod in old where pod.isActivePod {
            if !pod.isReadyPod {
                replaced.append(pod)
            } else if budget > 0 {
                budget -= 1
                replaced.append(pod)
            }
        }
        return Array(Set((wrong + replaced).map(\.objectName))).sorted()
    }

    private static func fits(_ set: JSONValue, _ node: JSONValue) -> Bool {
        var pod: JSONValue = ["spec": set["spec"]?["template"]?["spec"] ?? [:]]
        pod.set(.array(tolerations(of: set)), at: ["spec", "tolerations"])
        return Scheduler.refusal(of: node, for: pod) == nil
    }

    /// Pods of DaemonSets stay on nodes that others have to leave.
    private static func tolerations(of set: JSONValue) -> [JSONValue] {
        let own = set["spec"]?["template"]?["spec"]?["tolerations"]?.arrayValue ?? []
        let added = [
            ("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("disk-pressure", "NoSchedule"),
            ("memory-pressure", "NoSchedule"), ("pid-pressure", "NoSchedule"), ("unschedulable", "NoSchedule"),
        ].map { name, effect -> JSONValue in
            [
                "key": .string("node.kubernetes.io/\(name)"), "operator": "Exists", "effect": .string(effect),
            ]
        }
        return own + added
    }

    private static func revision(of set: JSONValue) -> String { Workload.hash(set["spec"]?["template"]) }

    private static func pod(of set: JSONValue, on node: String) -> JSONValue {
        let name = "\(set.objectName.name)-\(Workload.randomSuffix())"
        let generation = set["metadata"]?["generation"]?.intValue ?? 1
        var pod = Workload.pod(
            from: set["spec"]?["template"],
            owner: set,
            name: name,
            labels: [revisionLabel: revision(of: set), "pod-template-generation": String(generation)]
        )
        pod.set(.string("\(set.objectName.name)-"), at: ["metadata", "generateName"])
        pod.set(.array(tolerations(of: set)), at: ["spec", "tolerations"])
        pod.set(.string(node), at: ["spec", "nodeName"])
        return pod
    }

    private static func status(
        of set: JSONValue,
        nodes: [JSONValue],
        _ pods: [JSONValue],
        _ context: ReconcileContext
    ) -> JSONValue {
        let wanted = Set(nodes.filter { fits(set, $0) }.map { $0.objectName.name })
        let living = pods.filter(\.isActivePod)
        let placed = living.filter { wanted.contains($0["spec"]?["nodeName"]?.stringValue ?? "") }
        let available = placed.filter {
            $0.isAvailablePod(minReadySeconds: set.count("spec", "minReadySeconds"), context)
        }
        let updated = placed.filter { $0["metadata"]?["labels"]?[revisionLabel]?.stringValue == revision(of: set) }
        var status = set["status"] ?? [:]
        status["currentNumberScheduled"] = .number(placed.count)
        status["desiredNumberScheduled"] = .number(wanted.count)
        status["numberMisscheduled"] = .number(living.count - placed.count)
        status["numberReady"] = .number(placed.filter(\.isReadyPod).count)
        status["observedGeneration"] = set["metadata"]?["generation"]
        for (name, count) in [
            ("updatedNumberScheduled", updated.count), ("numberAvailable", available.count),
            ("numberUnavailable", max(0, wanted.count - available.count)),
        ] {
            // Zero is left out, as in the API's types.
            status[name] = count == 0 ? nil : .number(count)
        }
        return status
    }
}
