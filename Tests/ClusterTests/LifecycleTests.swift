import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

/// How a Recovery ends, on a real API server: the words and states that a person sees.
@Suite("Lifecycle on a real control plane", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct LifecycleTests {
    /// Runs a test with a controller that watches one namespace of its own.
    private func withController(
        _ namespace: String,
        flags: String = "",
        _ body: (ControlPlane, ControllerProcess) async throws -> Void
    ) async throws {
        let plane = try await SharedPlane.hub.plane(namespace: namespace)
        try await ControllerProcess.with(plane, "--namespace \(namespace) \(flags)") { controller in
            try await body(plane, controller)
        }
    }

    private func recovery(_ namespace: String, _ name: String, _ spec: String) -> String {
        """
        apiVersion: recovery.tmc.io/v1alpha1
        kind: Recovery
        metadata: {name: \(name), namespace: \(namespace)}
        spec: \(spec)
        """
    }

    private func final(_ plane: ControlPlane, _ namespace: String, _ name: String) async throws -> Recovery {
        try await plane.wait(for: Recovery.self, ObjectKey(namespace: namespace, name: name), until: \.isFinal)
    }

    @Test("a Recovery is carried out, and kubectl, events and metrics show it")
    func completes() async throws {
        let space = "lifecycle-completes"
        try await withController(space) { plane, controller in
            try await plane.apply(
                recovery(
                    space,
                    "generic",
                    "{error: {type: InternalError, retryable: true}, parameters: {waitSeconds: 1}}"
                )
            )
            try await plane.kubectl("wait --for=condition=Succeeded --timeout=60s -n \(space) recovery/generic")
            let ended = try await final(plane, space, "generic")
            #expect(ended.state == .completed)
            #expect(ended.status?.attempts == 1)
            #expect(ended.status?.executions?.last?.result?.actions?.map(\.name) == ["CheckHubHealth"])
            // The reservation, with every condition, and the result: no write more.
            #expect(ended.status?.conditions?.map(\.type) == ConditionType.recovery)
            let writes = try await AuditLog(plane).successfulWrites {
                $0.namespace == space && $0.resource == "recoveries"
            }
            #expect(writes.map(\.verb) == ["create", "patch", "patch"])
            try await plane.kubectl("wait --for=condition=Stalled=false --timeout=1s -n \(space) recovery/generic")
            #expect(try await plane.kubectl("get rcv -n \(space)").contains("Completed"))
            let metrics = try await controller.get("/metrics")
            #expect(metrics.contains(#"tmc_recovery_successes_total{error_type="InternalError",strategy="Generic"} 1"#))
            #expect(try await controller.get("/status").contains(#""successfulRecoveries":1"#))
            #expect(try await controller.get("/health").contains("Healthy"))
            let described = try await plane.kubectl("describe recovery generic -n \(space)")
            #expect(described.contains("RecoveryStarted") && described.contains("RecoveryCompleted"))
        }
    }

    @Test("what cannot be done ends at once, with a message that names the field and the remedy")
    func refusals() async throws {
        let space = "lifecycle-refusals"
        try await withController(space) { plane, _ in
            let cases: [(name: String, spec: String, reason: String, words: String)] = [
                ("unknown", "{error: {type: InternalError}, strategy: Magic}", "UnknownStrategy", "enabled are"),
                ("custom", "{error: {type: DatabaseBroken}}", "NoStrategy", "not retryable"),
                (
                    "parameter", "{error: {type: InternalError, retryable: true}, parameters: {wait: 1}}",
                    "InvalidParameters",
                    "spec.parameters.wait"
                ),
                (
                    "outside",
                    "{error: {type: InternalError, retryable: true}, "
                        + "targetRef: {apiVersion: v1, kind: ConfigMap, name: x, namespace: kube-system}}",
                    "OutsideFence",
                    "spec.targetRef.namespace"
                ),
                (
                    "cluster", "{error: {type: ClusterUnreachable}, clusterRef: {name: edge}}", "OutsideFence",
                    "spec.clusterRef"
                ),
                (
                    "node",
                    "{error: {type: InternalError, retryable: true}, "
                        + "targetRef: {apiVersion: v1, kind: Node, name: x}}", "OutsideFence", "cluster-scoped"
                ),
            ]
            for item in cases { try await plane.apply(recovery(space, item.name, item.spec)) }
            for item in cases {
                let ended = try await final(plane, space, item.name)
                #expect(ended.state == .failed, "\(item.name)")
                let accepted = ended.status?.conditions?[type: ConditionType.accepted]
                #expect(
                    accepted?.status == .false && accepted?.reason == item.reason,
                    "\(item.name): \(accepted as Any)"
                )
                #expect(accepted?.message.contains(item.words) == true, "\(accepted?.message ?? "")")
                #expect(ended.status?.escalation?.level == .manual)
                #expect(ended.status?.escalation?.nextSteps?.isEmpty == false)
                #expect(ended.status?.attempts == nil)
            }
        }
    }

    @Test("cancelling ends a running attempt at once")
    func cancel() async throws {
        let space = "lifecycle-cancel"
        try await withController(space) { plane, _ in
            try await plane.apply(
                recovery(
                    space,
                    "slow",
                    "{error: {type: InternalError, retryable: true}, parameters: {waitSeconds: 100}}"
                )
            )
            let key = ObjectKey(namespace: space, name: "slow")
            _ = try await plane.wait(for: Recovery.self, key) { $0.state == .inProgress }
            try await plane.kubectl("patch rcv slow -n \(space) --type=merge -p '{\"spec\":{\"cancel\":true}}'")
            let ended = try await final(plane, space, "slow")
            #expect(ended.state == .cancelled)
            #expect(ended.status?.executions?.last?.state == .cancelled)
            #expect(ended.status?.conditions?[type: ConditionType.succeeded]?.reason == "CancelledByUser")
        }
    }

    @Test("suspending holds a running attempt, and it goes on as the same attempt")
    func suspend() async throws {
        let space = "lifecycle-suspend"
        try await withController(space) { plane, _ in
            try await plane.apply(
                recovery(space, "held", "{error: {type: InternalError, retryable: true}, parameters: {waitSeconds: 3}}")
            )
            let key = ObjectKey(namespace: space, name: "held")
            let running = try await plane.wait(for: Recovery.self, key) { $0.state == .inProgress }
            try await plane.kubectl("patch rcv held -n \(space) --type=merge -p '{\"spec\":{\"suspend\":true}}'")
            let held = try await plane.wait(for: Recovery.self, key) { $0.state == .pending }
            #expect(held.status?.conditions?[type: ConditionType.admitted]?.reason == "Suspended")
            #expect(held.status?.executions?.last?.state == .pending)
            #expect(held.status?.pausedTime != nil)
            try await plane.kubectl("patch rcv held -n \(space) --type=merge -p '{\"spec\":{\"suspend\":false}}'")
            let ended = try await final(plane, space, "held")
            #expect(ended.state == .completed)
            #expect(ended.status?.attempts == 1)
            #expect(ended.status?.executions?.map(\.id) == running.status?.executions?.map(\.id))
        }
    }

    @Test("attempts are exhausted, the last one timed out: Failed, escalated, with next steps")
    func exhausted() async throws {
        let space = "lifecycle-exhausted"
        try await withController(space) { plane, _ in
            try await plane.apply(
                """
                apiVersion: recovery.tmc.io/v1alpha1
                kind: RecoveryPolicy
                metadata: {name: quick, namespace: \(space)}
                spec:
                  strategies:
                  - {name: Generic, maxAttempts: 2, timeoutSeconds: 1, backoff: {initialSeconds: 1}, parameters: {waitSeconds: 60}}
                """
            )
            try await plane.apply(
                recovery(space, "stuck", "{error: {type: InternalError, retryable: true}, policyRef: {name: quick}}")
            )
            let ended = try await final(plane, space, "stuck")
            #expect(ended.state == .failed)
            #expect(ended.status?.attempts == 2)
            #expect(ended.status?.executions?.map(\.state) == [.timeout, .timeout])
            #expect(ended.status?.conditions?[type: ConditionType.succeeded]?.reason == "AttemptsExhausted")
            #expect(ended.status?.escalation?.level == .manual)
            #expect(ended.status?.effective?.policy?.name == "quick")
            let events = try await plane.kubectl("get events -n \(space)")
            #expect(events.contains("RecoveryRetrying") && events.contains("RecoveryEscalated"))
        }
    }

    @Test("the whole recovery's deadline ends it as Timeout")
    func deadline() async throws {
        let space = "lifecycle-deadline"
        try await withController(space) { plane, _ in
            try await plane.apply(
                recovery(
                    space,
                    "late",
                    "{error: {type: InternalError, retryable: true}, timeoutSeconds: 2, parameters: {waitSeconds: 60}}"
                )
            )
            let ended = try await final(plane, space, "late")
            #expect(ended.state == .timeout)
            #expect(ended.status?.conditions?[type: ConditionType.succeeded]?.reason == "DeadlineExceeded")
        }
    }

    @Test("a Recovery that a lax schema let through gets an event with field and remedy, and runs once it is corrected")
    func unreadable() async throws {
        let space = "lifecycle-unreadable"
        let limit = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/maxAttempts"
        try await withController(space) { plane, _ in
            let lax =
                "[{\"op\":\"replace\",\"path\":\"\(limit)\",\"value\":{\"x-kubernetes-preserve-unknown-fields\":true}}]"
            try await plane.kubectl("patch crd recoveries.recovery.tmc.io --type=json -p '\(lax)'")
            let wrong = recovery(space, "wrong", "{error: {type: InternalError, retryable: true}, maxAttempts: three}")
            // The server takes a moment to go by another schema.
            try await Shell.run(
                """
                for i in $(seq 100); do
                    kubectl --kubeconfig \(plane.kubeconfig) apply --validate=false -f - <<<'\(wrong)' && exit 0
                    sleep 0.2
                done
                exit 1
                """
            )
            try await plane.apply(recovery(space, "right", "{error: {type: InternalError, retryable: true}}"))
            #expect(try await final(plane, space, "right").state == .completed, "the others go on")
            let events = "get events -n \(space) --field-selector reason=RecoveryUnreadable,involvedObject.name=wrong"
            let told = try await plane.kubectl("\(events) -o jsonpath={.items[*].message}")
            #expect(told.contains("spec.maxAttempts") && told.contains("kubectl edit recovery wrong"), "\(told)")
            try await plane.kubectl("apply --validate=false -f \(ControlPlane.root)crds/recoveries.yaml")
            try await plane.kubectl("patch rcv wrong -n \(space) --type=merge -p '{\"spec\":{\"maxAttempts\":1}}'")
            #expect(try await final(plane, space, "wrong").state == .completed)
        }
    }

    @Test("a finished Recovery is deleted after its time")
    func timeToLive() async throws {
        let space = "lifecycle-ttl"
        try await withController(space) { plane, _ in
            try await plane.apply(
                recovery(
                    space,
                    "brief",
                    "{error: {type: InternalError, retryable: true}, ttlSecondsAfterFinished: 1, "
                        + "parameters: {waitSeconds: 0}}"
                )
            )
            try await plane.kubectl("wait --for=delete --timeout=60s -n \(space) recovery/brief")
        }
    }

    @Test("two Recoveries of one target run one after the other")
    func oneAtATime() async throws {
        let space = "lifecycle-lock"
        try await withController(space) { plane, _ in
            try await plane.kubectl("create configmap shared -n \(space)")
            for name in ["first", "second"] {
                try await plane.apply(
                    recovery(
                        space,
                        name,
                        "{error: {type: InternalError, retryable: true}, parameters: {waitSeconds: 2}, "
                            + "targetRef: {apiVersion: v1, kind: ConfigMap, name: shared}}"
                    )
                )
            }
            let one = try await final(plane, space, "first")
            let two = try await final(plane, space, "second")
            #expect([one.state, two.state] == [.completed, .completed])
            let spans = [one, two].compactMap { recovery -> (Date, Date)? in
                guard let start = recovery.status?.startTime, let end = recovery.status?.completionTime else {
                    return nil
                }
                return (start, end)
            }.sorted { $0.0 < $1.0 }
            #expect(spans.count == 2 && spans[0].1 <= spans[1].0, "\(spans)")
            let locks = try await plane.kubectl("get leases -n tmc-recovery-system -o name")
            #expect(!locks.contains("rcv-"))
        }
    }
}
