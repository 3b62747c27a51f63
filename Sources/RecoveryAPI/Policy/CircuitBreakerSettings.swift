/// When a policy stops trying, and when it tries again.
package struct CircuitBreakerSettings: Codable, Hashable, Sendable {
    /// What shares one breaker; `Strategy` when absent.
    package var scope: Open<BreakerScope>?
    /// Failures in a row that open it; absent, 3 for recovery actions and 5 for redeployments.
    package var failureThreshold: Int?
    /// What the window counts; `Count` when absent.
    package var windowType: Open<BreakerWindow>?
    /// Calls in a count window; 10 when absent.
    package var windowSize: Int?
    /// Seconds in a time window; 600 when absent.
    package var windowSeconds: Int?
    /// Calls below which no rate is computed; 5 when absent.
    package var minimumCalls: Int?
    /// Share of failures that opens it, in per cent (`>=`); 50 when absent.
    package var failureRatePercent: Int?
    /// Seconds from which a call is slow; absent, none is.
    package var slowCallSeconds: Int?
    /// Share of slow calls that opens it, in per cent (`>=`); 100 when absent.
    package var slowCallRatePercent: Int?
    /// Seconds it stays open the first time; 300 when absent.
    package var openSeconds: Int?
    /// Growth of the open time from one trip to the next, in per cent; 200 when absent.
    package var openGrowthPercent: Int?
    /// The longest open time in seconds; 3600 when absent.
    package var maxOpenSeconds: Int?
    /// Seconds that a probe may take while half open; 900 when absent.
    package var halfOpenMaxSeconds: Int?
    /// Who closes it; `Automatic` when absent.
    package var reset: Open<BreakerReset>?
    /// Holds it in a state; `None` when absent.
    package var force: Open<BreakerForce>?

    /// Makes the default breaker.
    package init() {}

    /// Failures in a row that open the breaker, with the default of the kind of action applied.
    package func effectiveFailureThreshold(isRedeployment: Bool) -> Int { failureThreshold ?? (isRedeployment ? 5 : 3) }
    /// What shares one breaker, with the default applied.
    package var effectiveScope: BreakerScope { scope?.value ?? .strategy }
    /// What the window counts, with the default applied.
    package var effectiveWindowType: BreakerWindow { windowType?.value ?? .count }
    /// Calls in a count window, with the default applied.
    package var effectiveWindowSize: Int { windowSize ?? 10 }
    /// Seconds in a time window, with the default applied.
    package var effectiveWindowSeconds: Int { windowSeconds ?? 600 }
    /// Calls below which no rate is computed, with the default applied.
    package var effectiveMinimumCalls: Int { minimumCalls ?? 5 }
    /// Share of failures in per cent, with the default applied.
    package var effectiveFailureRatePercent: Int { failureRatePercent ?? 50 }
    /// Share of slow calls in per cent, with the default applied.
    package var effectiveSlowCallRatePercent: Int { slowCallRatePercent ?? 100 }
    /// Seconds it stays open the first time, with the default applied.
    package var effectiveOpenSeconds: Int { openSeconds ?? 300 }
    /// Growth of the open time in per cent, with the default applied.
    package var effectiveOpenGrowthPercent: Int { openGrowthPercent ?? 200 }
    /// The longest open time in seconds, with the default applied.
    package var effectiveMaxOpenSeconds: Int { maxOpenSeconds ?? 3600 }
    /// Seconds of a probe, with the default applied.
    package var effectiveHalfOpenMaxSeconds: Int { halfOpenMaxSeconds ?? 900 }
    /// Who closes it, with the default applied.
    package var effectiveReset: BreakerReset { reset?.value ?? .automatic }
    /// The forced state, with the default applied.
    package var effectiveForce: BreakerForce { force?.value ?? .unforced }
}

/// What shares one breaker.
package enum BreakerScope: String, CaseIterable, Codable, Hashable {
    case strategy = "Strategy"
    case target = "Target"
    case cluster = "Cluster"
}

/// What a breaker's window counts.
package enum BreakerWindow: String, CaseIterable, Codable, Hashable {
    /// The latest calls.
    case count = "Count"
    /// The calls of the latest seconds.
    case time = "Time"
}

/// Who closes an open breaker.
package enum BreakerReset: String, CaseIterable, Codable, Hashable {
    /// A probe that succeeds.
    case automatic = "Automatic"
    /// A person, by the annotation `recovery.tmc.io/reset-breaker`.
    case manual = "Manual"
}

/// A state a breaker is held in.
package enum BreakerForce: String, CaseIterable, Codable, Hashable {
    case unforced = "None"
    case open = "Open"
    case closed = "Closed"
}

/// Where a breaker stands.
package enum BreakerState: String, CaseIterable, Codable, Hashable {
    case closed = "Closed"
    case open = "Open"
    case halfOpen = "HalfOpen"
}
