package import JSON

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
    /// CustomResourceDefinitions that are there from the beginning.
    package var customResourceDefinitions: [JSONValue] = []
    /// How many changes of each resource are kept for watches.
    package var historyLimit = 10_000

    /// Listens on loopback, without a token and without simulation.
    package init() {}
}
