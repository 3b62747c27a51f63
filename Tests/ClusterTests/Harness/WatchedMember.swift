import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

/// A member cluster that a controller on a hub watches over, reached as a ServiceAccount of the member.
struct WatchedMember: Fleet {
    static let cluster = ObjectKey(name: "watched")

    let space: String
    let hub: ControlPlane
    let member: ControlPlane
    let history: FleetHistory
    /// Set once it runs.
    private(set) var controller: ControllerProcess?

    /// Runs `body` beside a controller that has found the member ready, and removes the MemberCluster afterwards.
    ///
    /// - Parameters:
    ///   - space: the namespace, of the test's own.
    ///   - given: the plane that is the member; the shared one unless given.
    ///   - spec: more fields of the MemberCluster.
    ///   - roles: the shipped roles that the controller gets on the hub, beyond what any controller needs.
    ///   - flags: more flags of the controller.
    ///   - body: the test.
    /// - Throws: what `body` throws, and what keeps the member from getting ready.
    static func with(
        _ space: String,
        member given: ControlPlane? = nil,
        spec: String = "",
        roles: [String] = [],
        flags: String = "",
        _ body: (WatchedMember) async throws -> Void
    ) async throws {
        let hub = try await SharedPlane.hub.plane(namespace: space)
        let member = if let given { given } else { try await SharedPlane.member.plane() }
        let kubeconfig = try await hub.grantShippedRoles(in: space, roles)
        let history = try await FleetHistory.follow(hub, [space])
        var fleet = WatchedMember(space: space, hub: hub, member: member, history: history)
        try await member.kubectl("create namespace \(space)")
        try await fleet.grantAccess()
        try await fleet.giveCredential()
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
        try await cleaningUp {
            try await hub.kubectl("delete membercluster watched")
        } _: {
            let flags = "--namespace \(space) --controller-namespace \(space) \(flags)"
            try await ControllerProcess.with(hub, flags, kubeconfig: kubeconfig) { controller in
                fleet.controller = controller
                try await fleet.expectReady()
                try await body(fleet)
                try await fleet.expectNoRefusals(controller)
                try await history.expectInvariants()
            }
        }
    }

    private func grantAccess() async throws {
        try await member.kubectl("create serviceaccount tmc -n \(space)")
        try await member.kubectl("create role tmc -n \(space) --verb=get,list --resource=configmaps")
        try await member.kubectl("create rolebinding tmc -n \(space) --role=tmc --serviceaccount=\(space):tmc")
    }

    /// Puts a new token of the member's ServiceAccount into the hub's Secret.
    func giveCredential() async throws {
        try await give(kubeconfig: try await member.kubeconfig(of: ObjectKey(namespace: space, name: "tmc")))
    }

    /// Puts a kubeconfig file into the hub's Secret.
    func give(kubeconfig path: String) async throws {
        let create = "create secret generic watched -n \(space) --from-file=kubeconfig=\(path) --dry-run=client -o yaml"
        let secret = try await hub.kubectl(create)
        try await hub.apply(secret)
    }

    /// Puts a kubeconfig into the hub's Secret that says who the user is in this way; YAML in one line.
    func give(user: String) async throws {
        let path = "\(member.kubeconfig)-\(space)-user"
        let config = "kubectl --kubeconfig \(path) config"
        try await Shell.run(
            """
            umask 077
            kubectl --kubeconfig \(member.kubeconfig) config view --raw --minify >\(path)
            \(config) unset users && \(config) set-context --current --user=somebody
            sed -i "/^users:/d" \(path)
            cat >>\(path) <<'USER'
            users: [{name: somebody, user: {\(user)}}]
            USER
            """
        )
        try await give(kubeconfig: path)
    }

    /// Fields of a MemberCluster whose credential is to be renewed in its last two hours.
    static func renewal(_ space: String) -> String {
        "credentialRenewal: {serviceAccountRef: {namespace: \(space), name: tmc}, renewBeforeSeconds: 7200}"
    }

    /// Puts a certificate that ends in half an hour into the hub's Secret, which only now may make tokens on the member.
    ///
    /// The controller has tried to renew it before it might, and will not try again by itself for an hour.
    func giveCertificateNearItsEnd() async throws {
        try await member.kubectl("create rolebinding soon -n \(space) --role=tmc --user=soon")
        let seldom = "{\"spec\":{\"probe\":{\"intervalSeconds\":3600}}}"
        try await hub.kubectl("patch membercluster watched --type=merge -p '\(seldom)'")
        try await give(kubeconfig: try await member.kubeconfigWithCertificate(user: "soon", minutes: 30))
        _ = try await hub.wait(for: MemberCluster.self, Self.cluster) { cluster in
            let end = cluster.status?.credentialExpirationTime ?? .distantFuture
            return end.timeIntervalSinceNow < 2_400 && cluster.status?.conditions?.isTrue(ConditionType.ready) == true
        }
        let permission = "--verb=create --resource=serviceaccounts/token"
        try await member.kubectl("create role renew -n \(space) \(permission)")
        try await member.kubectl("create rolebinding renew -n \(space) --role=renew --user=soon")
    }

    /// Uses the kubeconfig in the hub's Secret as anybody could who has it.
    func expectSecretWorks() async throws {
        let path = "\(member.kubeconfig)-\(space)-secret"
        let data = "get secret watched -n \(space) -o jsonpath='{.data.kubeconfig}'"
        try await Shell.run(
            "umask 077; kubectl --kubeconfig \(hub.kubeconfig) \(data) | base64 -d >\(path)"
                + " && kubectl --kubeconfig \(path) get configmaps -n \(space)"
        )
    }

    func expectReady() async throws {
        _ = try await status { $0.isTrue(ConditionType.ready) }
    }

    /// The MemberCluster's status as soon as its conditions are as expected.
    @discardableResult
    func status(
        within limit: Duration = .seconds(60),
        when isReached: @escaping @Sendable ([Condition]) -> Bool
    ) async throws -> MemberClusterStatus {
        let cluster = try await hub.wait(for: MemberCluster.self, Self.cluster, within: limit) { cluster in
            isReached(cluster.status?.conditions ?? [])
        }
        return try #require(cluster.status)
    }

    /// The first Recovery that detection opens for the cluster, as soon as it is as expected.
    func recovery(
        of type: ErrorType,
        until isReached: @escaping @Sendable (Recovery) -> Bool = { _ in true }
    ) async throws -> Recovery {
        try await incident(type, ResolvedTarget(cluster: Self.cluster.name), until: isReached)
    }
}
