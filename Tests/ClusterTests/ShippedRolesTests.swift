import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

/// The controller with the rights that manifests/ gives it on the hub, and manifests/member on members, and no others.
@Suite("Shipped roles on a real control plane", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct ShippedRolesTests {
    @Test("under the shipped roles, leader election and configuration the samples of all strategies are recovered")
    func samples() async throws {
        let hub = try await SharedPlane.hub.plane()
        let member = try await SharedPlane.member.plane()
        let earlier = try await AuditLog(hub).writes { _ in true }.count
        try await prepareSamples(hub, member)
        let system = RecoveryAPI.defaultControllerNamespace
        let config = try await shippedConfiguration(hub)
        let flags = "--leader-elect --config \(config)"
        try await ControllerProcess.with(hub, flags) { controller in
            let samples = "\(ControlPlane.root)manifests/samples"
            for name in ["generic", "resource-conflict", "cluster-connectivity", "restart"] {
                try await hub.kubectl("apply --validate=false -f \(samples)/recovery-\(name).yaml")
            }
            try await hub.kubectl("wait --for=condition=Succeeded --timeout=120s recovery --all -n default")
            try await hub.kubectl("wait --for=condition=Succeeded --timeout=120s recovery --all -n \(system)")
            #expect(try await hub.kubectl("get recoveries -n default").components(separatedBy: "Completed").count == 4)
            try await hub.kubectl("label namespace default fleet=edge --overwrite")
            try await hub.kubectl("apply --validate=false -f \(samples)/placement.yaml")
            try await hub.kubectl("wait --for=condition=Synced --timeout=60s placement/greeting -n default")
            try await recoverPlacement(hub, samples)
            try await migrate(hub, samples)
            try await hub.kubectl("delete placement greeting -n default --timeout=60s")
            let described = try await hub.kubectl("describe recovery -n \(system)")
            #expect(described.contains("ClusterConnectivity") && described.contains("RecoveryCompleted"))
            #expect(try await hub.kubectl("describe deployment web -n default").contains("RecoveryCompleted"))
            try await hub.kubectl("wait --for=condition=Reachable --timeout=10s membercluster/edge-cluster-1")
            let holder = try await hub.kubectl(
                "get lease tmc-recovery-controller -n \(system) -o jsonpath={.spec.holderIdentity}"
            )
            #expect(!holder.isEmpty)
            try await expectSuccesses(controller)
            // Deleting is a right, too: what is finished goes when its time has come.
            let brief = "--type=merge -p '{\"spec\":{\"ttlSecondsAfterFinished\":1}}'"
            try await hub.kubectl("patch recovery edge-cluster-1-unreachable -n \(system) \(brief)")
            let ended =
                "web-unhealthy web-settings-conflict web-restart greeting-sync greeting-placement greeting-to-edge-2-hangs"
            try await hub.kubectl("patch recovery \(ended) -n default \(brief)")
            try await hub.kubectl("wait --for=delete --timeout=60s -n \(system) recovery --all")
            try await hub.kubectl("wait --for=delete --timeout=60s -n default recovery --all")
            try await expectNoRefusals(hub, controller, after: earlier)
            try await hub.kubectl("delete membercluster edge-cluster-2")
        }
    }

    /// The samples about the placement.
    private func recoverPlacement(_ hub: ControlPlane, _ samples: String) async throws {
        try await hub.kubectl("wait --for=condition=Ready --timeout=60s placement/greeting -n default")
        for name in ["sync", "placement"] {
            try await hub.kubectl("apply --validate=false -f \(samples)/recovery-\(name).yaml")
            try await hub.kubectl("wait --for=condition=Succeeded --timeout=60s recovery/greeting-\(name) -n default")
        }
    }

    /// The samples about the move to a second cluster.
    private func migrate(_ hub: ControlPlane, _ samples: String) async throws {
        let target = try await SharedPlane.secondMember.plane()
        let system = RecoveryAPI.defaultControllerNamespace
        let kubeconfig = try await target.memberKubeconfig()
        try await hub.kubectl("create secret generic edge-cluster-2 -n \(system) --from-file=kubeconfig=\(kubeconfig)")
        try await hub.kubectl("apply --validate=false -f \(samples)/membercluster-2.yaml")
        try await hub.kubectl("wait --for=condition=Ready --timeout=60s membercluster/edge-cluster-2")
        for name in ["migration", "recovery-migration"] {
            try await hub.kubectl("apply --validate=false -f \(samples)/\(name).yaml")
        }
        let move = "migration/greeting-to-edge-2"
        try await hub.kubectl("wait --for=condition=Succeeded --timeout=60s \(move) -n default")
        try await hub.kubectl(
            "wait --for=condition=Succeeded --timeout=60s recovery/greeting-to-edge-2-hangs -n default"
        )
        #expect(try await target.kubectl("get configmap greeting -n default -o name").contains("greeting"))
        try await hub.kubectl("delete \(move) -n default")
    }

    @Test("the controller has no rights beyond those it uses (cluster-api-operator #563)")
    func limits() async throws {
        let hub = try await SharedPlane.hub.plane()
        let user = ControlPlane.userName(ControlPlane.controllerAccount)
        for question in [
            "create pods", "delete pods", "create deployments.apps", "delete deployments.apps", "get secrets",
            "list secrets", "update secrets", "create serviceaccounts/token", "impersonate users",
            "impersonate serviceaccounts", "bind clusterroles", "create clusterrolebindings", "update nodes",
            "create recoveryapprovals.recovery.tmc.io", "create memberclusters.recovery.tmc.io",
            "update recoverypolicies.recovery.tmc.io",
        ] {
            let answer = await Shell.result(
                of: "kubectl --kubeconfig \(hub.kubeconfig) auth can-i \(question) --as \(user) -n default"
            )
            // Where a kind has no namespaces, kubectl warns first.
            #expect(answer.output.hasSuffix("no\n"), "\(question): \(answer.output)")
        }
    }

    @Test("the server takes all of manifests/, an older one with the version of the PodDisruptionBudget that it has")
    func kustomization() async throws {
        let hub = try await SharedPlane.hub.plane()
        let versions = try await hub.kubectl("api-versions").split(separator: "\n")
        // As README.md says for Kubernetes 1.20.
        let older = "sed 's#^apiVersion: policy/v1$#apiVersion: policy/v1beta1#'"
        let taken = try await hub.kubectl(
            "kustomize \(ControlPlane.root)manifests/ | \(versions.contains("policy/v1") ? "cat" : older) "
                + "| kubectl --kubeconfig \(hub.kubeconfig) apply --dry-run=server -f -"
        )
        for kind in ["deployment.apps", "poddisruptionbudget.policy", "networkpolicy.networking.k8s.io", "service"] {
            #expect(taken.contains("\(kind)/recovery-controller"), "\(taken)")
        }
    }

    private func prepareSamples(_ hub: ControlPlane, _ member: ControlPlane) async throws {
        let samples = "\(ControlPlane.root)manifests/samples"
        let system = RecoveryAPI.defaultControllerNamespace
        let kubeconfig = try await member.memberKubeconfig()
        try await hub.kubectl("create secret generic edge-cluster-1 -n \(system) --from-file=kubeconfig=\(kubeconfig)")
        try await hub.kubectl(
            "apply --validate=false -f \(samples)/membercluster.yaml -f \(samples)/target.yaml -f \(samples)/policy.yaml"
        )
        try await hub.kubectl("wait --for=condition=Available --timeout=120s deployment/web")
    }

    /// The file that the Deployment mounts.
    private func shippedConfiguration(_ hub: ControlPlane) async throws -> String {
        let path = "\(NSTemporaryDirectory())recovery-controller-\(UUID().uuidString).yaml"
        let text = try await hub.kubectl(
            "get configmap recovery-controller-config -n \(RecoveryAPI.defaultControllerNamespace) "
                + "-o 'jsonpath={.data.config\\.yaml}'"
        )
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func expectSuccesses(_ controller: ControllerProcess) async throws {
        let metrics = try await controller.get("/metrics")
        for strategy in [
            "Generic", "ResourceConflict", "ClusterConnectivity", "Restart", "Sync", "Placement", "Migration",
        ] {
            let isCounted = metrics.split(separator: "\n").contains {
                $0.hasPrefix("tmc_recovery_successes_total{") && $0.contains("strategy=\"\(strategy)\"")
                    && $0.hasSuffix(" 1")
            }
            #expect(isCounted, "\(strategy)")
        }
    }

    // No request was refused: neither a write, as the server recorded it, nor a read, as the client counted it. The first
    // `earlier` writes on this plane are those of other tests, which may have been refused.
    private func expectNoRefusals(_ hub: ControlPlane, _ controller: ControllerProcess, after earlier: Int) async throws
    {
        let user = ControlPlane.userName(ControlPlane.controllerAccount)
        let writes = try await AuditLog(hub).writes { _ in true }.dropFirst(earlier).filter { $0.user == user }
        #expect(!writes.isEmpty)
        let refused = writes.filter { $0.status == 403 }.map { "\($0.verb) \($0.resource) \($0.namespace)/\($0.name)" }
        #expect(refused.isEmpty)
        let counted = try await controller.get("/metrics").split(separator: "\n").filter {
            $0.hasPrefix("rest_client_requests_total{") && $0.contains(#"code="403""#)
        }
        #expect(counted.isEmpty)
    }
}
