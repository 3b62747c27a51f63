public import KubernetesCore
import Synchronization
public import Timekeeping

/// The objects of one kind as last seen from the server, with indexes.
///
///     let pods = informer.store
///     let pod = pods.get(ObjectKey(namespace: "default", name: "web-0"))
///     let onNode = pods.byIndex("node", "worker-1")
///
/// - Objects are immutable values; reading never waits for the network and may lag behind the server. A controller that
///   must see its own write first asks ``waitFor(resourceVersion:until:_:)`` or ``isAtLeast(_:)``.
/// - All calls are safe from any task or thread, and each sees one consistent state.
/// - Only the informer that owns the store writes to it.
public final class Store<Object: Sendable>: Sendable {
    /// The values under which an object is found in an index; may be several or none.
    public typealias IndexFunction = @Sendable (Object) -> [String]

    private struct State: Sendable {
        var objects: [ObjectKey: StoredObject<Object>] = [:]
        /// Index name, then value, then keys; a value without keys is not kept.
        var indexes: [String: [String: Set<ObjectKey>]] = [:]
        var resourceVersion = ""
        var waiters: [VersionWaiter] = []
    }

    /// A reader that waits until the store has reached a version.
    private struct VersionWaiter: Sendable {
        let resourceVersion: String
        let promise: Promise<Void>
    }

    private let indexFunctions: [String: IndexFunction]
    private let state = Mutex(State())

    /// Makes an empty store.
    ///
    /// - Parameter indexes: Functions that are called whenever an object is stored or removed; they must be pure.
    public init(indexes: [String: IndexFunction] = [:]) {
        indexFunctions = indexes
    }

    /// The object with this key; nil when there is none or it cannot be decoded.
    public func get(_ key: ObjectKey) -> Object? {
        state.withLock { $0.objects[key]?.object }
    }

    /// Why the object with this key cannot be decoded; nil when it can, or when there is none.
    public func failure(_ key: ObjectKey) -> UndecodableObject? {
        state.withLock { $0.objects[key]?.failure }
    }

    /// All objects, in no particular order; of one namespace when that is given.
    public func list(namespace: String? = nil) -> [Object] {
        state.withLock { state in
            state.objects.values.compactMap { stored in
                namespace == nil || stored.key.namespace == namespace ? stored.object : nil
            }
        }
    }

    /// The objects that an index lists under `value`, in no particular order; none when there is no such index.
    public func byIndex(_ name: String, _ value: String) -> [Object] {
        state.withLock { state in
            (state.indexes[name]?[value] ?? []).compactMap { state.objects[$0]?.object }
        }
    }

    /// The keys of ``byIndex(_:_:)``.
    public func keys(byIndex name: String, _ value: String) -> Set<ObjectKey> {
        state.withLock { $0.indexes[name]?[value] ?? [] }
    }

    /// The values under which an index lists anything.
    public func values(ofIndex name: String) -> Set<String> {
        state.withLock { Set($0.indexes[name, default: [:]].keys) }
    }

    /// The keys of all objects, those that cannot be decoded included.
    public var keys: Set<ObjectKey> { state.withLock { Set($0.objects.keys) } }

    /// The number of objects, those that cannot be decoded included.
    public var count: Int { state.withLock { $0.objects.count } }

    /// The objects that the server has and that cannot be decoded.
    public var undecodable: [UndecodableObject] {
        state.withLock { $0.objects.values.compactMap(\.failure) }
    }

    /// The version up to which the store has seen all changes; empty before the first list.
    public var resourceVersion: String { state.withLock { $0.resourceVersion } }

    /// Whether the store has seen all changes up to a version, such as that of an own write.
    ///
    /// False as well when the two cannot be compared (KEP-5504): the caller then reads live.
    public func isAtLeast(_ resourceVersion: String) -> Bool {
        state.withLock { Self.reaches($0.resourceVersion, resourceVersion) }
    }

    /// Waits until the store has seen all changes up to a version; the way to read an own write.
    ///
    /// - Returns: whether it has; false when `deadline` came first.
    /// - Throws: `CancellationError` when the task is cancelled.
    public func waitFor(
        resourceVersion: String,
        until deadline: MonotonicInstant,
        _ timeSource: any TimeSource
    ) async throws -> Bool {
        let promise = Promise<Void>()
        let isReached = state.withLock { state in
            if Self.reaches(state.resourceVersion, resourceVersion) { return true }
            state.waiters.append(VersionWaiter(resourceVersion: resourceVersion, promise: promise))
            return false
        }
        if isReached { return true }
        do {
            try await withDeadline(deadline, timeSource) { try await promise.value() }
            return true
        } catch {
            state.withLock { state in state.waiters.removeAll { $0.promise === promise } }
            guard error is DeadlineExceeded else { throw error }
            return isAtLeast(resourceVersion)
        }
    }

