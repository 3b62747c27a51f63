public import FoundationEssentials

/// A point on the clock that never goes back (CLOCK_BOOTTIME: it also runs while the machine sleeps).
///
/// Only differences mean anything, and only within one process.
public struct MonotonicInstant: Sendable, Hashable, Comparable {
    /// Nanoseconds since an arbitrary start.
    public var nanoseconds: Int64

    /// Makes an instant from nanoseconds since the arbitrary start.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// This instant moved by `duration`; saturates at the ends of the range, so a huge delay never traps.
    public func advanced(by duration: Duration) -> MonotonicInstant {
        let (seconds, attoseconds) = duration.components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let whole = overflow ? (seconds < 0 ? Int64.min : Int64.max) : scaled
        let (delta, deltaOverflow) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        let bounded = deltaOverflow ? (whole < 0 ? Int64.min : Int64.max) : delta
        let (sum, sumOverflow) = nanoseconds.addingReportingOverflow(bounded)
        return MonotonicInstant(nanoseconds: sumOverflow ? (bounded < 0 ? Int64.min : Int64.max) : sum)
    }

    /// The time from this instant to `other`; negative when `other` lies before.
    public func duration(to other: MonotonicInstant) -> Duration {
        .nanoseconds(other.nanoseconds) - .nanoseconds(nanoseconds)
    }

    /// Orders instants by time.
    public static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

/// Where every part of the program gets its time from, so that tests can bring their own.
///
/// Nothing outside this module calls `Date()`, `Task.sleep` or `ContinuousClock`.
public protocol TimeSource: Sendable {
    /// The monotonic time; what all waiting and all deadlines use.
    func now() -> MonotonicInstant
    /// The wall clock; for stamps that people or other processes read, never for waiting.
    func wallTime() -> Date
    /// Suspends until `deadline`.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(until deadline: MonotonicInstant) async throws
}

extension TimeSource {
    /// Suspends for `duration`.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(for duration: Duration) async throws {
        try await sleep(until: now().advanced(by: duration))
    }
}
