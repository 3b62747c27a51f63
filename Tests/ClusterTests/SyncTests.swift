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
    private static let settings = """
            - apiVersion: v1
              kind: ConfigMap
              metadata: {name: settings}
              data: {a: "1"}
        """

    private static let web = """
            - apiVersion: apps/v1
              kind: Deployment
              metadata: {name: web}
              spec:
                selector: {matchLabels: {app: web}}
                template:
                  metadata: {labels: {app: web}}
                  spec:
                    containers: [{name: web, image: none, resources: {requests: {cpu: 100m}}}]
        """

    @Test("the copy on a member is compared, applied, waited for and written down: each step is an action")
    func syncs() async throws {
        try await PlacingFleet.with("syncing") { fleet in
            try await fleet.place(Self.settings + "\n" + Self.web)
            try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            try await fleet.member.kubectl("delete configmap settings -n \(fleet.space)")
            let ended = try await fleet.recover("sync", "SyncFailure", on: fleet.away)
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            #expect(
                ended.actions == [
                    "CheckMemberHealth Succeeded", "CompareDesired Succeeded", "ApplyObjects Succeeded",
                    "WaitForReady Succeeded", "WriteSyncStatus Succeeded",
                ]
            )
            try await fleet.object(ConfigMapObject.self, "settings", on: fleet.member) { $0.data?["a"] == "1" }
            try await fleet.placement { $0.copy(fleet.away)?.ready == true }
            try await fleet.hub.kubectl("delete placement web -n \(fleet.space) --timeout=60s")
        }
    }

    @Test("an object of somebody else is handed to ResourceConflict, which takes it only when it is told to")
    func conflict() async throws {
        try await PlacingFleet.with("taking") { fleet in
            let space = fleet.space
            try await fleet.member.kubectl("create configmap settings -n \(space) --from-literal=a=theirs")
            try await fleet.place(Self.settings)
            try await fleet.placement { $0.copy(fleet.away)?.state == .failed }
            let first = try await fleet.recover("sync", "SyncFailure", on: fleet.away)
            #expect(first.state == .cancelled)
            let name = try #require(first.status?.supersededBy?.name)
            let successor = try await fleet.ended(name)
            #expect(successor.spec.error.type == "SyncConflict" && successor.spec.parentRef?.name == "sync")
            #expect(successor.state == .failed && successor.status?.escalation?.level == .guided)
            #expect(successor.status?.escalation?.nextSteps?.contains { $0.contains("TakeOurs") } == true)
            let theirs = try await fleet.object(ConfigMapObject.self, "settings", on: fleet.member) { _ in true }
            #expect(theirs.data == ["a": "theirs"] && theirs.metadata.labels == nil)
            let taken = try await fleet.recover("take", "SyncConflict", on: fleet.away, "{resolution: TakeOurs}")
            #expect(taken.state == .completed, "\(taken.status?.message ?? "")")
            let ours = try await fleet.object(ConfigMapObject.self, "settings", on: fleet.member) {
                $0.data?["a"] == "1"
            }
            #expect(ours.metadata.uid == theirs.metadata.uid, "it was taken over, not replaced")
            try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            try await fleet.hub.kubectl("delete placement web -n \(space) --timeout=60s")
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
            try await fleet.place(Self.web, count: 1)
            let placed = try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            let before = try #require(placed.decisions?.first?.cluster)
            let after = before == fleet.home ? fleet.away : fleet.home
            let plane = before == fleet.home ? fleet.hub : fleet.member
            let node = try await plane.kubectl("get nodes -o 'jsonpath={.items[0].metadata.name}'")
            try await plane.kubectl("cordon \(node)")
            try await plane.kubectl("delete pods -l app=web -n \(space) --grace-period=0 --force")
            let first = try await fleet.recover("slow", "SyncTimeout", on: before)
            let second = try await fleet.ended(try #require(first.status?.supersededBy?.name))
            try await plane.kubectl("uncordon \(node)")
            #expect(second.spec.error.type == "PlacementCapacity" && second.state == .completed)
            #expect(
                second.actions.contains("WriteDecision Succeeded") && second.actions.contains("WaitForCopies Succeeded")
            )
            let moved = try await fleet.placement { $0.decisions?.map(\.cluster) == [after] }
            #expect(moved.decisions?.first?.placedBy == "Recovery/\(second.metadata.name ?? "")")
            try await fleet.hub.kubectl("delete placement web -n \(space) --timeout=60s")
        }
    }
}

extension PlacingFleet {
    /// Creates a Recovery about the placement `web` and waits for its end.
    func recover(
        _ name: String,
        _ type: String,
        on cluster: String,
        _ parameters: String = "{}"
    ) async throws -> Recovery {
        try await hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: Recovery
            metadata: {name: \(name), namespace: \(space)}
            spec:
              error: {type: \(type), context: {cluster: \(cluster)}}
              targetRef: {apiVersion: recovery.tmc.io/v1alpha1, kind: Placement, name: web}
              parameters: \(parameters)
            """
        )
        return try await ended(name)
    }

    /// A Recovery of the fleet's namespace as soon as it has ended.
    func ended(_ name: String) async throws -> Recovery {
        let key = ObjectKey(namespace: space, name: name)
        return try await hub.wait(for: Recovery.self, key, within: .seconds(150), until: \.isFinal)
    }
}

extension Recovery {
    /// `Name Result` of each action of the newest attempt.
    var actions: [String] {
        (status?.executions?.last?.result?.actions ?? []).map { "\($0.name) \($0.result.rawValue)" }
    }
}
