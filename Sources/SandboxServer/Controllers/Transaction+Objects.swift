internal import FoundationEssentials
internal import JSON

/// The writes of controllers, which go past the REST handlers: metadata is kept here as the handlers would keep it.
extension ObjectStore.Transaction {
    /// The object as a value; nil when there is none.
    func value(_ resource: ResourceID, _ name: ObjectName) throws(APIFailure) -> JSONValue? {
        try get(resource, name)?.value()
    }

    /// The objects of a resource in a namespace as values, in the order of their names.
    func values(
        _ resource: ResourceID,
        namespace: String? = nil,
        where isIncluded: (StoredObject) -> Bool = { _ in true }
    ) throws(APIFailure) -> [JSONValue] {
        var values: [JSONValue] = []
        for object in all(resource, namespace: namespace).filter(isIncluded).sorted(by: { $0.name < $1.name }) {
            values.append(try object.value())
        }
        return values
    }

    /// Stores a new object with uid, creation time and, where it has a spec, generation.
    ///
    /// - Returns: nil when the name is taken.
    @discardableResult
    mutating func create(_ resource: ResourceID, _ object: JSONValue, _ context: ReconcileContext) -> StoredObject? {
        let name = object.objectName
        guard get(resource, name) == nil else { return nil }
        var object = context.managed(object, old: nil, resource)
        object.set(.string(UUID().uuidString.lowercased()), at: ["metadata", "uid"])
        object.set(context.timestamp, at: ["metadata", "creationTimestamp"])
        if object["spec"] != nil, resource.countsGenerations { object.set(1, at: ["metadata", "generation"]) }
        return put(resource, name, object)
    }

    /// Stores a changed object; does nothing when nothing differs, and removes it when its last finalizer is gone.
    mutating func update(
        _ resource: ResourceID,
        _ object: JSONValue,
        from old: JSONValue,
        _ context: ReconcileContext
    ) {
        guard object != old else { return }
        if object.isBeingDeleted, object.finalizers.isEmpty, !object.isTerminatingGracefully,
            object["spec"]?["finalizers"]?.arrayValue?.isEmpty ?? true
        {
            remove(resource, object.objectName)
            return
        }
        var object = context.managed(object, old: old, resource)
        if object["spec"] != old["spec"], let generation = old["metadata"]?["generation"]?.intValue {
            object.set(.number(generation + 1), at: ["metadata", "generation"])
        }
        put(resource, object.objectName, object)
    }

    /// Deletes as a client would: gracefully where the kind has that, and not before the finalizers are done.
    ///
    /// With the finalizer `foregroundDeletion` or `orphan` the garbage collector acts first.
    mutating func delete(
        _ resource: ResourceID,
        _ name: ObjectName,
        finalizer: String? = nil,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        guard let old = try value(resource, name) else { return }
        var object = old
        if let finalizer, !object.finalizers.contains(finalizer) {
            object.set(.array((object.finalizers + [finalizer]).map { .string($0) }), at: ["metadata", "finalizers"])
        }
        let grace = resource == Builtin.pods ? object.gracePeriodSeconds : 0
        guard !object.finalizers.isEmpty || grace > 0 else {
            remove(resource, name)
            return
        }
        if !object.isBeingDeleted {
            object.set(
                context.timestamp(context.now.addingTimeInterval(TimeInterval(grace))),
                at: ["metadata", "deletionTimestamp"]
            )
            object.set(.number(grace), at: ["metadata", "deletionGracePeriodSeconds"])
            if let generation = object["metadata"]?["generation"]?.intValue {
                object.set(.number(generation + 1), at: ["metadata", "generation"])
            }
        }
        if object != old { put(resource, name, object) }
    }
}

extension ResourceID {
    /// Whether objects of the kind carry `metadata.generation`: most with a spec, but not these.
    fileprivate var countsGenerations: Bool {
        ![Builtin.namespaces, Builtin.nodes, Builtin.services, Builtin.leases].contains(self)
    }
}

extension JSONValue {
    /// Where the object is stored.
    var objectName: ObjectName {
        ObjectName(
            namespace: self["metadata"]?["namespace"]?.stringValue ?? "",
            name: self["metadata"]?["name"]?.stringValue ?? ""
        )
    }

    /// `metadata.uid`.
    var uid: String { self["metadata"]?["uid"]?.stringValue ?? "" }

    /// `metadata.finalizers`.
    var finalizers: [String] { (self["metadata"]?["finalizers"]?.arrayValue ?? []).compactMap(\.stringValue) }

    /// Whether `metadata.deletionTimestamp` is set.
    var isBeingDeleted: Bool { self["metadata"]?["deletionTimestamp"] != nil }

    /// Whether somebody, as a kubelet, still has to end what the object stands for.
    var isTerminatingGracefully: Bool {
        isBeingDeleted && (self["metadata"]?["deletionGracePeriodSeconds"]?.intValue ?? 0) > 0
    }

    /// How long a pod gets to end: nothing while it is on no node.
    fileprivate var gracePeriodSeconds: Int64 {
        guard self["spec"]?["nodeName"]?.stringValue?.isEmpty == false else { return 0 }
        switch self["status"]?["phase"]?.stringValue {
        case "Succeeded", "Failed": return 0
        default: return max(0, self["spec"]?["terminationGracePeriodSeconds"]?.intValue ?? 30)
        }
    }
}
