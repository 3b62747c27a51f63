public import Timekeeping

/// Decides how long a key that failed must wait before it is tried again.
///
/// A limiter is a value inside its queue's lock: it needs no lock of its own and takes the time as a parameter.
public protocol RateLimiter<Key>: Sendable {
    /// What is limited.
    associatedtype Key: Hashable & Sendable

    /// Counts one more failure of `key` and says how long to wait from `now` on.
    mutating func delay(for key: Key, now: MonotonicInstant) -> Duration
    /// Forgets the failures of `key`.
    mutating func forget(_ key: Key)
    /// How many failures of `key` were counted since it was last forgotten.
    func failures(of key: Key) -> Int
}

/// Doubles the delay with each failure of the same key.
///
/// The delay is `base` x 2^n for the n failures before, at most `maximum`.
public struct ExponentialLimiter<Key: Hashable & Sendable>: RateLimiter {
    private let base: Duration
    private let maximum: Duration
    private var failures: [Key: Int] = [:]

    /// Makes a limiter; the defaults are client-go's.
    public init(base: Duration = .milliseconds(5), maximum: Duration = .seconds(1000)) {
        self.base = base
        self.maximum = maximum
    }

    /// Counts one more failure of `key`; returns the delay.
    public mutating func delay(for key: Key, now: MonotonicInstant) -> Duration {
        let before = failures[key, default: 0]
        // Saturates: a key that fails for ever must not overflow the count.
        failures[key] = before == Int.max ? before : before + 1
        return exponential(base, doublings: before, maximum: maximum)
    }

    /// Forgets the failures of `key`.
    public mutating func forget(_ key: Key) {
        guard !failures.isEmpty else { return }
        failures.removeValue(forKey: key)
    }

    /// The failures of `key` so far.
    public func failures(of key: Key) -> Int {
        failures[key, default: 0]
    }
}

/// `base` x 2^`doublings`, at most `maximum`; never overflows, whatever the number of doublings.
func exponential(_ base: Duration, doublings: Int, maximum: Duration) -> Duration {
    guard base > .zero else { return .zero }
    var delay = base
    for _ in 0..<max(0, doublings) {
        // Compared with half the maximum, so that doubling stays in range.
        guard delay < maximum / 2 else { return maximum }
        delay *= 2
    }
    return min(delay, maximum)
}

/// Lets keys through at a steady overall rate after a burst, whatever the key.
public struct BucketLimiter<Key: Hashable & Sendable>: RateLimiter {
    private let interval: Duration
    private let burst: Int
    /// When the next token would be used by a caller that spends without pause; the bucket is full when it lies
    /// `burst` intervals in the past.
    private var nextFree: MonotonicInstant?

    /// Makes a limiter; the defaults are client-go's.
    ///
    /// - Parameters:
    ///   - perSecond: Tokens a second; values that are not above zero mean one in a thousand seconds.
    ///   - burst: How many tokens a full bucket holds.
    public init(perSecond: Double = 10, burst: Int = 100) {
        let rate = perSecond.isFinite ? max(perSecond, 0.001) : 0.001
        interval = .seconds(1 / rate)
        self.burst = max(1, burst)
    }

    /// Takes one token; returns how long to wait until it exists.
    public mutating func delay(for key: Key, now: MonotonicInstant) -> Duration {
        let full = now.advanced(by: interval * -(burst - 1))
        let start = max(nextFree ?? full, full)
        nextFree = start.advanced(by: interval)
        return max(.zero, now.duration(to: start))
    }

    /// Does nothing: tokens are not bound to keys.
    public mutating func forget(_ key: Key) {}

    /// Always 0: failures are not counted.
    public func failures(of key: Key) -> Int { 0 }
}

/// Waits a short time for the first failures of a key and a long time from then on.
public struct FastSlowLimiter<Key: Hashable & Sendable>: RateLimiter {
    private let fast: Duration
    private let slow: Duration
    private let maxFastAttempts: Int
    private var failures: [Key: Int] = [:]

    /// Makes a limiter that answers `fast` for `maxFastAttempts` failures and `slow` afterwards.
    public init(fast: Duration, slow: Duration, maxFastAttempts: Int) {
        self.fast = fast
        self.slow = slow
        self.maxFastAttempts = maxFastAttempts
    }

    /// Counts one more failure of `key`; returns the delay.
    public mutating func delay(for key: Key, now: MonotonicInstant) -> Duration {
        let before = failures[key, default: 0]
        failures[key] = before == Int.max ? before : before + 1
        return before < maxFastAttempts ? fast : slow
    }

    /// Forgets the failures of `key`.
    public mutating func forget(_ key: Key) {
        failures.removeValue(forKey: key)
    }

    /// The failures of `key` so far.
    public func failures(of key: Key) -> Int {
        failures[key, default: 0]
    }
}

/// Asks several limiters and takes the longest delay.
public struct MaxOfLimiter<Key: Hashable & Sendable>: RateLimiter {
    private var limiters: [any RateLimiter<Key>]

    /// Makes a limiter from others; without any, there is no delay.
    public init(_ limiters: [any RateLimiter<Key>]) {
        self.limiters = limiters
    }

    /// Counts the failure in every limiter; returns the longest delay.
    public mutating func delay(for key: Key, now: MonotonicInstant) -> Duration {
        var longest = Duration.zero
        for index in limiters.indices {
            longest = max(longest, limiters[index].delay(for: key, now: now))
        }
        return longest
    }

    /// Forgets `key` in every limiter.
    public mutating func forget(_ key: Key) {
        for index in limiters.indices { limiters[index].forget(key) }
    }

    /// The highest count of any limiter.
    public func failures(of key: Key) -> Int {
        limiters.map { $0.failures(of: key) }.max() ?? 0
    }
}

/// Caps the delay of another limiter.
public struct MaxWaitLimiter<Key: Hashable & Sendable>: RateLimiter {
    private var limiter: any RateLimiter<Key>
    private let maximum: Duration

    /// Makes a limiter that never waits longer than `maximum`.
    public init(_ limiter: any RateLimiter<Key>, maximum: Duration) {
        self.limiter = limiter
        self.maximum = maximum
    }

    /// Counts the failure in the inner limiter; returns its delay or the maximum.
    public mutating func delay(for key: Key, now: MonotonicInstant) -> Duration {
        min(limiter.delay(for: key, now: now), maximum)
    }

    /// Forgets `key` in the inner limiter.
    public mutating func forget(_ key: Key) {
        limiter.forget(key)
    }

    /// The count of the inner limiter.
    public func failures(of key: Key) -> Int {
        limiter.failures(of: key)
    }
}
