package import JSON

extension ObjectStore {
    /// A view on the whole store while nobody else changes it.
    package struct Transaction {
        /// What happened so far, oldest first.
        package private(set) var changes: [Change] = []
        private(set) var state: State

        init(state: State) {
            self.state = state
        }

        /// The revision of the last change.
        package var revision: UInt64 { state.revision }

        /// The object of that name.
        package func get(_ resource: ResourceID, _ name: ObjectName) -> StoredObject? {
            state.objects[resource]?[name]
        }

        /// The objects of a resource in the order of their names, of one namespace when given.
        package func all(_ resource: ResourceID, namespace: String? = nil) -> [StoredObject] {
            state.objects[resource]?.objects(in: namespace) ?? []
        }

        /// How many objects of a resource there are, in one namespace when given.
        package func count(_ resource: ResourceID, namespace: String? = nil) -> Int {
            guard let objects = state.objects[resource] else { return 0 }
            let (start, end) = objects.range(of: namespace)
            return objects.distance(from: start, to: end)
        }

        /// Stores an object under the next revision, which becomes its `metadata.resourceVersion`.
        @discardableResult
        package mutating func put(_ resource: ResourceID, _ name: ObjectName, _ object: JSONValue) -> StoredObject {
            state.revision += 1
            var object = object
            object.set(.string(String(state.revision)), at: ["metadata", "resourceVersion"])
            let stored = StoredObject(object, name: name, revision: state.revision)
            let old = state.objects[resource, default: OrderedObjects()].insert(stored)
            changes.append(
                Change(resource: resource, revision: state.revision, old: old, new: stored, object: stored)
            )
            return stored
        }

        /// Removes an object and returns it under the revision of its deletion; nil when there is none.
        @discardableResult
        package mutating func remove(_ resource: ResourceID, _ name: ObjectName) -> StoredObject? {
            guard let old = state.objects[resource]?.remove(name) else { return nil }
            state.revision += 1
            let deleted = old.stamped(state.revision)
            changes.append(
                Change(resource: resource, revision: state.revision, old: old, new: nil, object: deleted)
            )
            return deleted
        }

        mutating func commit(historyLimit: Int) {
            for change in changes {
                state.logs[change.resource, default: ChangeLog(since: state.compacted)]
                    .append(change, limit: historyLimit)
            }
            state.unpublished += changes
        }

        mutating func undo() {
            for change in changes.reversed() { state.objects[change.resource]?.undo(change) }
            state.revision -= UInt64(changes.count)
            changes = []
        }
    }
}

extension OrderedObjects {
    /// Takes a change back.
    mutating func undo(_ change: ObjectStore.Change) {
        if let old = change.old {
            insert(old)
        } else {
            remove(change.object.name)
        }
    }
}
