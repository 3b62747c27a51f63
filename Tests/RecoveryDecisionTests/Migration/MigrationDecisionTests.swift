import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import Testing

@testable import RecoveryDecision

@Suite("MigrationDecision")
struct MigrationDecisionTests {
    @Test("Relocate goes through all phases and leaves the source only behind a ready copy")
    func relocates() throws {
        var scene = MigrationScene()
        scene.look()
        #expect(scene.phase == .verifying && scene.steps == ["Prechecked", "TargetAdded"])
        #expect(scene.decisions.map(\.cluster) == ["edge-0", "edge-1", "edge-2"])
        #expect(scene.decisions.last?.isProvisional == true && scene.decisions.last?.placedBy == "Migration/move")
        #expect(scene.migration.status?.pointOfNoReturn == nil)
        scene.follow()
        scene.look()
        #expect(scene.phase == .cleaning && scene.migration.status?.pointOfNoReturn == true)
        #expect(scene.decisions.map(\.isLeaving) == [false, true, false])
        #expect(scene.decisions.last?.isProvisional == false)
        scene.settle()
        #expect(scene.phase == .completed && scene.steps == MigrationStepName.forward)
        #expect(scene.decisions.map(\.cluster) == ["edge-0", "edge-2"])
        let left = try #require(scene.placement?.status?.evacuation(of: "edge-1"))
        #expect(left.migration == "move" && left.reason == "Relocated" && !left.hasLeftovers)
        #expect(scene.condition("Succeeded") == "True/Migrated" && scene.condition("Progressing") == "False/Finished")
        #expect(scene.migration.status?.completionTime == start)
    }

