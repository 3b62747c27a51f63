import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// Thirty of forty workloads that fail at once, because the node that they run on is dead.
@Suite("Storms on a real control plane", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(15)))
struct StormTests {
    private static let space = "storm"
    private static let policy = ObjectKey(namespace: space, name: "careful")

    @Test(
        "one action starts, the others wait, over a crash of the controller too, and recovery resumes after the storm"
    )
    func thirtyOfForty() async throws {
        let plane = try await ControlPlane.startWithCRDs("test-storm", nodes: 2, namespaces: [Self.space])
        do {
            let nodes = try await plane.client.list(.nodes).items.map(\.name).sorted()
            try await prepare(plane, nodes)
            try await storm(plane, nodes)
        } catch {
            try await plane.down()
            throw error
        }
        try await plane.down()
    }

    /// Thirty Deployments on the first node, ten on the second one, and a policy that lets 40% fail.
    private func prepare(_ plane: ControlPlane, _ nodes: [String]) async throws {
        let deployments = (0..<40).map { number in
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: w\(number), namespace: \(Self.space)}
            spec:
              replicas: 1
              progressDeadlineSeconds: 60
              selector: {matchLabels: {app: w\(number)}}
              template:
                metadata: {labels: {app: w\(number)}}
                spec:
                  nodeSelector: {kubernetes.io/hostname: \(nodes[number < 30 ? 0 : 1])}
                  containers: [{name: web, image: "web:1"}]
            """
        }
        try await plane.apply(deployments.joined(separator: "\n---\n"))
        try await plane.kubectl("wait -n \(Self.space) --for=condition=Available --timeout=240s deployment --all")
        try await plane.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: RecoveryPolicy
            metadata: {name: careful, namespace: \(Self.space)}
            spec:
              mode: Auto
              detection:
                workloads: {kinds: [Deployment], forSeconds: 3, healthyForSeconds: 3}
              strategies: [{name: Restart, maxAttempts: 1, timeoutSeconds: 20}]
              limits: {maxUnhealthy: "40%", stormCooldownSeconds: 15, maxConcurrent: 10, cooldownSeconds: 0}
            """
        )
    }

    private func storm(_ plane: ControlPlane, _ nodes: [String]) async throws {
        var controller = try await ControllerProcess.start(plane, "--namespace \(Self.space)")
        do {
            let calm = try await policy(plane) { $0.status?.matched == 40 && $0.status?.unhealthy == 0 }
            #expect(calm.status?.maxUnhealthy == 16)
            try await plane.stop(nodes[0])
            let storming = try await policy(plane) { $0.status?.unhealthy == 30 && $0.status?.storm?.actions == 1 }
            #expect(storming.status?.conditions?[type: ConditionType.storming]?.status != .false)
            try await expectOneAction(plane)
            controller.crash()
            controller = try await ControllerProcess.start(plane, "--namespace \(Self.space)")
            _ = try await policy(plane) { policy in
                policy.status?.lastDecisions?.last?.time ?? .distantPast > storming.status?.storm?.since
                    ?? .distantFuture
                    && policy.status?.conditions?[type: ConditionType.storming]?.reason == "TooManyUnhealthy"
            }
            try await expectOneAction(plane)
            try await plane.start(nodes[0])
            let over = try await policy(plane) { $0.status?.storm == nil }
            #expect(over.status?.unhealthy == 0)
            // One of forty, afterwards, is recovered again.
            try await breakDown(plane, "w39")
            let ended = try await recovery(plane, "w39") { $0.status?.attempts == 1 }
            #expect(ended.status?.executions?.first?.strategy == "Restart")
        } catch {
            // Whether the cluster itself had not healed, or the controller had not seen it.
            let cluster = (try? await plane.kubectl("get nodes,deployments,pods -A -o wide")) ?? "kubectl failed"
            Issue.record("the controller's log: \(try controller.logText().suffix(4_000))\nthe cluster:\n\(cluster)")
            try await controller.stop()
            throw error
        }
        let events = try await plane.kubectl("get events -n \(Self.space) -o jsonpath='{.items[*].reason}'")
        #expect(events.contains("StormBegan") && events.contains("StormEnded"))
        #expect(
            try await controller.get("/metrics").contains("tmc_policy_conditions{type=\"Storming\",status=\"True\"} 0")
        )
        try await controller.stop()
    }

    /// Thirty Recoveries, of which one has acted; all others say that too many targets are unhealthy.
    private func expectOneAction(_ plane: ControlPlane) async throws {
        var actions = 0
        for number in 0..<30 {
            let recovery = try await recovery(plane, "w\(number)") { recovery in
                recovery.status?.attempts != nil
                    || recovery.status?.conditions?[type: ConditionType.admitted]?.reason == "TooManyUnhealthy"
            }
            actions += recovery.status?.attempts ?? 0
            guard recovery.status?.attempts == nil else { continue }
            let message = recovery.status?.conditions?[type: ConditionType.admitted]?.message ?? ""
            #expect(message.contains("16 (limits.maxUnhealthy 40%)"), "\(message)")
        }
        #expect(actions == 1)
        #expect(try await policy(plane) { _ in true }.status?.storm?.actions == 1)
    }

    /// Rolls out a revision whose readiness probe never passes, after the old pod is gone.
    private func breakDown(_ plane: ControlPlane, _ name: String) async throws {
        let probe = "{\"httpGet\":{\"path\":\"/\",\"port\":9}}"
        let template =
            "{\"spec\":{\"containers\":[{\"name\":\"web\",\"image\":\"web:2\",\"readinessProbe\":\(probe)}]}}"
        let spec = "{\"strategy\":{\"type\":\"Recreate\",\"rollingUpdate\":null},\"template\":\(template)}"
        try await plane.kubectl("patch deployment \(name) -n \(Self.space) --type=merge -p '{\"spec\":\(spec)}'")
    }

    private func policy(
        _ plane: ControlPlane,
        until isReached: @escaping @Sendable (RecoveryPolicy) -> Bool
    ) async throws -> RecoveryPolicy {
        try await plane.wait(for: RecoveryPolicy.self, Self.policy, within: .seconds(240), until: isReached)
    }

    /// The first Recovery that detection opens for a Deployment.
    private func recovery(
        _ plane: ControlPlane,
        _ name: String,
        until isReached: @escaping @Sendable (Recovery) -> Bool
    ) async throws -> Recovery {
        try await plane.incident(of: .deployment(Self.space, name), until: isReached)
    }
}
