import Telemetry
import TestSupport
import Timekeeping

@testable import ControllerRuntime

/// A replica whose leader work sleeps until it is cancelled.
struct Replica: Sendable {
    let elector: LeaderElector
    let journal = Journal()
    let metrics = MetricsRegistry()
    let time: any TimeSource

    init(_ time: any TimeSource, _ store: ScriptedLease, _ identity: String = "me", random: Double = 0) throws {
        self.time = time
        let configuration = Self.configuration(identity)
        let journal = journal
        elector = try LeaderElector(
            configuration: configuration,
            store: store,
            context: RuntimeContext(timeSource: time, metrics: metrics),
            random: { random },
            onLost: { _ in journal.add("lost") }
        )
    }

    static func configuration(_ identity: String = "me") -> LeaderElectionConfiguration {
        LeaderElectionConfiguration(namespace: "system", leaseName: "controller", identity: identity)
    }

    /// Runs the elector; the work ends when it is cancelled and `blocker`, if any, is released.
    func run(blocker: Blocker? = nil) async throws {
        try await elector.run { [journal, time] in
            journal.add("start")
            defer { journal.add("end") }
            do {
                try await time.sleep(for: .seconds(1_000_000))
            } catch {
                await blocker?.wait()
                throw error
            }
        }
    }

    var isStarted: Bool { journal.count("start") > 0 }

    /// The value of `leader_election_master_status`.
    var masterStatus: Double {
        metrics.gauge("leader_election_master_status", help: "", labels: ["name"]).value("controller")
    }

    /// The value of `leader_election_slowpath_total`.
    var slowPaths: Double {
        metrics.counter("leader_election_slowpath_total", help: "", labels: ["name"]).value("controller")
    }
}
