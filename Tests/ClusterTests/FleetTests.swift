import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// A hub that watches over a member cluster, with faults that are done to the member.
@Suite("The fleet on real control planes", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct FleetTests {
    private static let cluster = ObjectKey(name: "watched")

    /// A hub namespace with a controller that watches over `watched`, reached as a ServiceAccount of the member.
    private func withFleet(
        _ space: String,
        spec: String = "",
        _ body: (_ hub: ControlPlane, _ member: ControlPlane) async throws -> Void
    ) async throws {
        let hub = try await SharedPlane.hub.plane(namespace: space)
        let member = try await SharedPlane.member.plane()
        try await member.kubectl("create namespace \(space)")
        try await grantAccess(space, member)
        try await giveCredential(space, hub, member)
        try await hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: MemberCluster
            metadata: {name: watched}
            spec:
              kubeconfigSecretRef: {name: watched}
              probe: {intervalSeconds: 1, timeoutSeconds: 2, failureThreshold: 2}
              requiredPermissions: [{resource: configmaps, verbs: [get, list], namespace: \(space)}]
              \(spec)
            """
        )
        try await ControllerProcess.with(hub, "--namespace \(space) --controller-namespace \(space)") { _ in
            try await expectReady(hub)
            try await body(hub, member)
        }
        try await hub.kubectl("delete membercluster watched")
    }

    private func grantAccess(_ space: String, _ member: ControlPlane) async throws {
        try await member.kubectl("create serviceaccount tmc -n \(space)")
        try await member.kubectl("create role tmc -n \(space) --verb=get,list --resource=configmaps")
        try await member.kubectl("create rolebinding tmc -n \(space) --role=tmc --serviceaccount=\(space):tmc")
    }

    /// Puts a new token of the member's ServiceAccount into the hub's Secret.
    private func giveCredential(_ space: String, _ hub: ControlPlane, _ member: ControlPlane) async throws {
        let path = try await member.kubeconfig(of: ObjectKey(namespace: space, name: "tmc"))
        let create = "create secret generic watched -n \(space) --from-file=kubeconfig=\(path) --dry-run=client -o yaml"
        let secret = try await hub.kubectl(create)
        try await hub.apply(secret)
    }

    private func expectReady(_ hub: ControlPlane) async throws {
        _ = try await hub.wait(for: MemberCluster.self, Self.cluster) { cluster in
            (cluster.status?.conditions ?? []).isTrue(ConditionType.ready)
        }
    }

    /// The first Recovery that detection opens for the cluster, as soon as it is as expected.
    private func recovery(
        _ hub: ControlPlane,
        _ space: String,
        of type: ErrorType,
        until isReached: @escaping @Sendable (Recovery) -> Bool = { _ in true }
    ) async throws -> Recovery {
        let target = ResolvedTarget(cluster: Self.cluster.name)
        let fingerprint = try #require(LockKey(target)).fingerprint(errorType: type.rawValue)
        let name = RecoveryNaming.name(target: target, fingerprint: fingerprint, number: 1)
        return try await hub.wait(
            for: Recovery.self,
            ObjectKey(namespace: space, name: name),
            within: .seconds(120),
            until: isReached
        )
    }

    @Test("a member's API server hangs and goes on: it is noticed, recovered, and one incident is one Recovery")
    func hangs() async throws {
        let space = "fleet-hangs"
        try await withFleet(space) { hub, member in
            try await member.stop("apiserver", signal: "STOP")
            let lost = try await hub.wait(for: MemberCluster.self, Self.cluster) { cluster in
                cluster.status?.conditions?[type: ConditionType.reachable]?.status == .false
            }
            let reachable = lost.status?.conditions?[type: ConditionType.reachable]
            #expect(reachable?.message.contains("failed") == true, "\(reachable as Any)")
            _ = try await recovery(hub, space, of: .clusterUnreachable)
            try await member.stop("apiserver", signal: "CONT")
            let ended = try await recovery(hub, space, of: .clusterUnreachable, until: \.isFinal)
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            try await expectReady(hub)
            let all = try await hub.client.list(Recovery.self, namespace: space).items
            #expect(all.count == 1)
            #expect(try await hub.kubectl("get events").contains("ClusterNotReady"))
        }
    }

    @Test("a revoked token ends with a person; a new one in the Secret is used at once")
    func revoked() async throws {
        let space = "fleet-revoked"
        try await withFleet(space) { hub, member in
            // The token is bound to the account, and ends with it.
            try await member.kubectl("delete serviceaccount tmc -n \(space)")
            let ended = try await recovery(hub, space, of: .clusterAuth, until: \.isFinal)
            #expect(ended.state == .failed && ended.status?.escalation?.level == .manual)
            #expect(ended.status?.escalation?.nextSteps?.first?.contains("Secret \(space)/watched") == true)
            let cluster = try await hub.client.get(MemberCluster.self, Self.cluster)
            let conditions = cluster.status?.conditions
            #expect(conditions?[type: ConditionType.reachable]?.status == .true)
            #expect(conditions?[type: ConditionType.authenticated]?.reason == "Unauthorized")
            try await member.kubectl("create serviceaccount tmc -n \(space)")
            try await giveCredential(space, hub, member)
            try await expectReady(hub)
        }
    }

    @Test("a role that was removed is named with the YAML that grants it again, and that YAML works")
    func forbidden() async throws {
        let space = "fleet-forbidden"
        try await withFleet(space) { hub, member in
            try await member.kubectl("delete rolebinding tmc -n \(space)")
            let ended = try await recovery(hub, space, of: .clusterAuth, until: \.isFinal)
            #expect(ended.state == .failed && ended.status?.escalation?.level == .manual)
            let step = try #require(ended.status?.escalation?.nextSteps?.first)
            #expect(step.contains("- get") && step.contains("- list") && step.contains("namespace: \(space)"))
            let manifest = try #require(step.components(separatedBy: "kubectl apply this\n").last)
            try await member.apply(manifest)
            try await expectReady(hub)
            #expect(try await hub.client.list(Recovery.self, namespace: space).items.count == 1)
        }
    }

    @Test("a certificate that ends soon is replaced by a token of the account that the MemberCluster names")
    func renewed() async throws {
        let space = "fleet-renewed"
        let renewal =
            "credentialRenewal: {serviceAccountRef: {namespace: \(space), name: tmc}, renewBeforeSeconds: 7200}"
        try await withFleet(space, spec: renewal) { hub, member in
            let permission = "--verb=create --resource=serviceaccounts/token"
            try await member.kubectl("create role renew -n \(space) \(permission)")
            try await member.kubectl("create rolebinding renew -n \(space) --role=renew --user=soon")
            try await member.kubectl("create rolebinding soon -n \(space) --role=tmc --user=soon")
            let path = try await member.kubeconfigWithCertificate(user: "soon", minutes: 60)
            let create = "create secret generic watched -n \(space) --from-file=kubeconfig=\(path)"
            try await hub.apply(try await hub.kubectl("\(create) --dry-run=client -o yaml"))
            let renewed = try await hub.wait(for: MemberCluster.self, Self.cluster) { cluster in
                let end = cluster.status?.credentialExpirationTime ?? .distantPast
                return end.timeIntervalSinceNow > 7_200
            }
            let isReady = renewed.status?.conditions?.isTrue(ConditionType.ready)
            #expect(isReady == true)
            let key = ObjectKey(namespace: space, name: "watched")
            let secret = try await hub.client.get(.secrets, key)
            let encoded = secret.content.value(at: ["data", "kubeconfig"])?.stringValue ?? ""
            let text = String(decoding: Data(base64Encoded: encoded) ?? Data(), as: UTF8.self)
            #expect(text.contains("token:") && !text.contains("client-certificate-data"))
            #expect(try await hub.client.list(Recovery.self, namespace: space).items.isEmpty)
        }
    }
}
