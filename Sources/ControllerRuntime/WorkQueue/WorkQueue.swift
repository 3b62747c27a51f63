public import Synchronization
public import Telemetry
public import Timekeeping

/// The keys that need work: each once, in order of priority, none handed to two workers at the same time.
///
///     let queue = WorkQueue<ObjectKey>(name: "recovery", timeSource: time)
///     queue.add(key)
///     while let (key, priority) = try await queue.next() {
///         do {
///             try await reconcile(key)
///             queue.forget(key)
///         } catch {
///             queue.addRateLimited(key, priority: priority)
///         }
///         queue.done(key)
///     }
///
/// - A key that is added several times before it is handed out is handed out once, with the highest of the priorities
///   and the earliest of the times. A key that is added while a worker has it is handed out again after `done`.
/// - Higher priorities go first, equal ones in the order of adding. Each eighth item is the oldest ready key whatever its
///   priority, so that a steady stream of urgent keys starves nothing.
/// - All calls are safe from any task or thread. Adding and taking cost O(log n).
/// - There is no task and no timer inside: workers that wait in ``next()`` wait for the next delayed key themselves.
public final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    @usableFromInline
    struct State: Sendable {
        @usableFromInline var keys = WorkQueueState<Key>()
        @usableFromInline var workers = WorkerParking()
        @usableFromInline var limiter: any RateLimiter<Key>
        @usableFromInline var retries = 0
        /// The inbox's array while it is sorted in; kept for its memory.
        @usableFromInline var incoming: [WorkQueueInbox<Key>.Add] = []
        /// What the inbox was last told about idle workers.
        @usableFromInline var announcesIdleWorkers = false
        /// Set while ``shutDownWithDrain()`` waits.
        @usableFromInline var drained: Latch?

        @usableFromInline
        init(limiter: any RateLimiter<Key>) {
            self.limiter = limiter
        }
    }

    /// The name of the queue in metrics.
    public let name: String

    @usableFromInline let timeSource: any TimeSource
    @usableFromInline let metrics: WorkQueueMetrics?
    @usableFromInline let state: Mutex<State>
    /// Where new keys come in until somebody who holds `state` sorts them in.
    ///
    /// Locked inside `state`, never around it.
    @usableFromInline let inbox = Mutex(WorkQueueInbox<Key>())
    /// The number of keys in the inbox.
    @usableFromInline let inboxCount = Atomic(0)
    /// Whether the rate limiter was ever asked.
    @usableFromInline let hasLimited = Atomic(false)

    /// Makes an empty queue.
    ///
    /// - Parameters:
    ///   - name: The value of the labels `name` and `controller` of all metrics; unique in the process.
    ///   - rateLimiter: What ``addRateLimited(_:priority:)`` waits; nil means ``ExponentialLimiter`` (5 ms to 1000 s per key).
    ///   - timeSource: Where the time comes from.
    ///   - metrics: Where the `workqueue_*` metrics go; nil for none.
    public init(
        name: String,
        rateLimiter: (any RateLimiter<Key>)? = nil,
        timeSource: any TimeSource,
        metrics: MetricsRegistry? = nil
    ) {
        self.name = name
        self.timeSource = timeSource
        self.metrics = metrics.map { WorkQueueMetrics(name: name, registry: $0) }
        state = Mutex(State(limiter: rateLimiter ?? ExponentialLimiter<Key>()))
        metrics?.onCollect { [weak self] in self?.collectMetrics() }
    }

    /// The number of keys that are ready to be handed out.
    public var depth: Int { change { $0.keys.slots.depth } }

    /// The number of keys that wait for their time.
    public var waitingCount: Int { change { $0.keys.slots.waitingCount } }

    /// The number of keys that were handed out and are not done.
    public var processingCount: Int { change { $0.keys.slots.processingCount } }

    /// Whether the queue was shut down.
    public var isShuttingDown: Bool { state.withLock { $0.keys.isShuttingDown } }

    /// Adds a key; does nothing after shut-down.
    ///
    /// - Parameters:
    ///   - key: What needs work.
    ///   - priority: Higher is served earlier.
    ///   - delay: How long the key waits before it is ready; at most half a year, longer ones are cut.
    @inlinable
    public func add(_ key: Key, priority: Int = 0, after delay: Duration = .zero) {
        let now = delay > .zero ? timeSource.now() : stamp()
        let mustSort = inbox.withLock { inbox in
            inbox.adds.append(WorkQueueInbox.Add(key: key, priority: priority, delay: delay, now: now))
            inboxCount.store(inbox.adds.count, ordering: .releasing)
            return inbox.hasIdleWorkers || inbox.adds.count >= WorkQueueInbox<Key>.limit
        }
        if mustSort { change { _ in } }
    }

    /// Adds a key that failed, after the time that the rate limiter decides, but no earlier than after `minimum`.
    @inlinable
    public func addRateLimited(_ key: Key, priority: Int = 0, atLeast minimum: Duration = .zero) {
        let now = timeSource.now()
        hasLimited.store(true, ordering: .releasing)
        change { state in
            guard !state.keys.isShuttingDown else { return }
            state.retries += 1
            let delay = max(minimum, state.limiter.delay(for: key, now: now))
            state.keys.add(key, priority: priority, delay: delay, now: now)
        }
    }

    /// Tells the rate limiter that a key is well again; its next failure waits the shortest time.
    @inlinable
    public func forget(_ key: Key) {
        // The common case, nothing ever failed, needs no lock.
        guard hasLimited.load(ordering: .acquiring) else { return }
        state.withLock { $0.limiter.forget(key) }
    }

    /// How often a key failed since it was last forgotten.
    @inlinable
    public func failures(of key: Key) -> Int {
        state.withLock { $0.limiter.failures(of: key) }
    }

    /// Waits for the next key, which belongs to the caller until ``done(_:)``.
    ///
    /// - Returns: nil when the queue was shut down and nothing is ready.
    /// - Throws: `CancellationError` when the task is cancelled; no key is taken then.
    @inlinable
    public func next() async throws -> (key: Key, priority: Int)? {
        var wasWoken = false
        while true {
            switch step(wasWoken: wasWoken) {
            case .item(let item):
                metrics?.queueDuration.observe(item.queued.inSeconds)
                return (item.key, item.priority)
            case .shutDown:
                return nil
            case .cancelled:
                throw CancellationError()
            case .park(let waiter, let deadline):
                wasWoken = await park(waiter, until: deadline)
            }
        }
    }

    /// Gives a key back; it is handed out again at once if it was added meanwhile.
    ///
    /// Nothing happens when the key is not being processed.
    @inlinable
    public func done(_ key: Key) {
        let now = stamp()
        let (elapsed, drained) = change { state in
            let elapsed = state.keys.done(key, now: now)
            return (elapsed, state.keys.isDrained ? state.drained : nil)
        }
        drained?.open()
        if let elapsed { metrics?.workDuration.observe(elapsed.inSeconds) }
    }

    /// Refuses further adds and drops delayed keys; workers get what is ready and then nil.
    ///
    /// Ends a ``shutDownWithDrain()`` that is still waiting.
    ///
    /// - Parameter keepsBacklog: `false` drops the ready keys too, so that workers end after the key they have.
    @inlinable
    public func shutDown(keepsBacklog: Bool = true) {
        let (waiters, drained) = change { state in
            state.keys.shutDown(keepsBacklog: keepsBacklog)
            return (state.workers.removeAll(), state.drained)
        }
        for waiter in waiters { waiter.fulfil() }
        drained?.open()
    }

    /// Refuses further adds and waits until the ready keys were handed out and all keys are done.
    ///
    /// Returns early when the task is cancelled or ``shutDown(keepsBacklog:)`` is called.
    @inlinable
    public func shutDownWithDrain() async {
        let (waiters, latch, isDrained) = change { state in
            state.keys.shutDown(keepsBacklog: true)
            let latch = state.drained ?? Latch()
            state.drained = latch
            return (state.workers.removeAll(), latch, state.keys.isDrained)
        }
        for waiter in waiters { waiter.fulfil() }
        if isDrained { latch.open() }
        do { try await latch.wait() } catch { return }
    }
}

