import Foundation
import SandboxServer
import TestSupport
import Testing

/// Other people's clients as judges: each goes through its ordinary work on a sandbox whose workloads run.
///
/// What they do stands in `Fixtures/Clients`. A client that is not on the machine is skipped, and the run says so.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct ClientTests {
    /// A Python with the package `kubernetes`; $RECOVERY_PYTHON, or the one that `hack/lib/python-client` makes.
    private static let python =
        ProcessInfo.processInfo.environment["RECOVERY_PYTHON"]
        ?? "\(NSHomeDirectory())/.cache/tmc-recovery/python-client/bin/python"
    /// A client-go program with the modes `seed` and `informer`, as of hack/bench.
    private static let peer = ProcessInfo.processInfo.environment["RECOVERY_PEER"] ?? ""

    private static func isProgram(_ path: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: path)
    }

    private static var hasKubectl: Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            isProgram("\($0)/kubectl")
        }
    }

    @Test(.enabled(if: hasKubectl, "SKIPPED: kubectl is not on PATH; nothing is proven about it"))
    func `kubectl does its ordinary work`() async throws {
        try await judge("bash \(Self.script("kubectl"))")
    }

    @Test(
        .enabled(
            if: isProgram(python),
            "SKIPPED: no Python client (hack/lib/python-client); nothing is proven about it"
        )
    )
    func `The Python client does its ordinary work`() async throws {
        try await judge("\(Self.python) \(Self.script("python.py"))")
    }

    @Test(.enabled(if: isProgram(peer), "SKIPPED: no client-go peer ($RECOVERY_PEER); nothing is proven about it"))
    func `A client-go informer fills its cache`() async throws {
        for kind in ["configmaps", "pods"] {
            try await judge("\(Self.peer) seed -kind \(kind) -n 500 && \(Self.peer) informer -kind \(kind) -n 500")
        }
    }

    private static func script(_ name: String) -> String {
        Fixtures.directory.appending(path: "Clients/\(name)").path()
    }

    /// Runs a command with the kubeconfig of a new sandbox.
    private func judge(_ command: String) async throws {
        try await Sandbox.with {
            // client-go sends no token without TLS.
            $0.token = nil
            $0.simulatesWorkloads = true
            $0.nodeCount = 2
        } _: { endpoint in
            let directory = try TemporaryDirectory()
            let kubeconfig = "\(directory.path)/kubeconfig"
            try Self.kubeconfig(endpoint).write(toFile: kubeconfig, atomically: true, encoding: .utf8)
            let (status, output) = await Shell.result(of: "export KUBECONFIG=\(kubeconfig); \(command)")
            #expect(status == 0, "\(output)")
        }
    }

    private static func kubeconfig(_ endpoint: Endpoint) -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: sandbox
        clusters: [{name: sandbox, cluster: {server: "\(endpoint.url)"}}]
        contexts: [{name: sandbox, context: {cluster: sandbox, user: admin}}]
        users: [{name: admin, user: {}}]
        """
    }
}
