public import KubernetesClient
public import KubernetesCore
import Synchronization
import Telemetry
public import Timekeeping

/// A cache of one kind that keeps itself up to date, and tells handlers what changes.
///
///     let pods = Informer<Unstructured>(client: client, resource: .pods, context: context)
///     pods.addHandler { event in
///         if case .deleted(let pod) = event { print("gone: \(pod.key)") }
///     }
///     try await pods.run()
///
/// Handlers see the changes of one object in order, after the store has them; there is no order between objects, and
/// states in between may be missing. Each handler works in a task of its own, so a slow one delays only itself.
public final class Informer<Object: Sendable>: Sendable {
    /// Takes one event; the next one comes when it returns.
    public typealias Handler = @Sendable (InformerEvent<Object>) async -> Void

    private struct State: Sendable {
        /// In the order of registration, which keeps seeded runs repeatable.
        var listeners: [Listener<Object>] = []
        /// Listeners without a running task.
        var unstarted: [Listener<Object>] = []
        var hasListed = false
        var disconnectedSince: MonotonicInstant?
    }

    /// The kind.
    public let resource: APIResource
    /// What the informer knows.
    public let store: Store<Object>
    /// Opens when the store holds the first list; handlers may still be working through it.
    public let hasSynced = Latch()

    private let client: KubernetesClient
    private let source: InformerSource<Object>
    private let configuration: InformerConfiguration
    private let context: RuntimeContext
    private let logger: Logger
    /// Held while a change goes into the store and the backlogs, so that a new handler misses nothing and gets nothing twice.
    private let state = Mutex(State())
    private let newListeners = Signal()

    /// Makes an informer that does nothing until ``run()``.
    ///
    /// - Parameters:
    ///   - client: How the server is reached.
    ///   - source: What to watch and how to read it.
    ///   - indexes: The indexes of the store.
    ///   - configuration: Page size, resync and the like.
    ///   - context: The time source, the log and the metrics.
    public init(
        client: KubernetesClient,
        source: InformerSource<Object>,
        indexes: [String: Store<Object>.IndexFunction] = [:],
        configuration: InformerConfiguration = InformerConfiguration(),
        context: RuntimeContext
    ) {
        self.client = client
        self.source = source
        self.configuration = configuration
        self.context = context
        resource = source.resource
        store = Store(indexes: indexes)
        let now = context.timeSource.now()
        state.withLock { $0.disconnectedSince = now }
        logger = context.logger.with(["resource": "\(source.resource)"])
        guard let registry = context.metrics else { return }
        let metrics = InformerMetrics(resource: source.resource, registry: registry)
        registry.onCollect { [weak self] in
            guard let self else { return }
            let listeners = state.withLock { $0.listeners }
            metrics.publish(
                queued: listeners.reduce(0) { $0 + $1.backlogCount },
                resourceVersion: store.resourceVersion
            )
        }
    }

    /// Since when lists and watches fail, so that the store may be behind the server; nil while a watch is open.
    ///
    /// Before the first watch it is the time at which the informer was made. A connection that died without a sign
    /// counts as open until the reflector gives it up.
    public var disconnectedSince: MonotonicInstant? { state.withLock { $0.disconnectedSince } }

    /// Tells `handler` about all objects, first those that are there already.
    ///
    /// - Parameters:
    ///   - receivesResyncs: Whether it is told again about everything at each resync.
    ///   - handler: Called for one event at a time.
    /// - Returns: The handler's place, with its own `hasSynced`.
    @discardableResult
    public func addHandler(receivesResyncs: Bool = true, _ handler: @escaping Handler) -> HandlerRegistration {
        register(receivesResyncs: receivesResyncs) { await handler($0.event) }
    }

    /// Adds the keys of all objects that change to a queue.
    ///
    /// - Parameters:
    ///   - queue: Where the keys go.
    ///   - priority: The priority of real changes; the initial list and resyncs get ``routinePriority``.
    /// - Returns: The handler's place, with its own `hasSynced`.
    @discardableResult
    public func enqueue(into queue: WorkQueue<ObjectKey>, priority: Int = 0) -> HandlerRegistration {
        enqueue(into: queue, priority: priority) { key, _ in [key] }
    }

    /// Adds other keys to a queue when objects change, such as those of their owners.
    ///
    /// - Parameters:
    ///   - queue: Where the keys go.
    ///   - priority: The priority of real changes; the initial list and resyncs get ``routinePriority``.
    ///   - keys: The keys for an event; look at the old object too, or the key that it belonged to before is forgotten.
    /// - Returns: The handler's place, with its own `hasSynced`.
    @discardableResult
    public func enqueue<Key>(
        into queue: WorkQueue<Key>,
        priority: Int = 0,
        keys: @escaping @Sendable (ObjectKey, InformerEvent<Object>) -> [Key]
    ) -> HandlerRegistration {
        register(receivesResyncs: true) { notification in
            for key in keys(notification.key, notification.event) {
                queue.add(key, priority: notification.isRoutine ? routinePriority : priority)
            }
        }
    }

