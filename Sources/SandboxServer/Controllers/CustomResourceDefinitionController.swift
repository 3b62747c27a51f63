internal import JSON

/// Accepts the names of CustomResourceDefinitions, establishes them, and lets them go after their objects.
struct CustomResourceDefinitionController: Reconciler {
    var manager: String { "kube-apiserver" }

    /// The groups of all definitions, by name: names are compared within a group.
    private var groups: [String: String] = [:]
    /// The definitions that wait for their objects, by what they define.
    private var terminating: [ResourceID: String] = [:]

    mutating func objects(toReconcileAfter change: ObjectStore.Change) -> [ObjectReference] {
        guard change.resource == CustomResources.id else {
            guard change.new == nil, let name = terminating[change.resource] else { return [] }
            return [reference(name)]
        }
        let name = change.object.name.name
        if change.new == nil {
            let group = groups.removeValue(forKey: name)
            terminating = terminating.filter { $0.value != name }
            // Its names are free now.
            return groups.filter { $0.value == group }.keys.sorted().map(reference)
        }
        // A definition is named after its plural and its group.
        groups[name] = name.split(separator: ".", maxSplits: 1).last.map(String.init) ?? ""
        return [reference(name)]
    }

    private func reference(_ name: String) -> ObjectReference {
        ObjectReference(resource: CustomResources.id, name: ObjectName(name: name))
    }

    mutating func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let old = try tx.value(object.resource, object.name) else { return nil }
        var definition = old
        if old.isBeingDeleted {
            try terminate(&definition, &tx, context)
        } else {
            let others = try tx.values(object.resource)
            if let status = CustomResources.status(of: old, among: others, now: context.now) {
                definition["status"] = status
            }
        }
        tx.update(object.resource, definition, from: old, context)
        return nil
    }

    /// Deletes the objects; when none is left, the definition may go.
    private mutating func terminate(
        _ definition: inout JSONValue,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        guard definition.finalizers.contains(CustomResources.finalizer) else { return }
        let resource = try CustomResources.definition(of: definition).id
        for object in tx.all(resource) { try tx.delete(resource, object.name, context) }
        guard tx.all(resource).isEmpty else {
            terminating[resource] = definition.objectName.name
            if let status = CustomResources.terminatingStatus(of: definition, .inProgress, now: context.now) {
                definition["status"] = status
            }
            return
        }
        let finalizers = definition.finalizers.filter { $0 != CustomResources.finalizer }
        definition.set(
            finalizers.isEmpty ? nil : .array(finalizers.map { .string($0) }),
            at: ["metadata", "finalizers"]
        )
    }
}
