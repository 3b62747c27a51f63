import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// Placements that move between two real members, with faults that are done to them.
@Suite("Migrations on real control planes", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(15)))
struct MigrationTests {
    private static let whole: [MigrationPhase] = [
        .prechecking, .deploying, .verifying, .cuttingOver, .cleaning, .completed,
    ]
    private static let steps = ["Prechecked", "TargetAdded", "TargetVerified", "CutOver", "SourceCleaned"]

    @Test("Relocate there, and back with the controller killed with -9 in each write: the same steps and the same end")
    func relocates() async throws {
        try await MovingFleet.with("mig-relocate") { fleet in
            for (name, from, to) in [("there", 0, 1), ("back", 1, 0)] {
                let writes = name == "back" ? fleet.writes(from: from, to: to) : []
                try await fleet.kill(name, in: writes) { try await fleet.migrate(name, from: from, to: to) }
                let ended = try await fleet.end(name)
                #expect(ended.status?.phase == .completed, "\(ended.status?.message ?? "")")
                #expect(fleet.phases(name) == Self.whole)
                #expect(fleet.steps(name) == Self.steps)
                #expect(ended.status?.completedSteps?.map(\.name) == Self.steps, "no step twice")
                let placement = try await fleet.placement { _ in true }
                #expect(placement.decisions?.map(\.cluster) == [fleet.cluster(to)])
                #expect(placement.evacuated?.map(\.cluster) == [fleet.cluster(from)])
                let (left, there) = (try await fleet.copy(on: from), try await fleet.copy(on: to))
                #expect(!left.settings && left.data, "the copy is gone, its data stays")
                #expect(there.settings && there.data)
                #expect(try await fleet.madeBeforeBreak(from: from, to: to))
            }
            #expect(try await fleet.hub.client.list(Recovery.self, namespace: fleet.space).items.isEmpty)
            #expect(try await fleet.hub.kubectl("get events -n \(fleet.space)").contains("MigrationCompleted"))
        }
    }

    @Test(
        "a member hangs or dies: Failover, though killed in each write; when it is back its copy goes, its data stays",
        arguments: ["STOP", "KILL"]
    )
    func failsOver(signal: String) async throws {
        try await MovingFleet.with("mig-failover-\(signal.lowercased())") { fleet in
            try await fleet.members[0].stop("apiserver", signal: signal)
            try await fleet.expect(0, isReady: false)
            let writes = signal == "STOP" ? fleet.writes(from: 0, to: 1) : []
            try await fleet.kill("away", in: writes) { try await fleet.migrate("away", .failover) }
            let ended = try await fleet.end("away")
            #expect(ended.status?.phase == .completed && fleet.phases("away") == Self.whole)
            #expect(ended.status?.completedSteps?.map(\.name) == Self.steps && fleet.steps("away") == Self.steps)
            let lost = try await fleet.placement { $0.isReady(on: fleet.cluster(1)) }
            #expect(lost.decisions?.map(\.cluster) == [fleet.cluster(1)] && lost.evacuated?.first?.hasLeftovers == true)
            if signal == "KILL" {
                try await fleet.members[0].start("apiserver")
            } else {
                try await fleet.members[0].stop("apiserver", signal: "CONT")
            }
            let clean = try await fleet.placement { $0.evacuated?.first?.hasLeftovers == false }
            #expect(clean.decisions?.map(\.cluster) == [fleet.cluster(1)], "nothing goes back by itself")
            let (left, there) = (try await fleet.copy(on: 0), try await fleet.copy(on: 1))
            #expect(!left.settings && left.data && there.settings && there.data)
            #expect(try await fleet.madeBeforeBreak(from: 0, to: 1))
        }
    }

