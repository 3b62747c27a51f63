import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

/// The capacity of a member with real pods on hollow nodes.
@Suite("Capacity of members", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct CapacityTests {
    private static let nodes = 2

    /// The status as soon as the amounts are as expected.
    private func status(
        _ fleet: WatchedMember,
        when isReached: @escaping @Sendable (MemberClusterStatus) -> Bool
    ) async throws -> MemberClusterStatus {
        let cluster = try await fleet.hub.wait(
            for: MemberCluster.self,
            WatchedMember.cluster,
            within: .seconds(180)
        ) { cluster in
            cluster.status.map(isReached) ?? false
        }
        return try #require(cluster.status)
    }

    /// The sum of a field of all nodes, as the member says itself.
    private func sum(_ member: ControlPlane, _ field: String, _ resource: String) async throws -> Quantity {
        let path = "{.items[*].status.\(field).\(resource)}"
        let text = try await member.kubectl("get nodes -o jsonpath='\(path)'")
        return text.split(whereSeparator: \.isWhitespace).compactMap { Quantity(String($0)) }.reduce(.zero, +)
    }

    private func run(_ fleet: WatchedMember, replicas: Int) async throws {
        try await fleet.member.apply(
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web, namespace: \(fleet.space)}
            spec:
              replicas: \(replicas)
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  automountServiceAccountToken: false
                  initContainers:
                  - {name: prepare, image: none, resources: {requests: {cpu: 250m}}}
                  containers:
                  - {name: a, image: none, resources: {requests: {cpu: 100m, memory: 64Mi}}}
                  - {name: b, image: none, resources: {limits: {cpu: 50m}}}
            """
        )
    }

    @Test("the right to look is asked for by name; then nodes, pods, cordons and dead nodes are counted")
    func counts() async throws {
        let member = try await ControlPlane.start("test-capacity", nodes: Self.nodes)
        do {
            try await WatchedMember.with("capacity", member: member) { try await follow($0) }
        } catch {
            try await member.down()
            throw error
        }
        try await member.down()
    }

    private func follow(_ fleet: WatchedMember) async throws {
        let member = fleet.member
        let refused = try await fleet.status { $0[type: ConditionType.capacityKnown]?.status == .false }
        let condition = refused.conditions?[type: ConditionType.capacityKnown]
        #expect(condition?.reason == "MissingPermissions" && refused.allocatable == nil)
        #expect(condition?.message.hasSuffix("list nodes, watch nodes, list pods, watch pods") == true)
        try await member.kubectl("create clusterrole capacity --verb=list,watch --resource=nodes,pods")
        let binding = "--clusterrole=capacity --serviceaccount=\(fleet.space):tmc"
        try await member.kubectl("create clusterrolebinding capacity \(binding)")

        let cpu = try await sum(member, "allocatable", "cpu")
        let memory = try await sum(member, "allocatable", "memory")
        let known = try await status(fleet) { $0.allocatable?["cpu"].flatMap { Quantity($0) } == cpu }
        #expect(known.allocatable?["memory"].flatMap { Quantity($0) } == memory)
        #expect(known.capacity?["pods"].flatMap { Quantity($0) } == (try await sum(member, "capacity", "pods")))
        #expect(known.conditions?.isTrue(ConditionType.capacityKnown) == true)
        let before = known.requested?["cpu"].flatMap { Quantity($0) } ?? .zero

        // Of each pod the init container counts, which asks for more than the two others together.
        try await run(fleet, replicas: 4)
        let expected = before + Quantity(1)
        let used = try await status(fleet) { ($0.requested?["cpu"].flatMap { Quantity($0) } ?? .zero) == expected }
        #expect(used.requested?["memory"].flatMap { Quantity($0) }.map { $0 >= Quantity(256 << 20) } == true)
        try await run(fleet, replicas: 0)
        _ = try await status(fleet) { ($0.requested?["cpu"].flatMap { Quantity($0) } ?? .zero) == before }

        try await member.kubectl("cordon node-1")
        let half = Quantity(milli: cpu.milliValue / 2)
        _ = try await status(fleet) { $0.allocatable?["cpu"].flatMap { Quantity($0) } == half }
        try await member.kubectl("uncordon node-1")
        _ = try await status(fleet) { $0.allocatable?["cpu"].flatMap { Quantity($0) } == cpu }
        // Its kubelet is gone: after its grace period the node counts no more.
        try await member.stop("node-2")
        let lost = try await status(fleet) { $0.allocatable?["cpu"].flatMap { Quantity($0) } == half }
        #expect(lost.capacity?["cpu"].flatMap { Quantity($0) } == (try await sum(member, "capacity", "cpu")))
    }
}
