public import FoundationEssentials
import Synchronization
public import Timekeeping

/// A clock that stands still until a test moves it.
///
/// A test waits until the code under test is asleep, then advances, so nothing depends on real time:
///
/// ```swift
/// let time = ManualTimeSource()
/// async let result = worker.run(time)
/// try await time.waitForSleepers(1)
/// time.advance(by: .seconds(10))
/// ```
public final class ManualTimeSource: TimeSource {
    private struct Sleeper {
        var deadline: MonotonicInstant
        var order: Int
        var promise: Promise<Void>
    }

    private struct State {
        var now: MonotonicInstant
        var nextOrder = 0
        var nextServer = 0
        /// Sorted by deadline, then by arrival.
        var sleepers: [Sleeper] = []
        var watchers: [(count: Int, promise: Promise<Void>)] = []

        /// Takes out the watchers whose number of sleepers is reached.
        mutating func takeSatisfiedWatchers() -> [Promise<Void>] {
            let satisfied = watchers.filter { $0.count <= sleepers.count }
            watchers.removeAll { $0.count <= sleepers.count }
            return satisfied.map(\.promise)
        }
    }

    private let state: Mutex<State>
    private let startInstant: MonotonicInstant
    private let startDate: Date

    /// Makes a clock that stands at `start` on the wall and at one hour on the monotonic clock.
    public init(start: Date = Date(timeIntervalSince1970: 1_767_225_600)) {
        startDate = start
        startInstant = MonotonicInstant(nanoseconds: 3_600_000_000_000)
        state = Mutex(State(now: startInstant))
    }

    /// The time the test has set.
    public func now() -> MonotonicInstant {
        state.withLock { $0.now }
    }

    /// The start date moved by all that the clock has been advanced.
    public func wallTime() -> Date {
        startDate.addingTimeInterval(startInstant.duration(to: now()) / .seconds(1))
    }

    /// Numbers the servers in memory that tell their time by this clock, from 0.
    func nextServer() -> Int {
        state.withLock { state in
            defer { state.nextServer += 1 }
            return state.nextServer
        }
    }

    /// The deadlines that tasks sleep towards, earliest first.
    public func sleepers() -> [MonotonicInstant] {
        state.withLock { $0.sleepers.map(\.deadline) }
    }

    /// The earliest deadline that a task sleeps towards.
    public var nextDeadline: MonotonicInstant? {
        state.withLock { $0.sleepers.first?.deadline }
    }

    /// Moves the clock and resumes the sleepers that are due, in the order of their deadlines.
    public func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let end = state.sleepers.firstIndex { $0.deadline > state.now } ?? state.sleepers.count
            let due = Array(state.sleepers[..<end])
            state.sleepers.removeFirst(end)
            return due
        }
        for sleeper in due {
            sleeper.promise.fulfil()
        }
    }

    /// Moves the clock to the earliest deadline and resumes who sleeps towards it.
    ///
    /// - Returns: whether anybody was asleep.
    @discardableResult
    public func advanceToNextDeadline() -> Bool {
        guard let nextDeadline else { return false }
        advance(by: max(.zero, now().duration(to: nextDeadline)))
        return true
    }

    /// Suspends until the test has moved the clock to `deadline`.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(until deadline: MonotonicInstant) async throws {
        try Task.checkCancellation()
        let promise = Promise<Void>()
        typealias Registration = (order: Int, watchers: [Promise<Void>])
        let registered = state.withLock { state -> Registration? in
            guard deadline > state.now else { return nil }
            let order = state.nextOrder
            state.nextOrder += 1
            let index = state.sleepers.firstIndex { $0.deadline > deadline } ?? state.sleepers.count
            state.sleepers.insert(Sleeper(deadline: deadline, order: order, promise: promise), at: index)
            return (order, state.takeSatisfiedWatchers())
        }
        guard let registered else { return }
        for watcher in registered.watchers {
            watcher.fulfil()
        }
        do {
            try await promise.value()
        } catch {
            state.withLock { state in
                state.sleepers.removeAll { $0.order == registered.order }
            }
            throw error
        }
    }

    /// Suspends until at least `count` tasks are asleep at once.
    ///
    /// - Throws: `CancellationError` when the waiting task is cancelled.
    public func waitForSleepers(_ count: Int = 1) async throws {
        let promise = Promise<Void>()
        let isWaiting = state.withLock { state in
            guard state.sleepers.count < count else { return false }
            state.watchers.append((count, promise))
            return true
        }
        if isWaiting { try await promise.value() }
    }
}