    @Test(
        "a target that refuses by quota: one Recovery finds out, undoes the move though killed with -9, and says what to do"
    )
    func quota() async throws {
        try await MovingFleet.with("mig-quota") { fleet in
            let before = try await fleet.placement { _ in true }.decisions
            try await fleet.members[1].refuseConfigMaps(fleet.space)
            try await fleet.kill("full", in: [.phase(.rollingBack)]) { try await fleet.migrate("full") }
            let ended = try await fleet.end("full", within: .seconds(120))
            #expect(ended.status?.phase == .rolledBack, "\(ended.status?.message ?? "")")
            #expect(ended.status?.message?.contains("exceeded quota") == true)
            #expect(fleet.phases("full") == [.prechecking, .rollingBack, .rolledBack])
            #expect(try await fleet.placement { _ in true }.decisions == before)
            let copy = try await fleet.copy(on: 1)
            #expect(!copy.settings && !copy.data)
            let recovery = try await fleet.incident(.migrationFailure, about: Migration.self, "full", until: \.isFinal)
            #expect(recovery.state == .completed, "\(recovery.status?.message ?? "")")
            #expect(try await fleet.history.states(recovery) == [.inProgress, .completed])
            #expect(
                try await fleet.history.actions(recovery) == [
                    "CheckSource Succeeded", "CheckTarget Succeeded", "CheckPrerequisites Failed", "RollBack Started",
                    "RollBack Succeeded",
                ]
            )
            let steps = recovery.status?.executions?.last?.result?.nextSteps ?? []
            #expect(steps.first?.contains("quota") == true, "\(steps)")
        }
    }

    @Test("both members hang: nothing is moved or undone, and the move goes on with the one that comes back")
    func bothDie() async throws {
        try await MovingFleet.with("mig-both") { fleet in
            for index in [0, 1] { try await fleet.members[index].stop("apiserver", signal: "STOP") }
            for index in [0, 1] { try await fleet.expect(index, isReady: false) }
            let before = try await fleet.placement { _ in true }.decisions
            try await fleet.migrate("hope", .failover, "deadlineSeconds: 600")
            let hanging = try await fleet.migration("hope") {
                $0.status?.conditions?[type: ConditionType.progressing]?.status == .false
            }
            #expect(hanging.status?.conditions?[type: ConditionType.progressing]?.reason == "TargetNotReady")
            let tried = try await fleet.incident(.migrationFailure, about: Migration.self, "hope") {
                $0.status?.nextAttemptTime != nil
            }
            #expect(tried.status?.executions?.last?.result?.message?.contains("neither") == true)
            #expect(try await fleet.placement { _ in true }.decisions == before)
            try await fleet.members[1].stop("apiserver", signal: "CONT")
            let ended = try await fleet.end("hope")
            #expect(ended.status?.phase == .completed && fleet.phases("hope") == Self.whole)
            #expect(try await fleet.copy(on: 1).settings)
            let over = try await fleet.incident(
                .migrationFailure,
                about: Migration.self,
                "hope",
                within: .seconds(240),
                until: \.isFinal
            )
            #expect(over.state == .completed, "\(over.status?.message ?? "")")
            try await fleet.members[0].stop("apiserver", signal: "CONT")
            _ = try await fleet.placement { $0.evacuated?.first?.hasLeftovers == false }
            #expect(try await fleet.copy(on: 0).settings == false)
        }
    }

    @Test("a deadline passes: the decisions are restored, though killed in each write; MigrationTimeout tells of it")
    func deadline() async throws {
        try await MovingFleet.with("mig-late", volumes: [0]) { fleet in
            let before = try await fleet.placement { _ in true }.decisions
            try await fleet.migrate("late", .relocate, "deadlineSeconds: 60")
            _ = try await fleet.placement { $0.copy(fleet.cluster(1))?.state == .synced }
            #expect(try await fleet.copy(on: 1).settings, "there is a copy to take back")
            let writes: [MovingWrite] = [
                .phase(.rollingBack), .taken(fleet.cluster(1)), .forgotten(fleet.cluster(1)), .phase(.rolledBack),
            ]
            try await fleet.kill("late", in: writes) {}
            let ended = try await fleet.end("late", within: .seconds(180))
            #expect(ended.status?.phase == .rolledBack, "\(ended.status?.message ?? "")")
            #expect(fleet.phases("late") == [.prechecking, .deploying, .verifying, .rollingBack, .rolledBack])
            let steps = ["Prechecked", "TargetAdded", "RollbackStarted", "TargetRemoved"]
            #expect(fleet.steps("late") == steps && ended.status?.completedSteps?.map(\.name) == steps)
            let after = try await fleet.placement { _ in true }
            #expect(after.decisions == before && after.isReady(on: fleet.cluster(0)))
            #expect(after.evacuated?.isEmpty != false)
            #expect(try await fleet.copy(on: 1).settings == false)
            #expect(try await fleet.settings("delete", on: 0).isEmpty, "the copy that stays was never taken away")
            let recovery = try await fleet.incident(.migrationTimeout, about: Migration.self, "late", until: \.isFinal)
            #expect(recovery.state == .completed, "\(recovery.status?.message ?? "")")
        }
    }

    @Test("a move that hangs is resumed by its Recovery, once, though the controller is killed with -9 in the middle")
    func resumed() async throws {
        try await MovingFleet.with("mig-resumed", volumes: [0]) { fleet in
            try await fleet.migrate("hangs", .relocate, "deadlineSeconds: 600")
            _ = try await fleet.migration("hangs") { $0.status?.phase == .verifying }
            try await fleet.kill("hangs", in: [.resumed]) {
                try await fleet.report(
                    "resume",
                    .migrationFailure,
                    "targetRef: {apiVersion: recovery.tmc.io/v1alpha1, kind: Migration, name: hangs}"
                )
            }
            let begun = try await fleet.recovery("resume") { $0.hasRecorded("ResumeMigration") }
            _ = try await fleet.migration("hangs") { $0.status?.resumeTime != nil }
            try await fleet.makeVolume(on: 1)
            let moved = try await fleet.end("hangs")
            #expect(moved.status?.phase == .completed && fleet.phases("hangs") == Self.whole)
            let ended = try await fleet.ended("resume")
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            #expect(try await fleet.history.states(ended) == [.inProgress, .completed])
            #expect(ended.status?.attempts == 1 && ended.attemptIDs == begun.attemptIDs)
            // The run after the crash may look at both ends again.
            #expect(
                Array(ended.actions.prefix(3)) == [
                    "CheckSource Succeeded", "CheckTarget Succeeded", "ResumeMigration Succeeded",
                ]
            )
            #expect(ended.actions.dropFirst(3).allSatisfy { $0.hasPrefix("Check") }, "\(ended.actions)")
            #expect(fleet.history.migrations.course("hangs") { $0.status?.resumeTime }.count == 1, "resumed once")
        }
    }
}
