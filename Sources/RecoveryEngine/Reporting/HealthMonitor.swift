package import FoundationEssentials
package import KubernetesClient
package import RecoveryDecision
internal import Synchronization
package import Telemetry
package import Timekeeping

/// Checks the controller's own health at an interval (`healthCheckInterval`), on standbys as on leaders.
///
/// Only the hub has to be asked; all else is known here. What comes of a check shows in `/health`, in the gauge
/// `tmc_health_check_success` and, when it is another result than before, in one log line. Liveness never depends on it.
package final class HealthMonitor: Sendable {
    private struct State {
        var hub = ComponentHealth.Hub.unknown
        var checkedAt: Date?
        /// What was logged last: which checks fail, and how badly.
        var reported: [ComponentHealth.Check: ComponentHealth.Status] = [:]
    }

    /// Collects what is known without asking anybody.
    package typealias LocalFacts = @Sendable () -> ComponentHealth.Facts

    /// How long the hub may take; less when the checks follow each other more quickly.
    private static let timeout = Duration.seconds(5)

    private let probe: ClusterProbe
    private let localFacts: LocalFacts
    private let interval: Duration
    private let timeSource: any TimeSource
    private let logger: Logger
    private let success: Gauge
    private let state = Mutex(State())

    /// Makes a monitor that has checked nothing yet.
    package init(
        client: KubernetesClient,
        interval: Duration,
        timeSource: any TimeSource,
        logger: Logger,
        metrics: MetricsRegistry,
        localFacts: @escaping LocalFacts
    ) {
        probe = ClusterProbe(client, timeout: min(Self.timeout, interval), timeSource: timeSource)
        self.localFacts = localFacts
        self.interval = interval
        self.timeSource = timeSource
        self.logger = logger
        success = metrics.gauge(
            "tmc_health_check_success",
            help: "Whether the last health check of the controller passed (1) or not (0), by check.",
            labels: ["check"]
        )
    }

    /// What is known now, with the hub as the last check found it.
    package var facts: ComponentHealth.Facts {
        var facts = localFacts()
        facts.hub = state.withLock { $0.hub }
        return facts
    }

    /// When the last check was made; nil before the first.
    package var checkedAt: Date? { state.withLock { $0.checkedAt } }

    /// Checks at once and then at every interval, until cancelled.
    ///
    /// - Throws: `CancellationError`.
    package func run() async throws {
        while true {
            let next = timeSource.now().advanced(by: interval)
            try await check()
            try await timeSource.sleep(until: next)
        }
    }

    private func check() async throws {
        let hub = try await askHub()
        let now = timeSource.wallTime()
        state.withLock { state in
            state.hub = hub
            state.checkedAt = now
        }
        let health = ComponentHealth.judge(facts)
        for finding in health.findings {
            success.set(finding.status == .healthy ? 1 : 0, finding.check.rawValue)
        }
        report(health)
    }

    private func askHub() async throws -> ComponentHealth.Hub {
        do {
            let finding = try await probe.testEndpoint()
            switch finding.verdict {
            // Who may not read /readyz has been answered all the same.
            case .usable, .unauthorized: return .ready
            case .unreachable, .unauthenticated, .unasked, .unconfigured:
                return .failing("the API server cannot be used: \(finding)")
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            return .failing("the API server cannot be asked: \(error)")
        }
    }

    /// One line when other checks fail than before, or fail in another way.
    private func report(_ health: ComponentHealth) {
        let failures = Dictionary(health.failures.map { ($0.check, $0.status) }) { first, _ in first }
        let isChanged = state.withLock { state in
            defer { state.reported = failures }
            return state.reported != failures
        }
        guard isChanged else { return }
        let level: LogLevel = health.status == .healthy ? .info : .warning
        logger.log(level, "health is now \(health.status.rawValue)", ["reason": health.message])
    }
}
