internal import Synchronization
internal import Timekeeping

/// When an attempt ends in any case; later than at first once only the target's health is checked any more.
final class AttemptClock: Sendable {
    private let end: Mutex<MonotonicInstant>

    init(deadline: MonotonicInstant) {
        end = Mutex(deadline)
    }

    var deadline: MonotonicInstant { end.withLock { $0 } }

    /// Suspends until the deadline, wherever it is moved meanwhile.
    ///
    /// - Throws: `CancellationError`.
    func wait(_ timeSource: any TimeSource) async throws {
        while timeSource.now() < deadline { try await timeSource.sleep(until: deadline) }
    }

    /// Moves the deadline away; it never comes closer.
    func extend(to later: MonotonicInstant) {
        end.withLock { $0 = max($0, later) }
    }
}
