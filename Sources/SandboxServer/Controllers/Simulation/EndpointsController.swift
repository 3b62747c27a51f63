internal import JSON

/// Publishes the pods behind a Service, in Endpoints and in an EndpointSlice.
struct EndpointsController: Reconciler {
    private enum Publisher {
        static let service = "kubernetes.io/service-name"
        static let manager = "endpointslice.kubernetes.io/managed-by"
        static let name = "endpointslice-controller.k8s.io"
    }

    /// The selectors of all Services, so that a changed pod finds its own.
    private var selectors: [ObjectName: [String: String]] = [:]

    mutating func objects(toReconcileAfter change: ObjectStore.Change) throws(APIFailure) -> [ObjectReference] {
        guard let object = change.new ?? change.old else { return [] }
        switch change.resource {
        case Builtin.services:
            selectors[object.name] = try change.new?.value()["spec"]?["selector"]?.stringDictionary
            return [ObjectReference(resource: change.resource, name: object.name)]
        case Builtin.pods:
            return selectors.filter { name, selector in
                name.namespace == object.name.namespace
                    && [change.old, change.new].contains { pod in
                        pod.map { LabelSelector(labels: selector).matches($0.labels) } ?? false
                    }
            }.keys.sorted().map { ObjectReference(resource: Builtin.services, name: $0) }
        default:
            return []
        }
    }

    func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        let sliceName = ObjectName(namespace: object.name.namespace, name: "\(object.name.name)-sandbox")
        guard let service = try tx.value(object.resource, object.name) else {
            // Endpoints go with their Service by name; the slice goes by its owner.
            tx.remove(Builtin.endpoints, object.name)
            return nil
        }
        guard let selector = service["spec"]?["selector"]?.stringDictionary, !selector.isEmpty,
            service["spec"]?["type"]?.stringValue != "ExternalName"
        else { return nil }
        let pods = try tx.values(Builtin.pods, namespace: object.name.namespace) {
            LabelSelector(labels: selector).matches($0.labels)
        }.filter { $0["status"]?["podIP"] != nil && ($0.isActivePod || $0.isBeingDeleted) }
        try store(Self.endpoints(of: service, pods), Builtin.endpoints, object.name, &tx, context)
        try store(Self.slice(of: service, pods), Builtin.endpointSlices, sliceName, &tx, context)
        return nil
    }

    private func store(
        _ object: JSONValue,
        _ resource: ResourceID,
        _ name: ObjectName,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        var wanted = object
        wanted.set(.string(name.name), at: ["metadata", "name"])
        wanted.set(.string(name.namespace), at: ["metadata", "namespace"])
        guard let old = try tx.value(resource, name) else {
            tx.create(resource, wanted, context)
            return
        }
        var changed = old
        for (key, value) in wanted.objectValue ?? [:] where key != "metadata" { changed[key] = value }
        tx.update(resource, changed, from: old, context)
    }

    private static func ports(of service: JSONValue, _ pods: [JSONValue], number: String) -> JSONValue {
        let ports = service["spec"]?["ports"]?.arrayValue ?? []
        return .array(
            ports.map { port in
                var entry: JSONValue = ["protocol": port["protocol"] ?? "TCP"]
                entry["name"] = port["name"] ?? (number == "slice" ? "" : nil)
                entry["port"] = target(of: port, pods)
                entry["appProtocol"] = port["appProtocol"]
                return entry
            }
        )
    }

    /// The port on the pods: a number, or the name of a container's port.
    private static func target(of port: JSONValue, _ pods: [JSONValue]) -> JSONValue? {
        guard let name = port["targetPort"]?.stringValue else { return port["targetPort"] ?? port["port"] }
        let containers = pods.first?["spec"]?["containers"]?.arrayValue ?? []
        return containers.flatMap { $0["ports"]?.arrayValue ?? [] }
            .first { $0["name"]?.stringValue == name }?["containerPort"]
    }

    private static func reference(to pod: JSONValue) -> JSONValue {
        [
            "kind": "Pod", "name": .string(pod.objectName.name), "namespace": .string(pod.objectName.namespace),
            "uid": .string(pod.uid),
        ]
    }

    private static func endpoints(of service: JSONValue, _ pods: [JSONValue]) -> JSONValue {
        func addresses(_ pods: [JSONValue]) -> JSONValue? {
            pods.isEmpty
                ? nil
                : .array(
                    pods.map { pod in
                        [
                            "ip": pod["status"]?["podIP"] ?? "", "nodeName": pod["spec"]?["nodeName"] ?? "",
                            "targetRef": reference(to: pod),
                        ]
                    }
                )
        }
        let living = pods.filter { !$0.isBeingDeleted }
        var endpoints: JSONValue = [
            "apiVersion": "v1", "kind": "Endpoints",
            "metadata": ["labels": service["metadata"]?["labels"] ?? [:]],
        ]
        guard !living.isEmpty else {
            endpoints["subsets"] = []
            return endpoints
        }
        var subset: JSONValue = ["ports": ports(of: service, living, number: "endpoints")]
        subset["addresses"] = addresses(living.filter(\.isReadyPod))
        subset["notReadyAddresses"] = addresses(living.filter { !$0.isReadyPod })
        endpoints["subsets"] = [subset]
        return endpoints
    }

    private static func slice(of service: JSONValue, _ pods: [JSONValue]) -> JSONValue {
        [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": [
                "generateName": .string("\(service.objectName.name)-"),
                "labels": [
                    Publisher.service: .string(service.objectName.name), Publisher.manager: .string(Publisher.name),
                ],
                "ownerReferences": [Workload.controllerReference(to: service)],
            ],
            "ports": ports(of: service, pods, number: "slice"),
            "endpoints": .array(
                pods.map { pod in
                    let isReady = pod.isReadyPod && !pod.isBeingDeleted
                    return [
                        "addresses": [pod["status"]?["podIP"] ?? ""], "nodeName": pod["spec"]?["nodeName"] ?? "",
                        "targetRef": reference(to: pod),
                        "conditions": [
                            "ready": .bool(isReady), "serving": .bool(pod.isReadyPod),
                            "terminating": .bool(pod.isBeingDeleted),
                        ],
                    ]
                }
            ),
        ]
    }
}