extension WorkQueue {
    /// What a worker in ``next()`` does now.
    @usableFromInline
    enum Step: Sendable {
        case item(WorkQueueState<Key>.Item)
        case shutDown
        case cancelled
        case park(Promise<Void>, until: MonotonicInstant?)
    }

    @inlinable
    func step(wasWoken: Bool) -> Step {
        let now = stamp()
        return change { state in
            if wasWoken { state.workers.arrived() }
            if state.keys.slots.waitingCount > 0 { state.keys.promote(now: timeSource.now()) }
            // Whoever was woken and does not take a key passes the wake-up on: `change` looks who is needed.
            if Task.isCancelled { return .cancelled }
            if let item = state.keys.take(now: now) { return .item(item) }
            if state.keys.isShuttingDown { return .shutDown }
            let (waiter, deadline) = state.workers.park(nextReadyAt: state.keys.slots.nextReadyAt)
            return .park(waiter, until: deadline)
        }
    }

    /// Suspends until woken, until `deadline` or until cancelled; returns whether a wake-up was spent on this waiter.
    @inlinable
    func park(_ waiter: Promise<Void>, until deadline: MonotonicInstant?) async -> Bool {
        do {
            if let deadline {
                try await withDeadline(deadline, timeSource) { try await waiter.value() }
            } else {
                try await waiter.value()
            }
            return true
        } catch {
            // The deadline or a cancellation; the loop in `next` finds out which. A wake-up may have come in between.
            return state.withLock { !$0.workers.leave(waiter) }
        }
    }

    /// The time for durations that only metrics show; without metrics the clock is not asked.
    @inlinable
    func stamp() -> MonotonicInstant {
        metrics == nil ? MonotonicInstant(nanoseconds: 0) : timeSource.now()
    }

    private func collectMetrics() {
        guard let metrics else { return }
        let now = timeSource.now()
        let (depths, times, adds, retries) = change { state in
            state.keys.promote(now: now)
            return (
                state.keys.slots.depthByPriority, state.keys.slots.processingTimes(now: now), state.keys.slots.adds,
                state.retries
            )
        }
        metrics.publish(depths: depths, processingTimes: times, adds: adds, retries: retries)
    }
}
