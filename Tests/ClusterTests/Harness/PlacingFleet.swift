import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// A controller on a hub with two members, each with a node: the hub itself and another one.
struct PlacingFleet: Sendable {
    /// The controller's namespace, of the test's own; there on both members, too.
    let space: String
    let hub: ControlPlane
    let member: ControlPlane
    let controller: ControllerProcess

    /// The member that the hub itself is.
    var home: String { "home-\(space)" }
    /// The other member.
    var away: String { "away-\(space)" }

    /// Runs `body` beside a controller that has found both members ready, and removes their MemberClusters afterwards.
    ///
    /// - Parameters:
    ///   - space: the controller's namespace.
    ///   - tenant: the namespace whose placements are carried out, when that is another one; it has the label
    ///     `tier: gold`, which the members allow.
    ///   - body: the test.
    /// - Throws: what `body` throws, and what keeps the members from getting ready.
    static func with(_ space: String, tenant: String? = nil, _ body: (PlacingFleet) async throws -> Void) async throws {
        let hub = try await SharedPlane.hub.plane(namespace: space)
        let member = try await SharedPlane.secondMember.plane()
        try await member.kubectl("create namespace \(space)")
        if let tenant {
            for plane in [hub, member] { try await plane.kubectl("create namespace \(tenant)") }
            try await hub.kubectl("label namespace \(tenant) tier=gold")
        }
        for (name, plane) in [("home-\(space)", hub), ("away-\(space)", member)] {
            try await hub.kubectl(
                "create secret generic \(name) -n \(space) --from-file=kubeconfig=\(plane.kubeconfig)"
            )
            try await hub.apply(
                """
                apiVersion: recovery.tmc.io/v1alpha1
                kind: MemberCluster
                metadata: {name: \(name), labels: {fleet: \(space)}}
                spec:
                  kubeconfigSecretRef: {name: \(name)}
                  probe: {intervalSeconds: 1, timeoutSeconds: 2, failureThreshold: 2}
                  allowedNamespaces: {matchLabels: {tier: gold}}
                """
            )
        }
        let clean = "delete membercluster home-\(space) away-\(space) --ignore-not-found"
        do {
            let flags = "--namespace \(tenant ?? space) --controller-namespace \(space)"
            try await ControllerProcess.with(hub, flags) { controller in
                let fleet = PlacingFleet(space: space, hub: hub, member: member, controller: controller)
                for name in [fleet.home, fleet.away] { try await fleet.expect(name, isReady: true) }
                try await body(fleet)
            }
        } catch {
            try await hub.kubectl(clean)
            throw error
        }
        try await hub.kubectl(clean)
    }

    func expect(_ cluster: String, isReady: Bool) async throws {
        _ = try await hub.wait(for: MemberCluster.self, ObjectKey(name: cluster)) {
            ($0.status?.conditions ?? []).isTrue(ConditionType.ready) == isReady
        }
    }

    /// Applies a Placement named `web` for members of this fleet; manifests in YAML, indented by four.
    func place(_ manifests: String, count: Int = 2, selector: String = "", namespace: String? = nil) async throws {
        let labels = selector.isEmpty ? "fleet: \(space)" : selector
        try await hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: Placement
            metadata: {name: web, namespace: \(namespace ?? space)}
            spec:
              clusterCount: \(count)
              clusterSelector: {matchLabels: {\(labels)}}
              manifests:
            \(manifests)
            """
        )
    }

    /// The Placement as soon as its status is as expected.
    @discardableResult
    func placement(
        _ namespace: String? = nil,
        within limit: Duration = .seconds(90),
        when isReached: @escaping @Sendable (PlacementStatus) -> Bool
    ) async throws -> PlacementStatus {
        let key = ObjectKey(namespace: namespace ?? space, name: "web")
        let placement = try await hub.wait(for: Placement.self, key, within: limit) {
            $0.status.map(isReached) ?? false
        }
        return try #require(placement.status)
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

    /// The first Recovery about the placement, of this type.
    func recovery(_ type: ErrorType, namespace: String? = nil) async throws -> Recovery {
        let namespace = namespace ?? space
        let target = ResolvedTarget(
            apiVersion: RecoveryAPI.apiVersion,
            kind: "Placement",
            namespace: namespace,
            name: "web"
        )
        let fingerprint = try #require(LockKey(target)).fingerprint(errorType: type.rawValue)
        let name = RecoveryNaming.name(target: target, fingerprint: fingerprint, number: 1)
        let key = ObjectKey(namespace: namespace, name: name)
        return try await hub.wait(for: Recovery.self, key, within: .seconds(120)) { _ in true }
    }
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
