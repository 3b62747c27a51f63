internal import FoundationEssentials
internal import HTTPServer
internal import JSON

extension SandboxServer {
    /// `bindings` of a namespace: the pod's name is in the body.
    func bind(_ binding: JSONValue, namespace: String, now: Date) throws(APIFailure) -> HTTPServerResponse {
        let name = binding["metadata"]?["name"]?.stringValue ?? ""
        return try bind(binding, ObjectName(namespace: namespace, name: name), now: now)
    }

    /// `pods/NAME/binding`: what a scheduler does.
    func bind(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        try bind(try RequestBody.parse(call.request, kind: "Binding"), call.objectName, now: call.now)
    }

    private func bind(_ binding: JSONValue, _ name: ObjectName, now: Date) throws(APIFailure) -> HTTPServerResponse {
        let node = binding["target"]?["name"]?.stringValue ?? ""
        guard !node.isEmpty else {
            throw .invalid(group: "", kind: "Binding", name: name.name, [.required("target.name")])
        }
        try handlers.transaction { tx throws(APIFailure) in
            guard let stored = tx.get(Builtin.pods, name) else { throw .notFound(Builtin.pods, name: name.name) }
            var pod = try stored.value()
            let subresource = ResourceID(group: "", plural: "pods/binding")
            guard !pod.isBeingDeleted else {
                throw .conflict(
                    subresource,
                    name: name.name,
                    "pod \(name.name) is being deleted, cannot be assigned to a host"
                )
            }
            if let assigned = pod["spec"]?["nodeName"]?.stringValue, !assigned.isEmpty {
                let why = "pod \(name.name) is already assigned to node \(assigned.goQuoted)"
                throw .conflict(subresource, name: name.name, why)
            }
            pod.set(.string(node), at: ["spec", "nodeName"])
            var conditions = (pod["status"]?["conditions"]?.arrayValue ?? []).filter { $0["type"] != "PodScheduled" }
            var condition: JSONValue = ["type": "PodScheduled", "status": "True"]
            condition["lastTransitionTime"] = RFC3339.string(from: now).map { .string($0) }
            conditions.append(condition)
            pod.set(.array(conditions), at: ["status", "conditions"])
            tx.put(Builtin.pods, name, pod)
        }
        return Self.created
    }

    /// `pods/NAME/eviction`: a deletion that asks the disruption budgets first.
    func evict(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        let eviction = try RequestBody.parse(call.request, kind: "Eviction")
        var options = DeleteOptions()
        options.gracePeriodSeconds = eviction["deleteOptions"]?["gracePeriodSeconds"]?.intValue.map { max(0, $0) }
        options.uid = eviction["deleteOptions"]?["preconditions"]?["uid"]?.stringValue
        let dryRun = eviction["deleteOptions"]?["dryRun"]?.arrayValue ?? []
        options.isDryRun = dryRun.contains("All") || call.request.queryValue("dryRun") == "All"
        let deletion = Deletion(call.resource, options, now: call.now)
        try handlers.transaction { tx throws(APIFailure) in
            guard let stored = tx.get(Builtin.pods, call.objectName) else { throw call.notFound }
            let pod = try stored.value()
            if DisruptionBudgets.isCounted(pod) {
                try DisruptionBudgets.spend(on: stored, &tx, now: call.now, isDryRun: options.isDryRun)
            }
            _ = try deletion.delete(call.objectName, &tx)
        }
        return Self.created
    }
}

/// The part of PodDisruptionBudgets that evictions need.
enum DisruptionBudgets {
    /// Whether evicting the pod disrupts anything.
    static func isCounted(_ pod: JSONValue) -> Bool {
        guard !pod.isBeingDeleted else { return false }
        return !["Succeeded", "Failed", "Pending"].contains(pod["status"]?["phase"]?.stringValue ?? "")
    }

