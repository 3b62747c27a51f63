import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// What the roles of single strategies are worth: each is all that a tenant's account has.
@Suite("Roles of strategies on real planes", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct StrategyRolesTests {
    private static let tenant = "roles-tenant"
    /// By role, what a Recovery reports to have its strategy run.
    private static let errors = [
        "generic": "NetworkTimeout", "resource-conflict": "SyncConflict", "restart": "ComponentUnhealthy",
        "rollback": "RolloutFailed", "scale": "QueueStuck", "recreate": "ConfigurationBroken", "job": "JobWanted",
        "placement": "PlacementConstraint", "sync": "SyncFailure", "migration": "MigrationFailure",
    ]

    @Test("each strategy does its work in a tenant's namespace as an account that has its role and nothing else")
    func alone() async throws {
        // The controller has the role of no strategy; it keeps the ledger for one.
        try await PlacingFleet.with("roles", tenant: Self.tenant, roles: ["ledger"]) { fleet in
            try await giveRoles(fleet)
            try await workloads(fleet)
            try await placements(fleet)
            let controller = ControlPlane.userName(ControlPlane.controllerAccount(in: fleet.space))
            let acts = try await AuditLog(fleet.hub).successfulWrites {
                $0.namespace == Self.tenant && $0.user == controller && $0.impersonatedUser != nil
            }
            let accounts = Set(acts.compactMap(\.impersonatedUser))
            // What Sync and ResourceConflict have changed is on a member.
            let writing = Set(Self.errors.keys).subtracting(["sync", "resource-conflict"])
            #expect(
                accounts
                    == Set(writing.map { ControlPlane.userName(ObjectKey(namespace: Self.tenant, name: "as-\($0)")) })
            )
        }
    }

    /// An account for each role, as which a policy has the strategy act.
    private func giveRoles(_ fleet: PlacingFleet) async throws {
        let hub = fleet.hub
        try await hub.kubectl("apply --validate=false -f \(ControlPlane.root)manifests/rbac-strategies.yaml")
        for (role, error) in Self.errors {
            let account = "as-\(role)"
            try await hub.kubectl("create serviceaccount \(account) -n \(Self.tenant)")
            try await hub.kubectl(
                "create rolebinding \(account) -n \(Self.tenant) --clusterrole=tmc-recovery-strategy-\(role) "
                    + "--serviceaccount=\(Self.tenant):\(account)"
            )
            try await hub.apply(
                """
                apiVersion: recovery.tmc.io/v1alpha1
                kind: RecoveryPolicy
                metadata: {name: \(role), namespace: \(Self.tenant)}
                spec:
                  mode: Auto
                  match: {errorTypes: [\(error)]}
                  serviceAccountName: \(account)
                  strategies: [\(Self.rung(role))]
                  verify: {forSeconds: 2}
                """
            )
        }
        // As itself the controller looks at targets, for their labels and uids.
        try await hub.kubectl("create role look -n \(Self.tenant) --verb=get --resource=deployments.apps")
        let controller = "--serviceaccount=\(fleet.space):\(ControlPlane.controllerAccount.name)"
        try await hub.kubectl("create rolebinding look -n \(Self.tenant) --role=look \(controller)")
        let names = Self.errors.keys.map { "--resource-name=as-\($0)" }.joined(separator: " ")
        try await hub.kubectl(
            "create role act -n \(Self.tenant) --verb=impersonate --resource=serviceaccounts \(names)"
        )
        try await hub.kubectl(
            "create rolebinding act -n \(Self.tenant) --role=act \(controller)"
        )
    }

    private static func rung(_ role: String) -> String {
        switch role {
        case "resource-conflict": "{name: ResourceConflict, parameters: {resolution: TakeOurs}}"
        case "placement": "{name: Placement, parameters: {relax: [taints]}}"
        case "scale": "{name: Scale, parameters: {replicas: 2}}"
        case "job":
            // No hollow kubelet takes its pod, which would run for ever.
            "{name: Job, job: {template: {spec: {template: {spec: {nodeSelector: {nowhere: here}, "
                + "containers: [{name: repair, image: none}]}}}}}}"
        case "generic": "{name: Generic, parameters: {waitSeconds: 0}}"
        default: "{name: \(role.capitalized), maxAttempts: 2, timeoutSeconds: 120}"
        }
    }

    /// Reports what has the strategy of a role run.
    private func report(_ fleet: PlacingFleet, _ role: String, _ target: String, on cluster: String? = nil) async throws
    {
        let error = Self.errors[role] ?? ""
        let context = cluster.map { ", context: {cluster: \($0)}" } ?? ""
        try await fleet.hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: Recovery
            metadata: {name: \(role), namespace: \(Self.tenant)}
            spec:
              error: {type: \(error), retryable: true\(context)}
              targetRef: {\(target)}
            """
        )
    }

    private func expectCompleted(_ fleet: PlacingFleet, _ role: String) async throws {
        let ended = try await fleet.ended(role, in: Self.tenant)
        #expect(ended.state == .completed, "\(role): \(ended.status?.message ?? "")")
    }

    // MARK: Objects of the hub

    private func workloads(_ fleet: PlacingFleet) async throws {
        let hub = fleet.hub
        let web = "apiVersion: apps/v1, kind: Deployment, name: web"
        let map = "apiVersion: v1, kind: ConfigMap, name: target"
        try await hub.kubectl("create configmap target -n \(Self.tenant)")
        try await hub.apply(Manifest.deployment("web", cpu: "1m"), in: Self.tenant)
        try await hub.kubectl("wait -n \(Self.tenant) --for=condition=Available --timeout=60s deployment/web")
        try await hub.waitForLedger(of: "rollback", in: Self.tenant, entry: "Deployment.web")
        for (role, target) in [("generic", map), ("recreate", map), ("scale", web), ("restart", web)] {
            try await report(fleet, role, target)
            try await expectCompleted(fleet, role)
        }
        let broken =
            "{\"containers\":[{\"name\":\"main\",\"readinessProbe\":{\"httpGet\":{\"path\":\"/\",\"port\":9}}}]}"
        try await hub.kubectl(
            "patch deployment web -n \(Self.tenant) -p '{\"spec\":{\"template\":{\"spec\":\(broken)}}}'"
        )
        try await report(fleet, "rollback", web)
        try await report(fleet, "job", map)
        let pod = try await hub.firstPod(in: Self.tenant, labels: "job-name")
        try await hub.setStatus(of: pod, .succeeded)
        try await expectCompleted(fleet, "job")
        try await expectCompleted(fleet, "rollback")
    }

    // MARK: Placements

    private func placements(_ fleet: PlacingFleet) async throws {
        let placement = "apiVersion: recovery.tmc.io/v1alpha1, kind: Placement, name: web"
        let isReady: @Sendable (PlacementStatus) -> Bool = { $0.condition(ConditionType.ready) == "True Ready" }
        let taint = "{\"spec\":{\"taints\":[{\"key\":\"repair\",\"effect\":\"NoSchedule\"}]}}"
        for name in [fleet.home, fleet.away] {
            try await fleet.hub.kubectl("patch membercluster \(name) --type=merge -p '\(taint)'")
        }
        try await fleet.place(Manifest.settings, count: 1, namespace: Self.tenant)
        try await report(fleet, "placement", placement)
        try await expectCompleted(fleet, "placement")
        let placed = try await fleet.placement(Self.tenant, when: isReady)
        let from = try #require(placed.decisions?.first?.cluster)
        try await report(fleet, "sync", placement, on: from)
        try await expectCompleted(fleet, "sync")
        // Nobody's from now on.
        let release = "label configmap settings -n \(Self.tenant) recovery.tmc.io/placement-uid-"
        try await fleet.plane(from).kubectl(release)
        try await fleet.placement(Self.tenant) { $0.copy(from)?.state == .failed }
        try await report(fleet, "resource-conflict", placement, on: from)
        try await expectCompleted(fleet, "resource-conflict")
        try await fleet.placement(Self.tenant, when: isReady)
        // The other one takes no copy, since it has the taint: the strategy undoes the move.
        let to = fleet.other(from)
        try await fleet.hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: Migration
            metadata: {name: move, namespace: \(Self.tenant)}
            spec: {placementRef: {name: web}, action: Relocate, from: \(from), to: \(to)}
            """
        )
        let undone = try await fleet.incident(
            .migrationFailure,
            about: Migration.self,
            "move",
            in: Self.tenant,
            until: \.isFinal
        )
        #expect(undone.state == .completed, "\(undone.status?.message ?? "") \(undone.actions)")
        #expect(undone.status?.effective?.serviceAccountName == "as-migration")
        try await fleet.hub.kubectl("delete migration move -n \(Self.tenant)")
        try await fleet.unplace(Self.tenant)
    }
}
