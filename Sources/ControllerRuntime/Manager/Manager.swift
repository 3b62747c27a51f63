public import HTTPServer
import Synchronization
import Telemetry
public import Timekeeping

/// Starts the parts of a controller in order, keeps them running, and stops them in order.
///
/// ```swift
/// let manager = Manager(context: context)
/// manager.addServer("metrics server", HTTPServer(address: ":8080", handler: routes.answer))
/// manager.addCache(Runnable(name: "pods", run: informer.run), hasSynced: informer.hasSynced)
/// manager.addLeaderElected(Runnable(name: "recovery controller", run: controller.run))
/// manager.setLeaderElection(elector)
/// manager.setEventRecorder(recorder)
/// try await manager.run()
/// ```
///
/// Start: servers, caches (awaited until synced), others and leader election, leader-elected runnables once the
/// election is won. Stop: leader-elected ones, after which the lease is released, and others; caches; servers; the
/// event recorder. It stops when ``stop()`` is called, its task is cancelled, or a runnable throws.
///
/// Losing the lease ends ``run()`` at once and without ceremony: another leader is about to start.
public final class Manager: Sendable {
    /// The manager's patience.
    public struct Configuration: Sendable, Hashable {
        /// How long an orderly stop may take.
        public var gracefulTimeout = Duration.seconds(30)
        /// How long the first sync of all caches may take.
        public var cacheSyncTimeout = Duration.seconds(120)

        /// Makes the default configuration.
        public init() {}
    }

    private struct State {
        var hasRun = false
        var caches: [(kind: String, hasSynced: Latch)] = []
        var elector: LeaderElector?
        var firstError: (any Error)?
    }

    private let configuration: Configuration
    private let timeSource: any TimeSource
    private let logger: Logger
    private let executor: (any TaskExecutor)?
    private let state = Mutex(State())
    private let servers = Stage()
    private let caches = Stage()
    private let others = Stage()
    /// Not in the order of the others: it runs inside of the elector.
    private let leaderElected = Stage()
    private let last = Stage()
    private let stopRequested = Latch()
    private let synced = Latch()
    private let outcome = Promise<Void>()

    /// Makes a manager of nothing.
    ///
    /// - Parameters:
    ///   - configuration: Its patience.
    ///   - context: The clock, and a log line for each phase.
    ///   - executor: Where everything runs; nil for the default. Tests bring their own.
    public init(
        configuration: Configuration = Configuration(),
        context: RuntimeContext,
        executor: (any TaskExecutor)? = nil
    ) {
        self.configuration = configuration
        timeSource = context.timeSource
        logger = context.logger
        self.executor = executor
    }

    /// Whether all caches have synced; for a readiness check.
    public var hasSynced: Bool { synced.isOpen }

    /// Adds an HTTP server: first to start, and still there while the rest stops.
    public func addServer(_ name: String, _ server: HTTPServer) {
        servers.add(Runnable(name: name, stop: server.shutdown, run: server.run))
    }

    /// Adds a server of another kind.
    public func addServer(_ runnable: Runnable) {
        servers.add(runnable)
    }

    /// Adds a cache, named by its kind; nothing that uses caches starts before all have synced.
    public func addCache(_ runnable: Runnable, hasSynced: Latch) {
        caches.add(runnable)
        state.withLock { $0.caches.append((runnable.name, hasSynced)) }
    }

    /// Adds a part that runs on every replica.
    public func add(_ runnable: Runnable) {
        others.add(runnable)
    }

    /// Adds a part that runs on the leader only, or on every replica when no election was set.
    public func addLeaderElected(_ runnable: Runnable) {
        leaderElected.add(runnable)
    }

    /// Sets who decides about leadership; the manager runs it.
    public func setLeaderElection(_ elector: LeaderElector) {
        state.withLock { $0.elector = elector }
    }

    /// Sets the event recorder, which the manager runs and stops after everything that may record.
    public func setEventRecorder(_ recorder: EventRecorder) {
        last.add(Runnable(name: "event recorder", stop: recorder.stop, run: recorder.run))
    }

    /// Asks for an orderly stop; safe at any time and from anywhere.
    public func stop() {
        stopRequested.open()
    }

