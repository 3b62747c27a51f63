import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// What the workload strategies do to real workloads on hollow nodes.
@Suite("Workloads on a real control plane", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct WorkloadTests {
    private static let system = RecoveryAPI.defaultControllerNamespace

    @Test("rollouts are restarted and rolled back, a failed Job is made again, the pods of a dead node run elsewhere")
    func workloads() async throws {
        let plane = try await ControlPlane.startWithCRDs("test-workloads", nodes: 2, namespaces: ["shop"])
        do {
            try await prepare(plane)
            try await ControllerProcess.with(plane) { _ in
                try await restart(plane)
                try await rollBack(plane)
                try await recreate(plane)
                try await drain(plane)
            }
        } catch {
            try await plane.down()
            throw error
        }
        try await plane.down()
    }

    private func prepare(_ plane: ControlPlane) async throws {
        // The one role that is not bound.
        try await plane.kubectl(
            "create clusterrolebinding recreate --clusterrole=tmc-recovery-strategy-recreate "
                + "--serviceaccount=\(Self.system):\(ControlPlane.controllerAccount.name)"
        )
        try await plane.apply(
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web, namespace: shop}
            spec:
              replicas: 2
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec: {containers: [{name: web, image: "web:1"}]}
            ---
            apiVersion: recovery.tmc.io/v1alpha1
            kind: RecoveryPolicy
            metadata: {name: web, namespace: shop}
            spec:
              match: {errorTypes: [RolloutFailed]}
              strategies: [{name: Rollback, maxAttempts: 2, timeoutSeconds: 120}]
              verify: {forSeconds: 2}
            """
        )
        try await plane.kubectl("wait -n shop --for=condition=Available --timeout=120s deployment/web")
    }

    private func recover(
        _ plane: ControlPlane,
        _ name: String,
        in namespace: String,
        _ spec: String
    ) async throws -> Recovery {
        try await plane.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: Recovery
            metadata: {name: \(name), namespace: \(namespace)}
            spec: \(spec)
            """
        )
        return try await plane.wait(
            for: Recovery.self,
            ObjectKey(namespace: namespace, name: name),
            within: .seconds(150),
            until: \.isFinal
        )
    }

    private func pods(_ plane: ControlPlane) async throws -> [Unstructured] {
        try await plane.client.list(.pods, namespace: "shop").items.filter { !$0.isBeingDeleted }
    }

    private func restart(_ plane: ControlPlane) async throws {
        let before = Set(try await pods(plane).map(\.uid))
        let target = "targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}"
        let ended = try await recover(
            plane,
            "restart",
            in: "shop",
            "{error: {type: ComponentUnhealthy}, \(target), strategy: Restart}"
        )
        #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
        let after = Set(try await pods(plane).map(\.uid))
        #expect(after.count == 2 && after.isDisjoint(with: before))
    }

    /// A new revision whose readiness probe never passes.
    private func rollBack(_ plane: ControlPlane) async throws {
        let ledger = try await plane.waitForLedger(of: "web", in: "shop", entry: "Deployment.web")
        #expect(ledger.annotations.isEmpty)
        let template =
            "{\"containers\":[{\"name\":\"web\",\"image\":\"web:2\",\"readinessProbe\":{\"httpGet\":{\"path\":\"/\",\"port\":9}}}]}"
        try await plane.kubectl(
            "patch deployment web -n shop --type=merge -p '{\"spec\":{\"template\":{\"spec\":\(template)}}}'"
        )
        let ended = try await recover(
            plane,
            "rollback",
            in: "shop",
            "{error: {type: RolloutFailed, retryable: true}, targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}"
        )
        #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
        let web = try await plane.client.get(.deployments, ObjectKey(namespace: "shop", name: "web"))
        let container = web["spec", "template", "spec", "containers"]?[index: 0]
        #expect(container?["image"] == "web:1" && container?["readinessProbe"] == nil)
        #expect(web["status", "availableReplicas"] == 2)
        // A revision that has stayed healthy is not rolled back, whatever else fails.
        try await plane.kubectl("set image deployment/web -n shop web=web:3")
        try await plane.waitForLedger(of: "web", in: "shop", entry: "Deployment.web", revisions: 2)
        let refused = try await recover(
            plane,
            "healthy",
            in: "shop",
            "{error: {type: RolloutFailed, retryable: true}, targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}"
        )
        #expect(refused.state == .failed && refused.status?.message?.contains("not the revision") == true)
    }

    /// The pods of the Job find no node: the test says what becomes of them, as a kubelet would.
    private func recreate(_ plane: ControlPlane) async throws {
        try await plane.apply(
            """
            apiVersion: batch/v1
            kind: Job
            metadata: {name: import, namespace: shop}
            spec:
              backoffLimit: 0
              template:
                metadata: {labels: {app: import}}
                spec:
                  restartPolicy: Never
                  nodeSelector: {kubernetes.io/hostname: none}
                  containers: [{name: import, image: "import:1"}]
            """
        )
        let failed = try await plane.firstPod(in: "shop", labels: "app=import")
        try await endPod(failed, "Failed", plane)
        try await plane.kubectl("wait -n shop --for=condition=Failed --timeout=60s job/import")
        let ended = try await recover(
            plane,
            "recreate",
            in: "shop",
            "{error: {type: JobFailed, retryable: true}, targetRef: {apiVersion: batch/v1, kind: Job, name: import}, "
                + "strategy: Recreate}"
        )
        #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
        let uid = try await plane.client.get(.jobs, ObjectKey(namespace: "shop", name: "import")).uid
        let again = try await plane.firstPod(in: "shop", labels: "controller-uid=\(uid)")
        #expect(again.uid != failed.uid)
        try await endPod(again, "Succeeded", plane)
        try await plane.kubectl("wait -n shop --for=condition=Complete --timeout=60s job/import")
        try await plane.kubectl("delete job import -n shop --cascade=foreground")
    }

    private func endPod(_ pod: Unstructured, _ phase: String, _ plane: ControlPlane) async throws {
        let status: JSONValue = ["status": ["phase": .string(phase)]]
        _ = try await plane.client.patch(.pods, pod.key, status, type: .merge, subresource: "status")
    }

    private func drain(_ plane: ControlPlane) async throws {
        let node = try #require(try await pods(plane).compactMap { $0["spec", "nodeName"]?.stringValue }.first)
        // A policy of the controller's namespace sees it, and acts.
        let rung = "{name: CordonAndDrain, maxAttempts: 1, timeoutSeconds: 120}"
        try await plane.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: RecoveryPolicy
            metadata: {name: nodes, namespace: \(Self.system)}
            spec: {mode: Auto, detection: {nodes: {forSeconds: 2}}, strategies: [\(rung)]}
            """
        )
        try await plane.kubectl("wait -n \(Self.system) --for=condition=Detecting --timeout=60s recoverypolicy/nodes")
        try await plane.stop(node)
        let target = ResolvedTarget(apiVersion: "v1", kind: "Node", namespace: Self.system, name: node)
        let ended = try await plane.incident(of: target, within: .seconds(240), until: \.isFinal)
        #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
        let left = try await pods(plane)
        #expect(left.count == 2 && !left.contains { $0["spec", "nodeName"]?.stringValue == node })
        #expect(try await plane.client.get(.nodes, ObjectKey(name: node))["spec", "unschedulable"] == true)
        // From a tenant's namespace no node can be reached.
        let outside = try await recover(
            plane,
            "drain",
            in: "shop",
            "{error: {type: NodeNotReady, retryable: true}, targetRef: {apiVersion: v1, kind: Node, name: \(node)}, "
                + "strategy: CordonAndDrain}"
        )
        #expect(outside.state == .failed)
        #expect(outside.status?.conditions?[type: ConditionType.accepted]?.reason == ConditionReason.outsideFence)
    }
}
