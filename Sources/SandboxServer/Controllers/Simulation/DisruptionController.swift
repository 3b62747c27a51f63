internal import JSON

/// Counts for PodDisruptionBudgets how many of their pods may be evicted now.
struct DisruptionController: Reconciler {
    /// The selectors of all budgets, so that a changed pod finds its own.
    private var selectors: [ObjectName: LabelSelector] = [:]

    mutating func objects(toReconcileAfter change: ObjectStore.Change) throws(APIFailure) -> [ObjectReference] {
        guard let object = change.new ?? change.old else { return [] }
        switch change.resource {
        case Builtin.disruptionBudgets:
            selectors[object.name] = try LabelSelector(change.new?.value()["spec"]?["selector"])
            return [ObjectReference(resource: change.resource, name: object.name)]
        case Builtin.pods:
            return selectors.filter { name, selector in
                name.namespace == object.name.namespace && selector.matches(object.labels)
            }.keys.sorted().map { ObjectReference(resource: Builtin.disruptionBudgets, name: $0) }
        default:
            return []
        }
    }

    func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let budget = try tx.value(object.resource, object.name) else { return nil }
        let selector = LabelSelector(budget["spec"]?["selector"])
        let pods = try tx.values(Builtin.pods, namespace: object.name.namespace) {
            selector?.matches($0.labels) ?? false
        }
        .filter(\.isActivePod)
        var changed = budget
        changed["status"] = Self.status(of: budget, pods, context)
        tx.update(object.resource, changed, from: budget, context)
        return nil
    }

    static func status(of budget: JSONValue, _ pods: [JSONValue], _ context: ReconcileContext) -> JSONValue {
        let expected = pods.count
        let healthy = pods.filter(\.isReadyPod).count
        let desired =
            if let most = budget["spec"]?["maxUnavailable"] {
                max(0, expected - RolloutPlan.share(most, of: expected, roundsUp: true))
            } else {
                RolloutPlan.share(budget["spec"]?["minAvailable"] ?? 1, of: expected, roundsUp: true)
            }
        let allowed = expected == 0 ? 0 : max(0, healthy - desired)
        var status = budget["status"] ?? [:]
        status["currentHealthy"] = .number(healthy)
        status["desiredHealthy"] = .number(desired)
        status["disruptionsAllowed"] = .number(allowed)
        status["expectedPods"] = .number(expected)
        status["observedGeneration"] = budget["metadata"]?["generation"]
        status.setCondition(
            "DisruptionAllowed",
            allowed > 0 ? "True" : "False",
            reason: allowed > 0 ? "SufficientPods" : "InsufficientPods",
            message: "",
            context
        )
        return status
    }
}
