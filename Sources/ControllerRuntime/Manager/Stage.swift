import Synchronization
import Timekeeping

/// Runnables that start together and stop together.
final class Stage: Sendable {
    private struct State {
        var runnables: [Runnable] = []
        /// By their place in `runnables`.
        var running: [Int: String] = [:]
        var hasBegun = false
    }

    private let state = Mutex(State())
    /// Open it to let the runnables start.
    let start = Latch()
    /// Open it to ask all to end: those without a `stop` of their own are cancelled.
    let stop = Latch()
    /// Opens when all have ended, or will never start.
    let ended = Latch()

    /// The names of those that have not ended, sorted.
    var running: [String] { state.withLock { $0.running.values.sorted() } }

    /// Whether ``run(onFailure:)`` has let the runnables start.
    var hasBegun: Bool { state.withLock { $0.hasBegun } }

    /// Adds a runnable; too late once the stage runs.
    func add(_ runnable: Runnable) {
        state.withLock { $0.runnables.append(runnable) }
    }

    /// Waits for the start, runs all until they are stopped, and returns when the last has ended.
    ///
    /// - Parameter onFailure: Told of each runnable that threw, with its name.
    func run(onFailure: @escaping @Sendable (String, any Error) -> Void) async {
        defer { ended.open() }
        guard await isOpened(start, unless: stop) else { return }
        let runnables = state.withLock { state in
            state.hasBegun = true
            for (place, runnable) in state.runnables.enumerated() { state.running[place] = runnable.name }
            return state.runnables
        }
        await withTaskGroup(of: Void.self) { group in
            for (place, runnable) in runnables.enumerated() {
                group.addTask { [self] in
                    await run(runnable, onFailure)
                    state.withLock { state in state.running[place] = nil }
                }
            }
            group.addTask { [stop] in
                guard await isOpened(stop) else { return }
                for runnable in runnables { runnable.stop?() }
            }
        }
    }

    private func run(_ runnable: Runnable, _ onFailure: @Sendable (String, any Error) -> Void) async {
        do {
            if runnable.stop == nil { try await untilOpen(stop, runnable.run) } else { try await runnable.run() }
        } catch is CancellationError {
            return
        } catch {
            onFailure(runnable.name, error)
        }
    }
}
