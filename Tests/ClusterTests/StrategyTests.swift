import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// What the strategies do to a real cluster.
@Suite("Strategies on a real control plane", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct StrategyTests {
    @Test("a real conflict between two writers is merged, and both writers' fields are there")
    func conflict() async throws {
        let space = "strategy-conflict"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        let key = ObjectKey(namespace: space, name: "settings")
        try await plane.kubectl("create configmap settings -n \(space) --from-literal=a=1 --from-literal=b=1")
        let base = try await plane.client.get(.configMaps, key)
        try await plane.kubectl("patch configmap settings -n \(space) --type=merge -p '{\"data\":{\"b\":\"2\"}}'")
        var ours = base
        ours.content.set("9", at: ["data", "a"])
        // The write that fails, as it does in real life.
        let failure = await #expect(throws: ClientError.self) { try await plane.client.update(.configMaps, ours) }
        #expect(failure?.apiError?.isConflict == true)
        try await ControllerProcess.with(plane, "--namespace \(space)") { _ in
            var spec = RecoverySpec(error: ReportedError(type: "ResourceConflict"))
            spec.targetRef = TargetReference(apiVersion: "v1", kind: "ConfigMap", name: "settings")
            spec.parameters = ["base": ["data": ["a": "1", "b": "1"]], "desired": ["data": ["a": "9", "b": "1"]]]
            _ = try await plane.client.create(
                Recovery(metadata: ObjectMeta(name: "merge", namespace: space), spec: spec)
            )
            let ended = try await plane.wait(
                for: Recovery.self,
                ObjectKey(namespace: space, name: "merge"),
                until: \.isFinal
            )
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            let merged = try await plane.client.get(.configMaps, key)
            #expect(merged.content["data"] == ["a": "9", "b": "2"])
        }
    }

    @Test("a member cluster goes away and comes back: the layer is named, the recovery retries and completes")
    func connectivity() async throws {
        let space = "strategy-connectivity"
        let hub = try await SharedPlane.hub.plane(namespace: space)
        let member = try await SharedPlane.member.plane()
        let edge = try await member.memberKubeconfig()
        try await hub.kubectl("create secret generic edge -n \(space) --from-file=kubeconfig=\(edge)")
        try await hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: MemberCluster
            metadata: {name: edge}
            spec: {kubeconfigSecretRef: {name: edge}}
            """
        )
        let flags = "--namespace \(space) --controller-namespace \(space)"
        let kubeconfig = try await hub.grantShippedRoles(in: space)
        try await ControllerProcess.with(hub, flags, kubeconfig: kubeconfig) { _ in
            try await member.stop("apiserver")
            try await hub.apply(
                """
                apiVersion: recovery.tmc.io/v1alpha1
                kind: Recovery
                metadata: {name: edge-lost, namespace: \(space)}
                spec:
                  error: {type: ClusterUnreachable, severity: High}
                  clusterRef: {name: edge}
                  maxAttempts: 20
                  timeoutSeconds: 300
                  parameters: {timeoutsSeconds: [1, 2]}
                """
            )
            let lost = try await hub.wait(for: MemberCluster.self, ObjectKey(name: "edge")) { cluster in
                cluster.status?.conditions?[type: ConditionType.reachable]?.status == .false
            }
            let reachable = lost.status?.conditions?[type: ConditionType.reachable]
            #expect(reachable?.message.lowercased().contains("tcp") == true, "\(reachable as Any)")
            // Would wait for ten minutes after its first attempt if nobody woke it.
            try await hub.apply(
                """
                apiVersion: recovery.tmc.io/v1alpha1
                kind: RecoveryPolicy
                metadata: {name: patient, namespace: \(space)}
                spec: {match: {errorTypes: [SyncFailure]}, strategies: [{name: Generic, maxAttempts: 2, backoff: {initialSeconds: 600}}]}
                ---
                apiVersion: recovery.tmc.io/v1alpha1
                kind: Recovery
                metadata: {name: waiting, namespace: \(space)}
                spec:
                  error: {type: SyncFailure}
                  clusterRef: {name: edge}
                  targetRef: {apiVersion: v1, kind: ConfigMap, name: extension-apiserver-authentication, namespace: kube-system}
                  parameters: {waitSeconds: 0, touch: false}
                """
            )
            let waiting = ObjectKey(namespace: space, name: "waiting")
            _ = try await hub.wait(for: Recovery.self, waiting) { $0.status?.nextAttemptTime != nil }
            let key = ObjectKey(namespace: space, name: "edge-lost")
            _ = try await hub.wait(for: Recovery.self, key) { $0.status?.nextAttemptTime != nil }
            try await member.start("apiserver")
            let ended = try await hub.wait(for: Recovery.self, key, within: .seconds(180), until: \.isFinal)
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            #expect((ended.status?.attempts ?? 0) >= 2)
            let woken = try await hub.wait(for: Recovery.self, waiting, until: \.isFinal)
            #expect(woken.state == .completed, "\(woken.status?.message ?? "")")
            _ = try await hub.wait(for: MemberCluster.self, ObjectKey(name: "edge")) { cluster in
                cluster.status?.conditions?.isTrue(ConditionType.reachable) == true
            }
        }
    }
}
