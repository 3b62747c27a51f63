internal import JSON

/// Empties namespaces that are being deleted and lets them go, saying in their conditions what is left.
struct NamespaceLifecycle: Reconciler {
    private static let finalizer = "kubernetes"

    func objects(toReconcileAfter change: ObjectStore.Change) throws(APIFailure) -> [ObjectReference] {
        guard let object = change.new ?? change.old else { return [] }
        if change.resource == Builtin.namespaces {
            return change.new == nil ? [] : [ObjectReference(resource: change.resource, name: object.name)]
        }
        guard change.new == nil, !object.name.namespace.isEmpty else { return [] }
        // The namespace may have waited for this one.
        return [ObjectReference(resource: Builtin.namespaces, name: ObjectName(name: object.name.namespace))]
    }

    func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let stored = tx.get(object.resource, object.name), stored.isBeingDeleted else { return nil }
        let namespace = try stored.value()
        var changed = namespace
        let finalizers = namespace["spec"]?["finalizers"]?.arrayValue ?? []
        if finalizers.contains(.string(Self.finalizer)) {
            let remains = try empty(object.name.name, &tx, context)
            changed["status"] = Self.status(of: namespace, remains, context)
            if remains.counts.isEmpty {
                changed.set(.array(finalizers.filter { $0 != .string(Self.finalizer) }), at: ["spec", "finalizers"])
            }
        }
        tx.update(object.resource, changed, from: namespace, context)
        return nil
    }

    /// What a namespace still contains.
    struct Remains {
        /// How many objects of each resource are left.
        var counts: [ResourceID: Int] = [:]
        /// In how many objects each finalizer is left.
        var finalizers: [String: Int] = [:]
    }

    private func empty(
        _ namespace: String,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Remains {
        var remains = Remains()
        for definition in context.definitions() where definition.isNamespaced {
            for object in tx.all(definition.id, namespace: namespace) {
                try tx.delete(definition.id, object.name, context)
                guard let left = try tx.value(definition.id, object.name) else { continue }
                remains.counts[definition.id, default: 0] += 1
                for finalizer in left.finalizers { remains.finalizers[finalizer, default: 0] += 1 }
            }
        }
        return remains
    }

    /// The status with its conditions, whose times change only when their status does.
    static func status(of namespace: JSONValue, _ remains: Remains, _ context: ReconcileContext) -> JSONValue {
        let counts = remains.counts.sorted { $0.key < $1.key }
            .map { "\($0.key.qualifiedNameWithDot) has \($0.value) resource instances" }.joined(separator: ", ")
        let finalizers = remains.finalizers.sorted { $0.key < $1.key }
            .map { "\($0.key) in \($0.value) resource instances" }.joined(separator: ", ")
        let conditions: [(type: String, holds: Bool, reason: String, message: String)] = [
            (
                "NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered",
                "All resources successfully discovered"
            ),
            (
                "NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions",
                "All legacy kube types successfully parsed"
            ),
            (
                "NamespaceDeletionContentFailure", false, "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization"
            ),
            counts.isEmpty
                ? ("NamespaceContentRemaining", false, "ContentRemoved", "All content successfully removed")
                : (
                    "NamespaceContentRemaining", true, "SomeResourcesRemain",
                    "Some resources are remaining: \(counts)"
                ),
            finalizers.isEmpty
                ? (
                    "NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers",
                    "All content-preserving finalizers finished"
                )
                : (
                    "NamespaceFinalizersRemaining", true, "SomeFinalizersRemain",
                    "Some content in the namespace has finalizers remaining: \(finalizers)"
                ),
        ]
        var status = namespace["status"] ?? [:]
        status["phase"] = "Terminating"
        for condition in conditions {
            status.setCondition(
                condition.type,
                condition.holds ? "True" : "False",
                reason: condition.reason,
                message: condition.message,
                context
            )
        }
        return status
    }
}

extension ResourceID {
    /// As the namespace controller names it: with a dot after the resource also in the core group.
    fileprivate var qualifiedNameWithDot: String { "\(plural).\(group)" }
}
