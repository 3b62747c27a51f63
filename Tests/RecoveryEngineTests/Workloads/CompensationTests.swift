import JSON
import RecoveryAPI
import RecoveryDecision
import Synchronization
import TestSupport
import Testing

@testable import RecoveryEngine

@Suite("What a failed attempt did is taken back")
struct CompensationTests {
    /// Does three things, of which two can be undone.
    private final class Strategy: RecoveryStrategy {
        let descriptor = StrategyDescriptor(name: "Test", errorTypes: [], priority: 1, timeout: .seconds(60))
        let undone = Mutex<[String]>([])
        let failsUndoing: String?

        init(failsUndoing: String? = nil) {
            self.failsUndoing = failsUndoing
        }

        func validate(parameters: [String: JSONValue]) -> [FieldViolation] { [] }

        func execute(_ attempt: Attempt) async throws -> StrategyResult {
            try await attempt.mutate("First", inverse: ["was": 1]) { "one" }
            try await attempt.mutate("Second") { "two" }
            try await attempt.mutate("Third", inverse: ["was": 3]) { "three" }
            return StrategyResult(message: "done")
        }

        func undo(_ action: ActionRecord, _ attempt: Attempt) async throws -> String {
            if action.name == failsUndoing { throw StrategyFailure.permanent("somebody changed it") }
            undone.withLock { $0.append("\(action.name) \(action.inverse?["was"]?.intValue ?? 0)") }
            return "\(action.name) undone"
        }
    }

    private func compensate(_ strategy: Strategy, _ harness: StrategyHarness, _ attempt: Attempt) throws -> String {
        let run = harness.world.start { try await Compensation(attempt, strategy).run() }
        return try #require(run.result).get()
    }

    @Test("last first, each once, also when it is asked again")
    func order() throws {
        let harness = StrategyHarness()
        let strategy = Strategy()
        let attempt = try harness.attempt("InternalError", target: nil)
        _ = try harness.run(strategy, attempt)
        #expect(!Compensation(attempt, strategy).hasBegun)
        #expect(try compensate(strategy, harness, attempt) == "Third undone; First undone")
        #expect(strategy.undone.withLock { $0 } == ["Third 3", "First 1"])
        #expect(Compensation(attempt, strategy).hasBegun)
        _ = try compensate(strategy, harness, attempt)
        #expect(strategy.undone.withLock { $0 }.count == 2)
        let stored = try harness.storedActions().map { "\($0.name) \($0.result.rawValue)" }
        #expect(stored.suffix(2) == ["UndoThird Succeeded", "UndoFirst Succeeded"])
    }

    @Test("after a crash in between, only what is left is undone, and the inverse of an interrupted action is known")
    func resumes() throws {
        let harness = StrategyHarness()
        let strategy = Strategy()
        var (first, third) = (ActionRecord("First", .started), ActionRecord("Third", .succeeded))
        (first.inverse, third.inverse) = (["was": 1], ["was": 3])
        let actions = [first, third, ActionRecord("UndoThird", .succeeded)]
        let attempt = try harness.attempt("InternalError", target: nil, actions: actions)
        #expect(Compensation(attempt, strategy).hasBegun)
        _ = try compensate(strategy, harness, attempt)
        #expect(strategy.undone.withLock { $0 } == ["First 1"])
    }

    @Test("what cannot be undone is recorded as failed")
    func fails() throws {
        let harness = StrategyHarness()
        let strategy = Strategy(failsUndoing: "Third")
        let attempt = try harness.attempt("InternalError", target: nil)
        _ = try harness.run(strategy, attempt)
        #expect(throws: StrategyFailure.self) { try compensate(strategy, harness, attempt) }
        #expect(attempt.recorded("UndoThird")?.result == .failed)
        #expect(strategy.undone.withLock { $0 }.isEmpty)
    }
}
