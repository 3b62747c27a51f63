import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Synchronization
import TestSupport
import Testing

/// What detection hears of failures from, on a real API server: events, pods as a kubelet describes them, alerts,
/// HTTP probes.
@Suite(
    "Sources of detection on a real control plane",
    .serialized,
    .enabled(if: hasControlPlane),
    .timeLimit(.minutes(10))
)
struct DetectionSourcesTests {
    private func put(_ plane: ControlPlane, _ space: String, _ detection: String) async throws {
        try await plane.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: RecoveryPolicy
            metadata: {name: look, namespace: \(space)}
            spec:
              mode: Observe
              strategies: [{name: Restart}]
              detection: \(detection)
            """
        )
        try await plane.kubectl("wait -n \(space) --for=condition=Detecting --timeout=60s recoverypolicy/look")
    }

    private func deployment(_ space: String, _ name: String, replicas: Int, _ pod: String) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: \(name), namespace: \(space)}
        spec:
          replicas: \(replicas)
          selector: {matchLabels: {app: \(name)}}
          template:
            metadata: {labels: {app: \(name)}}
            spec: \(pod)
        """
    }

    /// The Recovery that detection opens for a Deployment, as soon as the policy only observes it.
    private func recovery(
        _ plane: ControlPlane,
        _ space: String,
        _ name: String,
        _ type: String,
        until isReached: @escaping @Sendable (Recovery) -> Bool = { $0.status?.plan != nil }
    ) async throws -> Recovery {
        try await plane.incident(of: .deployment(space, name), errorType: type, until: isReached)
    }

    @Test("events of the scheduler, counted in a window, are the workload's failure")
    func events() async throws {
        let space = "sources-events"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await ControllerProcess.with(plane, "--namespace \(space)") { _ in
            let rule =
                "{reason: FailedScheduling, type: Warning, count: 3, windowSeconds: 300, errorType: PlacementCapacity}"
            try await put(plane, space, "{events: [\(rule)]}")
            let huge = "{containers: [{name: web, image: \"web:1\", resources: {requests: {cpu: \"1000\"}}}]}"
            try await plane.apply(deployment(space, "huge", replicas: 3, huge))
            let found = try await recovery(plane, space, "huge", "PlacementCapacity")
            #expect(found.spec.policyRef?.name == "look" && found.spec.targetRef?.name == "huge")
            #expect(found.spec.error.message?.contains("FailedScheduling") == true, "\(found.spec.error)")
            #expect(try await plane.client.list(Recovery.self, namespace: space).items.count == 1)
        }
        try await plane.kubectl("delete deployment huge -n \(space)")
    }

    @Test("a pod in CrashLoopBackOff is its Deployment's failure, and its end is the end of that")
    func crashLoops() async throws {
        let space = "sources-crash"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        // Nobody is its kubelet but this test; and nothing else is put there.
        try await plane.apply(
            """
            apiVersion: v1
            kind: Node
            metadata: {name: ghost}
            spec: {unschedulable: true}
            """
        )
        try await ControllerProcess.with(plane, "--namespace \(space)") { _ in
            try await put(plane, space, "{workloads: {kinds: [Pod], forSeconds: 2, healthyForSeconds: 2}}")
            let pod = "{nodeName: ghost, containers: [{name: web, image: \"web:1\"}]}"
            try await plane.apply(deployment(space, "web", replicas: 1, pod))
            let created = try await plane.firstPod(in: space)
            try await plane.setStatus(of: created, .waiting("CrashLoopBackOff"))
            let found = try await recovery(plane, space, "web", "ComponentUnhealthy")
            #expect(found.spec.error.message?.hasPrefix("CrashLoopBackOff: Pod ") == true, "\(found.spec.error)")
            try await plane.setStatus(of: created, .running)
            let ended = try await recovery(plane, space, "web", "ComponentUnhealthy", until: \.isFinal)
            #expect(ended.status?.conditions?[type: ConditionType.succeeded]?.reason == ConditionReason.selfHealed)
        }
        try await plane.kubectl("delete deployment web -n \(space)")
        try await plane.kubectl("delete node ghost")
    }

