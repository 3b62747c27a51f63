internal import JSON

extension ObjectStore.Transaction {
    /// Writes an Event about an object, or counts one up that says the same.
    mutating func recordEvent(
        on object: JSONValue,
        _ reason: String,
        _ message: String,
        type: String = "Normal",
        component: String,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        let place = object.objectName
        let namespace = place.namespace.isEmpty ? "default" : place.namespace
        let identity: JSONValue = .array([.string(object.uid), .string(reason), .string(message), .string(component)])
        let name = ObjectName(namespace: namespace, name: "\(place.name).\(Workload.hash(identity))")
        if let old = try value(Builtin.events, name) {
            var event = old
            event["count"] = .number(old.count("count", default: 1) + 1)
            event["lastTimestamp"] = context.timestamp
            update(Builtin.events, event, from: old, context)
            return
        }
        let event: JSONValue = [
            "apiVersion": "v1", "kind": "Event",
            "metadata": ["name": .string(name.name), "namespace": .string(namespace)],
            "involvedObject": [
                "apiVersion": object["apiVersion"] ?? "v1", "kind": object["kind"] ?? "",
                "name": .string(place.name), "namespace": .string(place.namespace), "uid": .string(object.uid),
                "resourceVersion": object["metadata"]?["resourceVersion"] ?? "",
            ],
            "reason": .string(reason), "message": .string(message), "type": .string(type),
            "source": ["component": .string(component)], "reportingComponent": .string(component),
            "reportingInstance": "", "eventTime": .null,
            "firstTimestamp": context.timestamp, "lastTimestamp": context.timestamp, "count": 1,
        ]
        create(Builtin.events, event, context)
    }
}

/// Removes Events an hour after they were last written, as the API server's storage does.
struct EventExpiry: Reconciler {
    private static let lifetime = Duration.seconds(3600)

    func objects(toReconcileAfter change: ObjectStore.Change) throws(APIFailure) -> [ObjectReference] {
        guard change.resource == Builtin.events, let event = change.new else { return [] }
        return [ObjectReference(resource: change.resource, name: event.name)]
    }

    func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let event = try tx.value(object.resource, object.name) else { return nil }
        let times = [
            event["lastTimestamp"], event["series"]?["lastObservedTime"], event["metadata"]?["creationTimestamp"],
        ]
        guard let age = times.compactMap({ context.age(of: $0) }).min(), age >= Self.lifetime else {
            return Self.lifetime - (times.compactMap { context.age(of: $0) }.min() ?? .zero)
        }
        tx.remove(object.resource, object.name)
        return nil
    }
}