    /// Runs everything until it has stopped.
    ///
    /// Cancelling the task is the same as ``stop()``: the parts still end in order.
    ///
    /// - Throws: ``ManagerError`` with the first failure, or ``LeadershipLost``.
    public func run() async throws {
        let isFirst = state.withLock { state in
            defer { state.hasRun = true }
            return !state.hasRun
        }
        guard isFirst else { throw ManagerError.alreadyRun }
        // Not children of the caller's task: an orderly stop makes requests and waits, which a cancelled task cannot,
        // and a runnable that ignores its cancellation must not keep this function from returning.
        let tree = Task(executorPreference: executor) { [self] in await supervise() }
        // Likewise; it ends with the outcome at the latest.
        let ending = Task(executorPreference: executor) { [outcome] in try await outcome.value() }
        defer { tree.cancel() }
        try await withTaskCancellationHandler {
            try await ending.value
        } onCancel: {
            stop()
        }
    }

    /// The tree of all tasks; ends when the last runnable has, or is abandoned with the outcome.
    private func supervise() async {
        let elector = state.withLock { $0.elector }
        if let elector { others.add(election(elector)) }
        // With an election, the leader-elected stage runs inside of one of the others.
        let workers = elector == nil ? [others, leaderElected] : [others]
        await withTaskGroup(of: Void.self) { group in
            for stage in [servers, caches, last] + workers {
                group.addTask { [self] in await stage.run(onFailure: failed) }
            }
            if let elector {
                group.addTask { [outcome] in
                    guard let loss = await elector.loss() else { return }
                    outcome.fulfil(.failure(loss))
                }
            }
            group.addTask { [self] in
                do {
                    try await startInOrder(workers)
                } catch {
                    note(error)
                }
                await stopInOrder(workers)
            }
        }
    }

    /// Opens one stage after the other, then waits until something asks for the end.
    private func startInOrder(_ workers: [Stage]) async throws {
        try await untilOpen(stopRequested) { [self] in
            logger.debug("starting servers and caches")
            servers.start.open()
            last.start.open()
            caches.start.open()
            try await awaitCaches()
            logger.info("caches have synced")
            for stage in workers { stage.start.open() }
            try await stopRequested.wait()
        }
    }

    /// Waits until all caches have synced.
    private func awaitCaches() async throws {
        let caches = state.withLock { $0.caches }
        do {
            let deadline = timeSource.now().advanced(by: configuration.cacheSyncTimeout)
            try await withDeadline(deadline, timeSource) {
                for cache in caches { try await cache.hasSynced.wait() }
            }
        } catch is DeadlineExceeded {
            throw ManagerError.cachesNotSynced(caches.filter { !$0.hasSynced.isOpen }.map(\.kind).sorted())
        }
        synced.open()
    }

    /// Stops one stage after the other; what has not ended in time is named, and cancelled with the tree.
    private func stopInOrder(_ workers: [Stage]) async {
        logger.info("stopping")
        let deadline = timeSource.now().advanced(by: configuration.gracefulTimeout)
        do {
            try await withDeadline(deadline, timeSource) { [self] in
                for stage in workers { stage.stop.open() }
                for stage in workers { try await stage.ended.wait() }
                for stage in [caches, servers, last] {
                    stage.stop.open()
                    try await stage.ended.wait()
                }
            }
        } catch {
            let stages = [servers, caches, others, leaderElected, last]
            note(ManagerError.notStopped(Set(stages.flatMap(\.running)).sorted()))
        }
        outcome.fulfil(state.withLock { $0.firstError }.map { .failure($0) } ?? .success(()))
    }

    /// Leadership as a runnable: it stops the work first, and gives the lease back after that.
    private func election(_ elector: LeaderElector) -> Runnable {
        Runnable(
            name: "leader election",
            stop: { [leaderElected] in
                leaderElected.stop.open()
                // Before the election is won there is no work to wait for.
                if !leaderElected.hasBegun { elector.stop() }
            },
            run: { [self] in
                try await elector.run { [self] in
                    leaderElected.start.open()
                    await leaderElected.run(onFailure: failed)
                }
            }
        )
    }

    /// Takes in the error of a runnable.
    private func failed(_ name: String, _ error: any Error) {
        // Losing the lease is told by the elector, sooner than its run can end.
        if error is LeadershipLost && name == "leader election" { return }
        logger.error("runnable failed", ["name": name, "error": "\(error)"])
        note(ManagerError.failed(name: name, error))
    }

    /// Keeps the first error and asks for the end.
    private func note(_ error: any Error) {
        state.withLock { $0.firstError = $0.firstError ?? error }
        stop()
    }
}
