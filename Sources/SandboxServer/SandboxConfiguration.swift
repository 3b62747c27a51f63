/// How a sandbox is set up.
package struct SandboxConfiguration: Sendable {
    /// Where to listen; port 0 is any free one.
    package var address = "127.0.0.1:0"
    /// The administrator's bearer token; nil when nobody has to bring one.
    package var token: String?
    /// Whether Deployments and the other workloads get pods that run on simulated nodes.
    package var simulatesWorkloads = false
    /// How many nodes are simulated.
    package var nodeCount = 3
    /// What goes wrong on purpose, from the beginning.
    package var faults: [FaultRule] = []
    /// Where the chances of the faults come from.
    package var faultSeed: UInt64 = 1
    /// How many changes of each resource are kept for watches.
    package var historyLimit = 10_000

    /// Listens on loopback, without a token and without simulation.
    package init() {}
}
