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
    private let limit: Int
    private let timeSource: any TimeSource

    /// Makes the endpoint of an engine that runs at most `limit` attempts.
    package init(statistics: RecoveryStatistics, running: RunningAttempts, limit: Int, timeSource: any TimeSource) {
        self.statistics = statistics
        self.running = running
        self.limit = limit
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

    /// How the engine itself is: at capacity or below 80 % success is Degraded, below 50 % Unhealthy.
    package func health() -> JSONValue {
        let counts = statistics.current
        let active = running.count
        let ended = counts.successful + counts.failed
        let rate = ended > 0 ? Double(counts.successful) / Double(ended) : 1
        let verdict = Self.verdict(active: active, limit: limit, successRate: rate)
        return [
            "componentType": "RecoveryManager",
            "componentId": "recovery-manager",
            "status": .string(verdict.status),
            "message": .string(verdict.message),
            "details": [
                "activeRecoveries": .number(JSONNumber(Int64(active))),
                "recoveryAttempts": .number(JSONNumber(Int64(counts.attempts))),
                "successRatePercent": .number(JSONNumber(Int64((rate * 100).rounded()))),
            ],
            "timestamp": .string(RFC3339.string(from: timeSource.wallTime()) ?? ""),
        ]
    }

    /// The thresholds; the worse of both findings counts.
    static func verdict(active: Int, limit: Int, successRate: Double) -> (status: String, message: String) {
        if successRate < 0.5 { return ("Unhealthy", "less than half of the recoveries succeed") }
        if successRate < 0.8 { return ("Degraded", "less than 80 % of the recoveries succeed") }
        if active >= limit { return ("Degraded", "as many recoveries run as are allowed") }
        return ("Healthy", "recoveries are carried out")
    }

    /// `45s`, `1m25s`, `2h3m4s`.
    static func text(seconds: Int64) -> String {
        let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60)
        if hours > 0 { return "\(hours)h\(minutes)m\(rest)s" }
        return minutes > 0 ? "\(minutes)m\(rest)s" : "\(rest)s"
    }
}
