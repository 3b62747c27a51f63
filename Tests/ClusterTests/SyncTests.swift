import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// Recoveries of Placements that people ask for, on real control planes.
@Suite(
    "Sync and Placement strategies on real planes",
    .serialized,
    .enabled(if: hasControlPlane),
    .timeLimit(.minutes(10))
)
struct SyncTests {
    @Test("the copy on a member is compared, applied, waited for and written down: each step is an action")
    func syncs() async throws {
        try await PlacingFleet.with("syncing") { fleet in
            try await fleet.place(Manifest.settings + "\n" + Manifest.web())
            try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            try await fleet.member.kubectl("delete configmap settings -n \(fleet.space)")
            let ended = try await fleet.recoverPlacement("sync", .syncFailure, on: fleet.away)
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            #expect(try await fleet.history.states(ended) == [.inProgress, .completed])
            #expect(
                try await fleet.history.actions(ended) == [
                    "CheckMemberHealth Succeeded", "CompareDesired Succeeded", "ApplyObjects Started",
                    "ApplyObjects Succeeded", "WaitForReady Succeeded", "WriteSyncStatus Started",
                    "WriteSyncStatus Succeeded",
                ]
            )
            try await fleet.object(ConfigMapObject.self, "settings", on: fleet.member) { $0.data?["a"] == "1" }
            try await fleet.placement { $0.copy(fleet.away)?.ready == true }
            try await fleet.unplace()
        }
    }

    @Test("what is not ready in time is named; the next attempt waits until it is, and writes that down")
    func waits() async throws {
        try await PlacingFleet.with("waiting") { fleet in
            try await fleet.hub.apply(
                """
                apiVersion: recovery.tmc.io/v1alpha1
                kind: RecoveryPolicy
                metadata: {name: quick, namespace: \(fleet.space)}
                spec:
                  match: {errorTypes: [SyncTimeout]}
                  strategies: [{name: Sync, timeoutSeconds: 15, maxAttempts: 4, backoff: {initialSeconds: 1}}]
                """
            )
            try await fleet.placeAtHome(Manifest.settings)
            try await fleet.place(Manifest.gatedPod, count: 1, selector: "use: \(fleet.space)")
            try await fleet.placement { $0.copy(fleet.home)?.state == .synced && $0.copy(fleet.home)?.ready == false }
            try await fleet.reportPlacement("slow", .syncTimeout, on: fleet.home)
            let late = try await fleet.recovery("slow") { $0.status?.attempts == 2 }
            let first = try #require(late.status?.executions?.first)
            #expect(
                first.result?.actions?.last?.name == "WaitForReady" && first.result?.actions?.last?.result == .failed
            )
            #expect(first.result?.message?.contains("is as declared on \(fleet.home), and not ready") == true)
            #expect(first.result?.nextSteps?.first?.contains("kubectl describe Pod web") == true)
            try await fleet.letGo(fleet.hub)
            let ended = try await fleet.ended("slow")
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            #expect(try await fleet.history.states(ended) == [.inProgress, .completed])
            #expect(
                try await fleet.history.actions(ended) == [
                    "CheckMemberHealth Succeeded", "CompareDesired Succeeded", "ApplyObjects Started",
                    "ApplyObjects Succeeded", "WaitForReady Succeeded", "WriteSyncStatus Started",
                    "WriteSyncStatus Succeeded",
                ]
            )
            try await fleet.unplace()
        }
    }

    @Test("an object of somebody else is handed to ResourceConflict, which takes it only when it is told to")
    func conflict() async throws {
        try await PlacingFleet.with("taking") { fleet in
            let space = fleet.space
            try await fleet.member.kubectl("create configmap settings -n \(space) --from-literal=a=theirs")
            try await fleet.place(Manifest.settings)
            try await fleet.placement { $0.copy(fleet.away)?.state == .failed }
            let first = try await fleet.recoverPlacement("sync", .syncFailure, on: fleet.away)
            #expect(first.state == .cancelled)
            let name = try #require(first.status?.supersededBy?.name)
            let successor = try await fleet.ended(name)
            #expect(successor.spec.error.type == "SyncConflict" && successor.spec.parentRef?.name == "sync")
            #expect(successor.state == .failed && successor.status?.escalation?.level == .guided)
            #expect(successor.status?.escalation?.nextSteps?.contains { $0.contains("TakeOurs") } == true)
            let theirs = try await fleet.object(ConfigMapObject.self, "settings", on: fleet.member) { _ in true }
            #expect(theirs.data == ["a": "theirs"] && theirs.metadata.labels == nil)
            let taken = try await fleet.recoverPlacement(
                "take",
                .syncConflict,
                on: fleet.away,
                "parameters: {resolution: TakeOurs}"
            )
            #expect(taken.state == .completed, "\(taken.status?.message ?? "")")
            #expect(try await fleet.history.states(taken) == [.inProgress, .completed])
            #expect(
                try await fleet.history.actions(taken) == [
                    "ReadLatest Succeeded", "TakeOverObjects Started", "TakeOverObjects Succeeded",
                ]
            )
            let ours = try await fleet.object(ConfigMapObject.self, "settings", on: fleet.member) {
                $0.data?["a"] == "1"
            }
            #expect(ours.metadata.uid == theirs.metadata.uid, "it was taken over, not replaced")
            try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            try await fleet.unplace()
        }
    }

    @Test("pods without a node: Sync hands over to Placement, which moves the copy and leaves the old one last")
    func capacity() async throws {
        try await PlacingFleet.with("moving-room") { fleet in
            let space = fleet.space
            try await fleet.hub.apply(
                """
                apiVersion: recovery.tmc.io/v1alpha1
                kind: RecoveryPolicy
                metadata: {name: quick, namespace: \(space)}
                spec:
                  mode: Auto
                  match: {errorTypes: [SyncTimeout]}
                  strategies: [{name: Sync, timeoutSeconds: 20}]
                """
            )
            try await fleet.place(Manifest.web(), count: 1)
            let placed = try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            let before = try #require(placed.decisions?.first?.cluster)
            let after = before == fleet.home ? fleet.away : fleet.home
            let plane = before == fleet.home ? fleet.hub : fleet.member
            let node = try await plane.kubectl("get nodes -o 'jsonpath={.items[0].metadata.name}'")
            try await plane.kubectl("cordon \(node)")
            try await plane.kubectl("delete pods -l app=web -n \(space) --grace-period=0 --force")
            let first = try await fleet.recoverPlacement("slow", .syncTimeout, on: before)
            let second = try await fleet.ended(try #require(first.status?.supersededBy?.name))
            try await plane.kubectl("uncordon \(node)")
            #expect(second.spec.error.type == "PlacementCapacity" && second.state == .completed)
            #expect(
                second.actions.contains("WriteDecision Succeeded") && second.actions.contains("WaitForCopies Succeeded")
            )
            let moved = try await fleet.placement { $0.decisions?.map(\.cluster) == [after] }
            #expect(moved.decisions?.first?.placedBy == "Recovery/\(second.metadata.name ?? "")")
            try await fleet.unplace()
        }
    }
}
