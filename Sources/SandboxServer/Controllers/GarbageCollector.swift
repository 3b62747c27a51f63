internal import JSON

/// Deletes objects whose owners are gone, and carries out foreground and orphaning deletion.
struct GarbageCollector: Reconciler {
    private enum Finalizer {
        static let foreground = "foregroundDeletion"
        static let orphan = "orphan"
    }

    /// Where the objects are that name an owner, by the owner's uid.
    private var dependents: [String: Set<ObjectReference>] = [:]
    /// Owners that were seen to go while they had dependents.
    private var goneOwners: Set<String> = []

    mutating func objects(toReconcileAfter change: ObjectStore.Change) throws(APIFailure) -> [ObjectReference] {
        guard let object = change.new ?? change.old else { return [] }
        let reference = ObjectReference(resource: change.resource, name: object.name)
        index(change, reference)
        guard let new = change.new else {
            let orphans = dependents[object.uid] ?? []
            if !orphans.isEmpty { goneOwners.insert(object.uid) }
            // The owners may have waited for this one.
            return orphans.sorted { $0.name < $1.name } + waitingOwners(of: object)
        }
        let hasNewOwners = new.owners != change.old?.owners && !new.owners.isEmpty
        return hasNewOwners || new.isBeingDeleted ? [reference] : []
    }

    private mutating func index(_ change: ObjectStore.Change, _ reference: ObjectReference) {
        let old = change.old?.owners ?? []
        let new = change.new?.owners ?? []
        guard old != new else { return }
        for owner in old where !new.contains(owner) {
            dependents[owner]?.remove(reference)
            if dependents[owner]?.isEmpty == true {
                dependents[owner] = nil
                goneOwners.remove(owner)
            }
        }
        for owner in new { dependents[owner, default: []].insert(reference) }
    }

    private func waitingOwners(of object: StoredObject) -> [ObjectReference] {
        object.owners.compactMap { waiting[$0] }
    }

    /// Owners that wait for their dependents to go, by uid.
    private var waiting: [String: ObjectReference] = [:]

    mutating func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let value = try tx.value(object.resource, object.name) else {
            waiting = waiting.filter { $0.value != object }
            return nil
        }
        if value.isBeingDeleted, value.finalizers.contains(Finalizer.orphan) {
            try orphanDependents(of: value, object, &tx, context)
        } else if value.isBeingDeleted, value.finalizers.contains(Finalizer.foreground) {
            try deleteDependents(of: value, object, &tx, context)
        }
        guard let current = try tx.value(object.resource, object.name) else { return nil }
        try collect(current, object, &tx, context)
        return nil
    }

    // MARK: Owners

    private func orphanDependents(
        of owner: JSONValue,
        _ reference: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        for dependent in dependents[owner.uid] ?? [] {
            guard let value = try tx.value(dependent.resource, dependent.name) else { continue }
            tx.update(dependent.resource, value.removingOwners([owner.uid]), from: value, context)
        }
        tx.update(reference.resource, owner.removingFinalizer(Finalizer.orphan), from: owner, context)
    }

    /// Deletes the dependents, and lets the owner go when none is left that blocks it.
    private mutating func deleteDependents(
        of owner: JSONValue,
        _ reference: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        var isBlocked = false
        for dependent in (dependents[owner.uid] ?? []).sorted(by: { $0.name < $1.name }) {
            guard let value = try tx.value(dependent.resource, dependent.name) else { continue }
            try collect(value, dependent, &tx, context)
            guard let left = try tx.value(dependent.resource, dependent.name) else { continue }
            isBlocked = isBlocked || left.ownerReferences.contains { $0.uid == owner.uid && $0.blocksDeletion }
        }
        waiting[owner.uid] = isBlocked ? reference : nil
        guard !isBlocked else { return }
        tx.update(reference.resource, owner.removingFinalizer(Finalizer.foreground), from: owner, context)
    }

    // MARK: Dependents

    private enum OwnerState {
        case present, deletingDependents, gone
    }

    /// Deletes an object that no owner keeps; drops the references to owners that do not keep it any more.
    private func collect(
        _ object: JSONValue,
        _ reference: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        let owners = object.ownerReferences
        guard !owners.isEmpty, !object.isBeingDeleted else { return }
        var lost: Set<String> = []
        var isKept = false
        var ownerWaits = false
        for owner in owners {
            switch try state(of: owner, reference, tx, context) {
            case .present: isKept = true
            case .gone: lost.insert(owner.uid)
            case .deletingDependents:
                lost.insert(owner.uid)
                ownerWaits = true
            }
        }
        guard !lost.isEmpty else { return }
        if isKept {
            tx.update(reference.resource, object.removingOwners(lost), from: object, context)
            return
        }
        let hasDependents = dependents[object.uid]?.isEmpty == false
        try tx.delete(
            reference.resource,
            reference.name,
            finalizer: ownerWaits && hasDependents ? Finalizer.foreground : nil,
            context
        )
    }

    private func state(
        of owner: OwnerReference,
        _ dependent: ObjectReference,
        _ tx: ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> OwnerState {
        if goneOwners.contains(owner.uid) { return .gone }
        let group = owner.apiVersion.split(separator: "/").count == 2 ? owner.apiVersion.prefix { $0 != "/" } : ""
        let definition = context.definitions().first { $0.id.group == group && $0.kind == owner.kind }
        // What cannot be looked up is left alone: its kind may be served again later.
        guard let definition else { return .present }
        let namespace = dependent.name.namespace
        guard !definition.isNamespaced || !namespace.isEmpty else { return .present }
        let name = ObjectName(namespace: definition.isNamespaced ? namespace : "", name: owner.name)
        guard let found = tx.get(definition.id, name), found.uid == owner.uid else { return .gone }
        guard found.isBeingDeleted else { return .present }
        let value = try found.value()
        return value.isBeingDeleted && value.finalizers.contains(Finalizer.foreground) ? .deletingDependents : .present
    }
}

/// An entry of `metadata.ownerReferences`.
private struct OwnerReference {
    var apiVersion: String
    var kind: String
    var name: String
    var uid: String
    var blocksDeletion: Bool
}

extension JSONValue {
    fileprivate var ownerReferences: [OwnerReference] {
        (self["metadata"]?["ownerReferences"]?.arrayValue ?? []).map { entry in
            OwnerReference(
                apiVersion: entry["apiVersion"]?.stringValue ?? "",
                kind: entry["kind"]?.stringValue ?? "",
                name: entry["name"]?.stringValue ?? "",
                uid: entry["uid"]?.stringValue ?? "",
                blocksDeletion: entry["blockOwnerDeletion"]?.boolValue ?? false
            )
        }
    }

    func removingOwners(_ uids: Set<String>) -> JSONValue {
        var object = self
        let left = (self["metadata"]?["ownerReferences"]?.arrayValue ?? []).filter { entry in
            !uids.contains(entry["uid"]?.stringValue ?? "")
        }
        object.set(left.isEmpty ? nil : .array(left), at: ["metadata", "ownerReferences"])
        return object
    }

    func removingFinalizer(_ name: String) -> JSONValue {
        var object = self
        let left = finalizers.filter { $0 != name }
        object.set(left.isEmpty ? nil : .array(left.map { .string($0) }), at: ["metadata", "finalizers"])
        return object
    }
}
