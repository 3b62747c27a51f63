internal import FoundationEssentials
internal import JSON

/// Runs pods as the kubelets of all simulated nodes: starts, breaks, heals and ends them, in their status.
struct Kubelet: Reconciler {
    var manager: String { "kubelet" }

    private static let component = "kubelet"
    /// How long a pod takes to end.
    private static let shutdown = Duration.seconds(1)
    private var usedAddresses: UInt32 = 0

    func objects(toReconcileAfter change: ObjectStore.Change) throws(APIFailure) -> [ObjectReference] {
        guard change.resource == Builtin.pods || change.resource == Builtin.nodes,
            let object = change.new ?? change.old
        else { return [] }
        return [ObjectReference(resource: change.resource, name: object.name)]
    }

    mutating func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard object.resource == Builtin.nodes else { return try reconcilePod(object.name, &tx, context) }
        var next: Duration?
        for pod in tx.all(Builtin.pods).sorted(by: { $0.name < $1.name })
        where try pod.value()["spec"]?["nodeName"]?.stringValue == object.name.name {
            if let delay = try reconcilePod(pod.name, &tx, context) { next = min(next ?? delay, delay) }
        }
        return next
    }

    private mutating func reconcilePod(
        _ name: ObjectName,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let pod = try tx.value(Builtin.pods, name),
            let nodeName = pod["spec"]?["nodeName"]?.stringValue, !nodeName.isEmpty
        else { return nil }
        guard let node = try tx.value(Builtin.nodes, ObjectName(name: nodeName)) else {
            // Its node is gone: nobody is left who could end it gracefully.
            tx.remove(Builtin.pods, name)
            return nil
        }
        if pod.isBeingDeleted { return try end(pod, &tx, context) }
        let eviction = Self.eviction(of: pod, from: node, context)
        if eviction == .zero {
            let message = "Marking for deletion Pod \(name.namespace)/\(name.name)"
            try tx.recordEvent(
                on: pod,
                "TaintManagerEviction",
                message,
                component: "taint-eviction-controller",
                context
            )
            try tx.delete(Builtin.pods, name, context)
            return nil
        }
        var run = PodRun(pod: pod, context: context)
        run.advance(isNodeReady: node["status"]?.isTrue("Ready") ?? false)
        if run.status["podIP"] == nil, run.status["phase"]?.stringValue == "Running" { assignAddress(&run, node) }
        var changed = pod
        changed["status"] = run.status
        tx.update(Builtin.pods, changed, from: pod, context)
        for event in run.events {
            let type = event.isWarning ? "Warning" : "Normal"
            try tx.recordEvent(on: pod, event.reason, event.message, type: type, component: Self.component, context)
        }
        return [run.recheck, eviction].compactMap(\.self).min()
    }

    private mutating func assignAddress(_ run: inout PodRun, _ node: JSONValue) {
        usedAddresses = usedAddresses &+ 1
        let host = usedAddresses % 65_000
        let address: JSONValue = .string("10.244.\(host / 250).\(host % 250 + 1)")
        let hostAddress = node["status"]?["addresses"]?[index: 0]?["address"] ?? ""
        run.status["podIP"] = address
        run.status["podIPs"] = [["ip": address]]
        run.status["hostIP"] = hostAddress
        run.status["hostIPs"] = [["ip": hostAddress]]
    }

    /// Lets a deleted pod go after a moment; finalizers keep the object, as everywhere.
    private func end(
        _ pod: JSONValue,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard pod.isTerminatingGracefully else { return nil }
        let grace = Duration.seconds(pod.count("metadata", "deletionGracePeriodSeconds"))
        let lead = max(.zero, grace - Self.shutdown)
        if let age = context.age(of: pod["metadata"]?["deletionTimestamp"]), age < .zero - lead {
            return .zero - lead - age
        }
        try tx.recordEvent(
            on: pod,
            "Killing",
            "Stopping container \(pod["spec"]?["containers"]?[index: 0]?["name"]?.stringValue ?? "")",
            component: Self.component,
            context
        )
        var ended = pod
        ended.set(0, at: ["metadata", "deletionGracePeriodSeconds"])
        tx.update(Builtin.pods, ended, from: pod, context)
        return nil
    }

    /// How long until a pod has to leave a node with a `NoExecute` taint; nil when it may stay.
    static func eviction(of pod: JSONValue, from node: JSONValue, _ context: ReconcileContext) -> Duration? {
        let delays = (node["spec"]?["taints"]?.arrayValue ?? []).compactMap { taint -> Duration? in
            guard taint["effect"]?.stringValue == "NoExecute" else { return nil }
            guard let toleration = Scheduler.toleration(of: pod, for: taint) else { return .zero }
            guard let seconds = toleration["tolerationSeconds"]?.intValue else { return nil }
            return context.remaining(of: .seconds(min(seconds, 1_000_000)), since: taint["timeAdded"]) ?? .zero
        }
        return delays.min()
    }
}
