internal import FoundationEssentials
package import JSON
internal import KubernetesCore
package import RecoveryAPI
internal import RecoveryDecision
internal import Synchronization
package import Timekeeping

/// Counts of this process, as `/status` and `/health` show them (the seeds' RecoveryManager interface).
package final class RecoveryStatistics: Sendable {
    /// The counts at one moment.
    package struct Counts: Sendable, Hashable {
        /// Attempts that were reserved.
        package var attempts = 0
        /// Recoveries that ended Completed.
        package var successful = 0
        /// Recoveries that ended Failed or Timeout.
        package var failed = 0
    }

    private let counts = Mutex(Counts())

    /// Makes counts that start at zero.
    package init() {}

    /// The counts now.
    package var current: Counts { counts.withLock { $0 } }

    package func countAttempt() {
        counts.withLock { $0.attempts += 1 }
    }

    package func countEnd(_ state: RecoveryState) {
        counts.withLock { counts in
            switch state {
            case .completed: counts.successful += 1
            case .failed, .timeout: counts.failed += 1
            case .pending, .inProgress, .cancelled: break
            }
        }
    }
}

/// The JSON documents under `/status` and `/health`.
package struct StatusEndpoint: Sendable {
    private let statistics: RecoveryStatistics
    private let running: RunningAttempts
    private let monitor: HealthMonitor
    private let timeSource: any TimeSource

    /// Makes the endpoint of an engine.
    package init(
        statistics: RecoveryStatistics,
        running: RunningAttempts,
        monitor: HealthMonitor,
        timeSource: any TimeSource
    ) {
        self.statistics = statistics
        self.running = running
        self.monitor = monitor
        self.timeSource = timeSource
    }

    /// What runs now and what was done so far.
    package func status() -> JSONValue {
        let counts = statistics.current
        let now = timeSource.wallTime()
        let details = running.all.sorted { $0.since < $1.since }.map { entry -> JSONValue in
            let recovery = entry.journal.recovery
            let seconds = Int64(max(0, now.timeIntervalSince(entry.since)))
            return [
                "id": .string(recovery.status?.executions?.last?.id ?? ""),
                "recovery": .string(entry.description.key.description),
                "errorType": .string(recovery.spec.error.type),
                "state": .string(recovery.state.rawValue),
                "duration": .string(Self.text(seconds: seconds)),
            ]
        }
        return [
            "activeRecoveries": .number(JSONNumber(Int64(details.count))),
            "recoveryAttempts": .number(JSONNumber(Int64(counts.attempts))),
            "successfulRecoveries": .number(JSONNumber(Int64(counts.successful))),
            "failedRecoveries": .number(JSONNumber(Int64(counts.failed))),
            "activeRecoveryDetails": .array(details),
        ]
    }

    /// How the controller itself is: the hub as the last check found it, all else as it is now.
    package func health() -> JSONValue {
        let facts = monitor.facts
        let health = ComponentHealth.judge(facts)
        let checks = health.findings.map { finding -> JSONValue in
            [
                "name": .string(finding.check.rawValue),
                "status": .string(finding.status.rawValue),
                "message": .string(finding.message),
            ]
        }
        return [
            "componentType": "RecoveryManager",
            "componentId": "recovery-manager",
            "status": .string(health.status.rawValue),
            "message": .string(health.message),
            "checks": .array(checks),
            "lastCheckTime": Self.text(monitor.checkedAt),
            "details": [
                "activeRecoveries": .number(JSONNumber(Int64(facts.active))),
                "recoveryAttempts": .number(JSONNumber(Int64(statistics.current.attempts))),
                "successRatePercent": .number(JSONNumber(Int64((facts.successRate * 100).rounded()))),
            ],
            "timestamp": Self.text(timeSource.wallTime()),
        ]
    }

    private static func text(_ date: Date?) -> JSONValue {
        date.flatMap { RFC3339.string(from: $0) }.map(JSONValue.string) ?? .null
    }

    /// `45s`, `1m25s`, `2h3m4s`.
    static func text(seconds: Int64) -> String {
        let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60)
        if hours > 0 { return "\(hours)h\(minutes)m\(rest)s" }
        return minutes > 0 ? "\(minutes)m\(rest)s" : "\(rest)s"
    }
}
