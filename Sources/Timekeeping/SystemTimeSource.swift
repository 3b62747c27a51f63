public import FoundationEssentials
import Glibc

/// The machine's clocks: CLOCK_BOOTTIME for waiting, the wall clock for stamps.
public struct SystemTimeSource: TimeSource {
    /// The longest single timer; longer sleeps are made of several.
    ///
    /// It keeps every duration far from the overflow of the runtime's timers and bounds how late a sleeper notices
    /// that the machine itself slept.
    private static let longestTimer = Duration.seconds(3600)

    /// Makes the time source; all instances are alike.
    public init() {}

    /// The time since the machine started, its suspended time included.
    public func now() -> MonotonicInstant {
        var time = timespec()
        // It fails only for an unknown clock or a bad pointer.
        guard unsafe clock_gettime(CLOCK_BOOTTIME, &time) == 0 else { return MonotonicInstant(nanoseconds: 0) }
        return MonotonicInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// The date and time of day that the machine believes in.
    public func wallTime() -> Date {
        Date()
    }

    /// Suspends until `deadline`; returns at once, but checks for cancellation, when it lies in the past.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(until deadline: MonotonicInstant) async throws {
        try Task.checkCancellation()
        while true {
            let remaining = now().duration(to: deadline)
            guard remaining > .zero else { return }
            try await Task.sleep(for: min(remaining, Self.longestTimer), clock: .continuous)
        }
    }
}
