import KubernetesCore
import Telemetry

extension LeaderElector {
    /// What the world sees of an election: metrics and events.
    struct Instruments: Sendable {
        private let status: GaugeSeries?
        private let slowPath: CounterSeries?
        private let events: EventRecorder?
        private let identity: String
        private let lease: ObjectReference

        init(_ configuration: LeaderElectionConfiguration, metrics: MetricsRegistry?, events: EventRecorder?) {
            status = metrics?.gauge(
                "leader_election_master_status",
                help: "Whether this process is the leader of the lease: 1 is leader, 0 is not.",
                labels: ["name"]
            ).series([configuration.leaseName])
            slowPath = metrics?.counter(
                "leader_election_slowpath_total",
                help: "Renewals that had to read the lease first.",
                labels: ["name"]
            ).series([configuration.leaseName])
            self.events = events
            identity = configuration.identity
            lease = ObjectReference(
                apiVersion: "coordination.k8s.io/v1",
                kind: "Lease",
                namespace: configuration.namespace,
                name: configuration.leaseName
            )
        }

        func started(_ logger: Logger) {
            status?.set(1)
            logger.info("became leader", ["identity": identity])
            record("became leader")
        }

        func stopped(_ logger: Logger) {
            status?.set(0)
            logger.info("stopped leading", ["identity": identity])
            record("stopped leading")
        }

        func tookSlowPath() {
            slowPath?.increment()
        }

        private func record(_ what: String) {
            events?.record(.normal, reason: "LeaderElection", message: "\(identity) \(what)", about: lease)
        }
    }
}
