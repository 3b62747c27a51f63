import Synchronization
import Timekeeping

/// Runs asynchronous code step by step on the test's own thread, with a clock that the test moves.
///
/// Nothing runs unless the test says so, so the order of everything is the same in every run:
///
/// ```swift
/// let world = VirtualWorld()
/// let run = world.start { try await elector.run { } }
/// world.run(for: .seconds(2))
/// #expect(run.isFinished)
/// ```
///
/// The code must be structured (task groups, async let): an unstructured task leaves the executor.
public final class VirtualWorld: Sendable {
    /// The clock that ``run(for:)`` moves.
    public let time: ManualTimeSource
    /// Keeps the jobs of all tasks that were started here.
    public let executor = StepExecutor()

    /// Makes a world in which nothing happens yet.
    public init(time: ManualTimeSource = ManualTimeSource()) {
        self.time = time
    }

    /// Starts a task and runs it, and all others, as far as they get without time passing.
    @discardableResult
    public func start<T: Sendable>(_ operation: @escaping @Sendable () async throws -> T) -> VirtualRun<T> {
        let run = VirtualRun<T>()
        // The root of a tree of structured tasks, on the executor that the test steps.
        let task = Task(executorPreference: executor) {
            do {
                run.finish(.success(try await operation()))
            } catch {
                run.finish(.failure(error))
            }
        }
        run.cancelAction.withLock { $0 = { task.cancel() } }
        settle()
        return run
    }

    /// Runs everything that can run without time passing.
    public func settle() {
        executor.drain()
    }

    /// Lets time pass, stopping at each moment for which somebody sleeps.
    public func run(for duration: Duration) {
        let end = time.now().advanced(by: duration)
        settle()
        while let next = time.nextDeadline, next <= end {
            time.advance(by: max(.zero, time.now().duration(to: next)))
            settle()
        }
        time.advance(by: time.now().duration(to: end))
        settle()
    }

    /// Lets time pass until the condition holds, at most for `limit`.
    ///
    /// - Returns: How long it took; nil when it never held.
    public func run(until condition: () -> Bool, limit: Duration = .seconds(3600)) -> Duration? {
        let start = time.now()
        settle()
        while !condition() {
            guard let next = time.nextDeadline, start.duration(to: next) <= limit else { return nil }
            time.advance(by: max(.zero, time.now().duration(to: next)))
            settle()
        }
        return start.duration(to: time.now())
    }
}

/// A task of a ``VirtualWorld``.
public final class VirtualRun<T: Sendable>: Sendable {
    private let settled = Mutex<Result<T, any Error>?>(nil)
    let cancelAction = Mutex<(@Sendable () -> Void)?>(nil)

    /// How it ended; nil while it runs.
    public var result: Result<T, any Error>? { settled.withLock { $0 } }

    /// Whether it has ended.
    public var isFinished: Bool { result != nil }

    /// What it threw; nil while it runs and after success.
    public var error: (any Error)? {
        if case .failure(let error) = result { error } else { nil }
    }

    /// Cancels the task; settle the world to see the effect.
    public func cancel() {
        cancelAction.withLock { $0 }?()
    }

    func finish(_ result: Result<T, any Error>) {
        settled.withLock { $0 = result }
    }
}

/// An executor that runs jobs only when it is told to, in the order in which they came.
public final class StepExecutor: TaskExecutor {
    private let jobs = Mutex<[UnownedJob]>([])

    /// Keeps a job for later.
    public func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        jobs.withLock { $0.append(unowned) }
    }

    /// Runs jobs, and those that they make, until there are none.
    public func drain() {
        while true {
            let batch = jobs.withLock { jobs in
                defer { jobs = [] }
                return jobs
            }
            if batch.isEmpty { return }
            for job in batch { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
        }
    }
}
