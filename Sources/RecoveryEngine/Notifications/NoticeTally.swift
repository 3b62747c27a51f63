internal import Synchronization

/// Whether everybody has been told about one thing: each of its deliveries says here how it ended.
final class NoticeTally: Sendable {
    private struct State {
        /// The deliveries that are under way, and one for the list of them that is still being made.
        var open = 1
        var hasFailed = false
    }

    private let notice: RecoveryNotice
    private let state = Mutex(State())

    init(_ notice: RecoveryNotice) {
        self.notice = notice
    }

    /// One more delivery is under way.
    func begin() {
        state.withLock { $0.open += 1 }
    }

    /// A delivery came to nothing.
    func fail() {
        state.withLock { $0.hasFailed = true }
    }

    /// A delivery has arrived; gives the notice when it was the last one and all have.
    func succeed() -> RecoveryNotice? {
        state.withLock { state in
            state.open -= 1
            return state.open == 0 && !state.hasFailed ? notice : nil
        }
    }

    /// No further delivery will begin; gives the notice when none is under way and none has failed.
    func close() -> RecoveryNotice? { succeed() }
}
