public import Timekeeping

/// Growing pauses between attempts, spread by chance so that many clients do not come back at once.
///
/// Pauses grow from `initial` by `factor` up to `cap`; each is lengthened by up to `jitter` times itself. They start
/// again at `initial` when nothing failed for `resetAfter`. The defaults are those of client-go's reflector.
public struct Backoff: Sendable {
    /// The first pause.
    public var initial: Duration
    /// By what a pause is longer than the one before.
    public var factor: Double
    /// The longest pause, before jitter.
    public var cap: Duration
    /// The largest share of a pause that chance adds to it.
    public var jitter: Double
    /// The time without a failure after which the next pause is the first again.
    public var resetAfter: Duration

    private var current: Duration?
    private var lastAsked: MonotonicInstant?

    /// Makes a backoff that has not been asked yet.
    public init(
        initial: Duration = .milliseconds(800),
        factor: Double = 2,
        cap: Duration = .seconds(30),
        jitter: Double = 1,
        resetAfter: Duration = .seconds(120)
    ) {
        self.initial = initial
        self.factor = factor
        self.cap = cap
        self.jitter = jitter
        self.resetAfter = resetAfter
    }

    /// The next pause.
    ///
    /// - Parameters:
    ///   - now: The present time.
    ///   - random: Where the jitter comes from.
    /// - Returns: How long to wait.
    public mutating func next(now: MonotonicInstant, using random: inout some RandomNumberGenerator) -> Duration {
        if let lastAsked, lastAsked.duration(to: now) > resetAfter { current = nil }
        lastAsked = now
        let base = min(current ?? initial, cap)
        current = min(base * factor, cap)
        return jitter > 0 ? base + base * Double.random(in: 0..<jitter, using: &random) : base
    }

    /// Starts again at the first pause.
    public mutating func reset() {
        current = nil
        lastAsked = nil
    }
}
