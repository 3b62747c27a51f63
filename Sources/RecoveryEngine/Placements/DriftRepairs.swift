internal import Timekeeping

/// How often drift on a member was repaired lately: where somebody else changes it back each time, less and less often.
struct DriftRepairs: Sendable, Hashable {
    /// After this time without a repair all is forgotten.
    static let memory = Duration.seconds(600)
    /// What two people do by hand now and then is no fight.
    private static let patience = 3
    private static let longestPause = Duration.seconds(300)

    private var count = 0
    private var last: MonotonicInstant?

    /// Notes a look at the objects.
    mutating func note(hasRepaired: Bool, now: MonotonicInstant) {
        if let last, last.duration(to: now) >= Self.memory { self = DriftRepairs() }
        guard hasRepaired else { return }
        count = min(count + 1, 100)
        last = now
    }

    /// Whether the same comes back again and again.
    var isFight: Bool { count >= Self.patience }

    /// How long drift is left as it is from now on.
    func pause(now: MonotonicInstant) -> Duration {
        guard isFight, let last else { return .zero }
        let pause = min(Self.longestPause, .seconds(1 << min(count - Self.patience + 1, 9)))
        return max(.zero, pause - last.duration(to: now))
    }
}
