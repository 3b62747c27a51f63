import Synchronization

/// A gate that many tasks wait at and that opens once, for good.
public final class Latch: Sendable {
    private struct State {
        var isOpen = false
        var nextWaiter = 0
        var waiters: [Int: Promise<Void>] = [:]
    }

    private let state = Mutex(State())

    /// Makes a closed latch.
    public init() {}

    /// Whether the latch has been opened.
    public var isOpen: Bool {
        state.withLock { $0.isOpen }
    }

    /// Opens the latch and lets every waiter go; opening it again changes nothing.
    public func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            let waiters = state.waiters
            state.waiters = [:]
            return waiters
        }
        for (_, waiter) in waiters.sorted(by: { $0.key < $1.key }) {
            waiter.fulfil()
        }
    }

    /// Suspends until the latch is open; returns at once when it is.
    ///
    /// - Throws: `CancellationError` when the task is cancelled while it waits.
    public func wait() async throws {
        let registered: (id: Int, promise: Promise<Void>)? = state.withLock { state in
            guard !state.isOpen else { return nil }
            let id = state.nextWaiter
            state.nextWaiter += 1
            let promise = Promise<Void>()
            state.waiters[id] = promise
            return (id, promise)
        }
        guard let registered else { return }
        do {
            try await registered.promise.value()
        } catch {
            state.withLock { _ = $0.waiters.removeValue(forKey: registered.id) }
            throw error
        }
    }
}
