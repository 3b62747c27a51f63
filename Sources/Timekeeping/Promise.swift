import Synchronization

/// A value that arrives once and is awaited by one task.
///
/// This is the only place in the project that touches a continuation; everything that suspends is built on it.
/// It is settled exactly once, by `fulfil` or by the cancellation of its waiter, whichever comes first, and the
/// waiter is resumed outside the lock. A promise that was fulfilled before its waiter was cancelled still delivers.
///
/// ```swift
/// let reply = Promise<Reply>()
/// thread.submit { reply.fulfil(.success($0)) }
/// let value = try await reply.value()
/// ```
public final class Promise<Value: Sendable>: Sendable {
    private enum State {
        /// Neither settled nor awaited.
        case pending
        /// One task is suspended in `value()`.
        case awaited(CheckedContinuation<Value, any Error>)
        /// Final; a cancelled waiter settles with `CancellationError`.
        case settled(Result<Value, any Error>)
    }

    private let state = Mutex(State.pending)

    /// Makes a promise that nothing has settled yet.
    public init() {}

    /// Settles the promise and resumes its waiter; only the first settlement counts.
    ///
    /// - Returns: whether this call settled it: `false` also means that the waiter was cancelled before.
    @discardableResult
    public func fulfil(_ result: Result<Value, any Error>) -> Bool {
        let (isFirst, waiter) = settle(result)
        waiter?.resume(with: result)
        return isFirst
    }

    /// Whether a result or a cancellation has settled the promise.
    public var isFulfilled: Bool {
        state.withLock { state in
            if case .settled = state { true } else { false }
        }
    }

    /// Suspends until the promise is settled; call it from one task at a time.
    ///
    /// - Throws: the failure it was settled with, or `CancellationError` as soon as the task is cancelled.
    public func value() async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                register(continuation)?.resumeWaiter(continuation)
            }
        } onCancel: {
            fulfil(.failure(CancellationError()))
        }
    }

    /// Stores the continuation, or returns the result that it must be resumed with at once.
    private func register(_ continuation: CheckedContinuation<Value, any Error>) -> Settled<Value>? {
        state.withLock { state in
            switch state {
            case .settled(let result):
                return Settled(result: result)
            case .pending where Task.isCancelled:
                // The handler may have run before this task got here; it found nobody to resume.
                let cancelled: Result<Value, any Error> = .failure(CancellationError())
                state = .settled(cancelled)
                return Settled(result: cancelled)
            case .pending:
                state = .awaited(continuation)
                return nil
            case .awaited:
                // A mistake in our own code, which no input can bring about: there is nobody to tell.
                preconditionFailure("Promise.value() called by two tasks at once")
            }
        }
    }

    private func settle(
        _ result: Result<Value, any Error>
    ) -> (isFirst: Bool, waiter: CheckedContinuation<Value, any Error>?) {
        state.withLock { state in
            switch state {
            case .pending:
                state = .settled(result)
                return (true, nil)
            case .awaited(let continuation):
                state = .settled(result)
                return (true, continuation)
            case .settled:
                return (false, nil)
            }
        }
    }
}

/// The result a late `value()` call finds; a box so that the lock can hand it out.
private struct Settled<Value: Sendable> {
    let result: Result<Value, any Error>

    func resumeWaiter(_ continuation: CheckedContinuation<Value, any Error>) {
        continuation.resume(with: result)
    }
}

extension Promise where Value == Void {
    /// Settles the promise with success.
    ///
    /// - Returns: as for `fulfil(_:)`.
    @discardableResult
    public func fulfil() -> Bool {
        fulfil(.success(()))
    }
}
