import JSON
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

@testable import RecoveryEngine

/// Writes on top of what others wrote meanwhile.
@Suite("StatusWriter")
struct StatusWriterTests {
    /// An attempt that has something to write, while somebody else wrote `status`.
    private func flush(after change: JSONValue) throws -> (error: (any Error)?, status: RecoveryStatus?) {
        let harness = StrategyHarness()
        let attempt = try harness.attempt("Test", target: nil)
        attempt.journal.note("Look", .succeeded, "seen")
        harness.hub.edit(Recovery.resource, StrategyHarness.recoveryKey) { recovery in
            for (field, value) in change.objectValue ?? [:] { recovery.set(value, at: ["status", field]) }
        }
        let run = harness.world.start { try await attempt.journal.flush() }
        harness.world.settle()
        #expect(run.isFinished)
        let stored = try #require(harness.hub.object(Recovery.resource, StrategyHarness.recoveryKey))
        return (run.error, try Recovery(json: stored.content).status)
    }

    @Test("a report of the same failure disturbs no attempt, and is kept")
    func leavesOccurrences() throws {
        let (error, status) = try flush(after: ["occurrences": ["count": 2, "lastTime": "2026-01-01T00:00:00Z"]])
        #expect(error == nil)
        #expect(status?.occurrences?.count == 2)
        #expect(status?.executions?.last?.result?.actions?.map(\.name) == ["Look"])
    }

    @Test("whatever else changes in status, somebody else has the Recovery")
    func isOvertaken() throws {
        let (error, status) = try flush(after: ["occurrences": ["count": 2], "message": "mine"])
        #expect(error is StatusWriteFailure)
        #expect(status?.executions?.last?.result == nil)
    }
}
