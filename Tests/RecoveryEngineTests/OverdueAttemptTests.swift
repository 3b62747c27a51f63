import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// Attempts whose Recovery's whole time ran out while no controller ran.
@Suite("An attempt that has changed something and has no time left")
struct OverdueAttemptTests {
    /// Changes something that can be taken back, and is cut off.
    private func crashed() -> LessonScene {
        let scene = LessonScene { attempt, _ in
            try await attempt.mutate("Change", inverse: ["was": 1]) { "changed" }
            try await attempt.timeSource.sleep(for: .seconds(1_000_000))
        }
        scene.start()
        scene.put("web", ["maxAttempts": 2])
        scene.crash()
        return scene
    }

    private func names(_ recovery: Recovery?) -> [String] {
        (recovery?.status?.executions?.last?.result?.actions ?? []).map { "\($0.name) \($0.result.rawValue)" }
    }

    @Test("takes it back once where the target is not well, and ends in Timeout")
    func takesBack() throws {
        let first = crashed()
        #expect(try names(first.recovery("web")) == ["Change Succeeded"])
        first.setReady(false, "web")
        first.world.run(for: .seconds(1_000))
        let second = LessonScene(after: first)
        second.start()
        second.world.run(for: .seconds(5))
        let ended = try second.recovery("web")
        #expect(ended?.state == .timeout, "\(ended?.status?.message ?? "")")
        #expect(second.acting.undone == ["web"] && second.acting.acted.isEmpty)
        #expect(names(ended) == ["Change Succeeded", "UndoChange Succeeded"])
        #expect(ended?.status?.attempts == 1)
        #expect(ended?.status?.message?.contains("stay") == false)
        second.crash()
        let third = LessonScene(after: second)
        third.start()
        #expect(third.acting.undone.isEmpty)
    }

    @Test("leaves it where one look shows the target well, and says so")
    func leaves() throws {
        let first = crashed()
        first.setReady(true, "web")
        first.world.run(for: .seconds(1_000))
        let second = LessonScene(after: first)
        second.start()
        second.world.run(for: .seconds(5))
        let ended = try second.recovery("web")
        #expect(ended?.state == .timeout)
        #expect(second.acting.undone.isEmpty && second.acting.acted.isEmpty)
        let words = ended?.status?.executions?.last?.result?.message
        #expect(words == "its time was over when it was resumed; its target is healthy, so what it changed stays")
        #expect(ended?.status?.message?.contains("its last attempt's changes stay: Change") == true)
    }

    @Test("takes it back where nobody may look, and where that was begun before")
    func takesBackUnseen() throws {
        for isBegun in [true, false] {
            let first = crashed()
            first.setReady(true, "web")
            if isBegun {
                first.hub.edit(Recovery.resource, LessonScene.key("web")) { object in
                    var status = object["status"] ?? [:]
                    var execution = status["executions"]?.arrayValue?.last ?? [:]
                    let actions = execution.value(at: ["result", "actions"])?.arrayValue ?? []
                    execution.set(
                        .array(actions + [["name": "UndoChange", "result": "Started"]]),
                        at: ["result", "actions"]
                    )
                    status["executions"] = [execution]
                    object["status"] = status
                }
            } else {
                first.hub.inject(.status(403, "Forbidden"), times: 1_000) {
                    $0.verb == .get && $0.target?.collection.plural == "configmaps"
                }
            }
            first.world.run(for: .seconds(1_000))
            let second = LessonScene(after: first)
            second.start()
            second.world.run(for: .seconds(5))
            #expect(try second.recovery("web")?.state == .timeout)
            #expect(second.acting.undone == ["web"], "begun before: \(isBegun)")
        }
    }

    @Test("is not half looked at: one that changed nothing just ends")
    func changedNothing() throws {
        let first = LessonScene { attempt, _ in try await attempt.timeSource.sleep(for: .seconds(1_000_000)) }
        first.start()
        first.put("web")
        first.crash()
        first.world.run(for: .seconds(1_000))
        let second = LessonScene(after: first)
        second.start()
        let ended = try second.recovery("web")
        #expect(ended?.state == .timeout)
        #expect(ended?.status?.executions?.last?.result?.message == "the whole recovery's deadline passed")
    }
}
