import Foundation
import TestSupport

/// Whether `hack/test` has found (or built) the binaries of a real control plane.
let hasControlPlane = ProcessInfo.processInfo.environment["RECOVERY_CLUSTER_TESTS"] == "1"

/// Whether this run replaces the recorded answers of the real server.
let isRecording = ProcessInfo.processInfo.environment["RECOVERY_CONTRACT_RECORD"] == "1"

/// The control plane of this suite, made by `hack/control-plane` and removed by `hack/test`.
actor RealServer {
    static let shared = RealServer()

    private var started: Endpoint?

    /// The server; a fresh plane in each run.
    ///
    /// Workloads stand still on it: of the controllers only those run whose doings belong to every API server.
    func endpoint() async throws -> Endpoint {
        if let started { return started }
        let command = "\(Fixtures.checkout.path())hack/control-plane"
        let controllers = "garbagecollector,namespace,serviceaccount,serviceaccount-token,root-ca-cert-publisher"
        try await Shell.run("\(command) down contract-hub")
        try await Shell.run(
            "\(command) up contract-hub --arg controller-manager=--controllers=\(controllers)"
        )
        let environment = try await Shell.run("\(command) env contract-hub")
        guard let line = environment.split(separator: "\n").first(where: { $0.hasPrefix("export KUBECONFIG=") }) else {
            throw ShellError(command: "env", status: 0, output: environment)
        }
        let endpoint = try Endpoint(kubeconfig: String(line.dropFirst("export KUBECONFIG=".count)))
        started = endpoint
        return endpoint
    }
}
