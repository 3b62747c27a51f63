internal import Synchronization

/// All objects of the server, with one revision counter over all of them as in etcd, and the history that watches read.
///
/// Every change happens in a ``transaction(_:)``: reads and writes inside see and change one state, nothing else comes
/// between, and subscribers see the changes in the order of their revisions. Lists take a snapshot and leave the lock.
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
        /// The revision of the change.
        package let revision: UInt64
        /// What was there before; nil for a creation.
        package let old: StoredObject?
        /// What is there now; nil for a deletion.
        package let new: StoredObject?
        /// What watches show: what is there now, or what was deleted under the revision of its deletion.
        package let object: StoredObject
    }

    /// Everything behind the lock.
    struct State: Sendable {
        var objects: [ResourceID: OrderedObjects] = [:]
        var logs: [ResourceID: ChangeLog] = [:]
        var revision: UInt64 = 1
        /// Up to here the history of all resources is forgotten.
        var compacted: UInt64 = 0
        /// Committed, and not yet handed to the subscribers.
        var unpublished: [Change] = []
        var isPublishing = false
    }

    private let state = Mutex(State())
    private let subscribers = Mutex<[@Sendable ([Change]) -> Void]>([])
    private let historyLimit: Int

    /// Makes an empty store.
    ///
    /// - Parameter historyLimit: How many changes of each resource are kept for watches and for lists of older
    ///   revisions.
    package init(historyLimit: Int = 10_000) {
        self.historyLimit = max(historyLimit, 0)
    }

    /// The revision of the last change.
    package var revision: UInt64 { state.withLock { $0.revision } }

    /// Reads and changes the store; what `body` throws leaves it as it was.
    ///
    /// The subscribers hear of the changes after the commit, on this thread or on one that is just telling them of
    /// others.
    package func transaction<Outcome>(_ body: (inout Transaction) throws -> Outcome) rethrows -> Outcome {
        let outcome = try state.withLock { state in
            // Moved, not shared: a second reference would make the first change copy everything.
            var transaction = Transaction(state: state)
            state = State()
            defer { state = transaction.state }
            do {
                let outcome = try body(&transaction)
                transaction.commit(historyLimit: historyLimit)
                return outcome
            } catch {
                transaction.undo()
                throw error
            }
        }
        publish()
        return outcome
    }

    /// Calls `handler` with all later changes, in the order of their revisions and never twice at a time.
    ///
    /// It runs after the commit and outside the store's lock, on the thread of some writer: it has to be short.
    /// Subscriptions last as long as the store.
    package func subscribe(_ handler: @escaping @Sendable ([Change]) -> Void) {
        subscribers.withLock { $0.append(handler) }
    }

    /// Forgets the history up to a revision, the current one for nil, as etcd's compaction does.
    ///
    /// Watches from older revisions, and continued lists of them, then get 410 Gone.
    package func compact(to revision: UInt64? = nil) {
        state.withLock { state in
            let revision = min(revision ?? state.revision, state.revision)
            state.compacted = max(state.compacted, revision)
            for resource in Array(state.logs.keys) { state.logs[resource]?.compact(to: revision) }
        }
    }

    /// Reads under the lock; what it calls must be short and must not call the store.
    func read<Outcome>(_ body: (borrowing State) throws -> Outcome) rethrows -> Outcome {
        try state.withLock { try body($0) }
    }

    private func publish() {
        guard state.withLock({ $0.startPublishing() }) else { return }
        while let changes = state.withLock({ $0.takeUnpublished() }) {
            for subscriber in subscribers.withLock({ $0 }) { subscriber(changes) }
        }
    }
}

extension ObjectStore.State {
    /// The history of a resource since it began, or since the last compaction.
    func changes(of resource: ResourceID, after revision: UInt64) -> ArraySlice<ObjectStore.Change>? {
        if let log = logs[resource] { return log.changes(after: revision) }
        return revision < compacted ? nil : []
    }

    /// The oldest revision from which the history of a resource is complete.
    func oldestRevision(of resource: ResourceID) -> UInt64 {
        logs[resource]?.compacted ?? compacted
    }

    /// Whether the caller has to tell the subscribers; false when nothing happened or another thread is at it.
    fileprivate mutating func startPublishing() -> Bool {
        guard !isPublishing, !unpublished.isEmpty else { return false }
        isPublishing = true
        return true
    }

    /// What to tell next; nil when that was all, and then somebody else may begin.
    fileprivate mutating func takeUnpublished() -> [ObjectStore.Change]? {
        guard !unpublished.isEmpty else {
            isPublishing = false
            return nil
        }
        defer { unpublished = [] }
        return unpublished
    }
}
