import Foundation
import HTTPTransport
import JSON
import Testing

/// The contract: the same requests to the sandbox and to a real kube-apiserver get the same answers, field by field.
///
/// The real answers are recorded, so that every run compares with them; a run on a control plane proves that the
/// recording is what the real server says.
@Suite(.timeLimit(.minutes(10)))
struct ContractTests {
    @Test func `The sandbox answers as the recorded server, or the difference is explained`() async throws {
        let recorded = try Recording.load()
        let transport = try CurlTransport()
        defer { transport.shutdown() }
        let differences = try await withThrowingTaskGroup(of: [Difference].self) { group in
            for scenario in try Scenario.all() + RandomScenario.recorded {
                group.addTask {
                    let answers = try await Sandbox.answers(to: scenario, transport)
                    return Comparison.differences(
                        scenario: scenario.name,
                        server: recorded[scenario.name] ?? [],
                        sandbox: answers
                    )
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        try AllowedDifferences(Fixtures.directory.appending(path: "Differences.yaml")).report(differences)
    }

    @Test(.enabled(if: hasControlPlane)) func `The real server answers as recorded`() async throws {
        let endpoint = try await RealServer.shared.endpoint()
        let transport = try CurlTransport()
        defer { transport.shutdown() }
        let recorded = try Recording.load()
        var answers: [(scenario: String, exchanges: [Exchange])] = []
        for scenario in try Scenario.all() + RandomScenario.recorded {
            var runner = ScenarioRunner(scenario, endpoint: endpoint, transport: transport)
            let exchanges = try await runner.run()
            answers.append((scenario.name, exchanges))
            guard !isRecording else { continue }
            for difference in Comparison.differences(
                scenario: scenario.name,
                server: recorded[scenario.name] ?? [],
                sandbox: exchanges
            ) {
                Issue.record("recorded and said now: \(difference)")
            }
        }
        if isRecording { try Recording.store(answers) }
    }

    @Test(.enabled(if: hasControlPlane)) func `Any sequence of writes has the same end on both servers`() async throws {
        let endpoint = try await RealServer.shared.endpoint()
        let transport = try CurlTransport()
        defer { transport.shutdown() }
        let allowed = try AllowedDifferences(Fixtures.directory.appending(path: "Differences.yaml"))
        for scenario in RandomScenario.fresh {
            var runner = ScenarioRunner(scenario, endpoint: endpoint, transport: transport)
            let differences = Comparison.differences(
                scenario: scenario.name,
                server: try await runner.run(),
                sandbox: try await Sandbox.answers(to: scenario, transport)
            )
            // Not every sequence meets every explained difference.
            for difference in allowed.judge(differences).unexplained { Issue.record("\(difference)") }
        }
    }
}