    private static func reaches(_ seen: String, _ wanted: String) -> Bool {
        guard let order = ResourceVersion.compare(seen, wanted) else { return false }
        return order != .older
    }
}

extension Store {
    /// What is stored for a key, undecodable objects included.
    func stored(_ key: ObjectKey) -> StoredObject<Object>? {
        state.withLock { $0.objects[key] }
    }

    /// Everything that is stored, in no particular order.
    var allStored: [StoredObject<Object>] { state.withLock { Array($0.objects.values) } }

    /// Stores an object and advances the version; returns what was there before.
    @discardableResult
    func set(_ new: StoredObject<Object>) -> StoredObject<Object>? {
        update(to: new.resourceVersion) { state in
            let old = state.objects.updateValue(new, forKey: new.key)
            if let old { unindex(old, in: &state.indexes) }
            index(new, in: &state.indexes)
            return old
        }
    }

    /// Removes an object and advances the version to that of the deletion; returns what was there before.
    @discardableResult
    func remove(_ key: ObjectKey, resourceVersion: String) -> StoredObject<Object>? {
        update(to: resourceVersion) { state in
            let old = state.objects.removeValue(forKey: key)
            if let old { unindex(old, in: &state.indexes) }
            return old
        }
    }

    /// Swaps everything at once; returns what was there before.
    func replace(
        with objects: [ObjectKey: StoredObject<Object>],
        resourceVersion: String
    ) -> [ObjectKey: StoredObject<Object>] {
        // Built outside the lock: readers must not wait while a large list is indexed.
        let indexes = index(objects.values)
        return update(to: resourceVersion, isReplacement: true) { state in
            let old = state.objects
            state.objects = objects
            state.indexes = indexes
            return old
        }
    }

    /// Advances the version without a change, as a bookmark does.
    func advance(to resourceVersion: String) {
        update(to: resourceVersion) { _ in }
    }

    /// Changes the state and lets those go whose version is reached.
    ///
    /// The version never goes back with single objects; only a new list may be older (after a restore of etcd).
    private func update<Outcome: Sendable>(
        to resourceVersion: String,
        isReplacement: Bool = false,
        _ change: @Sendable (inout State) -> Outcome
    ) -> Outcome {
        let (outcome, reached) = state.withLock { state in
            let outcome = change(&state)
            let isOlder = ResourceVersion.compare(resourceVersion, state.resourceVersion) == .older
            if isReplacement || !isOlder { state.resourceVersion = resourceVersion }
            let seen = state.resourceVersion
            let reached = state.waiters.filter { Self.reaches(seen, $0.resourceVersion) }
            if !reached.isEmpty { state.waiters.removeAll { Self.reaches(seen, $0.resourceVersion) } }
            return (outcome, reached)
        }
        for waiter in reached { waiter.promise.fulfil() }
        return outcome
    }

    private func index(
        _ objects: some Sequence<StoredObject<Object>>
    ) -> [String: [String: Set<ObjectKey>]] {
        var indexes: [String: [String: Set<ObjectKey>]] = [:]
        for object in objects { index(object, in: &indexes) }
        return indexes
    }

    private func index(_ stored: StoredObject<Object>, in indexes: inout [String: [String: Set<ObjectKey>]]) {
        guard let object = stored.object else { return }
        for (name, values) in indexFunctions {
            for value in values(object) {
                indexes[name, default: [:]][value, default: []].insert(stored.key)
            }
        }
    }

    /// Removes the keys of an object; sets that become empty go too, or values that never return would pile up
    /// (k/k#84959).
    private func unindex(_ stored: StoredObject<Object>, in indexes: inout [String: [String: Set<ObjectKey>]]) {
        guard let object = stored.object else { return }
        for (name, values) in indexFunctions {
            for value in values(object) {
                indexes[name]?[value]?.remove(stored.key)
                if indexes[name]?[value]?.isEmpty == true { indexes[name]?[value] = nil }
            }
        }
    }
}