    /// Lists and watches, and runs the handlers, until cancelled.
    ///
    /// - Throws: `CancellationError`; failures of the server are logged and tried again.
    public func run() async throws {
        let reflector = Reflector(
            client: client,
            source: source,
            configuration: configuration,
            context: context,
            onConnection: setConnected
        ) {
            self.apply($0)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await reflector.run() }
            group.addTask { try await self.runListeners() }
            if let interval = configuration.resyncInterval {
                group.addTask { try await self.resync(every: max(interval, .seconds(1))) }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

/// The priority of keys to which nothing happened just now: the initial list and resyncs, as in controller-runtime.
public let routinePriority = -100

/// A handler's place at its informer.
public struct HandlerRegistration: Sendable {
    /// Opens when the handler has been told about everything that was there when it started to listen.
    public let hasSynced: Latch

    private let onRemove: @Sendable () -> Void

    init(hasSynced: Latch, onRemove: @escaping @Sendable () -> Void) {
        self.hasSynced = hasSynced
        self.onRemove = onRemove
    }

    /// Ends the notifications; the one that is being handled ends normally.
    public func remove() {
        onRemove()
    }
}

extension Informer {
    private func register(
        receivesResyncs: Bool,
        _ handler: @escaping Listener<Object>.Handler
    ) -> HandlerRegistration {
        let listener = Listener(receivesResyncs: receivesResyncs, logger: logger, handler: handler)
        state.withLock { state in
            // The store does not change meanwhile: all that is in it now is told here, all that comes later by `apply`.
            if state.hasListed {
                listener.push(initialNotifications(), endsInitialList: true)
            }
            state.listeners.append(listener)
            state.unstarted.append(listener)
        }
        newListeners.send()
        return HandlerRegistration(hasSynced: listener.hasSynced) { [weak self] in
            self?.state.withLock { state in
                state.listeners.removeAll { $0 === listener }
                state.unstarted.removeAll { $0 === listener }
            }
            listener.remove()
        }
    }

    private func initialNotifications() -> [CacheNotification<Object>] {
        store.allStored.sorted { $0.key < $1.key }.map { stored in
            let event: InformerEvent<Object> =
                switch stored.content {
                case .success(let object): .added(object, isInInitialList: true)
                case .failure(let failure): .undecodable(failure, last: nil)
                }
            return CacheNotification(key: stored.key, event: event, isRoutine: true)
        }
    }

    /// Puts a change into the store, then into the backlog of each handler.
    private func apply(_ change: CacheChange<Object>) {
        let (listeners, isFirstList) = state.withLock { state in
            let isFirstList = if case .replaced = change { !state.hasListed } else { false }
            let notifications = store.apply(change, isInitial: isFirstList)
            if isFirstList { state.hasListed = true }
            guard isFirstList || !notifications.isEmpty else { return ([Listener<Object>](), false) }
            for listener in state.listeners { listener.push(notifications, endsInitialList: isFirstList) }
            return (state.listeners, isFirstList)
        }
        for listener in listeners { listener.wakeUp() }
        if isFirstList { hasSynced.open() }
    }

    private func setConnected(_ isConnected: Bool) {
        let now = context.timeSource.now()
        state.withLock { state in
            state.disconnectedSince = isConnected ? nil : state.disconnectedSince ?? now
        }
    }

    /// Runs each listener, also those that come later, in a task of its own.
    private func runListeners() async throws {
        state.withLock { $0.unstarted = $0.listeners }
        try await newListeners.runEach(of: { state.withLock { $0.unstarted.takeAll() } }, run: { try await $0.run() })
    }

    private func resync(every interval: Duration) async throws {
        while true {
            try await context.timeSource.sleep(for: interval)
            let listeners = state.withLock { state in
                let listeners = state.listeners.filter(\.receivesResyncs)
                guard state.hasListed, !listeners.isEmpty else { return [Listener<Object>]() }
                let notifications = store.allStored.sorted { $0.key < $1.key }.compactMap { stored in
                    stored.object.map {
                        CacheNotification(key: stored.key, event: .updated(old: $0, new: $0), isRoutine: true)
                    }
                }
                for listener in listeners { listener.push(notifications) }
                return listeners
            }
            for listener in listeners { listener.wakeUp() }
        }
    }
}

extension Informer where Object == Unstructured {
    /// Makes an informer of objects without a Swift type.
    public convenience init(
        client: KubernetesClient,
        resource: APIResource,
        scope: WatchScope = WatchScope(),
        indexes: [String: Store<Unstructured>.IndexFunction] = [:],
        configuration: InformerConfiguration = InformerConfiguration(),
        context: RuntimeContext
    ) {
        self.init(
            client: client,
            source: InformerSource(resource: resource, scope: scope, decoder: .unstructured()),
            indexes: indexes,
            configuration: configuration,
            context: context
        )
    }
}

extension Informer where Object: KubernetesObject {
    /// Makes an informer of objects with a Swift type.
    public convenience init(
        client: KubernetesClient,
        scope: WatchScope = WatchScope(),
        indexes: [String: Store<Object>.IndexFunction] = [:],
        configuration: InformerConfiguration = InformerConfiguration(),
        context: RuntimeContext
    ) {
        self.init(
            client: client,
            source: InformerSource(resource: Object.resource, scope: scope, decoder: .typed()),
            indexes: indexes,
            configuration: configuration,
            context: context
        )
    }
}
