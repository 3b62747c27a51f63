import Foundation
import HTTPTransport
import Testing

/// The recorded conversation with a kube-apiserver 1.36.2, held with the sandbox.
@Suite(.timeLimit(.minutes(5)))
struct ReplayTests {
    @Test func `The sandbox answers as a current server, or the difference is explained`() async throws {
        let replay = try Replay()
        let transport = try CurlTransport()
        defer { transport.shutdown() }
        var answers = try await Sandbox.answers(to: replay.scenario, transport)
        // Of the headers only the ones that were recorded.
        let headers = Dictionary(uniqueKeysWithValues: replay.answers.map { ($0.step, Set($0.headers.keys)) })
        for index in answers.indices {
            let recorded = headers[answers[index].step] ?? []
            answers[index].headers = answers[index].headers.filter { recorded.contains($0.key) || $0.key == "Warning" }
        }
        let differences = Comparison.differences(scenario: "replay", server: replay.answers, sandbox: answers)
        try AllowedDifferences(Fixtures.directory.appending(path: "kube-1.36.2/differences.yaml")).report(differences)
    }
}