    @Test("The point of no return waits for a look at the present manifests, made after the copy was asked for")
    func staleReadiness() {
        var scene = MigrationScene()
        let before = MigrationScene.synced("edge-2", scene.placement)
        scene.placement?.status?.clusters?.append(before)
        scene.look()
        #expect(scene.phase == .verifying, "what was ready there before was another copy")
        #expect(scene.placement?.status?.sync(on: "edge-2")?.isReady == false)
        scene.follow()
        var edited = scene
        edited.placement?.spec.manifests = [["kind": "ConfigMap"]]
        edited.look()
        #expect(edited.phase == .verifying, "the copy is one of earlier manifests")
        var unseen = scene
        unseen.placement?.metadata.generation = 2
        unseen.look()
        #expect(unseen.phase == .verifying, "the status is about an earlier spec")
        for scene in [edited, unseen] { #expect(scene.migration.status?.isPastReturn == false) }
        unseen.follow()
        unseen.look()
        #expect(unseen.phase == .cleaning)
    }

    @Test("After a crash the target is asked again before the copy is asked for: room was reserved in memory only")
    func asksAgainAfterACrash() {
        var scene = MigrationScene()
        while scene.phase != .deploying { _ = scene.step() }
        scene.crash()
        scene.answer.findings = [MigrationFinding("InsufficientCapacity", "somebody was faster", isRefusal: true)]
        #expect(scene.look() == at(MigrationDecision.precheckInterval))
        #expect(scene.phase == .deploying && scene.decisions.map(\.cluster) == ["edge-0", "edge-1"])
        #expect(scene.condition("Progressing") == "False/InsufficientCapacity")
        scene.answer.findings = []
        scene.look()
        #expect(scene.phase == .verifying && scene.steps == ["Prechecked", "TargetAdded"])
    }

    @Test("The point of no return waits for a copy that is well by a look at it, whatever status says of it")
    func verifiesByALook() {
        var scene = MigrationScene()
        scene.look()
        scene.follow()
        scene.targetProblem = "not ready any more"
        #expect(scene.look() == at(30), "nobody tells of a change there")
        #expect(scene.phase == .verifying && scene.migration.status?.isPastReturn == false)
        #expect(scene.condition("Progressing") == "True/WaitingForTarget")
        scene.targetProblem = nil
        scene.now = at(30)
        scene.look()
        #expect(scene.phase == .cleaning && scene.migration.status?.isPastReturn == true)
    }

    @Test("A spec that is changed on the way is undone before the point of no return, and not heard after it")
    func changedOnTheWay() {
        var scene = MigrationScene()
        scene.look()
        scene.migration.spec.to = "edge-9"
        scene.look()
        #expect(scene.phase == .rollingBack && scene.steps.last == MigrationStepName.rollbackStarted)
        #expect(scene.decisions.first { $0.cluster == "edge-2" }?.isProvisional != true)
        scene.settle()
        #expect(scene.phase == .rolledBack && scene.decisions.map(\.cluster) == ["edge-0", "edge-1"])
        var late = MigrationScene()
        late.look()
        late.follow()
        late.look()
        #expect(late.migration.status?.isPastReturn == true)
        (late.migration.spec.from, late.migration.spec.to) = ("edge-2", "edge-1")
        late.settle()
        #expect(late.phase == .completed && late.decisions.map(\.cluster) == ["edge-0", "edge-2"])
    }

    @Test("A provisional copy is looked after by the very Migration that asked for it, while that is under way")
    func lookedAfter() throws {
        var scene = MigrationScene()
        scene.look()
        let copy = try #require(scene.decisions.last)
        #expect(copy.migrationUID == "uid-move" && copy.isLookedAfter(by: scene.migration))
        let others: [(inout Migration) -> Void] = [
            { $0.metadata.uid = "uid-of-a-namesake" },
            { $0.metadata.name = "other" },
            { $0.status?.phase = .failed },
            { $0.status = nil },
            { $0.status?.to = "edge-3" },
        ]
        for change in others {
            var migration = scene.migration
            change(&migration)
            #expect(!copy.isLookedAfter(by: migration))
        }
        let status = try #require(scene.placement?.status)
        #expect(status.abandoning(copy)?.decision(on: "edge-2")?.isLeaving == true)
        var earlier = copy
        earlier.migrationUID = "uid-of-an-earlier-one"
        #expect(status.abandoning(earlier) == nil, "somebody asked for it anew")
    }

    @Test(
        "A rollback to a source that is lost does not wait for the copy on the target: it stays while it may be the last"
    )
    func rollsBackToLostSource() {
        var scene = MigrationScene(.failover)
        scene.placement?.status?.decisions = [MigrationScene.scheduled("edge-1")]
        scene.targetProblem = "not ready"
        scene.look()
        scene.follow()
        scene.now = scene.now.addingTimeInterval(3_600)
        scene.look()
        #expect(scene.phase == .rolledBack)
        #expect(scene.placement?.status?.evacuation(of: "edge-2")?.hasLeftovers == true)
    }

    @Test("Failover replaces the lost source, which is cleaned when it answers again (karmada #5251)")
    func failsOver() throws {
        var scene = MigrationScene(.failover)
        scene.look()
        #expect(scene.decisions.map(\.cluster) == ["edge-0", "edge-1", "edge-2"], "the source stays until then")
        scene.settle()
        #expect(scene.phase == .completed)
        #expect(scene.decisions.map(\.cluster) == ["edge-0", "edge-2"])
        let left = try #require(scene.placement?.status?.evacuation(of: "edge-1"))
        #expect(left.reason == "FailedOver" && left.hasLeftovers)
        #expect(scene.migration.status?.message?.contains("as soon as it does") == true)
    }

    @Test("A Failover of a ready source waits for the probes, then calls for help; Relocate of a lost one likewise")
    func endsDoNotFit() throws {
        var failover = MigrationScene(.failover)
        failover.source.health = .ready
        let look = failover.look()
        let time = try #require(look)
        #expect(failover.phase == .prechecking && failover.condition("Progressing") == "True/SourceReady")
        #expect(time == at(105), "the probes take that long to notice")
        #expect(MigrationIncident.of(failover.migration) == nil)
        failover.now = time
        failover.look()
        #expect(failover.condition("Progressing") == "False/SourceReady")
        let incident = try #require(MigrationIncident.of(failover.migration))
        #expect(incident.errorType == .migrationFailure && incident.context["cluster"] == "edge-1")
        var relocate = MigrationScene()
        relocate.source.health = .lost("gone")
        relocate.look()
        #expect(relocate.condition("Progressing") == "True/SourceLost" && relocate.decisions.count == 2)
    }

    @Test("A source found lost in the end lets the Failover go on by itself")
    func lostInTheEnd() {
        var scene = MigrationScene(.failover)
        scene.source.health = .ready
        scene.look()
        scene.now = at(200)
        scene.look()
        scene.source.health = .lost("gone")
        scene.settle()
        #expect(scene.phase == .completed)
    }

    @Test(
        "What stands in the way is named; a refusal calls for a recovery at once",
        arguments: [
            (MigrationReason.notPlaced, false), (MigrationReason.alreadyPlaced, true),
            (MigrationReason.failbackNever, true), (MigrationReason.leftoversRemain, false),
            (MigrationReason.targetNotReady, false), (MigrationReason.quotaExceeded, true),
        ]
    )
    func findings(_ reason: String, isRefusal: Bool) {
        var scene = MigrationScene()
        switch reason {
        case MigrationReason.notPlaced: scene.placement?.status?.decisions?.removeLast()
        case MigrationReason.alreadyPlaced:
            scene.placement?.status?.decisions?.append(MigrationScene.scheduled("edge-2"))
        case MigrationReason.failbackNever: scene.heldBackBy = "earlier"
        case MigrationReason.leftoversRemain:
            scene.placement?.status?.evacuated = [
                EvacuatedCluster(cluster: "edge-2", reason: "FailedOver", time: start, leftovers: true)
            ]
        case MigrationReason.targetNotReady: scene.target.health = .lost("edge-2 is not ready")
        default: scene.answer.findings = [MigrationFinding(reason, "no room", isRefusal: true)]
        }
        let before = scene.placement
        scene.look()
        #expect(scene.condition("Progressing") == (isRefusal ? "False/\(reason)" : "True/\(reason)"))
        #expect((MigrationIncident.of(scene.migration) != nil) == isRefusal)
        #expect(scene.placement == before && scene.phase == .prechecking && scene.steps.isEmpty)
        scene.now = at(60)
        scene.look()
        #expect(scene.condition("Progressing") == "False/\(reason)")
    }

    @Test("The target is asked again at an interval, since nobody tells of a change there")
    func asksAgain() {
        var scene = MigrationScene()
        scene.answer.findings = [MigrationFinding(MigrationReason.quotaExceeded, "no room", isRefusal: true)]
        #expect(scene.look() == at(30))
        scene.answer.findings = []
        scene.now = at(30)
        scene.settle()
        #expect(scene.phase == .completed)
    }

    @Test("Outside the fence, without a Placement, or behind another Migration nothing begins and no time runs")
    func waitsBeforeItBegins() {
        var scene = MigrationScene()
        scene.violations = [FieldViolation(path: "spec.to", message: "is \(FieldViolation.outsideFence)")]
        #expect(scene.look() == nil)
        #expect(scene.phase == .pending && scene.condition("Accepted") == "False/OutsideFence")
        scene.violations = [FieldViolation(path: "spec.to", message: "must not be the cluster that is left")]
        scene.look()
        #expect(scene.condition("Accepted") == "False/InvalidSpec")
        scene.violations = []
        scene.waitsFor = "other"
        scene.look()
        #expect(scene.condition("Accepted") == "True/Valid")
        #expect(scene.condition("Progressing") == "False/WaitingForMigration")
        #expect(scene.migration.status?.message?.contains("other") == true)
        scene.waitsFor = nil
        let placement = scene.placement
        scene.placement = nil
        scene.look()
        #expect(scene.condition("Progressing") == "False/PlacementNotFound")
        #expect(scene.migration.status?.startTime == nil && MigrationIncident.of(scene.migration) == nil)
        scene.placement = placement
        scene.now = at(10_000)
        scene.settle()
        #expect(scene.phase == .completed && scene.migration.status?.startTime == at(10_000))
    }

    @Test("A copy that does not become ready is a failure after patience, and is rolled back at the deadline")
    func deadlineRollsBack() {
        var scene = MigrationScene { $0.spec.deadlineSeconds = 400 }
        let before = scene.decisions
        scene.targetProblem = "Deployment team/web: 0 of 3 ready"
        scene.settle()
        #expect(scene.condition("Progressing") == "True/WaitingForTarget")
        #expect(scene.migration.status?.message?.hasSuffix("0 of 3 ready") == true)
        scene.now = at(100)
        scene.settle()
        #expect(scene.condition("Progressing") == "False/WaitingForTarget")
        scene.now = at(400)
        scene.look()
        #expect(scene.phase == .rollingBack && scene.condition("Progressing") == "False/DeadlineExceeded")
        #expect(MigrationIncident.of(scene.migration)?.errorType == .migrationTimeout)
        scene.settle()
        #expect(scene.phase == .rolledBack && scene.condition("Succeeded") == "False/RolledBack")
        #expect(scene.decisions == before)
        #expect(scene.steps == ["Prechecked", "TargetAdded", "RollbackStarted", "TargetRemoved"])
        #expect(MigrationIncident.of(scene.migration) == nil)
    }

    @Test("A later deadline is honoured while the move runs")
    func laterDeadline() {
        var scene = MigrationScene { $0.spec.deadlineSeconds = 400 }
        scene.targetProblem = "not yet"
        scene.settle()
        scene.migration.spec.deadlineSeconds = 1_000
        scene.now = at(500)
        scene.settle()
        #expect(scene.phase == .verifying && scene.migration.status?.deadline == at(1_000))
    }

    @Test("Without rollback a failure leaves both copies to the scheduler, and calls for a person")
    func failsWithoutRollback() {
        var scene = MigrationScene {
            $0.spec.deadlineSeconds = 400
            $0.spec.rollbackOnFailure = false
        }
        scene.targetProblem = "not yet"
        scene.settle()
        scene.now = at(400)
        scene.settle()
        #expect(scene.phase == .failed && scene.condition("Succeeded") == "False/DeadlineExceeded")
        #expect(scene.decisions.map(\.cluster) == ["edge-0", "edge-1", "edge-2"])
        #expect(scene.decisions.contains { $0.isProvisional || $0.isLeaving } == false)
        #expect(MigrationIncident.of(scene.migration)?.errorType == .migrationTimeout)
    }

    @Test("After the point of no return there is no way back: not by a target that fails, a deadline, or a recovery")
    func onlyForward() throws {
        var scene = MigrationScene()
        scene.look()
        scene.follow()
        while scene.phase != .cuttingOver { _ = scene.step() }
        let before = scene.decisions
        scene.target.health = .lost("edge-2 is not ready")
        #expect(scene.migration.rolledBack("Why", "not", now: scene.now) == nil)
        scene.now = at(4_000)
        scene.settle()
        #expect(scene.phase == .cuttingOver && scene.decisions == before, "the source is not left for a dead target")
        #expect(scene.condition("Progressing") == "False/DeadlineExceeded")
        #expect(MigrationIncident.of(scene.migration)?.errorType == .migrationTimeout)
        scene.target.health = .ready
        scene.settle()
        #expect(scene.phase == .completed)
    }

    @Test("A source that dies while it is being left counts as lost, and is cleaned when it answers")
    func sourceDiesWhileCleaning() {
        var scene = MigrationScene()
        scene.look()
        scene.follow()
        scene.look()
        #expect(scene.phase == .cleaning)
        scene.source.health = .lost("edge-1 is not ready")
        scene.settle()
        #expect(scene.phase == .completed)
        #expect(scene.placement?.status?.evacuation(of: "edge-1")?.hasLeftovers == true)
    }

    @Test("The way back to a cluster that was left removes the entry, and a rollback restores it")
    func restoresEvacuation() {
        var scene = MigrationScene { $0.spec.deadlineSeconds = 400 }
        let entry = EvacuatedCluster(cluster: "edge-2", reason: "Relocated", time: start, migration: "earlier")
        scene.placement?.status?.evacuated = [entry]
        let before = scene.placement?.status
        scene.targetProblem = "not yet"
        scene.settle()
        #expect(scene.placement?.status?.evacuated == [] && scene.migration.status?.displaced == entry)
        scene.now = at(400)
        scene.settle()
        #expect(scene.phase == .rolledBack)
        #expect(scene.placement?.status?.evacuated == [entry])
        #expect(scene.decisions == before?.decisions)
    }

    @Test("A rollback keeps the only copy that is decided, and says so")
    func keepsTheOnlyCopy() {
        var scene = MigrationScene { $0.spec.deadlineSeconds = 400 }
        scene.targetProblem = "not yet"
        scene.settle()
        scene.placement?.status?.decisions?.removeAll { $0.cluster != "edge-2" }
        scene.now = at(400)
        scene.settle()
        #expect(scene.phase == .failed && scene.condition("Succeeded") == "False/RollbackImpossible")
        #expect(scene.decisions.map(\.cluster) == ["edge-2"] && scene.decisions.first?.isLeaving == false)
    }

    @Test("A copy that is well is not taken back while the others are not; the Migration ends all the same")
    func rollbackIsBounded() throws {
        var scene = MigrationScene()
        scene.look()
        scene.follow()
        let back: MigrationStatus = try #require(scene.migration.rolledBack("Why", "not", now: start))
        scene.migration.status = back
        scene.source.health = .lost("edge-1 is not ready")
        #expect(scene.look() == at(900))
        #expect(scene.decisions.last?.isLeaving == true)
        scene.now = at(900)
        scene.look()
        #expect(scene.phase == .failed && scene.condition("Succeeded") == "False/RollbackUnfinished")
        #expect(scene.decisions.last?.isLeaving == true)
    }

    @Test("Both ends are dead at the deadline: the decisions are restored, what the target has goes later")
    func bothDie() throws {
        var scene = MigrationScene { $0.spec.deadlineSeconds = 400 }
        let before = scene.decisions
        scene.targetProblem = "not yet"
        scene.settle()
        scene.source.health = .lost("edge-1 is not ready")
        scene.target.health = .lost("edge-2 is not ready")
        scene.now = at(400)
        scene.settle()
        #expect(scene.phase == .rolledBack && scene.decisions == before)
        let left = try #require(scene.placement?.status?.evacuation(of: "edge-2"))
        #expect(left.hasLeftovers && left.reason == "RolledBack")
    }

    @Test("A copy that the scheduler takes back from a rollback is the scheduler's")
    func takenBack() throws {
        var scene = MigrationScene()
        scene.look()
        scene.follow()
        let back: MigrationStatus = try #require(scene.migration.rolledBack("Why", "not", now: start))
        scene.migration.status = back
        scene.look()
        #expect(scene.decisions.last?.isLeaving == true)
        scene.placement?.status?.decisions?[2].leaving = nil
        scene.placement?.status?.decisions?[2].reason = "the copy is there already"
        let before = scene.decisions
        scene.settle()
        #expect(scene.phase == .failed && scene.condition("Succeeded") == "False/RollbackImpossible")
        #expect(scene.decisions == before)
    }

    @Test("A Placement that is gone, or another one of its name, ends the move")
    func placementGone() {
        var scene = MigrationScene()
        scene.look()
        scene.placement?.metadata.uid = "uid-other"
        let before = scene.placement
        scene.look()
        #expect(scene.phase == .failed && scene.condition("Succeeded") == "False/PlacementGone")
        #expect(scene.placement == before)
    }

    @Test("A decision that somebody else took away is no invitation to fight")
    func decisionGone() {
        var scene = MigrationScene()
        scene.look()
        scene.placement?.status?.decisions?.removeLast()
        scene.look()
        #expect(scene.condition("Progressing") == "False/DecisionGone" && scene.decisions.count == 2)
    }

    @Test("A recovery may resume, which renews patience, and roll back; nothing else, and nothing at the end")
    func requests() throws {
        var scene = MigrationScene()
        #expect(scene.migration.resumed("go", now: start) == nil)
        #expect(scene.migration.rolledBack("X", "x", now: start) == nil)
        scene.targetProblem = "not yet"
        scene.settle()
        scene.now = at(300)
        scene.settle()
        #expect(scene.condition("Progressing") == "False/WaitingForTarget")
        let resumed: MigrationStatus = try #require(scene.migration.resumed("go", now: at(300)))
        scene.migration.status = resumed
        scene.settle()
        #expect(scene.condition("Progressing") == "True/WaitingForTarget")
        let back: MigrationStatus = try #require(scene.migration.rolledBack("NoUse", "it cannot succeed", now: at(300)))
        scene.migration.status = back
        scene.settle()
        #expect(scene.phase == .rolledBack && scene.migration.status?.message?.contains("it cannot succeed") == true)
        #expect(scene.migration.resumed("go", now: start) == nil)
        #expect(scene.migration.rolledBack("X", "x", now: start) == nil)
        scene.migration.spec.rollbackOnFailure = false
        scene.migration.status?.phase = .verifying
        #expect(scene.migration.rolledBack("X", "x", now: start) == nil)
    }

    @Test("Of several Migrations the one that has begun goes first, then the oldest, then by name; one refused is last")
    func turns() {
        func migration(_ name: String, _ phase: MigrationPhase?, _ seconds: Double) -> Migration {
            var migration = MigrationScene().migration
            migration.metadata.name = name
            migration.metadata.creationTimestamp = at(seconds)
            migration.status = MigrationStatus()
            migration.status?.phase = phase
            return migration
        }
        let all = [
            migration("done", .completed, 0), migration("b", .pending, 1), migration("a", nil, 1),
            migration("young", .verifying, 9),
        ]
        #expect(MigrationTurn.first(of: all)?.metadata.name == "young")
        #expect(MigrationTurn.first(of: Array(all.dropLast()))?.metadata.name == "a")
        #expect(MigrationTurn.first(of: [all[0]]) == nil)
        let new = migration("refused", .pending, 0)
        var refused = new
        refused.status?.set(ConditionType.accepted, .false, reason: "OutsideFence", "", of: new, now: start)
        #expect(MigrationTurn.first(of: [refused] + all.dropLast())?.metadata.name == "a")
        #expect(MigrationTurn.first(of: [refused])?.metadata.name == "refused")
    }
}
