/// Runs `work` until it ends or `latch` opens, whichever comes first; then it is cancelled and awaited.
///
/// The surrounding task is not cancelled, so it can go on with requests and waits of its own: that is the difference
/// between a stop that winds down and a cancellation.
///
/// - Returns: Whether the work came to its end by itself; false when it was cut short by the latch.
/// - Throws: What the work throws, unless the latch was open: then its `CancellationError` is the expected end.
@discardableResult
package func untilOpen(
    _ latch: Latch,
    _ work: @escaping @Sendable () async throws -> Void
) async throws -> Bool {
    guard !latch.isOpen else { return false }
    return try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
            try await work()
            return true
        }
        group.addTask {
            try await latch.wait()
            return false
        }
        let isFinished = try await group.next() ?? true
        group.cancelAll()
        if isFinished { return true }
        do {
            return try await group.next() ?? false
        } catch is CancellationError {
            try Task.checkCancellation()
            return false
        }
    }
}

/// Waits for a latch; false when `other` opened first or the task was cancelled.
package func isOpened(_ latch: Latch, unless other: Latch = Latch()) async -> Bool {
    do {
        return try await untilOpen(other) { try await latch.wait() }
    } catch {
        return false
    }
}