    @Test("an alert opens a Recovery when it fires and ends it when it is resolved; without the token nothing is taken")
    func alerts() async throws {
        let space = "sources-alerts"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        let token = "\(NSTemporaryDirectory())\(UUID().uuidString)"
        try await Shell.run("umask 077; echo sesame > \(token)")
        let port = try ControllerProcess.freePort()
        let flags =
            "--namespace \(space) --alert-receiver-bind-address 127.0.0.1:\(port) --alert-receiver-token-file \(token)"
        try await ControllerProcess.with(plane, flags) { _ in
            let target = "{apiVersion: apps/v1, kind: Deployment, name: web}"
            let rule = "{matchLabels: {alertname: WebDown}, errorType: ComponentUnhealthy, targetRef: \(target)}"
            try await put(plane, space, "{alerts: [\(rule)]}")
            let firing =
                "[{\"labels\":{\"alertname\":\"WebDown\",\"namespace\":\"\(space)\"},\"annotations\":{\"summary\":\"down\"}}]"
            func post(_ alerts: String, _ bearer: String) async throws -> String {
                try await Shell.run(
                    "curl -s -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer \(bearer)' "
                        + "-H 'Content-Type: application/json' -d '\(alerts)' http://127.0.0.1:\(port)/api/v2/alerts"
                )
            }
            #expect(try await post(firing, "guess") == "401")
            #expect(try await post(firing, "sesame") == "200")
            let found = try await recovery(plane, space, "web", "ComponentUnhealthy")
            #expect(found.spec.error.message?.contains("WebDown") == true, "\(found.spec.error)")
            let resolved = firing.replacing("}]", with: ",\"endsAt\":\"2026-01-01T00:00:00Z\"}]")
            #expect(try await post(resolved, "sesame") == "200")
            let ended = try await recovery(plane, space, "web", "ComponentUnhealthy", until: \.isFinal)
            #expect(ended.state == .completed)
        }
        try await Shell.run("rm \(token)")
    }

    @Test(
        "a service that answers its HTTP probe with errors is a failure until it answers well; metadata is never asked"
    )
    func probes() async throws {
        let space = "sources-probes"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        let status = Mutex(503)
        let service = try LoopbackServer { connection in
            while connection.readRequest() != nil { connection.answer("", status: status.withLock { $0 }) }
        }
        defer { service.stop() }
        let directory = try TemporaryDirectory()
        let configuration = try directory.write(Array("allowedAddresses: [127.0.0.0/8]\n".utf8), as: "config.yaml")
        try await ControllerProcess.with(plane, "--namespace \(space) --config \(configuration)") { _ in
            let rule = "intervalSeconds: 1, timeoutSeconds: 1, failureThreshold: 2, errorType: ComponentUnhealthy"
            let target = "{apiVersion: apps/v1, kind: Deployment, name: web}"
            let front = "{name: front, url: \"\(service.url)/healthz\", \(rule), targetRef: \(target)}"
            try await put(plane, space, "{httpProbes: [\(front)]}")
            let found = try await recovery(plane, space, "web", "ComponentUnhealthy")
            #expect(found.spec.error.message?.contains("/healthz answered 503") == true, "\(found.spec.error)")
            status.withLock { $0 = 200 }
            let ended = try await recovery(plane, space, "web", "ComponentUnhealthy", until: \.isFinal)
            #expect(ended.status?.conditions?[type: ConditionType.succeeded]?.reason == ConditionReason.selfHealed)
            let metadata =
                "[{\"name\":\"front\",\"url\":\"http://169.254.169.254/\",\"errorType\":\"ComponentUnhealthy\"}]"
            try await plane.kubectl(
                "patch recoverypolicy look -n \(space) --type=merge -p '{\"spec\":{\"detection\":{\"httpProbes\":\(metadata)}}}'"
            )
            let key = ObjectKey(namespace: space, name: "look")
            let refused = try await plane.wait(for: RecoveryPolicy.self, key) {
                $0.status?.conditions?[type: ConditionType.detecting]?.status == .false
            }
            let words = refused.status?.conditions?[type: ConditionType.detecting]?.message ?? ""
            #expect(words.contains("spec.detection.httpProbes[0] front: the URL leads to"), "\(words)")
        }
    }
}
