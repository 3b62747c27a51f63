import Synchronization
public import Timekeeping

/// A small random number generator that repeats itself for the same seed (SplitMix64).
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Makes a generator; the same seed gives the same numbers.
    public init(seed: UInt64) {
        state = seed
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// True in this share of cases.
    public mutating func chance(_ share: Double) -> Bool {
        Double.random(in: 0..<1, using: &self) < share
    }

    /// A duration in whole milliseconds.
    public mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration {
        .milliseconds(Int.random(in: range, using: &self))
    }
}

/// Runs the tasks of several processes on the test's own thread, in an order that a seed decides, with a virtual clock.
///
/// Of all jobs that could run, the seed picks the next one, so a different seed is a different interleaving, and the
/// same seed repeats everything. Each ``Lane`` stands for a process: it can be stopped for a while, as SIGSTOP does.
///
/// ```swift
/// let world = SeededWorld(seed: 42)
/// let lane = world.makeLane()
/// let run = world.start(on: lane) { try await engine.run() }
/// world.run(until: { isDone }, limit: .seconds(600))
/// ```
///
/// The code must be structured (task groups, async let): an unstructured task leaves the executor.
public final class SeededWorld: Sendable {
    private struct State {
        var random: SeededRandom
        /// Jobs of lanes that are not stopped.
        var ready: [(lane: Lane, job: UnownedJob)] = []
    }

    /// The jobs of one process.
    public final class Lane: TaskExecutor {
        fileprivate struct State {
            var isStopped = false
            /// What became ready while it was stopped.
            var held: [UnownedJob] = []
        }

        fileprivate let state = Mutex(State())
        private let world: SeededWorld

        fileprivate init(_ world: SeededWorld) {
            self.world = world
        }

        /// Keeps a job until the world picks it.
        public func enqueue(_ job: consuming ExecutorJob) {
            let unowned = UnownedJob(job)
            let isHeld = state.withLock { state in
                if state.isStopped { state.held.append(unowned) }
                return state.isStopped
            }
            if !isHeld { world.add(unowned, self) }
        }

        /// Runs nothing more until ``resume()``.
        public func stop() {
            let taken = world.take(self)
            state.withLock { state in
                state.isStopped = true
                state.held += taken
            }
        }

        /// Goes on, with all that became ready meanwhile.
        public func resume() {
            let held = state.withLock { state in
                defer { state.held = [] }
                state.isStopped = false
                return state.held
            }
            for job in held { world.add(job, self) }
        }
    }

    /// The clock that ``run(until:limit:)`` moves.
    public let time: ManualTimeSource
    private let state: Mutex<State>

    /// Makes a world in which nothing happens yet.
    public init(seed: UInt64, time: ManualTimeSource = ManualTimeSource()) {
        self.time = time
        state = Mutex(State(random: SeededRandom(seed: seed)))
    }

    /// Makes a process without tasks.
    public func makeLane() -> Lane { Lane(self) }

    /// Starts a task; it does nothing before the world runs.
    @discardableResult
    public func start<T: Sendable>(
        on lane: Lane,
        _ operation: @escaping @Sendable () async throws -> T
    ) -> VirtualRun<T> {
        let run = VirtualRun<T>()
        // The root of a tree of structured tasks, on the executor that the world steps.
        let task = Task(executorPreference: lane) {
            do {
                run.finish(.success(try await operation()))
            } catch {
                run.finish(.failure(error))
            }
        }
        run.cancelAction.withLock { $0 = { task.cancel() } }
        return run
    }

    /// Runs one job, or lets time pass to the next moment for which somebody sleeps.
    ///
    /// - Returns: False when there is neither, or the next moment comes after `end`.
    public func step(before end: MonotonicInstant) -> Bool {
        let next = state.withLock { state -> (lane: Lane, job: UnownedJob)? in
            guard !state.ready.isEmpty else { return nil }
            let index = Int.random(in: 0..<state.ready.count, using: &state.random)
            state.ready.swapAt(index, state.ready.count - 1)
            return state.ready.removeLast()
        }
        if let next {
            unsafe next.job.runSynchronously(on: next.lane.asUnownedTaskExecutor())
            return true
        }
        guard let moment = time.nextDeadline, moment <= end else { return false }
        time.advance(by: max(.zero, time.now().duration(to: moment)))
        return true
    }

    /// Runs until the condition holds, at most for `limit`; the condition is looked at after every job.
    ///
    /// - Returns: Whether it holds.
    @discardableResult
    public func run(until condition: () -> Bool, limit: Duration) -> Bool {
        let end = time.now().advanced(by: limit)
        while !condition() {
            if step(before: end) { continue }
            let rest = time.now().duration(to: end)
            if rest > .zero { time.advance(by: rest) }
            return condition()
        }
        return true
    }

    fileprivate func add(_ job: UnownedJob, _ lane: Lane) {
        state.withLock { $0.ready.append((lane, job)) }
    }

    fileprivate func take(_ lane: Lane) -> [UnownedJob] {
        state.withLock { state in
            let taken = state.ready.filter { $0.lane === lane }.map(\.job)
            state.ready.removeAll { $0.lane === lane }
            return taken
        }
    }
}
