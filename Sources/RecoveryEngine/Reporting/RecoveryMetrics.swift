package import RecoveryAPI
internal import Synchronization
package import Telemetry

/// The metric families of the engine (design.md section 5).
package struct RecoveryMetrics: Sendable {
    /// Attempts that were reserved, by error type and strategy.
    package let attempts: Counter
    /// Attempts that succeeded.
    package let successes: Counter
    /// Attempts that failed or timed out.
    package let failures: Counter
    /// How long attempts took, in seconds.
    package let duration: Histogram
    /// How often a gate was found closed, by gate.
    package let blocked: Counter
    private let outcomes: Counter
    private let escalations: Counter
    private let active: Gauge
    private let activeSeedName: Gauge

    private let customTypes = BoundedNames(limit: 50)

    private static let labels = ["error_type", "strategy"]
    private static let buckets: [Double] = [
        0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800,
    ]

    /// Registers the families.
    package init(registry: MetricsRegistry) {
        attempts = registry.counter(
            "tmc_recovery_attempts_total",
            help: "Recovery attempts that were reserved.",
            labels: Self.labels
        )
        successes = registry.counter(
            "tmc_recovery_successes_total",
            help: "Recovery attempts that succeeded.",
            labels: Self.labels
        )
        failures = registry.counter(
            "tmc_recovery_failures_total",
            help: "Recovery attempts that failed or timed out.",
            labels: Self.labels
        )
        duration = registry.histogram(
            "tmc_recovery_duration_seconds",
            help: "How long recovery attempts took.",
            labels: Self.labels,
            buckets: Self.buckets
        )
        blocked = registry.counter(
            "tmc_recovery_blocked_total",
            help: "How often a gate held a recovery.",
            labels: ["gate"]
        )
        outcomes = registry.counter(
            "tmc_recovery_finished_total",
            help: "Recoveries that reached a final state.",
            labels: ["state"]
        )
        escalations = registry.counter(
            "tmc_recovery_escalations_total",
            help: "Recoveries that ended with something left for people to do, by escalation level.",
            labels: ["level"]
        )
        // From the start: an increase from nothing to one is none that anybody could be alerted of.
        for state in RecoveryState.allCases where state.isFinal { _ = outcomes.series([state.rawValue]) }
        for level in EscalationLevel.allCases where level > .automatic { _ = escalations.series([level.rawValue]) }
        active = registry.gauge("tmc_recoveries_active", help: "Recovery attempts that run now.", labels: [])
        activeSeedName = registry.gauge(
            "tmc_active_recoveries_total",
            help: "Recovery attempts that run now (a gauge; name kept for dashboards).",
            labels: []
        )
        setActive(0)
    }

    /// The label values of an attempt; custom error types beyond the first 50 share the value `other`, as anybody who
    /// can create a Recovery can make up names.
    package func labels(_ errorType: String, _ strategy: String) -> [String] {
        let isKnown = ErrorType(rawValue: errorType) != nil
        return [isKnown || customTypes.admit(errorType) ? errorType : "other", strategy]
    }

    /// Sets the number of attempts that run now.
    package func setActive(_ count: Int) {
        active.set(Double(count))
        activeSeedName.set(Double(count))
    }

    /// Counts a final state.
    package func finished(_ state: RecoveryState) {
        outcomes.increment(state.rawValue)
    }

    /// Counts a final state that leaves something to do for people.
    package func escalated(_ level: EscalationLevel) {
        escalations.increment(level.rawValue)
    }
}

/// The first names that came, up to a limit.
private final class BoundedNames: Sendable {
    private let limit: Int
    private let names = Mutex<Set<String>>([])

    init(limit: Int) {
        self.limit = limit
    }

    /// Whether the name is among them, or became one of them.
    func admit(_ name: String) -> Bool {
        names.withLock { names in
            if names.contains(name) { return true }
            guard names.count < limit else { return false }
            names.insert(name)
            return true
        }
    }
}
