import Synchronization

/// A wake-up that coalesces: any number of `send` calls before a `wait` count as one.
///
/// A sent wake-up is never lost: it goes to one waiter, and when that waiter has been cancelled before, to the next
/// one or to the next `wait`.
public final class Signal: Sendable {
    private struct State {
        var isPending = false
        var waiters: [Promise<Void>] = []
    }

    private let state = Mutex(State())

    /// Makes a signal with no wake-up pending.
    public init() {}

    /// Wakes one waiter, or leaves one wake-up for the next `wait`.
    public func send() {
        while true {
            let waiter: Promise<Void>? = state.withLock { state in
                guard !state.waiters.isEmpty else {
                    state.isPending = true
                    return nil
                }
                return state.waiters.removeFirst()
            }
            guard let waiter else { return }
            if waiter.fulfil() { return }
        }
    }

    /// Consumes the pending wake-up, or suspends until one is sent.
    ///
    /// - Throws: `CancellationError` when the task is cancelled while it waits; no wake-up is consumed then.
    public func wait() async throws {
        let registered: Promise<Void>? = state.withLock { state in
            guard !state.isPending else {
                state.isPending = false
                return nil
            }
            let promise = Promise<Void>()
            state.waiters.append(promise)
            return promise
        }
        guard let registered else { return }
        do {
            try await registered.value()
        } catch {
            state.withLock { $0.waiters.removeAll { $0 === registered } }
            throw error
        }
    }
}
