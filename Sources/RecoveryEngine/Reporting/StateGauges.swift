internal import ControllerRuntime
internal import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Telemetry
internal import Timekeeping

/// How many objects there are in each state, as gauges: counted from the caches whenever somebody scrapes.
///
/// Standbys have the same caches as the leader and tell the same; whoever adds them up takes the maximum. No object name
/// is a label.
struct StateGauges: Sendable {
    private let recoveries: Gauge
    private let held: Gauge
    private let overdue: Gauge
    private let conditions: Gauge
    private let budgets: Gauge
    private let breakers: Gauge

    /// The conditions of policies that are counted.
    private static let conditionTypes = [
        ConditionType.ready, ConditionType.storming, ConditionType.breakersClosed, ConditionType.detecting,
    ]

    /// Registers the families and counts from now on.
    static func register(
        in metrics: MetricsRegistry,
        recoveries: Store<Recovery>,
        policies: Store<RecoveryPolicy>,
        running: RunningAttempts,
        timeSource: any TimeSource
    ) {
        let gauges = StateGauges(metrics)
        metrics.onCollect {
            let now = timeSource.wallTime()
            gauges.count(recoveries.list(), abandoned: running.abandoned, now: now)
            gauges.count(policies.list(), now: now)
        }
    }

    private init(_ metrics: MetricsRegistry) {
        recoveries = metrics.gauge("tmc_recoveries", help: "Recoveries that exist, by state.", labels: ["state"])
        held = metrics.gauge(
            "tmc_recoveries_held",
            help: "Recoveries that a gate keeps from starting now, by gate.",
            labels: ["gate"]
        )
        overdue = metrics.gauge(
            "tmc_recoveries_overdue",
            help: "Recoveries that still hold their target's lock although their attempt has ended or should have."
        )
        conditions = metrics.gauge(
            "tmc_policy_conditions",
            help: "Policies with a condition of this type and status.",
            labels: ["type", "status"]
        )
        budgets = metrics.gauge(
            "tmc_policy_budgets",
            help: "Policies with a budget, by whether it allows another action now.",
            labels: ["state"]
        )
        breakers = metrics.gauge(
            "tmc_circuit_breakers",
            help: "Circuit breakers that have counted something, by state.",
            labels: ["state"]
        )
    }

    private func count(_ all: [Recovery], abandoned: Set<ObjectKey>, now: Date) {
        var states: [RecoveryState: Int] = [:]
        var gates: [String: Int] = [:]
        var late = abandoned
        for recovery in all {
            states[recovery.state, default: 0] += 1
            guard !recovery.isFinal else { continue }
            if let gate = recovery.gate { gates[gate, default: 0] += 1 }
            if recovery.isOverdue(at: now) { late.insert(recovery.metadata.key) }
        }
        // Every series exists from the start, so that one which is not there is a mistake in a query.
        for state in RecoveryState.allCases { recoveries.set(Double(states[state] ?? 0), state.rawValue) }
        for gate in RecoveryGate.allCases { held.set(Double(gates[gate.rawValue] ?? 0), gate.rawValue) }
        overdue.set(Double(late.count))
    }

    private func count(_ all: [RecoveryPolicy], now: Date) {
        for type in Self.conditionTypes {
            for status in Condition.Status.allCases {
                let count = all.count { $0.status?.conditions?[type: type]?.status == status }
                conditions.set(Double(count), type, status.rawValue)
            }
        }
        let left = all.compactMap { PolicyLedger($0).budgetLeft(now: now) }
        budgets.set(Double(left.count { $0 > 0 }), "Available")
        budgets.set(Double(left.count { $0 <= 0 }), "Exhausted")
        let states = all.flatMap { $0.status?.breakers ?? [] }.map(\.state)
        for state in BreakerState.allCases {
            breakers.set(Double(states.count { $0 == state }), state.rawValue)
        }
    }
}

extension RunningAttempts {
    /// Those whose end is written, but whose strategy does not return.
    fileprivate var abandoned: Set<ObjectKey> {
        Set(all.filter { !$0.journal.recovery.hasRunningAttempt }.map(\.description.key))
    }
}

extension Recovery {
    /// The gate that holds it, as its condition says.
    fileprivate var gate: String? {
        guard let admitted = status?.conditions?[type: ConditionType.admitted], admitted.status == .false else {
            return nil
        }
        return admitted.reason
    }

    /// Whether an attempt should have ended by now.
    fileprivate func isOverdue(at now: Date) -> Bool {
        guard hasRunningAttempt, let deadline = status?.executions?.last?.deadline else { return false }
        return deadline < now
    }
}
