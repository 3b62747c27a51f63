internal import JSON

/// Keeps as many pods as a ReplicaSet asks for.
struct ReplicaSetController: Reconciler {
    private static let component = "replicaset-controller"

    private var objects = OwnedObjects(of: Builtin.replicaSets, Builtin.pods)

    mutating func objects(toReconcileAfter change: ObjectStore.Change) -> [ObjectReference] {
        objects.owners(after: change)
    }

    func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let set = try tx.value(object.resource, object.name) else { return nil }
        let pods = try Workload.claim(Builtin.pods, for: set, &tx, context).filter(\.isActivePod)
        if !set.isBeingDeleted { try scale(set, pods, &tx, context) }
        let minReady = set.count("spec", "minReadySeconds")
        let current = try tx.values(Builtin.pods, namespace: object.name.namespace) { $0.owners.contains(set.uid) }
            .filter(\.isActivePod)
        var changed = set
        changed["status"] = Self.status(of: set, current, minReadySeconds: minReady, context)
        tx.update(object.resource, changed, from: set, context)
        let isSettling = current.contains { $0.isReadyPod && !$0.isAvailablePod(minReadySeconds: minReady, context) }
        return isSettling ? .seconds(1) : nil
    }

    private func scale(
        _ set: JSONValue,
        _ pods: [JSONValue],
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        let wanted = set.count("spec", "replicas", default: 1)
        let name = set.objectName.name
        for _ in 0..<max(0, wanted - pods.count) {
            let pod = Workload.pod(
                from: set["spec"]?["template"],
                owner: set,
                name: "\(name)-\(Workload.randomSuffix())"
            )
            var generated = pod
            generated.set(.string("\(name)-"), at: ["metadata", "generateName"])
            guard tx.create(Builtin.pods, generated, context) != nil else { continue }
            let message = "Created pod: \(pod.objectName.name)"
            try tx.recordEvent(on: set, "SuccessfulCreate", message, component: Self.component, context)
        }
        for pod in Self.inOrderOfRemoval(pods).prefix(max(0, pods.count - wanted)) {
            try tx.delete(Builtin.pods, pod.objectName, context)
            let message = "Deleted pod: \(pod.objectName.name)"
            try tx.recordEvent(on: set, "SuccessfulDelete", message, component: Self.component, context)
        }
    }

    /// Those that cost least to lose first: without a node, pending, not ready, cheap by annotation, young.
    static func inOrderOfRemoval(_ pods: [JSONValue]) -> [JSONValue] {
        func rank(_ pod: JSONValue) -> (Int, Int, Int, Int) {
            let cost = pod["metadata"]?["annotations"]?["controller.kubernetes.io/pod-deletion-cost"]?.stringValue
            return (
                (pod["spec"]?["nodeName"]?.stringValue ?? "").isEmpty ? 0 : 1,
                pod["status"]?["phase"]?.stringValue == "Running" ? 1 : 0,
                pod.isReadyPod ? 1 : 0,
                cost.flatMap { Int($0) } ?? 0
            )
        }
        func age(_ pod: JSONValue) -> String { pod["metadata"]?["creationTimestamp"]?.stringValue ?? "" }
        return pods.sorted { left, right in
            rank(left) == rank(right) ? age(left) > age(right) : rank(left) < rank(right)
        }
    }

    private static func status(
        of set: JSONValue,
        _ pods: [JSONValue],
        minReadySeconds: Int,
        _ context: ReconcileContext
    ) -> JSONValue {
        let template = set["spec"]?["template"]?["metadata"]?["labels"]?.stringDictionary ?? [:]
        let labelled = pods.filter { pod in
            let labels = pod["metadata"]?["labels"]?.stringDictionary ?? [:]
            return template.allSatisfy { labels[$0.key] == $0.value }
        }
        let ready = pods.filter(\.isReadyPod)
        let available = pods.filter { $0.isAvailablePod(minReadySeconds: minReadySeconds, context) }
        var status = set["status"] ?? [:]
        status["replicas"] = .number(pods.count)
        for (name, count) in [
            ("fullyLabeledReplicas", labelled.count), ("readyReplicas", ready.count),
            ("availableReplicas", available.count),
        ] {
            // Zero is left out, as in the API's types.
            status[name] = count == 0 ? nil : .number(count)
        }
        status["observedGeneration"] = set["metadata"]?["generation"]
        return status
    }
}
