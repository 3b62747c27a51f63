import FoundationEssentials
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// A hub with a Placement, members in memory, and a stand-in for the placement controller.
final class PlacementStrategyScene: Sendable {
    static let key = ObjectKey(namespace: "team", name: "web")
    static let cpu: JSONValue = [
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web", "namespace": "team"],
        "spec": [
            "replicas": 1,
            "template": ["spec": ["containers": [["name": "c", "resources": ["requests": ["cpu": "2"]]]]]],
        ],
    ]
    static let settings: JSONValue = [
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "settings", "namespace": "team"],
        "data": ["a": "1"],
    ]

    let harness: StrategyHarness
    let members: [String: FakeAPIServer]

    /// Makes ready members, each with one node of 4 CPUs.
    init(_ names: [String] = ["edge-1", "edge-2"], resources: [APIResource] = []) {
        let world = VirtualWorld()
        var members: [String: FakeAPIServer] = [:]
        for name in names {
            let server = FakeAPIServer(timeSource: world.time, resources: resources)
            members[name] = server
            Self.putNode("node", cpu: "4", on: server)
        }
        let transport = RoutingTransport(members.mapValues { $0.transport(identity: "controller") })
        harness = StrategyHarness(world: world, memberTransport: transport, resources: resources)
        for name in names { Self.register(name, harness.hub) }
        self.members = members
        harness.hub.put(
            ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "team", "labels": ["tier": "a"]]],
            .namespaces
        )
    }

    private static func register(_ name: String, _ hub: FakeAPIServer) {
        var secret = MemberScene.secret(server: "https://\(name).example:6443")
        secret.set(.string(name), at: ["metadata", "name"])
        hub.put(secret, .secrets)
        hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "MemberCluster",
                "metadata": ["name": .string(name)],
                "spec": ["kubeconfigSecretRef": ["name": .string(name)], "allowedNamespaces": [:]],
                "status": ["conditions": [["type": "Ready", "status": "True", "reason": "Ready"]]],
            ],
            MemberCluster.resource
        )
    }

    static func putNode(_ name: String, cpu: String, on member: FakeAPIServer) {
        let room: JSONValue = ["cpu": .string(cpu), "memory": "8Gi", "pods": "10"]
        member.put(
            [
                "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name)],
                "status": [
                    "capacity": room, "allocatable": room, "conditions": [["type": "Ready", "status": "True"]],
                ],
            ],
            .nodes
        )
    }

    /// Fills a member's node.
    func fill(_ cluster: String, cpu: String = "3") throws {
        let member = try #require(members[cluster])
        member.put(
            [
                "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "hog", "namespace": "team"],
                "spec": [
                    "nodeName": "node",
                    "containers": [["name": "c", "resources": ["requests": ["cpu": .string(cpu)]]]],
                ],
                "status": ["phase": "Running"],
            ],
            .pods
        )
    }

    /// Changes the spec of a MemberCluster.
    func edit(_ cluster: String, _ change: @escaping @Sendable (inout JSONValue) -> Void) {
        harness.hub.edit(MemberCluster.resource, ObjectKey(name: cluster), change)
    }

    /// Puts the Placement onto the hub, with copies on `clusters`.
    @discardableResult
    func put(
        _ manifests: [JSONValue] = [PlacementStrategyScene.settings],
        on clusters: [String] = [],
        _ change: (inout Placement) -> Void = { _ in }
    ) throws -> Placement {
        var placement = Placement(
            metadata: ObjectMeta(name: Self.key.name, namespace: Self.key.namespace),
            spec: PlacementSpec(manifests: manifests)
        )
        placement.status = PlacementStatus()
        placement.status?.decisions = clusters.map { PlacementDecision(cluster: $0, reason: "before") }
        change(&placement)
        return try Placement(json: harness.hub.put(placement.jsonValue(), Placement.resource).content)
    }

    var placement: Placement {
        get throws {
            try Placement(json: #require(harness.hub.object(Placement.resource, Self.key)).content)
        }
    }

    func attempt(
        _ type: ErrorType,
        about kind: String = "Placement",
        on cluster: String? = nil,
        parameters: [String: JSONValue] = [:],
        actions: [ActionRecord] = [],
        timeLimit: Duration = .seconds(300),
        account: String? = nil
    ) throws -> Attempt {
        try harness.attempt(
            type.rawValue,
            target: ResolvedTarget(
                apiVersion: RecoveryAPI.apiVersion,
                kind: kind,
                namespace: Self.key.namespace,
                name: Self.key.name
            ),
            parameters: parameters,
            actions: actions,
            timeLimit: timeLimit,
            namespace: account == nil ? StrategyHarness.namespace : "team",
            context: cluster.map { ["cluster": $0] },
            account: account
        )
    }

    /// Does what the placement controller does for status: a copy that was decided is synced and ready two seconds later,
    /// and what leaves is gone when all others are.
    func startController(readyOn isReady: @escaping @Sendable (String) -> Bool = { _ in true }) {
        let (hub, time) = (harness.hub, harness.world.time)
        harness.world.start {
            while true {
                try await time.sleep(for: .seconds(2))
                guard let object = hub.object(Placement.resource, Self.key) else { continue }
                var placement = try Placement(json: object.content)
                let hash = placement.manifestsHash
                let states = (placement.status?.decisions ?? []).map { decision in
                    var state = ClusterSyncStatus(cluster: decision.cluster, state: .synced)
                    state.hash = hash
                    state.ready = isReady(decision.cluster)
                    state.message = isReady(decision.cluster) ? nil : "pods are pending"
                    return state
                }
                placement.status?.clusters = states
                if placement.wantedClusters.allSatisfy(placement.isReady) {
                    placement.status?.decisions?.removeAll { $0.isLeaving }
                }
                let status = try placement.jsonValue()["status"]
                guard status != object.content["status"] else { continue }
                hub.edit(Placement.resource, Self.key) { $0["status"] = status }
            }
        }
    }
}
