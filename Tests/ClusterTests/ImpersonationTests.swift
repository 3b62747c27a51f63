import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

/// Recoveries that act as a ServiceAccount of their namespace, under the roles that manifests/ ships.
@Suite("Impersonation on a real control plane", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct ImpersonationTests {
    /// The account of manifests/tenant.
    private static let operatorName = "recovery-operator"

    @Test("a Recovery with a ServiceAccount acts as that account, with its rights and not the controller's")
    func actsAsAccount() async throws {
        let space = "impersonation-tenant"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await plane.applyTenant(space)
        // A kind that the controller itself may not even read.
        try await plane.kubectl("create secret generic target -n \(space)")
        try await plane.kubectl("create role secrets -n \(space) --verb=get,patch --resource=secrets")
        try await plane.kubectl(
            "create rolebinding secrets -n \(space) --role=secrets --serviceaccount=\(space):\(Self.operatorName)"
        )
        try await ControllerProcess.with(plane, "--namespace \(space)") { _ in
            try await plane.apply(recovery(space, "ours", account: Self.operatorName, kind: "Secret", target: "target"))
            let ended = try await final(plane, space, "ours")
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            #expect(ended.status?.executions?.last?.result?.actions?.contains { $0.name == "TouchTarget" } == true)
        }
        let touches = try await AuditLog(plane).successfulWrites { $0.namespace == space && $0.resource == "secrets" }
            .filter { $0.verb == "patch" }
        let account = ControlPlane.userName(ObjectKey(namespace: space, name: Self.operatorName))
        #expect(touches.map(\.impersonatedUser) == [account])
        #expect(touches.map(\.user) == [ControlPlane.userName(ControlPlane.controllerAccount)])
        // Its own bookkeeping stays the controller's.
        let statuses = try await AuditLog(plane).successfulWrites {
            $0.namespace == space && $0.resource == "recoveries" && $0.subresource == "status"
        }
        #expect(!statuses.isEmpty && statuses.allSatisfy { $0.impersonatedUser == nil })
    }

    @Test("where the controller may not act as the account, the next steps hold the manifest, and applying it helps")
    func missingRole() async throws {
        let space = "impersonation-missing"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await plane.kubectl("create serviceaccount \(Self.operatorName) -n \(space)")
        try await plane.kubectl("create configmap target -n \(space)")
        try await plane.kubectl("create role configmaps -n \(space) --verb=get,patch --resource=configmaps")
        try await plane.kubectl(
            "create rolebinding configmaps -n \(space) --role=configmaps "
                + "--serviceaccount=\(space):\(Self.operatorName)"
        )
        try await ControllerProcess.with(plane, "--namespace \(space)") { _ in
            try await plane.apply(recovery(space, "before", account: Self.operatorName))
            let refused = try await final(plane, space, "before")
            #expect(refused.state == .failed && refused.status?.attempts == 1)
            let step = try #require(refused.status?.escalation?.nextSteps?.first)
            let lines = step.split(separator: "\n", maxSplits: 1)
            #expect(lines.first?.contains("kubectl apply") == true)
            #expect(try await AuditLog(plane).touches(in: space).isEmpty)
            // Exactly what it says.
            try await plane.apply(String(try #require(lines.last)))
            try await plane.apply(recovery(space, "after", account: Self.operatorName))
            let ended = try await final(plane, space, "after")
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
        }
    }

    @Test("where the account lacks a right on the target, the next steps name the account, the verb and the resource")
    func missingRight() async throws {
        let space = "impersonation-weak"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await plane.applyTenant(space)
        // The controller itself may change Jobs; the tenant's account may not.
        let job = "create job target --image=none -n \(space) --dry-run=client -o yaml"
        try await plane.kubectl("\(job) | kubectl --kubeconfig \(plane.kubeconfig) create -f -")
        try await ControllerProcess.with(plane, "--namespace \(space)") { _ in
            let target = recovery(space, "weak", account: Self.operatorName, api: "batch/v1", kind: "Job")
            try await plane.apply(target)
            let refused = try await final(plane, space, "weak")
            #expect(refused.state == .failed)
            #expect(refused.status?.message?.contains("403 Forbidden") == true, "\(refused.status?.message ?? "")")
            let step = refused.status?.escalation?.nextSteps?.first
            // It may read and create Jobs, for the strategy Job.
            #expect(step == "Grant ServiceAccount \(space)/\(Self.operatorName) patch on jobs.batch")
        }
    }

    @Test("with --require-service-account nothing is done for a tenant who names none, and the tenant reads why")
    func mandatory() async throws {
        let space = "impersonation-mandatory"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await plane.applyTenant(space)
        try await plane.kubectl("create configmap target -n \(space)")
        try await plane.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: RecoveryPolicy
            metadata: {name: anonymous, namespace: \(space)}
            spec: {match: {errorTypes: [SyncTimeout]}}
            """
        )
        try await ControllerProcess.with(plane, "--namespace \(space) --require-service-account") { _ in
            try await plane.apply(recovery(space, "anonymous", account: "''"))
            let refused = try await final(plane, space, "anonymous")
            #expect(refused.state == .failed && refused.status?.attempts == nil)
            #expect(refused.status?.message?.contains("--require-service-account") == true)
            let accepted = refused.status?.conditions?[type: ConditionType.accepted]
            #expect(accepted?.reason == ConditionReason.serviceAccountRequired)
            #expect(refused.status?.escalation?.nextSteps?.contains { $0.contains("manifests/tenant") } == true)
            let policy = try await plane.wait(
                for: RecoveryPolicy.self,
                ObjectKey(namespace: space, name: "anonymous")
            ) { $0.status?.conditions?[type: ConditionType.ready] != nil }
            let ready = policy.status?.conditions?[type: ConditionType.ready]
            #expect(ready?.status == .false && ready?.reason == ConditionReason.serviceAccountRequired)
            #expect(try await AuditLog(plane).touches(in: space).isEmpty)
            try await plane.apply(recovery(space, "named", account: Self.operatorName))
            let ended = try await final(plane, space, "named")
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
        }
    }

    private func recovery(
        _ space: String,
        _ name: String,
        account: String,
        api: String = "v1",
        kind: String = "ConfigMap",
        target: String = "target"
    ) -> String {
        """
        apiVersion: recovery.tmc.io/v1alpha1
        kind: Recovery
        metadata: {name: \(name), namespace: \(space)}
        spec:
          error: {type: InternalError, retryable: true}
          serviceAccountName: \(account)
          parameters: {waitSeconds: 0}
          targetRef: {apiVersion: \(api), kind: \(kind), name: \(target)}
        """
    }

    private func final(_ plane: ControlPlane, _ space: String, _ name: String) async throws -> Recovery {
        try await plane.wait(for: Recovery.self, ObjectKey(namespace: space, name: name), until: \.isFinal)
    }
}
