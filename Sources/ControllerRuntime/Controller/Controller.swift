import KubernetesClient
public import KubernetesCore
import Telemetry
public import Timekeeping

/// Settings of a ``Controller``.
public struct ControllerConfiguration: Sendable {
    /// A cache that must be full before the first reconcile.
    public struct Cache: Sendable {
        /// The kind, for the error that names caches that do not fill.
        public let kind: String
        /// Opens when the cache, or a handler on it, has its initial objects.
        public let hasSynced: Latch
        /// How long to wait for a cache that the controller can do without, as the right to read it may be missing; nil when
        /// it cannot.
        public let patience: Duration?

        /// Names a latch to wait for.
        public init(kind: String, hasSynced: Latch, patience: Duration? = nil) {
            self.kind = kind
            self.hasSynced = hasSynced
            self.patience = patience
        }
    }

    /// How many keys are reconciled at the same time; at least 1.
    public var maxConcurrent = 1
    /// What must be synced before the workers start.
    public var caches: [Cache] = []
    /// How long to wait for the caches.
    public var cacheSyncTimeout: Duration = .seconds(120)
    /// The longest time for one reconcile, after which its task is cancelled and it counts as failed; nil for no limit.
    public var reconcileTimeout: Duration?
    /// How errors are handled; the default asks ``KubernetesCore/APIError`` and `ClientError`, and retries all others.
    public var disposition: @Sendable (any Error) -> Disposition = defaultDisposition

    /// Makes the default settings.
    public init() {}

    /// The disposition that an error itself carries; `terminal` for ``TerminalError``, `retry` for unknown ones.
    public static let defaultDisposition: @Sendable (any Error) -> Disposition = { error in
        switch error {
        case is TerminalError: .terminal
        case let error as ClientError: error.disposition
        case let error as APIError: error.disposition
        default: .retry
        }
    }
}

/// The loop that takes keys from a queue and makes the world match them.
///
///     let controller = Controller(name: "recovery", queue: queue, context: context) { key in
///         guard let recovery = informer.store.get(key) else { return .done }
///         try await repair(recovery)
///         return .done
///     }
///     try await controller.run()
///
/// What happens after a reconcile: an error puts the key back with the rate limiter's delay (at least the one that the
/// server asked for), except a terminal one, which is only logged and counted; a requeue keeps the key's priority.
public final class Controller<Key: Hashable & Sendable>: Sendable {
    /// Makes the world match what the key names; called for one key by at most one worker at a time.
    public typealias Reconcile = @Sendable (Key) async throws -> ReconcileResult

    /// The name in logs and metrics; unique in the process.
    public let name: String

    private let queue: WorkQueue<Key>
    private let configuration: ControllerConfiguration
    private let timeSource: any TimeSource
    private let logger: Logger
    private let metrics: ControllerMetrics?
    private let reconcile: Reconcile

    /// Makes a controller that does nothing until ``run()``.
    ///
    /// - Parameters:
    ///   - name: The name in logs and metrics.
    ///   - queue: Where the keys come from; event handlers fill it, the controller shuts it down at its end.
    ///   - configuration: Workers, caches, timeouts.
    ///   - context: The time source, the log and the metrics.
    ///   - reconcile: What to do with a key.
    public init(
        name: String,
        queue: WorkQueue<Key>,
        configuration: ControllerConfiguration = ControllerConfiguration(),
        context: RuntimeContext,
        reconcile: @escaping Reconcile
    ) {
        self.name = name
        self.queue = queue
        self.configuration = configuration
        self.timeSource = context.timeSource
        self.logger = context.logger.with(["controller": name])
        self.metrics = context.metrics.map {
            ControllerMetrics(controller: name, maxConcurrent: max(1, configuration.maxConcurrent), registry: $0)
        }
        self.reconcile = reconcile
    }

