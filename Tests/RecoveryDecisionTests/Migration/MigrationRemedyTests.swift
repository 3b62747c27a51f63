import FoundationEssentials
import KubernetesCore
import RecoveryAPI
import Testing

@testable import RecoveryDecision

@Suite("MigrationRemedy")
struct MigrationRemedyTests {
    private func kind(_ remedy: MigrationRemedy) -> String {
        switch remedy {
        case .resume: "resume"
        case .seeThrough: "see through"
        case .rollBack(let finding): "roll back \(finding.reason)"
        case .wait: "wait"
        case .giveUp(let finding): "give up \(finding.reason)"
        }
    }

    private func remedy(_ scene: MigrationScene, attempt: Int = 1, _ findings: [MigrationFinding] = []) -> String {
        var facts = scene.facts
        facts.prechecks = MigrationPrechecks(findings: findings)
        return kind(MigrationRemedy.choose(scene.migration, facts, attempt: attempt))
    }

    /// A move that hangs in a phase.
    private func hanging(_ phase: MigrationPhase, _ action: MigrationAction = .relocate) -> MigrationScene {
        var scene = MigrationScene(action)
        for _ in 0..<20 where scene.phase != phase {
            if case .rested = scene.step() { scene.follow() }
        }
        return scene
    }

    @Test("what waiting cannot help is undone at once, the rest gets a second look")
    func prechecking() {
        var scene = hanging(.prechecking)
        #expect(remedy(scene) == "resume")
        let quota = MigrationFinding(MigrationReason.quotaExceeded, "no room", isRefusal: true)
        #expect(remedy(scene, [quota]) == "roll back QuotaExceeded")
        scene.migration.spec.rollbackOnFailure = false
        #expect(remedy(scene, [quota]) == "give up QuotaExceeded")
        scene.migration.spec.rollbackOnFailure = nil
        scene.target.health = .lost("gone")
        #expect(remedy(scene) == "wait" && remedy(scene, attempt: 2) == "roll back TargetNotReady")
        scene.target.health = .ready
        scene.source.health = .lost("gone")
        #expect(remedy(scene) == "wait" && remedy(scene, attempt: 2) == "roll back SourceLost")
        scene.target.health = .lost("gone")
        #expect(remedy(scene, attempt: 9) == "wait", "with neither end there is nothing to go back to")
        var failover = hanging(.prechecking, .failover)
        failover.source.health = .ready
        #expect(remedy(failover) == "roll back SourceReady")
    }

    @Test("a copy that is not ready yet gets more time while its cluster answers")
    func verifying() {
        var scene = hanging(.verifying)
        #expect(remedy(scene) == "resume")
        scene.placement?.status?.decisions?.removeLast()
        #expect(remedy(scene) == "roll back DecisionGone")
    }

    @Test("past the point of no return there is only forward, and a rollback is seen through")
    func onlyForward() {
        var scene = hanging(.cuttingOver)
        #expect(remedy(scene) == "resume")
        scene.target.health = .lost("gone")
        #expect(remedy(scene, attempt: 9) == "wait")
        scene.target.health = .ready
        scene.placement?.status?.decisions?.removeLast()
        #expect(remedy(scene) == "resume")
        scene.migration.status?.phase = .rollingBack
        #expect(remedy(scene) == "see through")
    }

    @Test("every reason has a next step that names what to do")
    func nextSteps() {
        let migration = MigrationScene().migration
        let reasons = [
            MigrationReason.sourceReady, MigrationReason.sourceLost, MigrationReason.quotaExceeded,
            MigrationReason.nameTaken, MigrationReason.namespaceMissing, MigrationReason.apiNotAvailable,
            MigrationReason.targetNotReady, MigrationReason.waitingForTarget, "Anything",
        ]
        for reason in reasons {
            let steps = MigrationFinding(reason, "it is so").nextSteps(migration)
            #expect(steps.first?.contains("edge-") == true || steps.first?.contains("it is so") == true, "\(reason)")
        }
    }
}
