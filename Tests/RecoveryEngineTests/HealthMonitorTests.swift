import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryDecision
import Synchronization
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// The controller's check of its own health, against a hub that answers as a test says.
@Suite(.timeLimit(.minutes(1)))
struct HealthMonitorTests {
    /// A hub, a clock, and the monitor between them.
    private final class Scene: Sendable {
        let world = VirtualWorld()
        let metrics = MetricsRegistry()
        let answer = Mutex<ScriptedAnswer>(.bytes(Array("ok".utf8)))
        let local = Mutex(ComponentHealth.Facts())
        let lines = Mutex<[String]>([])
        let asked = Mutex(0)

        func makeMonitor(interval: Duration = .seconds(30)) -> HealthMonitor {
            local.withLock { $0.limit = 10 }
            let transport = ScriptedTransport { [self] _ in
                asked.withLock { $0 += 1 }
                return answer.withLock { $0 }
            }
            let client = KubernetesClient(
                configuration: ClientConfiguration(server: "https://hub.example:6443"),
                transport: transport,
                timeSource: world.time
            )
            let logger = Logger(level: .info, timeSource: world.time) { [self] line in
                lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
            }
            return HealthMonitor(
                client: client,
                interval: interval,
                timeSource: world.time,
                logger: logger,
                metrics: metrics
            ) { [self] in local.withLock { $0 } }
        }

        func set(_ answer: ScriptedAnswer) {
            self.answer.withLock { $0 = answer }
        }

        var log: [String] { lines.withLock { $0 } }
        var checks: Int { asked.withLock { $0 } }

        func metric(_ check: String) -> String? {
            let name = "tmc_health_check_success{check=\"\(check)\"} "
            let line = metrics.exposition().split(separator: "\n").first { $0.hasPrefix(name) }
            return line.map { String($0.dropFirst(name.count)) }
        }
    }

    private let scene = Scene()
    private static let refused = ScriptedAnswer.failure(
        HTTPTransportError(layer: .tcp, message: "connection refused")
    )

    @Test func `it checks at once and then at every interval`() {
        let monitor = scene.makeMonitor(interval: .seconds(7))
        #expect(monitor.checkedAt == nil && monitor.facts.hub == .unknown)
        let start = scene.world.time.wallTime()
        scene.world.start { try await monitor.run() }
        #expect(scene.checks == 1 && monitor.checkedAt == start && monitor.facts.hub == .ready)
        scene.world.run(for: .milliseconds(6_999))
        #expect(scene.checks == 1)
        scene.world.run(for: .milliseconds(1))
        #expect(scene.checks == 2 && monitor.checkedAt == start.addingTimeInterval(7))
        scene.world.run(for: .seconds(70))
        #expect(scene.checks == 12)
    }

    @Test func `a change is told once, in the log, in the gauge and in what is known`() {
        let monitor = scene.makeMonitor()
        scene.world.start { try await monitor.run() }
        #expect(scene.log.isEmpty && scene.metric("hub") == "1" && scene.metric("capacity") == "1")
        scene.set(Self.refused)
        scene.world.run(for: .seconds(90))
        #expect(scene.checks == 4 && scene.metric("hub") == "0")
        #expect(scene.log.count == 1 && scene.log[0].contains("WARN") && scene.log[0].contains("refused"))
        #expect(ComponentHealth.judge(monitor.facts).status == .unhealthy)
        scene.set(.bytes(Array("ok".utf8)))
        scene.world.run(for: .seconds(90))
        #expect(scene.log.count == 2 && scene.log[1].contains("INFO health is now Healthy"))
        #expect(scene.metric("hub") == "1")
    }

    @Test(
        "what the hub answers",
        arguments: [
            (.bytes(Array("ok".utf8)), nil), (.status(403, reason: "Forbidden", message: "no"), nil),
            (.status(401, reason: "Unauthorized"), "401"), (.status(500, message: "[-]etcd failed: x"), "etcd failed"),
            (.failure(HTTPTransportError(layer: .shutdown, message: "over")), "cannot be asked"),
        ] as [(ScriptedAnswer, String?)]
    )
    func answers(_ answer: ScriptedAnswer, _ words: String?) {
        let monitor = scene.makeMonitor()
        scene.set(answer)
        scene.world.start { try await monitor.run() }
        guard case .failing(let problem) = monitor.facts.hub else {
            #expect(words == nil && monitor.facts.hub == .ready)
            return
        }
        #expect(words.map(problem.contains) == true, "\(problem)")
    }

    @Test func `what is known here counts at once, what the hub says from the next check on`() throws {
        let monitor = scene.makeMonitor()
        let endpoint = StatusEndpoint(
            statistics: RecoveryStatistics(),
            running: RunningAttempts(),
            monitor: monitor,
            timeSource: scene.world.time
        )
        #expect(endpoint.health()["status"] == "Healthy" && endpoint.health()["lastCheckTime"] == .null)
        scene.world.start { try await monitor.run() }
        scene.world.run(for: .seconds(3))
        scene.local.withLock { $0.active = 10 }
        scene.set(Self.refused)
        var health = endpoint.health()
        #expect(health["status"] == "Degraded" && health["message"] == "as many recoveries run as are allowed")
        #expect(health["lastCheckTime"] == "2026-01-01T00:00:00Z" && health["timestamp"] == "2026-01-01T00:00:03Z")
        #expect(health["checks"]?.arrayValue?.map { $0["name"] } == ["hub", "caches", "capacity", "success_rate"])
        scene.world.run(for: .seconds(27))
        health = endpoint.health()
        #expect(health["status"] == "Unhealthy" && health["lastCheckTime"] == "2026-01-01T00:00:30Z")
        let hub = try #require(health["checks"]?[index: 0])
        #expect(hub["status"] == "Unhealthy" && hub["message"]?.stringValue?.contains("connection refused") == true)
    }
}
