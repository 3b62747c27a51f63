internal import RecoveryAPI
internal import Synchronization

/// Whether everybody has been told about one Recovery: each of its deliveries says here how it ended.
final class NoticeTally: Sendable {
    private struct State {
        /// The deliveries that are under way, and one for the list of them that is still being made.
        var open = 1
        var hasFailed = false
    }

    private let recovery: Recovery
    private let state = Mutex(State())

    init(_ recovery: Recovery) {
        self.recovery = recovery
    }

    /// One more delivery is under way.
    func begin() {
        state.withLock { $0.open += 1 }
    }

    /// A delivery came to nothing.
    func fail() {
        state.withLock { $0.hasFailed = true }
    }

    /// A delivery has arrived; gives the Recovery when it was the last one and all have.
    func succeed() -> Recovery? {
        state.withLock { state in
            state.open -= 1
            return state.open == 0 && !state.hasFailed ? recovery : nil
        }
    }

    /// No further delivery will begin; gives the Recovery when none is under way and none has failed.
    func close() -> Recovery? { succeed() }
}