    /// Takes one disruption from the budget of the pod, when it has one.
    ///
    /// - Throws: ``APIFailure`` 429 when nothing is left of it.
    static func spend(
        on pod: StoredObject,
        _ tx: inout ObjectStore.Transaction,
        now: Date,
        isDryRun: Bool
    ) throws(APIFailure) {
        var matching: [JSONValue] = []
        for stored in tx.all(Builtin.disruptionBudgets, namespace: pod.name.namespace) {
            let budget = try stored.value()
            if try selects(budget, pod) { matching.append(budget) }
        }
        guard var budget = matching.first else { return }
        guard matching.count == 1 else {
            throw .internalError(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            )
        }
        let name = budget["metadata"]?["name"]?.stringValue ?? ""
        let status = budget["status"] ?? [:]
        guard (status["observedGeneration"]?.intValue ?? 0) >= (budget["metadata"]?["generation"]?.intValue ?? 0) else {
            throw refusal("The disruption budget \(name) is still being processed by the server.")
        }
        let allowed = status["disruptionsAllowed"]?.intValue ?? 0
        guard allowed > 0 else {
            let desired = status["desiredHealthy"]?.intValue ?? 0
            let healthy = status["currentHealthy"]?.intValue ?? 0
            throw refusal("The disruption budget \(name) needs \(desired) healthy pods and has \(healthy) currently")
        }
        guard !isDryRun else { return }
        budget.set(.number(allowed - 1), at: ["status", "disruptionsAllowed"])
        budget.set(
            RFC3339.string(from: now).map { .string($0) },
            at: ["status", "disruptedPods", pod.name.name]
        )
        tx.put(Builtin.disruptionBudgets, budget.objectName, budget)
    }

    private static func selects(_ budget: JSONValue, _ pod: StoredObject) throws(APIFailure) -> Bool {
        guard let selector = budget["spec"]?["selector"], !selector.isNull else { return false }
        return try LabelSelector(parsing: SelectorText.text(selector)).matches(pod.labels)
    }

    private static func refusal(_ why: String) -> APIFailure {
        var failure = APIFailure(
            code: 429,
            reason: "TooManyRequests",
            message: "Cannot evict pod as it would violate the pod's disruption budget."
        )
        failure.causes = [APIFailure.Cause(reason: "DisruptionBudget", message: why, field: "")]
        return failure
    }
}

/// The subresource `log` of pods: nothing runs here, so it says so, or what the pod's annotation says.
enum PodLog {
    /// The annotation whose text is the log of the pod.
    static let annotation = "sandbox.tmc.io/log"

    static func answer(_ call: APICall, _ store: ObjectStore) throws(APIFailure) -> HTTPServerResponse {
        guard let stored = store.get(Builtin.pods, call.objectName) else { throw call.notFound }
        let pod = try stored.value()
        let name = call.info.name
        let names = ["initContainers", "containers"].flatMap { key in
            (pod["spec"]?[key]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
        }
        let container = call.request.queryValue("container") ?? (names.count == 1 ? names[0] : "")
        guard !container.isEmpty else {
            let list = names.joined(separator: " ")
            throw .badRequest("a container name must be specified for pod \(name), choose one of: [\(list)]")
        }
        guard names.contains(container) else {
            throw .badRequest("container \(container) is not valid for pod \(name)")
        }
        let statuses = pod["status"]?["containerStatuses"]?.arrayValue ?? []
        let waiting = statuses.first { $0["name"]?.stringValue == container }?["state"]?["waiting"]
        let text = pod["metadata"]?["annotations"]?[annotation]?.stringValue
        if text == nil, let waiting {
            let reason = waiting["reason"]?.stringValue ?? "ContainerCreating"
            throw .badRequest(
                "container \(container.goQuoted) in pod \(name.goQuoted) is waiting to start: \(reason)"
            )
        }
        return .text(text.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" } ?? "no process runs in the sandbox\n")
    }
}
