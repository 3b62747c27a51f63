import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// Policies that notice failures themselves, on a real API server with controllers and hollow kubelets.
@Suite("Detection on a real control plane", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct DetectionTests {
    /// A Deployment that is available, and a policy that looks at it.
    private func prepare(_ plane: ControlPlane, _ space: String, mode: String) async throws {
        try await plane.apply(
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web, namespace: \(space)}
            spec:
              replicas: 1
              progressDeadlineSeconds: 5
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec: {containers: [{name: web, image: "web:1"}]}
            """
        )
        try await plane.kubectl("wait -n \(space) --for=condition=Available --timeout=120s deployment/web")
        try await plane.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: RecoveryPolicy
            metadata: {name: web, namespace: \(space)}
            spec:
              mode: \(mode)
              detection:
                workloads: {enabled: true, forSeconds: 2, healthyForSeconds: 2}
              strategies: [{name: Rollback, maxAttempts: 1, timeoutSeconds: 120}]
              verify: {forSeconds: 3, timeoutSeconds: 60}
            """
        )
        try await plane.kubectl("wait -n \(space) --for=condition=Detecting --timeout=60s recoverypolicy/web")
    }

    /// Rolls out a revision whose readiness probe never passes.
    private func breakDown(_ plane: ControlPlane, _ space: String) async throws {
        let probe = "{\"httpGet\":{\"path\":\"/\",\"port\":9}}"
        let containers = "[{\"name\":\"web\",\"image\":\"web:2\",\"readinessProbe\":\(probe)}]"
        try await plane.kubectl(
            "patch deployment web -n \(space) --type=merge "
                + "-p '{\"spec\":{\"template\":{\"spec\":{\"containers\":\(containers)}}}}'"
        )
    }

    /// The first Recovery that detection opens for the Deployment, as soon as it is as expected.
    private func recovery(
        _ plane: ControlPlane,
        _ space: String,
        until isReached: @escaping @Sendable (Recovery) -> Bool
    ) async throws -> Recovery {
        try await plane.incident(of: .deployment(space, "web"), until: isReached)
    }

    private func image(_ plane: ControlPlane, _ space: String) async throws -> JSONValue? {
        let web = try await plane.client.get(.deployments, ObjectKey(namespace: space, name: "web"))
        return web["spec", "template", "spec", "containers"]?[index: 0]?["image"]
    }

    @Test("a revision that never becomes ready is noticed, rolled back and proven healthy, by the policy alone")
    func rollsBack() async throws {
        let space = "detection-auto"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await ControllerProcess.with(plane, "--namespace \(space)") { _ in
            try await prepare(plane, space, mode: "Auto")
            _ = try await plane.wait(for: RecoveryPolicy.self, ObjectKey(namespace: space, name: "web")) {
                $0.status?.matched == 1 && $0.status?.unhealthy == 0
            }
            try await breakDown(plane, space)
            let ended = try await recovery(plane, space, until: \.isFinal)
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            #expect(ended.status?.executions?.map(\.strategy) == ["Rollback"])
            #expect(ended.status?.conditions?.isTrue(ConditionType.verified) == true)
            #expect(ended.spec.policyRef?.name == "web")
            #expect(try await image(plane, space) == "web:1")
            #expect(try await plane.client.list(Recovery.self, namespace: space).items.count == 1)
        }
    }

    @Test("a policy that observes says what it would do and touches nothing; what a person repairs is SelfHealed")
    func observes() async throws {
        let space = "detection-observe"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await ControllerProcess.with(plane, "--namespace \(space)") { _ in
            try await prepare(plane, space, mode: "Observe")
            try await breakDown(plane, space)
            let held = try await recovery(plane, space) { $0.status?.plan != nil }
            #expect(held.status?.conditions?[type: ConditionType.admitted]?.reason == ConditionReason.observeOnly)
            #expect(held.status?.executions == nil)
            // The plan is the very patch, by a dry run: the only write to the Deployment that the server was asked for.
            let steps = held.status?.plan?.steps ?? []
            let patch = steps.first { $0.description == "RollBackTemplate: patch Deployment \(space)/web" }?.patch
            #expect(patch?.contains("web:1") == true && patch?.contains("web:2") == false, "\(steps)")
            #expect(steps.last?.description == "then: WaitForRollout, and what depends on it")
            let writes = try await AuditLog(plane).writes { $0.namespace == space && $0.resource == "deployments" }
                .filter { $0.userAgent.hasPrefix("recovery-") }
            #expect(!writes.isEmpty && writes.allSatisfy(\.isDryRun))
            #expect(try await image(plane, space) == "web:2")
            try await plane.kubectl("rollout undo deployment/web -n \(space)")
            let ended = try await recovery(plane, space, until: \.isFinal)
            #expect(ended.state == .completed && ended.status?.executions == nil)
            let succeeded = ended.status?.conditions?[type: ConditionType.succeeded]
            #expect(succeeded?.reason == ConditionReason.selfHealed, "\(succeeded as Any)")
            #expect(ended.status?.plan?.outcome != nil)
        }
    }
}
