import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

/// Workloads and nodes out of the box, under a whole engine in virtual time.
@Suite("Workload detection")
struct WorkloadDetectionTests {
    private static func put(
        _ scene: DetectionScene,
        _ resource: APIResource,
        _ name: String,
        status: JSONValue,
        owner: (kind: String, name: String)? = nil,
        spec: JSONValue = [:]
    ) {
        var metadata: JSONValue = ["name": .string(name)]
        if resource.isNamespaced { metadata["namespace"] = "team" }
        if let owner {
            metadata["ownerReferences"] = [
                [
                    "apiVersion": "apps/v1", "kind": .string(owner.kind), "name": .string(owner.name), "uid": "1",
                    "controller": true,
                ]
            ]
        }
        scene.hub.put(
            [
                "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind), "metadata": metadata,
                "spec": spec, "status": status,
            ],
            resource
        )
    }

    private static let crashing: JSONValue = [
        "phase": "Running",
        "containerStatuses": [["name": "app", "state": ["waiting": ["reason": "CrashLoopBackOff", "message": "5m"]]]],
    ]

    private static func available(_ status: String) -> JSONValue {
        ["conditions": [["type": "Available", "status": .string(status), "reason": "Told"]]]
    }

    @Test("five pods of a Deployment that crash are one incident of that Deployment")
    func attributesPods() throws {
        let scene = DetectionScene(["workloads": ["forSeconds": 30]])
        Self.put(scene, .deployments, "web", status: Self.available("True"))
        Self.put(scene, .replicaSets, "web-5d", status: [:], owner: ("Deployment", "web"))
        for number in 0..<5 {
            Self.put(scene, .pods, "web-5d-\(number)", status: Self.crashing, owner: ("ReplicaSet", "web-5d"))
        }
        scene.start()
        scene.world.run(for: .seconds(300))
        let recoveries = try scene.recoveries()
        #expect(recoveries.count == 1)
        let target = recoveries.first?.spec.targetRef
        #expect(target?.kind == "Deployment" && target?.name == "web" && target?.apiVersion == "apps/v1")
        #expect(recoveries.first?.spec.error.type == "ComponentUnhealthy")
        #expect(recoveries.first?.spec.error.message == "CrashLoopBackOff: Pod web-5d-0: container app: 5m")
        #expect(try scene.policy()?.status?.matched == 1 && scene.policy()?.status?.unhealthy == 1)
    }

    /// A Deployment that says that it is well, and whose pod crashes.
    private static func putCrashing(_ scene: DetectionScene) {
        let status: JSONValue = [
            "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "observedGeneration": 1_000,
        ]
        put(scene, .deployments, "web", status: status)
        put(scene, .replicaSets, "web-5d", status: [:], owner: ("Deployment", "web"))
        put(scene, .pods, "web-5d-1", status: crashing, owner: ("ReplicaSet", "web-5d"))
    }

    @Test("a Recovery is not completed while its detector still sees the failure", arguments: [false, true])
    func isNotCompleted(verifies: Bool) throws {
        let scene = DetectionScene(nil)
        scene.putPolicy("watch", ["workloads": ["forSeconds": 30]])
        if verifies {
            scene.hub.edit(RecoveryPolicy.resource, ObjectKey(namespace: "team", name: "watch")) {
                $0.set(["forSeconds": 1, "timeoutSeconds": 60], at: ["spec", "verify"])
            }
        }
        Self.putCrashing(scene)
        scene.start()
        scene.world.run(for: .seconds(150))
        let recovery = try #require(try scene.recoveries().first)
        #expect(recovery.state == .inProgress && recovery.status?.executions?.first?.state == .failed)
        let message = recovery.status?.executions?.first?.result?.message ?? ""
        #expect(message.contains("the policy's detectors still see it fail"), "\(message)")
    }

    @Test("a rollout of a StatefulSet that goes on step by step is no failure; one that is stuck is")
    func rollouts() throws {
        let scene = DetectionScene(["workloads": ["kinds": ["StatefulSet"], "forSeconds": 30]])
        scene.start()
        // Never quite ready: one pod is always being replaced.
        for updated in 0..<10 {
            let status: JSONValue = [
                "replicas": 10, "readyReplicas": 9, "updatedReplicas": .number(JSONNumber(Int64(updated))),
            ]
            Self.put(scene, .statefulSets, "db", status: status, spec: ["replicas": 10])
            scene.world.run(for: .seconds(20))
        }
        #expect(try scene.recoveries().isEmpty)
        scene.world.run(for: .seconds(40))
        #expect(try scene.recoveries().first?.spec.error.message == "PodsNotReady: 9 of 10 pods are ready")
    }

    @Test("thirty of forty workloads that fail at once are thirty incidents, and the base says so at once")
    func storm() throws {
        let scene = DetectionScene(["workloads": ["kinds": ["Deployment"], "forSeconds": 30]])
        for number in 0..<40 { Self.put(scene, .deployments, "d\(number)", status: Self.available("True")) }
        scene.start()
        scene.world.run(for: .seconds(60))
        for number in 0..<30 { Self.put(scene, .deployments, "d\(number)", status: Self.available("False")) }
        scene.world.run(for: .seconds(1))
        let key = ObjectKey(namespace: "team", name: "watch")
        let base = scene.engine.reconciler.environment.findings.base(of: key)
        #expect(base?.matched == 40 && base?.unhealthy == 30)
        #expect(try scene.recoveries().isEmpty)
        scene.world.run(for: .seconds(35))
        #expect(try scene.recoveries().count == 30)
    }

    @Test("a node that is silent opens a Recovery in the controller's namespace")
    func nodes() throws {
        let scene = DetectionScene(nil)
        scene.putPolicy("fleet", ["nodes": ["forSeconds": 40]], namespace: "tmc-recovery-system")
        let silent: JSONValue = ["conditions": [["type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"]]]
        Self.put(scene, .nodes, "n1", status: silent)
        scene.start()
        scene.world.run(for: .seconds(45))
        let recovery = try #require(try scene.recoveries().first)
        #expect(recovery.metadata.namespace == "tmc-recovery-system")
        #expect(recovery.metadata.name?.hasPrefix("node-n1-") == true)
        #expect(recovery.spec.targetRef?.kind == "Node" && recovery.spec.targetRef?.namespace == nil)
    }
}