    /// Waits for the caches, then works until ``stop()`` or cancellation.
    ///
    /// - Throws: ``ControllerError`` when the caches do not fill in time; `CancellationError` when cancelled, after the
    ///   running reconciles have returned.
    public func run() async throws {
        defer { queue.shutDown(keepsBacklog: false) }
        try await waitForCaches()
        logger.info("starting workers", ["workers": String(max(1, configuration.maxConcurrent))])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<max(1, configuration.maxConcurrent) {
                group.addTask { try await self.work() }
            }
            try await group.waitForAll()
        }
        logger.info("all workers finished")
    }

    /// Lets the workers finish the keys they have; ``run()`` then returns.
    public func stop() {
        queue.shutDown(keepsBacklog: false)
    }

    private func waitForCaches() async throws {
        let start = timeSource.now()
        let caches = configuration.caches.filter { $0.patience == nil }
        do {
            try await withDeadline(start.advanced(by: configuration.cacheSyncTimeout), timeSource) {
                for cache in caches { try await cache.hasSynced.wait() }
            }
        } catch is DeadlineExceeded {
            let missing = Set(caches.filter { !$0.hasSynced.isOpen }.map(\.kind)).sorted()
            // Everything may have arrived together with the deadline.
            guard missing.isEmpty else {
                throw ControllerError.cachesNotSynced(
                    controller: name,
                    kinds: missing,
                    timeout: configuration.cacheSyncTimeout
                )
            }
        }
        for cache in configuration.caches { try await waitPatiently(for: cache, since: start) }
    }

    private func waitPatiently(for cache: ControllerConfiguration.Cache, since start: MonotonicInstant) async throws {
        guard let patience = cache.patience else { return }
        do {
            try await withDeadline(start.advanced(by: patience), timeSource) { try await cache.hasSynced.wait() }
        } catch is DeadlineExceeded {
            guard !cache.hasSynced.isOpen else { return }
            logger.warning("works without a cache that does not fill", ["kind": cache.kind])
        }
    }

    private func work() async throws {
        while let (key, priority) = try await queue.next() {
            await process(key, priority: priority)
            queue.done(key)
        }
    }

    private func process(_ key: Key, priority: Int) async {
        let start = timeSource.now()
        metrics?.activeWorkers.add(1)
        defer {
            metrics?.activeWorkers.add(-1)
            metrics?.time.observe(start.duration(to: timeSource.now()).inSeconds)
        }
        do {
            finish(key, priority: priority, with: try await reconcileWithinLimit(key, start: start))
        } catch {
            fail(key, priority: priority, with: error)
        }
    }

    private func reconcileWithinLimit(_ key: Key, start: MonotonicInstant) async throws -> ReconcileResult {
        guard let limit = configuration.reconcileTimeout else { return try await reconcile(key) }
        return try await withDeadline(start.advanced(by: limit), timeSource) {
            try await self.reconcile(key)
        }
    }

    private func finish(_ key: Key, priority: Int, with result: ReconcileResult) {
        switch result {
        case .done:
            metrics?.success.increment()
            queue.forget(key)
        case .requeue:
            metrics?.requeue.increment()
            queue.addRateLimited(key, priority: priority)
        case .requeueAfter(let delay):
            metrics?.requeueAfter.increment()
            queue.forget(key)
            queue.add(key, priority: priority, after: delay)
        }
    }

    private func fail(_ key: Key, priority: Int, with error: any Error) {
        // The controller itself is being cancelled: nothing was decided about the key, and nothing failed.
        if Task.isCancelled { return }
        metrics?.failure.increment()
        metrics?.errors.increment()
        if error is DeadlineExceeded { metrics?.timeouts.increment() }
        switch configuration.disposition(error) {
        case .terminal:
            metrics?.terminalErrors.increment()
            queue.forget(key)
            logger.error("reconcile failed for good", ["key": "\(key)", "error": "\(error)"])
        case .retryAfter(let delay):
            queue.addRateLimited(key, priority: priority, atLeast: delay)
            logger.warning("reconcile failed", ["key": "\(key)", "error": "\(error)", "retryAfter": "\(delay)"])
        case .retry, .conflict, .gone:
            queue.addRateLimited(key, priority: priority)
            logger.warning("reconcile failed", ["key": "\(key)", "error": "\(error)"])
        }
    }
}
