package import FoundationEssentials
package import JSON

/// Deletes objects as the API server does: at once, or by marking what finalizers, kubelets or the namespace
/// controller have to let go first.
package struct Deletion: Sendable {
    /// What a deletion came to.
    package enum Outcome: Sendable {
        /// The object is gone; this is how it was.
        case removed(JSONValue)
        /// The object is marked, and somebody has to let it go.
        case marked(JSONValue)

        /// The object.
        package var object: JSONValue {
            switch self {
            case .removed(let object), .marked(let object): object
            }
        }
    }

    private let resource: ServedResource
    private let options: DeleteOptions
    private let now: Date

    /// Makes a deletion of objects of a resource.
    package init(_ resource: ServedResource, _ options: DeleteOptions, now: Date) {
        self.resource = resource
        self.options = options
        self.now = now
    }

    /// Whether nothing keeps an object that is marked for deletion any longer.
    static func isComplete(_ object: JSONValue, _ resource: ServedResource) -> Bool {
        object.isBeingDeleted && object.finalizers.isEmpty && !object.isTerminatingGracefully
            && !hasNamespaceFinalizers(object, resource)
    }

    private static func hasNamespaceFinalizers(_ object: JSONValue, _ resource: ServedResource) -> Bool {
        resource.storage == Builtin.namespaces && object["spec"]?["finalizers"]?.arrayValue?.isEmpty == false
    }

    /// Deletes one object; the outcome is in the form of the request's version.
    ///
    /// - Throws: ``APIFailure`` 404, 409 when a precondition fails, 403 for what cannot be deleted.
    package func delete(
        _ name: ObjectName,
        _ tx: inout ObjectStore.Transaction
    ) throws(APIFailure) -> Outcome {
        guard let stored = tx.get(resource.storage, name) else { throw .notFound(resource.id, name: name.name) }
        let old = try stored.value()
        try check(old, name)
        var object = old
        if resource.storage == CustomResources.id, !object.isBeingDeleted {
            markDefinition(&object)
            guard !options.isDryRun else { return .marked(object) }
            return .marked(try resource.served(tx.put(resource.storage, name, object)))
        }
        setPropagationFinalizers(&object)
        if Self.hasNamespaceFinalizers(object, resource) {
            try markNamespace(&object, name)
        } else {
            let grace = resource.storage == Builtin.pods ? gracePeriod(of: object) : 0
            let isRemoved = grace <= 0 && object.finalizers.isEmpty
            guard !isRemoved || resource.storage == Builtin.pods else {
                if !options.isDryRun { tx.remove(resource.storage, name) }
                return .removed(resource.served(old))
            }
            mark(&object, grace: grace)
            if isRemoved { return .removed(try remove(object, old, name, &tx)) }
        }
        guard object != old, !options.isDryRun else { return .marked(resource.served(object)) }
        return .marked(try resource.served(tx.put(resource.storage, name, object)))
    }

    /// Removes a pod at once: the mark is written all the same, and watches see it.
    private func remove(
        _ object: JSONValue,
        _ old: JSONValue,
        _ name: ObjectName,
        _ tx: inout ObjectStore.Transaction
    ) throws(APIFailure) -> JSONValue {
        guard !options.isDryRun else { return resource.served(object) }
        guard object != old else {
            tx.remove(resource.storage, name)
            return resource.served(old)
        }
        let marked = try resource.served(tx.put(resource.storage, name, object))
        tx.remove(resource.storage, name)
        return marked
    }

    private func check(_ object: JSONValue, _ name: ObjectName) throws(APIFailure) {
        if resource.storage == Builtin.namespaces, ["default", "kube-system", "kube-public"].contains(name.name) {
            throw .forbidden(resource.id, name: name.name, "this namespace may not be deleted")
        }
        // The kind stands where the resource stands elsewhere: so says the API server here.
        let named = ResourceID(group: resource.id.group, plural: resource.definition.kind)
        if let uid = options.uid, uid != object.uid {
            throw .conflict(
                named,
                name: name.name,
                "the UID in the precondition (\(uid)) does not match the UID in record (\(object.uid)). "
                    + "The object might have been deleted and then recreated"
            )
        }
        let version = object["metadata"]?["resourceVersion"]?.stringValue ?? ""
        if let wanted = options.resourceVersion, wanted != version {
            throw .conflict(
                named,
                name: name.name,
                "the ResourceVersion in the precondition (\(wanted)) does not match the ResourceVersion in record "
                    + "(\(version)). The object might have been modified"
            )
        }
    }

    /// The garbage collector acts on these finalizers and takes them off.
    private func setPropagationFinalizers(_ object: inout JSONValue) {
        var finalizers = object.finalizers
        let existing = finalizers
        let propagation = options.propagation ?? defaultPropagation(finalizers)
        finalizers.removeAll { $0 == "orphan" || $0 == "foregroundDeletion" }
        switch propagation {
        case .orphan: finalizers.append("orphan")
        case .foreground: finalizers.append("foregroundDeletion")
        case .background: break
        }
        guard finalizers != existing else { return }
        object.set(
            finalizers.isEmpty ? nil : .array(finalizers.map { .string($0) }),
            at: ["metadata", "finalizers"]
        )
    }

    private func defaultPropagation(_ finalizers: [String]) -> DeleteOptions.Propagation {
        if finalizers.contains("orphan") { return .orphan }
        if finalizers.contains("foregroundDeletion") { return .foreground }
        return resource.storage == Builtin.jobs ? .orphan : .background
    }

    private func markNamespace(_ object: inout JSONValue, _ name: ObjectName) throws(APIFailure) {
        guard !object.isBeingDeleted else {
            throw .conflict(
                resource.id,
                name: name.name,
                "The system is ensuring all content is removed from this namespace.  Upon completion, this namespace "
                    + "will automatically be purged by the system."
            )
        }
        object.set(timestamp(now), at: ["metadata", "deletionTimestamp"])
        object.set("Terminating", at: ["status", "phase"])
    }

    /// A CustomResourceDefinition goes after its objects, and takes no new ones from now on.
    private func markDefinition(_ object: inout JSONValue) {
        object.set(timestamp(now), at: ["metadata", "deletionTimestamp"])
        if !object.finalizers.contains(CustomResources.finalizer) {
            let finalizers = object.finalizers + [CustomResources.finalizer]
            object.set(.array(finalizers.map { .string($0) }), at: ["metadata", "finalizers"])
        }
        guard let status = CustomResources.terminatingStatus(of: object, .pending, now: now) else { return }
        object["status"] = status
    }

    private func mark(_ object: inout JSONValue, grace: Int64) {
        if object.isBeingDeleted {
            // A second deletion can only be quicker.
            let pending = object["metadata"]?["deletionGracePeriodSeconds"]?.intValue ?? 0
            guard options.gracePeriodSeconds != nil, grace < pending else { return }
        } else if let generation = object["metadata"]?["generation"]?.intValue {
            object.set(.number(generation &+ 1), at: ["metadata", "generation"])
        }
        object.set(timestamp(now.addingTimeInterval(Double(grace))), at: ["metadata", "deletionTimestamp"])
        object.set(.number(grace), at: ["metadata", "deletionGracePeriodSeconds"])
    }

    private func timestamp(_ date: Date) -> JSONValue? {
        RFC3339.string(from: date).map { .string($0) }
    }

    /// How long a pod gets to end: nothing while it is on no node or has ended already.
    private func gracePeriod(of pod: JSONValue) -> Int64 {
        if pod["spec"]?["nodeName"]?.stringValue?.isEmpty ?? true { return 0 }
        if let phase = pod["status"]?["phase"]?.stringValue, phase == "Succeeded" || phase == "Failed" { return 0 }
        if let seconds = options.gracePeriodSeconds { return seconds }
        return max(0, pod["spec"]?["terminationGracePeriodSeconds"]?.intValue ?? 30)
    }
}
