import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// A controller on a hub with two members, each with a node: the hub itself and another one.
struct PlacingFleet: Fleet {
    let space: String
    let hub: ControlPlane
    let member: ControlPlane
    let history: FleetHistory
    /// It has the rights that manifests/ ships, on the hub and on the members, and no others.
    let controller: ControllerProcess

    /// The member that the hub itself is.
    var home: String { "home-\(space)" }
    /// The other member.
    var away: String { "away-\(space)" }

    /// The server of a member.
    func plane(_ cluster: String) -> ControlPlane { cluster == home ? hub : member }
    /// The one of the two members that the given one is not.
    func other(_ cluster: String) -> String { cluster == home ? away : home }

    /// Runs `body` beside a controller that has found both members ready, has the invariants checked, and removes what
    /// other tests would see.
    ///
    /// - Parameters:
    ///   - space: the controller's namespace.
    ///   - tenant: the namespace whose placements are carried out, when that is another one; it has the label
    ///     `tier: gold`, which the members allow.
    ///   - roles: the shipped roles that the controller gets on the hub, beyond what any controller needs.
    ///   - body: the test.
    /// - Throws: what `body` throws, and what keeps the members from getting ready.
    static func with(
        _ space: String,
        tenant: String? = nil,
        roles: [String] = [],
        _ body: (PlacingFleet) async throws -> Void
    ) async throws {
        let hub = try await SharedPlane.hub.plane(namespace: space)
        let member = try await SharedPlane.secondMember.plane()
        try await member.kubectl("create namespace \(space)")
        if let tenant {
            for plane in [hub, member] { try await plane.kubectl("create namespace \(tenant)") }
            try await hub.kubectl("label namespace \(tenant) tier=gold")
        }
        let kubeconfig = try await hub.grantShippedRoles(in: space, roles)
        let history = try await FleetHistory.follow(hub, [space, tenant ?? space])
        try await cleaningUp {
            try await hub.kubectl("delete membercluster home-\(space) away-\(space) --ignore-not-found")
        } _: {
            let flags = "--namespace \(tenant ?? space) --controller-namespace \(space)"
            try await ControllerProcess.with(hub, flags, kubeconfig: kubeconfig) { controller in
                let fleet = PlacingFleet(
                    space: space,
                    hub: hub,
                    member: member,
                    history: history,
                    controller: controller
                )
                let spec = "allowedNamespaces: {matchLabels: {tier: gold}}"
                for name in [fleet.home, fleet.away] {
                    try await fleet.register(name, fleet.plane(name), placing: ["pods"], spec: spec)
                }
                for name in [fleet.home, fleet.away] { try await fleet.expect(name, isReady: true) }
                try await body(fleet)
                try await fleet.expectNoRefusals(controller)
                try await history.expectInvariants()
            }
        }
    }

    /// Applies a Placement named `web` for members of this fleet; manifests in YAML, indented by four.
    func place(
        _ manifests: String,
        count: Int = 2,
        selector: String = "",
        namespace: String? = nil,
        spec: String = ""
    ) async throws {
        let labels = selector.isEmpty ? "fleet: \(space)" : selector
        try await hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: Placement
            metadata: {name: web, namespace: \(namespace ?? space)}
            spec:
              clusterCount: \(count)
              clusterSelector: {matchLabels: {\(labels)}}
              \(spec)
              manifests:
            \(manifests)
            """
        )
    }

    /// Removes the Placement, and waits until its copies are gone.
    func unplace(_ namespace: String? = nil) async throws {
        try await hub.kubectl("delete placement web -n \(namespace ?? space) --timeout=60s")
    }

    /// Opens the readiness gate of the pod `web`; the hollow node says the rest.
    func letGo(_ plane: ControlPlane) async throws {
        let open: JSONValue = ["status": ["conditions": [["type": "example.com/go", "status": "True"]]]]
        let key = ObjectKey(namespace: space, name: "web")
        _ = try await plane.client.patch(.pods, key, open, type: .strategic, subresource: "status")
    }

    /// Why the members of this fleet were not chosen.
    func rejections(_ status: PlacementStatus) -> [PlacementRejection] {
        (status.rejected ?? []).filter { [home, away].contains($0.cluster) }
    }

    /// An object on a member as soon as it is as expected.
    @discardableResult
    func object<Object: KubernetesObject>(
        _ type: Object.Type,
        _ name: String,
        on plane: ControlPlane,
        when isReached: @escaping @Sendable (Object) -> Bool
    ) async throws -> Object {
        try await plane.wait(for: type, ObjectKey(namespace: space, name: name), until: isReached)
    }
}

/// Manifests of placements, in YAML and indented by four.
enum Manifest {
    static let settings = """
            - apiVersion: v1
              kind: ConfigMap
              metadata: {name: settings}
              data: {a: "1"}
        """

    /// A Deployment of one pod, to be placed.
    static func web(cpu: String = "100m") -> String {
        let lines = deployment("web", cpu: cpu).split(separator: "\n")
        return lines.enumerated().map { ($0 == 0 ? "    - " : "      ") + $1 }.joined(separator: "\n")
    }

    /// A Deployment of one pod, as it is applied.
    static func deployment(_ name: String, cpu: String) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: \(name)}
        spec:
          selector: {matchLabels: {app: \(name)}}
          template:
            metadata: {labels: {app: \(name)}}
            spec:
              containers: [{name: main, image: none, resources: {requests: {cpu: \(cpu)}}}]
        """
    }

    /// A pod that is ready once somebody says so.
    static let gatedPod = """
            - apiVersion: v1
              kind: Pod
              metadata: {name: web}
              spec:
                containers: [{name: web, image: none}]
                readinessGates: [{conditionType: example.com/go}]
        """
}

extension PlacementStatus {
    /// `True Reason` of a condition.
    func condition(_ type: String) -> String {
        conditions?[type: type].map { "\($0.status.rawValue) \($0.reason)" } ?? "none"
    }

    /// The state of a copy.
    func copy(_ cluster: String) -> ClusterSyncStatus? { clusters?.first { $0.cluster == cluster } }
}

/// A ConfigMap, as far as these tests look at it.
struct ConfigMapObject: KubernetesObject {
    static let resource = APIResource.configMaps
    var metadata: ObjectMeta
    var data: [String: String]?
}
