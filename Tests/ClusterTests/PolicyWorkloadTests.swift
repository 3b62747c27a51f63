import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// What policies do to real workloads: by themselves, and after an approval.
@Suite(
    "Policies that act on workloads of a real control plane",
    .serialized,
    .enabled(if: hasControlPlane),
    .timeLimit(.minutes(10))
)
struct PolicyWorkloadTests {
    private func workload(
        _ space: String,
        _ kind: String,
        _ name: String,
        replicas: Int,
        pod: String = "",
        container: String = ""
    ) -> String {
        """
        apiVersion: apps/v1
        kind: \(kind)
        metadata: {name: \(name), namespace: \(space)}
        spec:
          replicas: \(replicas)
          selector: {matchLabels: {app: \(name)}}
          template:
            metadata: {labels: {app: \(name)}}
            spec: {\(pod)containers: [{name: web, image: "web:1"\(container)}]}
        """
    }

    private func policy(_ space: String, _ spec: String) -> String {
        """
        apiVersion: recovery.tmc.io/v1alpha1
        kind: RecoveryPolicy
        metadata: {name: act, namespace: \(space)}
        spec: \(spec)
        """
    }

    /// A Recovery that a person creates; how it ended.
    private func recover(
        _ plane: ControlPlane,
        _ space: String,
        _ name: String,
        _ spec: String
    ) async throws -> Recovery {
        try await plane.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: Recovery
            metadata: {name: \(name), namespace: \(space)}
            spec: \(spec)
            """
        )
        return try await plane.wait(
            for: Recovery.self,
            ObjectKey(namespace: space, name: name),
            within: .seconds(150),
            until: \.isFinal
        )
    }

    /// The Recovery that detection opens for a Deployment.
    private func found(
        _ plane: ControlPlane,
        _ space: String,
        _ name: String,
        until isReached: @escaping @Sendable (Recovery) -> Bool
    ) async throws -> Recovery {
        try await plane.incident(of: .deployment(space, name), until: isReached)
    }

    @Test("a revision in CrashLoopBackOff is rolled back to the one that was healthy, by the policy alone")
    func crashLoop() async throws {
        let space = "acting-crash"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        let stage: @Sendable (Unstructured) -> PodStage = { pod in
            pod["spec", "containers"]?[index: 0]?["image"] == "web:2" ? .waiting("CrashLoopBackOff") : .running
        }
        try await PlayedKubelet.with(plane, node: "crashing", stage: stage) {
            try await plane.apply(workload(space, "Deployment", "web", replicas: 2, pod: "nodeName: crashing, "))
            try await plane.kubectl("wait -n \(space) --for=condition=Available --timeout=120s deployment/web")
            let rung = "{name: Rollback, maxAttempts: 1, timeoutSeconds: 90}"
            let detection = "{workloads: {kinds: [Deployment, Pod], forSeconds: 2, healthyForSeconds: 2}}"
            try await plane.apply(
                policy(space, "{mode: Auto, detection: \(detection), strategies: [\(rung)], verify: {forSeconds: 2}}")
            )
            try await ControllerProcess.with(plane, "--namespace \(space)") { _ in
                try await plane.waitForLedger(of: "act", in: space, entry: "Deployment.web")
                try await plane.kubectl("set image deployment/web -n \(space) web=web:2")
                let ended = try await found(plane, space, "web", until: \.isFinal)
                #expect(ended.spec.error.message?.contains("CrashLoopBackOff") == true, "\(ended.spec.error)")
                #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
                #expect(ended.status?.executions?.map(\.strategy) == ["Rollback"])
            }
            let web = try await plane.client.get(.deployments, ObjectKey(namespace: space, name: "web"))
            #expect(web["spec", "template", "spec", "containers"]?[index: 0]?["image"] == "web:1")
            let pods = try await plane.client.list(.pods, namespace: space).items.filter { !$0.isBeingDeleted }
            #expect(pods.count == 2 && pods.allSatisfy { $0["spec", "containers"]?[index: 0]?["image"] == "web:1" })
            try await plane.kubectl("delete deployment web -n \(space)")
            try await plane.kubectl("wait -n \(space) --for=delete --timeout=60s pod -l app=web")
        }
    }

    @Test("a StatefulSet whose new revision never becomes ready runs its former one again, the stuck pod replaced")
    func statefulSet() async throws {
        let space = "acting-set"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await plane.apply(workload(space, "StatefulSet", "db", replicas: 2))
        try await plane.kubectl("rollout status statefulset/db -n \(space) --timeout=120s")
        let rung = "{name: Rollback, maxAttempts: 1, timeoutSeconds: 90}"
        try await plane.apply(policy(space, "{match: {errorTypes: [RolloutFailed]}, strategies: [\(rung)]}"))
        try await ControllerProcess.with(plane, "--namespace \(space)") { _ in
            try await plane.waitForLedger(of: "act", in: space, entry: "StatefulSet.db")
            let probe = ", readinessProbe: {httpGet: {path: /, port: 9}}, env: [{name: NEW, value: \"1\"}]"
            try await plane.apply(workload(space, "StatefulSet", "db", replicas: 2, container: probe))
            try await plane.kubectl(
                "wait -n \(space) --for=condition=Ready=False --timeout=120s pod/db-1"
            )
            let target = "targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}"
            let ended = try await recover(
                plane,
                space,
                "db",
                "{error: {type: RolloutFailed, retryable: true}, \(target)}"
            )
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
        }
        let set = try await plane.client.get(.statefulSets, ObjectKey(namespace: space, name: "db"))
        #expect(
            set["status", "readyReplicas"] == 2 && set["status", "updateRevision"] == set["status", "currentRevision"]
        )
        #expect(set["spec", "template", "spec", "containers"]?[index: 0]?["readinessProbe"] == nil)
        try await plane.kubectl("delete statefulset db -n \(space)")
    }

    @Test("a workload is scaled by its autoscaler's lower bound, and never beyond what that allows")
    func autoscaler() async throws {
        let space = "acting-scale"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await plane.apply(workload(space, "Deployment", "web", replicas: 1))
        try await plane.kubectl("autoscale deployment web -n \(space) --min=1 --max=4 --cpu-percent=80")
        try await ControllerProcess.with(plane, "--namespace \(space)") { _ in
            let target = "targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}"
            let common = "error: {type: ComponentUnhealthy}, \(target), strategy: Scale"
            let ended = try await recover(plane, space, "more", "{\(common), parameters: {replicas: 3}}")
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            #expect(try await plane.kubectl("get hpa web -n \(space) -o jsonpath={.spec.minReplicas}") == "3")
            let web = try await plane.client.get(.deployments, ObjectKey(namespace: space, name: "web"))
            #expect(web["status", "readyReplicas"] == 3)
            let beyond = try await recover(plane, space, "beyond", "{\(common), parameters: {replicas: 9}}")
            #expect(beyond.state == .failed)
            #expect(
                beyond.status?.message?.contains("allows at most 4 pods, not 9") == true,
                "\(beyond.status?.message ?? "")"
            )
        }
        try await plane.kubectl("delete hpa/web deployment/web -n \(space)")
    }

    @Test(
        "an approval of a rehearsed restart is refused once the workload has changed; one of the new plan restarts it"
    )
    func approval() async throws {
        let space = "acting-approval"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        let nowhere = "nodeSelector: {\(space): here}, "
        try await plane.apply(workload(space, "Deployment", "web", replicas: 1, pod: nowhere))
        let detection = "{workloads: {kinds: [Deployment], forSeconds: 1, healthyForSeconds: 1}}"
        let rung = "{name: Restart, maxAttempts: 1, timeoutSeconds: 90}"
        try await plane.apply(policy(space, "{mode: Approve, detection: \(detection), strategies: [\(rung)]}"))
        try await ControllerProcess.with(plane, "--namespace \(space)") { _ in
            let waiting = try await found(plane, space, "web") { $0.status?.plan != nil }
            let old = try #require(waiting.status?.plan)
            #expect(old.steps?.contains { $0.patch?.contains("restartedAt") == true } == true, "\(old)")
            try await plane.kubectl("set image deployment/web -n \(space) web=web:2")
            try await approve(plane, space, "late", waiting, old.hash)
            let refused = try await judged(plane, space, "late")
            #expect(refused.status?.result == .refused)
            let changed = try await found(plane, space, "web") { $0.status?.plan?.hash != old.hash }
            #expect(changed.status?.attempts == nil)
            try await approve(plane, space, "good", changed, changed.status?.plan?.hash)
            _ = try await found(plane, space, "web") { $0.status?.attempts == 1 }
            try await plane.kubectl("label node --all \(space)=here")
            let ended = try await found(plane, space, "web", until: \.isFinal)
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            #expect(ended.status?.executions?.map(\.strategy) == ["Restart"])
        }
        let web = try await plane.client.get(.deployments, ObjectKey(namespace: space, name: "web"))
        let container = web["spec", "template", "spec", "containers"]?[index: 0]
        #expect(container?["image"] == "web:2" && web["status", "readyReplicas"] == 1)
        try await plane.kubectl("label node --all \(space)-")
        try await plane.kubectl("delete deployment web -n \(space)")
    }

    private func approve(
        _ plane: ControlPlane,
        _ space: String,
        _ name: String,
        _ recovery: Recovery,
        _ hash: String?
    ) async throws {
        try await plane.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: RecoveryApproval
            metadata: {name: \(name), namespace: \(space)}
            spec:
              recoveryRef: {name: \(recovery.metadata.name ?? ""), uid: \(recovery.metadata.uid ?? "")}
              planHash: "\(hash ?? "")"
              decision: Approve
            """
        )
    }

    private func judged(_ plane: ControlPlane, _ space: String, _ name: String) async throws -> RecoveryApproval {
        try await plane.wait(for: RecoveryApproval.self, ObjectKey(namespace: space, name: name)) {
            $0.status?.result != nil
        }
    }
}
