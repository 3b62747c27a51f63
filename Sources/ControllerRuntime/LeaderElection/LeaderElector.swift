import FoundationEssentials
import JSON
import Synchronization
import Telemetry
import Timekeeping

/// Lets one of several replicas work, by holding and renewing a Lease.
///
/// ```swift
/// let elector = try LeaderElector(configuration: configuration, client: leaseClient, context: context)
/// let client = client.guarded { _ in try elector.requireLeadership() }
/// try await elector.run { try await controller.run() }
/// ```
///
/// - ``stop()`` is the voluntary end: the work is cancelled, and while it winds down the lease is still renewed;
///   then the lease is released, so that a successor starts at once, and ``run(onStartedLeading:)`` returns.
/// - A loss of the lease is the end of the process: `onLost` is called at once, then the work is cancelled and the
///   run throws ``LeadershipLost``. Nothing drains.
/// - Cancelling the task that runs it is like a crash: the lease stays and runs out.
///
/// A Lease is not a fence: a request that is on its way may arrive after a successor has started. So validity counts
/// from when the last successful renewal was sent, ``requireLeadership()`` refuses writes from the renew deadline
/// on, which is well before the lease ends, and ``fencingToken`` orders the terms.
///
/// Give it a client with its own transport: a lease must not wait behind other requests.
public final class LeaderElector: Sendable {
    /// Told once, on whatever task noticed it, that leadership was lost; expected to end the process.
    public typealias LossHandler = @Sendable (LeadershipLost) -> Void

    /// The configuration it runs with.
    public let configuration: LeaderElectionConfiguration
    let store: any LeaseStore
    let timeSource: any TimeSource
    let logger: Logger
    let instruments: Instruments
    let random: @Sendable () -> Double
    let onLost: LossHandler
    private let watchdog: Watchdog?
    let state: Mutex<LeaderElectionState>
    private let stopRequested = Latch()
    private let lossSeen = Latch()
    private let lossFound = Mutex<LeadershipLost?>(nil)

    init(
        configuration: LeaderElectionConfiguration,
        store: any LeaseStore,
        context: RuntimeContext,
        events: EventRecorder? = nil,
        watchdog: Watchdog? = nil,
        random: @escaping @Sendable () -> Double = { 0 },
        onLost: @escaping LossHandler = { _ in }
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.store = store
        timeSource = context.timeSource
        logger = context.logger.with(["lease": "\(configuration.namespace)/\(configuration.leaseName)"])
        instruments = Instruments(configuration, metrics: context.metrics, events: events)
        self.watchdog = watchdog
        self.random = random
        self.onLost = onLost
        state = Mutex(LeaderElectionState(configuration: configuration))
    }

    /// Waits for leadership, then runs `work` for as long as it lasts.
    ///
    /// It returns after ``stop()``, or when `work` has returned; a shutdown before the election is won never starts
    /// the work. It returns or throws only when `work` has ended, so work that ignores its cancellation delays a
    /// ``LeadershipLost``, but not the call of `onLost`.
    ///
    /// - Throws: ``LeadershipLost``, what `work` throws, or `CancellationError`.
    public func run(onStartedLeading work: @escaping @Sendable () async throws -> Void) async throws {
        logger.info("waiting for leadership", ["identity": configuration.identity])
        defer {
            stepDown()
            watchdog?.disarm()
        }
        do {
            let isElected = try await acquire()
            if isElected && !stopRequested.isOpen { try await lead(work) }
        } catch let error as LeadershipLost {
            throw error
        } catch {
            // Work that failed gives the lease back as a voluntary stop does; a cancelled task cannot.
            try await release()
            throw error
        }
        try await release()
    }

    /// Asks for a voluntary end; safe at any time and from anywhere.
    public func stop() {
        stopRequested.open()
    }

    /// Waits until the lease is won.
    ///
    /// - Returns: False when ``stop()`` came first.
    private func acquire() async throws -> Bool {
        try await untilOpen(stopRequested) { [self] in
            while try await attempt(until: nil) != .held {
                let part = random()
                let jitter = LeaderElectionConfiguration.jitterFactor * ((0...1).contains(part) ? part : 0)
                try await timeSource.sleep(for: configuration.retryPeriod * (1 + jitter))
            }
        }
    }

    /// Runs the work and the renewals side by side until one of them ends.
    private func lead(_ work: @escaping @Sendable () async throws -> Void) async throws {
        instruments.started(logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { [self] in
                try await untilOpen(stopRequested, work)
            }
            group.addTask { [self] in
                try await renew()
            }
            // Renewing never returns, so the first to end is the work, or an error of either.
            try await group.next()
        }
    }

    /// Renews the lease until that is no longer possible.
    ///
    /// - Throws: ``LeadershipLost`` after `onLost` was told; `CancellationError`.
    private func renew() async throws {
        while true {
            let lossDeadline = state.withLock { $0.lossDeadline } ?? timeSource.now()
            try await timeSource.sleep(
                until: min(lossDeadline, timeSource.now().advanced(by: configuration.retryPeriod))
            )
            guard timeSource.now() < lossDeadline else { throw lost(.notRenewed) }
            if case .takenOver(let holder) = try await attempt(until: lossDeadline) {
                throw lost(.takenOver(by: holder))
            }
        }
    }

    /// From here on every write is refused; does nothing when this process does not lead.
    func stepDown() {
        let wasLeading = state.withLock { state in
            defer { state.stepDown() }
            return state.isLeading
        }
        if wasLeading { instruments.stopped(logger) }
    }

    /// Makes every write refused, then tells the owner.
    private func lost(_ reason: LeadershipLost.Reason) -> LeadershipLost {
        let error = LeadershipLost(reason: reason)
        stepDown()
        logger.error(error.description, ["identity": configuration.identity])
        lossFound.withLock { $0 = error }
        lossSeen.open()
        onLost(error)
        return error
    }

    /// Waits for the loss of leadership; nil when the task is cancelled before.
    func loss() async -> LeadershipLost? {
        guard await isOpened(lossSeen) else { return nil }
        return lossFound.withLock { $0 }
    }

    /// Pushes the watchdog's deadline forward after a renewal.
    func feedWatchdog(sentAt: MonotonicInstant) {
        watchdog?.arm(until: sentAt.advanced(by: configuration.watchdogLimit))
    }
}
