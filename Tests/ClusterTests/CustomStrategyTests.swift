import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

/// Strategies of a tenant's own, as manifests/samples/policy-custom.yaml and manifests/tenant ship them: nobody has a
/// right that is not written there.
@Suite(
    "Custom strategies on a real control plane",
    .serialized,
    .enabled(if: hasControlPlane),
    .timeLimit(.minutes(5))
)
struct CustomStrategyTests {
    /// The namespace of the shipped files.
    private static let space = "production"
    private static let account = ControlPlane.userName(ObjectKey(namespace: space, name: "recovery-operator"))

    @Test("the shipped ladder of custom strategies is climbed under the shipped Role, each step as the ServiceAccount")
    func shippedSample() async throws {
        let plane = try await SharedPlane.hub.plane(namespace: Self.space)
        let webhook = try Self.makeWebhook()
        defer { webhook.stop() }
        try await prepare(plane, webhook)
        let directory = try TemporaryDirectory()
        let configuration = try directory.write(Array("allowedAddresses: [127.0.0.0/8]\n".utf8), as: "config.yaml")
        let flags = "--namespace \(Self.space) --config \(configuration)"
        try await ControllerProcess.with(plane, flags) { _ in
            try await climb(plane, webhook)
            // Each by itself, with what the policy's rung says.
            for strategy in ["Scale", "Webhook", "Recreate"] {
                let name = strategy.lowercased()
                try await plane.apply(recovery(name, "strategy: \(strategy)"))
                let ended = try await final(plane, name)
                #expect(ended.state == .completed, "\(strategy): \(ended.status?.message ?? "")")
            }
        }
        try await expectWrites(plane)
        try await plane.kubectl("delete namespace \(Self.space) --wait=false")
    }

    /// Scale has no room, the webhook refuses, and the Job completes.
    private func climb(_ plane: ControlPlane, _ webhook: LoopbackServer) async throws {
        // No hollow kubelet takes the Job's pod: it would run for ever.
        try await plane.kubectl("cordon -l kubernetes.io/hostname")
        let uncordon = { _ = try await plane.kubectl("uncordon -l kubernetes.io/hostname") }
        let ended = try await cleaningUp(uncordon) {
            try await plane.apply(recovery("ladder"))
            let pod = try await plane.firstPod(in: Self.space, labels: "job-name")
            #expect(pod["spec", "serviceAccountName"] == "recovery-operator")
            let variables = pod["spec", "containers"]?[index: 0]?["env"]?.arrayValue ?? []
            #expect(variables.contains(["name": "RECOVERY_TARGET_NAME", "value": "ladder"]), "\(variables)")
            try await plane.setStatus(of: pod, .succeeded)
            return try await final(plane, "ladder")
        }
        #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
        let executions = ended.status?.executions ?? []
        #expect(executions.map(\.strategy) == ["Scale", "Webhook", "Job"])
        #expect(executions[0].result?.message?.contains("allows at most 1 pods, not 2") == true)
        #expect(executions[1].result?.message == "the webhook answered 422: not now")
        let request = try #require(webhook.requests.first)
        #expect(request.method == "POST" && request.target == "/start/queue")
        #expect(request.header("Authorization") == "Bearer sesame")
        #expect(try JSONValue(parsing: request.body)["target_name"] == "ladder")
    }

    /// Whatever was changed in the tenant's namespace was changed as its ServiceAccount.
    private func expectWrites(_ plane: ControlPlane) async throws {
        let controller = ControlPlane.userName(ControlPlane.controllerAccount)
        let writes = try await AuditLog(plane).writes { $0.namespace == Self.space && $0.user == controller }
        #expect(writes.allSatisfy { $0.status != 403 }, "\(writes.filter { $0.status == 403 })")
        let acts = writes.filter { $0.isDone && ["jobs", "deployments"].contains($0.resource) }
        #expect(acts.allSatisfy { $0.impersonatedUser == Self.account })
        #expect(acts.map { "\($0.verb) \($0.resource)" }.contains("create jobs"))
    }

    // MARK: The scene

    /// Refuses what climbs the ladder, and takes the rest.
    private static func makeWebhook() throws -> LoopbackServer {
        try LoopbackServer { connection in
            while let request = connection.readRequest() {
                let isLadder = String(decoding: request.body, as: UTF8.self).contains("\"ladder\"")
                connection.answer(#"{"message":"not now"}"#, status: isLadder ? 422 : 200)
            }
        }
    }

    /// A Deployment for each Recovery, one of them at the upper bound of its autoscaler, and the shipped files: only the
    /// webhook's address is another one.
    private func prepare(_ plane: ControlPlane, _ webhook: LoopbackServer) async throws {
        try await plane.kubectl("apply --validate=false -k \(ControlPlane.root)manifests/tenant")
        try await plane.kubectl("create secret generic runbooks -n \(Self.space) --from-literal=token=sesame")
        let path = "\(ControlPlane.root)manifests/samples/policy-custom.yaml"
        let sample = try String(contentsOfFile: path, encoding: .utf8)
        let policy = sample.replacing("https://runbooks.example.com", with: webhook.url)
        #expect(policy != sample)
        try await plane.apply(policy)
        for name in ["ladder", "scale", "webhook", "recreate"] {
            try await plane.apply(
                """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: \(name), namespace: \(Self.space)}
                spec:
                  replicas: 1
                  selector: {matchLabels: {app: \(name)}}
                  template:
                    metadata: {labels: {app: \(name)}}
                    spec: {containers: [{name: web, image: "web:1"}]}
                """
            )
        }
        try await plane.kubectl("autoscale deployment ladder -n \(Self.space) --min=1 --max=1 --cpu-percent=80")
        try await plane.kubectl("wait -n \(Self.space) --for=condition=Available --timeout=120s deployment --all")
    }

    /// A Recovery of the Deployment of the same name.
    private func recovery(_ name: String, _ more: String = "") -> String {
        """
        apiVersion: recovery.tmc.io/v1alpha1
        kind: Recovery
        metadata: {name: \(name), namespace: \(Self.space)}
        spec:
          error: {type: QueueStuck}
          targetRef: {apiVersion: apps/v1, kind: Deployment, name: \(name)}
          \(more)
        """
    }

    private func final(_ plane: ControlPlane, _ name: String) async throws -> Recovery {
        try await plane.wait(for: Recovery.self, ObjectKey(namespace: Self.space, name: name), until: \.isFinal)
    }
}
