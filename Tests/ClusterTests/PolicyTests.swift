import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// What policies let start, on a real API server, and what a person reads about it.
@Suite("Policies on a real control plane", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct PolicyTests {
    private func policy(_ space: String, _ spec: String) -> String {
        """
        apiVersion: recovery.tmc.io/v1alpha1
        kind: RecoveryPolicy
        metadata: {name: careful, namespace: \(space)}
        spec: \(spec)
        """
    }

    /// A Recovery that waits no second; of an incident when detection is to have opened it.
    private func recovery(_ space: String, _ name: String, target: String, isIncident: Bool = false) -> String {
        """
        apiVersion: recovery.tmc.io/v1alpha1
        kind: Recovery
        metadata:
          name: \(name)
          namespace: \(space)
          labels: {\(isIncident ? "\(MetadataName.fingerprint): 0123456789abcdef" : "test: policy")}
        spec:
          error: {type: InternalError, retryable: true}
          maxAttempts: 1
          parameters: {waitSeconds: 0}
          targetRef: {apiVersion: v1, kind: ConfigMap, name: \(target)}
        """
    }

    private func admitted(_ recovery: Recovery) -> Condition? {
        recovery.status?.conditions?[type: ConditionType.admitted]
    }

    private func held(
        _ plane: ControlPlane,
        _ space: String,
        _ name: String,
        by reason: String
    ) async throws -> Recovery {
        try await plane.wait(for: Recovery.self, ObjectKey(namespace: space, name: name)) {
            $0.status?.conditions?[type: ConditionType.admitted]?.reason == reason
        }
    }

    private func final(_ plane: ControlPlane, _ space: String, _ name: String) async throws -> Recovery {
        try await plane.wait(for: Recovery.self, ObjectKey(namespace: space, name: name), until: \.isFinal)
    }

    private func policy(
        _ plane: ControlPlane,
        _ space: String,
        until isReached: @escaping @Sendable (RecoveryPolicy) -> Bool
    ) async throws -> RecoveryPolicy {
        try await plane.wait(
            for: RecoveryPolicy.self,
            ObjectKey(namespace: space, name: "careful"),
            until: isReached
        )
    }

    @Test("cooldown and budget: the condition says which gate holds and until when, and a restart forgets neither")
    func limits() async throws {
        let space = "policy-limits"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        for name in ["one", "two", "three"] { try await plane.kubectl("create configmap \(name) -n \(space)") }
        try await plane.apply(
            policy(space, "{limits: {cooldownSeconds: 600, budget: {actions: 2, windowSeconds: 25}, maxConcurrent: 3}}")
        )
        var controller = try await ControllerProcess.start(plane, "--namespace \(space)")
        try await plane.apply(recovery(space, "first", target: "one"))
        #expect(try await final(plane, space, "first").state == .completed)
        controller.crash()
        controller = try await ControllerProcess.start(plane, "--namespace \(space)")
        try await plane.apply(recovery(space, "again", target: "one"))
        let cooling = try await held(plane, space, "again", by: "CoolingDown")
        #expect(admitted(cooling)?.message.contains("Recovery first has acted on the same target") == true)
        try await plane.apply(recovery(space, "second", target: "two"))
        #expect(try await final(plane, space, "second").state == .completed)
        try await plane.apply(recovery(space, "third", target: "three"))
        let exhausted = try await held(plane, space, "third", by: "BudgetExhausted")
        #expect(admitted(exhausted)?.message.contains("budget of 2 actions in 25 s is used up") == true)
        let status = try await policy(plane, space) { $0.status?.lastDecisions?.last?.gate == "BudgetExhausted" }.status
        #expect(status?.recentActions?.map(\.recovery) == ["first", "second"])
        #expect(status?.conditions?[type: ConditionType.ready]?.status == .true)
        let described = try await plane.kubectl("describe recoverypolicy careful -n \(space)")
        #expect(described.contains("BudgetExhausted") && described.contains("Next Time"))
        // Nobody touches anything: the controller looks again by itself.
        let third = try await final(plane, space, "third")
        let (start, first) = (try #require(third.status?.startTime), try #require(status?.recentActions?.first?.time))
        #expect(third.state == .completed && start >= first.addingTimeInterval(25))
        #expect(try await held(plane, space, "again", by: "CoolingDown").status?.attempts == nil)
        try await controller.stop()
    }

    @Test("a circuit breaker opens, stays open over a restart, lets one probe through and closes")
    func breaker() async throws {
        let space = "policy-breaker"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await plane.kubectl("create configmap there -n \(space)")
        let breaker = "{failureThreshold: 2, minimumCalls: 10, openSeconds: 15, maxOpenSeconds: 60}"
        try await plane.apply(policy(space, "{circuitBreaker: \(breaker)}"))
        var controller = try await ControllerProcess.start(plane, "--namespace \(space)")
        for name in ["a", "b"] { try await plane.apply(recovery(space, name, target: "missing-\(name)")) }
        for name in ["a", "b"] { #expect(try await final(plane, space, name).state == .failed) }
        let opened = try await policy(plane, space) { $0.status?.breakers?.first?.state == .open }
        controller.crash()
        controller = try await ControllerProcess.start(plane, "--namespace \(space)")
        try await plane.apply(recovery(space, "c", target: "there"))
        let waiting = try await held(plane, space, "c", by: "BreakerOpen")
        #expect(admitted(waiting)?.message.contains("strategy Generic is open after 2 failures in a row") == true)
        let probe = try await final(plane, space, "c")
        let next = try #require(opened.status?.breakers?.first?.nextProbeTime)
        #expect(probe.state == .completed)
        #expect(try #require(probe.status?.startTime) >= next)
        let closed = try await policy(plane, space) { policy in
            (policy.status?.conditions ?? []).isTrue(ConditionType.breakersClosed)
                && policy.status?.breakers?.first?.state == .closed
        }
        #expect(closed.status?.breakers?.first?.history?.map(\.state) == [.open, .halfOpen, .closed])
        for reason in ["CircuitBreakerHalfOpened", "CircuitBreakerClosed"] {
            try await plane.kubectl("get events -n \(space) --field-selector reason=\(reason) -o name | grep -q event")
        }
        let metrics = try await controller.get("/metrics")
        #expect(metrics.contains("tmc_circuit_breaker_transitions_total{state=\"Closed\"} 1"))
        try await controller.stop()
    }

    @Test("an approval is refused when the plan has changed; one of the plan as it is lets the Recovery run")
    func approvals() async throws {
        let space = "policy-approvals"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await plane.kubectl("create configmap there -n \(space)")
        try await plane.apply(policy(space, "{mode: Approve, strategies: [{name: Generic}]}"))
        try await ControllerProcess.with(plane, "--namespace \(space)") { _ in
            try await plane.apply(recovery(space, "web", target: "there", isIncident: true))
            let waiting = try await held(plane, space, "web", by: "AwaitingApproval")
            let old = try #require(waiting.status?.plan?.hash)
            try await plane.kubectl("patch configmap there -n \(space) --type merge -p '{\"data\":{\"text\":\"new\"}}'")
            try await plane.apply(approval(space, "late", waiting, old))
            let refused = try await judged(plane, space, "late")
            #expect(refused.status?.result == .refused)
            #expect(refused.status?.message?.contains("the plan has changed") == true)
            let changed = try await plane.wait(for: Recovery.self, ObjectKey(namespace: space, name: "web")) {
                $0.status?.plan?.hash != old
            }
            let new = try #require(changed.status?.plan?.hash)
            #expect(changed.status?.attempts == nil)
            try await plane.apply(approval(space, "good", changed, new))
            #expect(try await final(plane, space, "web").state == .completed)
            #expect(try await judged(plane, space, "good").status?.result == .applied)
            #expect(try await plane.kubectl("get rca -n \(space)").contains("Refused"))
        }
    }

    private func approval(_ space: String, _ name: String, _ recovery: Recovery, _ hash: String) -> String {
        """
        apiVersion: recovery.tmc.io/v1alpha1
        kind: RecoveryApproval
        metadata: {name: \(name), namespace: \(space)}
        spec:
          recoveryRef: {name: web, uid: \(recovery.metadata.uid ?? "")}
          planHash: "\(hash)"
          decision: Approve
        """
    }

    private func judged(_ plane: ControlPlane, _ space: String, _ name: String) async throws -> RecoveryApproval {
        try await plane.wait(for: RecoveryApproval.self, ObjectKey(namespace: space, name: name)) {
            $0.status?.result != nil
        }
    }
}
