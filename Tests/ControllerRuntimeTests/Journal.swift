import Synchronization

/// What happened in a test, in order, whoever did it.
final class Journal: Sendable {
    private let kept = Mutex<[String]>([])

    var entries: [String] { kept.withLock { $0 } }

    func add(_ entry: String) {
        kept.withLock { $0.append(entry) }
    }

    func count(_ entry: String) -> Int {
        entries.count { $0 == entry }
    }
}

/// Something to wait for that does not end with the task's cancellation.
final class Blocker: Sendable {
    private enum State {
        case closed
        case waited(CheckedContinuation<Void, Never>)
        case open
    }

    private let state = Mutex(State.closed)

    /// Waits for ``release()``, cancelled or not; for one task.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if case .open = state { return true }
                state = .waited(continuation)
                return false
            }
            if isOpen { continuation.resume() }
        }
    }

    /// Lets the waiting task go on.
    func release() {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            defer { state = .open }
            if case .waited(let continuation) = state { return continuation }
            return nil
        }
        waiter?.resume()
    }
}
