internal import FoundationEssentials
internal import JSON

/// Keeps the simulated nodes alive: conditions, taints and leases, and what follows for the pods of a broken node.
struct NodeSimulation: Reconciler {
    var manager: String { "kubelet" }

    private static let heartbeat = Duration.seconds(10)
    private static let leaseNamespace = "kube-node-lease"

    /// The node of that number (from 1), as a kubelet would register it.
    static func node(_ number: Int) -> JSONValue {
        let name = "sandbox-node-\(number)"
        let resources: JSONValue = [
            "cpu": "8", "memory": "16Gi", "ephemeral-storage": "100Gi", "pods": "110", "hugepages-2Mi": "0",
        ]
        return [
            "apiVersion": "v1", "kind": "Node",
            "metadata": [
                "name": .string(name),
                "labels": [
                    "kubernetes.io/hostname": .string(name), "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
                    "topology.kubernetes.io/region": "sandbox",
                    "topology.kubernetes.io/zone": .string(
                        "sandbox-\(Character(UnicodeScalar(UInt8(97 + (number - 1) % 3))))"
                    ),
                ],
            ],
            "spec": ["podCIDR": .string("10.244.\(number % 256).0/24")],
            "status": [
                "addresses": [
                    ["type": "InternalIP", "address": .string("10.0.\(number / 250).\(number % 250 + 1)")],
                    ["type": "Hostname", "address": .string(name)],
                ],
                "capacity": resources, "allocatable": resources,
                "nodeInfo": [
                    "architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": "v1.36.2",
                    "containerRuntimeVersion": "sandbox://1", "osImage": "recovery-sandbox (simulated)",
                    "kernelVersion": "none", "machineID": "", "systemUUID": "", "bootID": "", "kubeProxyVersion": "",
                ],
                "daemonEndpoints": ["kubeletEndpoint": ["Port": 10250]],
            ],
        ]
    }

    func objects(toReconcileAfter change: ObjectStore.Change) throws(APIFailure) -> [ObjectReference] {
        guard change.resource == Builtin.nodes, let node = change.new else { return [] }
        return [ObjectReference(resource: change.resource, name: node.name)]
    }

    func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let node = try tx.value(object.resource, object.name) else {
            tx.remove(Builtin.leases, ObjectName(namespace: Self.leaseNamespace, name: object.name.name))
            return nil
        }
        let changed = Self.updated(node, context)
        if changed["status"]?.isTrue("Ready") != node["status"]?.isTrue("Ready") {
            let isReady = changed["status"]?.isTrue("Ready") ?? false
            let reason = isReady ? "NodeReady" : "NodeNotReady"
            let message = "Node \(object.name.name) status is now: \(reason)"
            try tx.recordEvent(on: node, reason, message, component: isReady ? "kubelet" : "node-controller", context)
        }
        tx.update(object.resource, changed, from: node, context)
        if node.failure != "unreachable" { try renewLease(of: node, &tx, context) }
        return Self.heartbeat
    }

    /// The node with the conditions and taints that fit its annotation and whether it is cordoned.
    static func updated(_ node: JSONValue, _ context: ReconcileContext) -> JSONValue {
        var changed = node
        var status = node["status"] ?? [:]
        let ready: (status: String, reason: String, message: String) =
            switch node.failure {
            case "unreachable": ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
            case "not-ready": ("False", "KubeletNotReady", "broken by the annotation \(Workload.failureAnnotation)")
            default: ("True", "KubeletReady", "kubelet is posting ready status")
            }
        for (type, reason) in [
            ("MemoryPressure", "KubeletHasSufficientMemory"), ("DiskPressure", "KubeletHasNoDiskPressure"),
            ("PIDPressure", "KubeletHasSufficientPID"),
        ] {
            status.setCondition(type, "False", reason: reason, message: "simulated", context)
        }
        status.setCondition("Ready", ready.status, reason: ready.reason, message: ready.message, context)
        changed["status"] = status
        let taints = taints(of: node, ready: ready.status, context)
        changed.set(taints.isEmpty ? nil : .array(taints), at: ["spec", "taints"])
        return changed
    }

    private static func taints(of node: JSONValue, ready: String, _ context: ReconcileContext) -> [JSONValue] {
        let old = node["spec"]?["taints"]?.arrayValue ?? []
        let own = ["not-ready", "unreachable", "unschedulable"].map { "node.kubernetes.io/\($0)" }
        var wanted: [(key: String, effect: String)] = []
        if node["spec"]?["unschedulable"]?.boolValue == true { wanted.append((own[2], "NoSchedule")) }
        if ready != "True" {
            let key = ready == "False" ? own[0] : own[1]
            wanted += [(key, "NoSchedule"), (key, "NoExecute")]
        }
        return old.filter { !own.contains($0["key"]?.stringValue ?? "") }
            + wanted.map { taint in
                let existing = old.first {
                    $0["key"]?.stringValue == taint.key && $0["effect"]?.stringValue == taint.effect
                }
                return existing ?? [
                    "key": .string(taint.key), "effect": .string(taint.effect), "timeAdded": context.timestamp,
                ]
            }
    }

    private func renewLease(
        of node: JSONValue,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        let name = ObjectName(namespace: Self.leaseNamespace, name: node.objectName.name)
        let time = RFC3339.string(from: context.now, fractionDigits: 6).map { JSONValue.string($0) } ?? .null
        guard let old = try tx.value(Builtin.leases, name) else {
            let lease: JSONValue = [
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": [
                    "name": .string(name.name), "namespace": .string(name.namespace),
                    "ownerReferences": [
                        ["apiVersion": "v1", "kind": "Node", "name": .string(name.name), "uid": .string(node.uid)]
                    ],
                ],
                "spec": ["holderIdentity": .string(name.name), "leaseDurationSeconds": 40, "renewTime": time],
            ]
            tx.create(Builtin.leases, lease, context)
            return
        }
        guard context.remaining(of: Self.heartbeat, since: old["spec"]?["renewTime"]) == nil else { return }
        var lease = old
        lease.set(time, at: ["spec", "renewTime"])
        tx.update(Builtin.leases, lease, from: old, context)
    }
}
