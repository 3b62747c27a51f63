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

    @Test("Relocate there and back, the controller killed with -9 in each phase: the same steps and the same end")
    func relocates() async throws {
        var (fleet, controller) = try await MovingFleet.start("mig-relocate")
        let moments: [MigrationPhase?] = [nil, .prechecking, .deploying, .verifying, .cuttingOver, .cleaning]
        for (index, moment) in moments.enumerated() {
            let (from, to) = (index % 2, 1 - index % 2)
            let name = "move-\(index)"
            let history = try await MigrationHistory.follow(fleet, name)
            try await fleet.migrate(name, from: from, to: to)
            if let moment {
                _ = try await fleet.migration(name) {
                    $0.status?.phase == moment || $0.status?.phase?.isFinal == true
                }
                controller.crash()
                controller = try await fleet.startController()
            }
            let ended = try await history.end(fleet, name)
            #expect(ended.status?.phase == .completed, "\(ended.status?.message ?? "")")
            #expect(history.phases == Self.whole, "killed in \(moment?.rawValue ?? "no phase")")
            #expect(history.steps == Self.steps)
            #expect(ended.status?.completedSteps?.map(\.name) == Self.steps, "no step twice")
            let placement = try await fleet.placement { _ in true }
            #expect(placement.decided == [fleet.cluster(to)])
            #expect(placement.status?.evacuated?.map(\.cluster) == [fleet.cluster(from)])
            let (left, there) = (try await fleet.copy(on: from), try await fleet.copy(on: to))
            #expect(!left.settings && left.data, "the copy is gone, its data stays")
            #expect(there.settings && there.data)
            #expect(try await fleet.madeBeforeBreak(from: from, to: to))
        }
        #expect(try await fleet.hub.client.list(Recovery.self, namespace: fleet.space).items.isEmpty)
        #expect(try await fleet.hub.kubectl("get events -n \(fleet.space)").contains("MigrationCompleted"))
        try await fleet.stop(controller)
    }

    @Test(
        "Failover from a member that hangs or is killed; when it answers again its copy goes, its data stays, nothing moves back",
        arguments: ["STOP", "KILL"]
    )
    func failsOver(signal: String) async throws {
        let (fleet, controller) = try await MovingFleet.start("mig-failover-\(signal.lowercased())")
        try await fleet.members[0].stop("apiserver", signal: signal)
        try await fleet.expect(0, isReady: false)
        let history = try await MigrationHistory.follow(fleet, "away")
        try await fleet.migrate("away", .failover)
        let ended = try await history.end(fleet, "away")
        #expect(ended.status?.phase == .completed && history.phases == Self.whole)
        let lost = try await fleet.placement { $0.isReady(on: fleet.cluster(1)) }
        #expect(lost.decided == [fleet.cluster(1)] && lost.status?.evacuated?.first?.hasLeftovers == true)
        if signal == "KILL" {
            try await fleet.members[0].start("apiserver")
        } else {
            try await fleet.members[0].stop("apiserver", signal: "CONT")
        }
        let clean = try await fleet.placement { $0.status?.evacuated?.first?.hasLeftovers == false }
        #expect(clean.decided == [fleet.cluster(1)], "nothing goes back by itself")
        let (left, there) = (try await fleet.copy(on: 0), try await fleet.copy(on: 1))
        #expect(!left.settings && left.data && there.settings && there.data)
        try await fleet.stop(controller)
    }

    @Test("a target that refuses by quota: one Recovery finds out, undoes the move, and says what to do")
    func quota() async throws {
        let (fleet, controller) = try await MovingFleet.start("mig-quota")
        let before = try await fleet.placement { _ in true }.status?.decisions
        try await fleet.members[1].kubectl("create quota few -n \(fleet.space) --hard=count/configmaps=0")
        let quota = APIResource(group: "", version: "v1", plural: "resourcequotas", kind: "ResourceQuota")
        _ = try await fleet.members[1].client.get(quota, ObjectKey(namespace: fleet.space, name: "few"))
        let history = try await MigrationHistory.follow(fleet, "full")
        try await fleet.migrate("full")
        let ended = try await history.end(fleet, "full", within: .seconds(120))
        #expect(ended.status?.phase == .rolledBack, "\(ended.status?.message ?? "")")
        #expect(ended.status?.message?.contains("exceeded quota") == true)
        #expect(history.phases == [.prechecking, .rollingBack, .rolledBack])
        #expect(try await fleet.placement { _ in true }.status?.decisions == before)
        let copy = try await fleet.copy(on: 1)
        #expect(!copy.settings && !copy.data)
        let recovery = try await recovery(fleet, "full", .migrationFailure, until: \.isFinal)
        #expect(recovery.state == .completed, "\(recovery.status?.message ?? "")")
        let actions = (recovery.status?.executions?.last?.result?.actions ?? []).map(\.name)
        #expect(actions == ["CheckSource", "CheckTarget", "CheckPrerequisites", "RollBack"])
        let steps = recovery.status?.executions?.last?.result?.nextSteps ?? []
        #expect(steps.first?.contains("quota") == true, "\(steps)")
        try await fleet.stop(controller)
    }

    @Test("both members hang: nothing is moved or undone, and the move goes on with the one that comes back")
    func bothDie() async throws {
        let (fleet, controller) = try await MovingFleet.start("mig-both")
        for index in [0, 1] { try await fleet.members[index].stop("apiserver", signal: "STOP") }
        for index in [0, 1] { try await fleet.expect(index, isReady: false) }
        let before = try await fleet.placement { _ in true }.status?.decisions
        let history = try await MigrationHistory.follow(fleet, "hope")
        try await fleet.migrate("hope", .failover, "deadlineSeconds: 600")
        let hanging = try await fleet.migration("hope") {
            $0.status?.conditions?[type: ConditionType.progressing]?.status == .false
        }
        #expect(hanging.status?.conditions?[type: ConditionType.progressing]?.reason == "TargetNotReady")
        let tried = try await recovery(fleet, "hope", .migrationFailure) { $0.status?.nextAttemptTime != nil }
        #expect(tried.status?.executions?.last?.result?.message?.contains("neither") == true)
        #expect(try await fleet.placement { _ in true }.status?.decisions == before)
        try await fleet.members[1].stop("apiserver", signal: "CONT")
        let ended = try await history.end(fleet, "hope")
        #expect(ended.status?.phase == .completed && history.phases == Self.whole)
        #expect(try await fleet.copy(on: 1).settings)
        let over = try await recovery(fleet, "hope", .migrationFailure, within: .seconds(240), until: \.isFinal)
        #expect(over.state == .completed, "\(over.status?.message ?? "")")
        try await fleet.members[0].stop("apiserver", signal: "CONT")
        _ = try await fleet.placement { $0.status?.evacuated?.first?.hasLeftovers == false }
        #expect(try await fleet.copy(on: 0).settings == false)
        try await fleet.stop(controller)
    }

    @Test("a deadline passes: the decisions are restored, and MigrationTimeout tells of it")
    func deadline() async throws {
        let (fleet, controller) = try await MovingFleet.start("mig-late", volumes: [0])
        let before = try await fleet.placement { _ in true }.status?.decisions
        let history = try await MigrationHistory.follow(fleet, "late")
        try await fleet.migrate("late", .relocate, "deadlineSeconds: 60")
        let ended = try await history.end(fleet, "late", within: .seconds(180))
        #expect(ended.status?.phase == .rolledBack, "\(ended.status?.message ?? "")")
        #expect(history.phases == [.prechecking, .deploying, .verifying, .rollingBack, .rolledBack])
        #expect(history.steps == ["Prechecked", "TargetAdded", "RollbackStarted", "TargetRemoved"])
        let after = try await fleet.placement { _ in true }
        #expect(after.status?.decisions == before && after.isReady(on: fleet.cluster(0)))
        #expect(try await fleet.copy(on: 1).settings == false)
        let recovery = try await recovery(fleet, "late", .migrationTimeout, until: \.isFinal)
        #expect(recovery.state == .completed, "\(recovery.status?.message ?? "")")
        try await fleet.stop(controller)
    }

    /// The first Recovery of a Migration, as soon as it is as expected.
    private func recovery(
        _ fleet: MovingFleet,
        _ migration: String,
        _ type: ErrorType,
        within limit: Duration = .seconds(120),
        until isReached: @escaping @Sendable (Recovery) -> Bool
    ) async throws -> Recovery {
        let target = ResolvedTarget(
            apiVersion: RecoveryAPI.apiVersion,
            kind: Migration.resource.kind,
            namespace: fleet.space,
            name: migration
        )
        let fingerprint = try #require(LockKey(target)).fingerprint(errorType: type.rawValue)
        let name = RecoveryNaming.name(target: target, fingerprint: fingerprint, number: 1)
        let key = ObjectKey(namespace: fleet.space, name: name)
        return try await fleet.hub.wait(for: Recovery.self, key, within: limit, until: isReached)
    }
}
