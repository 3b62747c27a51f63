import HTTPTransport
import SandboxServer
import Telemetry
import Timekeeping

/// A sandbox of a test's own, reached as clients reach it.
enum Sandbox {
    /// The administrator's token.
    static let token = "contract-administrator"

    /// Runs `body` beside a sandbox and ends that in any case.
    static func with<Outcome: Sendable>(
        _ change: (inout SandboxConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (Endpoint) async throws -> Outcome
    ) async throws -> Outcome {
        var configuration = SandboxConfiguration()
        configuration.token = token
        change(&configuration)
        let server = SandboxServer(configuration: configuration, timeSource: SystemTimeSource(), logger: .disabled)
        let port = try server.start()
        let endpoint = Endpoint(
            url: "http://127.0.0.1:\(port)",
            headers: [HTTPHeader(name: "Authorization", value: "Bearer \(token)")]
        )
        return try await withThrowingTaskGroup(of: Outcome?.self) { group in
            group.addTask {
                try await server.run()
                return nil
            }
            group.addTask { try await body(endpoint) }
            defer { group.cancelAll() }
            while let outcome = try await group.next() {
                if let outcome { return outcome }
            }
            throw CancellationError()
        }
    }

    /// The answers of a new sandbox to a scenario.
    static func answers(to scenario: Scenario, _ transport: any HTTPTransport) async throws -> [Exchange] {
        try await with { endpoint in
            var runner = ScenarioRunner(scenario, endpoint: endpoint, transport: transport)
            runner.patience = patience
            return try await runner.run()
        }
    }

    /// How long a sandbox has for what its controllers do; a fraction of a second is usual.
    private static let patience = Duration.seconds(20)
}
