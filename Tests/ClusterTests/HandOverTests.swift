import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// Failures of a placement that turn out to be failures of a member, on real control planes.
@Suite("Hand-overs on real planes", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct HandOverTests {
    @Test("sync that is connectivity: the cluster's one Recovery takes over, and ends when the member answers again")
    func connectivity() async throws {
        try await PlacingFleet.with("handed-over") { fleet in
            try await fleet.place(Manifest.settings)
            try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            let sync = try await fleet.member.whileHanging("apiserver") {
                try await fleet.recoverPlacement("sync", .syncFailure, on: fleet.away)
            }
            #expect(sync.state == .cancelled && sync.actions == ["CheckMemberHealth Failed"])
            let name = try #require(sync.status?.supersededBy?.name)
            let cluster = try await fleet.ended(name)
            #expect(cluster.spec.error.type == "ClusterUnreachable" && cluster.spec.clusterRef?.name == fleet.away)
            #expect(cluster.state == .completed, "\(cluster.status?.message ?? "")")
            let all = try await fleet.hub.client.list(Recovery.self, namespace: fleet.space).items
            #expect(all.count { $0.spec.error.type == "ClusterUnreachable" } == 1)
            try await fleet.expect(fleet.away, isReady: true)
            try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            try await fleet.unplace()
        }
    }

    @Test("sync and connectivity that are auth end with a person, without going back and forth")
    func authentication() async throws {
        try await PlacingFleet.with("handed-auth") { fleet in
            let space = fleet.space
            try await fleet.place(Manifest.settings)
            try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            try await fleet.member.kubectl("create serviceaccount gone -n \(space)")
            let path = try await fleet.member.kubeconfig(of: ObjectKey(namespace: space, name: "gone"))
            try await fleet.member.kubectl("delete serviceaccount gone -n \(space)")
            let create =
                "create secret generic \(fleet.away) -n \(space) --dry-run=client -o yaml --from-file=kubeconfig"
            let good = try await fleet.hub.kubectl("\(create)=\(fleet.member.kubeconfig)")
            try await fleet.hub.apply(try await fleet.hub.kubectl("\(create)=\(path)"))
            let sync = try await fleet.recoverPlacement("sync", .syncFailure, on: fleet.away)
            let name = try #require(sync.status?.supersededBy?.name, "\(sync.status?.message ?? "")")
            let auth = try await fleet.ended(name)
            #expect(auth.spec.error.type == "ClusterAuth" && auth.state == .failed)
            #expect(auth.status?.escalation?.level == .manual)
            try await fleet.hub.apply(good)
            try await fleet.expect(fleet.away, isReady: true)
            try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            let all = try await fleet.hub.client.list(Recovery.self, namespace: space).items
            #expect(all.count <= 3, "\(all.map { $0.metadata.name ?? "" })")
            try await fleet.unplace()
        }
    }
}
