import HTTPTransport
public import JSON
public import KubernetesClient
public import KubernetesCore
import Synchronization
public import Timekeeping

/// A Kubernetes API server in memory, for tests: what it does depends on the requests, the time source and the faults
/// that a test asks for, and on nothing else.
///
/// ```swift
/// let server = FakeAPIServer(timeSource: time)
/// let client = server.client(identity: "controller-1")
/// server.put(["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "namespace": "default"]], .configMaps)
/// server.inject(.loseReply, where: { $0.verb == .patch })
/// ```
///
/// It serves any resource path: create, get, list (paged, with selectors and versions), watch (replay, 410 after
/// ``compact()``, bookmarks on demand), update, patch (merge, JSON, simple apply), the status subresource, delete with
/// preconditions and finalizers. Uids, versions and generations are given as a real server does, with one counter of
/// versions for all kinds. It knows no schemas, no defaults, no admission, no garbage collection and no controllers.
public final class FakeAPIServer: Sendable {
    /// Runs before the server does a request: may throw, wait, or answer in its place.
    public typealias Before = @Sendable (FakeRequest) async throws -> FakeReply?
    /// Runs after the server has done a request: may throw, wait, or change the answer (of a watch: no body).
    public typealias After = @Sendable (FakeRequest, FakeReply) async throws -> FakeReply

    struct ScriptedFault: Sendable {
        let fault: FakeFault
        var remaining: Int
        let applies: @Sendable (FakeRequest) -> Bool
    }

    struct State: Sendable {
        var database = FakeState()
        var watchers: [FakeWatcher] = []
        var log: [FakeLogEntry] = []
        var faults: [ScriptedFault] = []
        var before: [Before] = []
        var after: [After] = []
        var isDown = false
        /// Watches see nothing newer than this version.
        var frozenAt: Int?
        var honoursWatchTimeouts = false
        var maxChunkBytes = Int.max
        var allowsAccess: @Sendable (JSONValue) -> Bool = { _ in true }

        /// What watches may see.
        var visibleVersion: Int { frozenAt ?? database.version }
    }

    let timeSource: any TimeSource
    let state: Mutex<State>

    /// Makes an empty server that knows the built-in kinds and `resources` by name.
    ///
    /// Its uids are not those of another server that tells its time by the same `ManualTimeSource`.
    public init(timeSource: any TimeSource, resources: [APIResource] = []) {
        self.timeSource = timeSource
        var state = State()
        state.database.uidSpace = (timeSource as? ManualTimeSource)?.nextServer() ?? 0
        state.database.resources =
            [
                .pods, .nodes, .namespaces, .secrets, .configMaps, .serviceAccounts, .services, .events, .eventsV1,
                .leases, .deployments, .replicaSets, .statefulSets, .daemonSets, .jobs, .customResourceDefinitions,
                .selfSubjectAccessReviews,
            ] + resources
        self.state = Mutex(state)
    }

    /// A connection for a client; the log shows `identity` with its requests.
    public func transport(identity: String = "client") -> FakeTransport {
        FakeTransport(server: self, identity: identity)
    }

    /// A client of this server; the log shows `identity` with its requests.
    public func client(identity: String = "client") -> KubernetesClient {
        KubernetesClient(
            configuration: ClientConfiguration(server: "https://fake.example:6443"),
            transport: transport(identity: identity),
            timeSource: timeSource,
            userAgent: identity
        )
    }
}

// What a test looks at and changes behind the clients' backs.
extension FakeAPIServer {
    /// Every request so far, in the order of arrival.
    public var log: [FakeLogEntry] { state.withLock { $0.log } }

    /// The requests so far that meet a condition.
    public func requests(where condition: (FakeRequest) -> Bool = { _ in true }) -> [FakeRequest] {
        log.map(\.request).filter(condition)
    }

    /// The version of the last write.
    public var resourceVersion: String { state.withLock { String($0.database.version) } }

    /// The number of open watches.
    public var watchCount: Int { state.withLock { $0.watchers.count } }

    /// The present state of an object.
    public func object(_ resource: APIResource, _ key: ObjectKey) -> Unstructured? {
        state.withLock { $0.database.objects[FakeCollection(resource)]?[key].map(Unstructured.init) }
    }

    /// The present objects of a kind, sorted by key.
    public func objects(_ resource: APIResource) -> [Unstructured] {
        state.withLock { state in
            state.database.list(FakeCollection(resource), FakeSelector(namespace: nil, query: [:])).map(
                Unstructured.init
            )
        }
    }

    /// Every state that any object of a kind has ever had, oldest first; deletions are nil.
    public func history(_ resource: APIResource) -> [(key: ObjectKey, object: Unstructured?)] {
        state.withLock { state in
            state.database.history.filter { $0.collection == FakeCollection(resource) }
                .map { ($0.key, $0.new.map(Unstructured.init)) }
        }
    }

    /// Creates an object, or replaces it as a whole, status included; nothing is checked.
    @discardableResult
    public func put(_ content: JSONValue, _ resource: APIResource) -> Unstructured {
        let key = Unstructured(content).key
        let collection = FakeCollection(resource)
        let now = timeSource.wallTime()
        let stored = change { database in
            guard let old = database.objects[collection]?[key] else {
                return database.insert(content, key, collection, nil, now: now)
            }
            var new = content
            for field in ["uid", "creationTimestamp"] {
                new.set(old["metadata"]?[field], at: ["metadata", field])
            }
            let generation = (old["metadata"]?["generation"]?.intValue ?? 0) + 1
            new.set(.number(generation), at: ["metadata", "generation"])
            return database.commit(collection, key, new)
        }
        return Unstructured(stored)
    }

    /// Changes an object; nothing happens when there is none.
    public func edit(_ resource: APIResource, _ key: ObjectKey, _ body: @Sendable (inout JSONValue) -> Void) {
        change { database in
            guard var object = database.objects[FakeCollection(resource)]?[key] else { return }
            body(&object)
            _ = database.commit(FakeCollection(resource), key, object)
        }
    }

    /// Removes an object at once, whatever its finalizers.
    public func remove(_ resource: APIResource, _ key: ObjectKey) {
        change { database in
            guard database.objects[FakeCollection(resource)]?[key] != nil else { return }
            _ = database.commit(FakeCollection(resource), key, nil)
        }
    }

    /// Forgets the history: watches from older versions and pages of older lists get 410.
    public func compact() {
        state.withLock { state in
            state.database.compactedVersion = state.database.version
            state.database.snapshots = [:]
        }
    }

    /// Takes back all writes after a version, as a restore of etcd does; open watches break.
    public func restore(to version: Int) {
        let (watchers, visible) = state.withLock { state in
            let visible = state.visibleVersion
            for change in state.database.history.reversed() where change.version > version {
                state.database.objects[change.collection, default: [:]][change.key] = change.old
            }
            state.database.history.removeAll { $0.version > version }
            state.database.version = min(version, state.database.version)
            return (state.watchers, min(visible, version))
        }
        for watcher in watchers { watcher.finish(.broken(FakeFault.lost), after: visible) }
    }

    /// Changes the database and tells the watches.
    @discardableResult
    func change<Outcome: Sendable>(_ body: @Sendable (inout FakeState) -> Outcome) -> Outcome {
        let (outcome, watchers) = state.withLock { state in (body(&state.database), state.watchers) }
        for watcher in watchers { watcher.wakeUp() }
        return outcome
    }
}
