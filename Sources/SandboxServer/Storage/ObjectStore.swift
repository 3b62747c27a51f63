internal import FoundationEssentials
package import JSON
internal import Synchronization

/// All objects of the server, with one revision counter over all of them as in etcd, and the history that watches read.
///
/// Every change happens in a ``transaction(_:)``: reads and writes inside see and change one state, nothing else comes
/// between, and watchers see the changes in the order of their revisions.
///
/// ```swift
/// let pod = try store.transaction { tx in
///     guard tx.get(pods, name) == nil else { throw APIFailure.alreadyExists(...) }
///     return tx.put(pods, name, object)
/// }
/// ```
package final class ObjectStore: Sendable {
    /// One change of one object.
    package struct Change: Sendable {
        /// The resource.
        package let resource: ResourceID
        /// The revision of the change; for a deletion the one that the deleted object is shown with.
        package let revision: UInt64
        /// What was there before; nil for a creation.
        package let old: StoredObject?
        /// What is there now; nil for a deletion.
        package let new: StoredObject?
    }

    /// A view on the whole store inside a transaction.
    package struct Transaction {
        fileprivate(set) var changes: [Change] = []
        fileprivate var state: State

        /// The revision of the last change.
        package var revision: UInt64 { state.revision }

        /// The object of that name.
        package func get(_ resource: ResourceID, _ name: ObjectName) -> StoredObject? {
            state.objects[resource]?[name]
        }

        /// The objects of a resource in no order, of one namespace when given.
        package func all(_ resource: ResourceID, namespace: String? = nil) -> [StoredObject] {
            (state.objects[resource] ?? [:]).values.filter { namespace == nil || $0.name.namespace == namespace }
        }

        /// Stores an object under the next revision, which becomes its `metadata.resourceVersion`.
        @discardableResult
        package mutating func put(_ resource: ResourceID, _ name: ObjectName, _ object: JSONValue) -> StoredObject {
            state.revision += 1
            var object = object
            object.set(.string(String(state.revision)), at: ["metadata", "resourceVersion"])
            let stored = StoredObject(object, name: name, revision: state.revision)
            let old = state.objects[resource, default: [:]].updateValue(stored, forKey: name)
            changes.append(Change(resource: resource, revision: state.revision, old: old, new: stored))
            return stored
        }

        fileprivate mutating func undo() {
            for change in changes.reversed() {
                guard let name = (change.new ?? change.old)?.name else { continue }
                state.objects[change.resource, default: [:]][name] = change.old
            }
            state.revision -= UInt64(changes.count)
            changes = []
        }

        /// Removes an object; nil when there is none.
        @discardableResult
        package mutating func remove(_ resource: ResourceID, _ name: ObjectName) -> StoredObject? {
            guard let old = state.objects[resource]?.removeValue(forKey: name) else { return nil }
            state.revision += 1
            changes.append(Change(resource: resource, revision: state.revision, old: old, new: nil))
            return old
        }
    }

    fileprivate struct State: Sendable {
        var objects: [ResourceID: [ObjectName: StoredObject]] = [:]
        var revision: UInt64 = 1
    }

    private let state = Mutex(State())

    /// Makes an empty store.
    package init() {}

    /// Reads and changes the store; what `body` throws leaves it as it was.
    package func transaction<Outcome>(_ body: (inout Transaction) throws -> Outcome) rethrows -> Outcome {
        try state.withLock { state in
            var transaction = Transaction(state: state)
            // Moved, not shared: a second reference would make the first change copy everything.
            state = State()
            defer { state = transaction.state }
            do {
                return try body(&transaction)
            } catch {
                transaction.undo()
                throw error
            }
        }
    }
}
