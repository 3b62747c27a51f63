/// An operation did not end before its deadline.
public struct DeadlineExceeded: Error, Sendable, Hashable, CustomStringConvertible {
    /// The deadline that passed.
    public var deadline: MonotonicInstant

    /// Makes the error for a deadline.
    public init(deadline: MonotonicInstant) {
        self.deadline = deadline
    }

    /// A short text for logs.
    public var description: String { "deadline exceeded" }
}

/// Runs `operation` as a child task and cancels it when `deadline` passes.
///
/// It returns only after the operation has ended, so one that ignores its cancellation delays the error. The
/// operation is not started when the deadline lies in the past.
///
/// - Throws: `DeadlineExceeded` when the deadline came first, else what the operation throws; `CancellationError`
///   when the surrounding task is cancelled.
public func withDeadline<T: Sendable>(
    _ deadline: MonotonicInstant,
    _ time: any TimeSource,
    _ operation: @escaping @Sendable () async throws -> T
) async throws -> T {
    guard time.now() < deadline else { throw DeadlineExceeded(deadline: deadline) }
    return try await withThrowingTaskGroup(of: T?.self) { group in
        defer { group.cancelAll() }
        group.addTask { try await operation() }
        group.addTask {
            try await time.sleep(until: deadline)
            return nil
        }
        guard let first = try await group.next(), let value = first else {
            throw DeadlineExceeded(deadline: deadline)
        }
        return value
    }
}
