import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

@testable import RecoveryEngine

/// Detection on the sandbox, with the shipped definitions and no other rights than the shipped ones.
@Suite("Detection under the shipped roles")
struct DetectionRightsTests {
    private static func policy(_ detection: JSONValue, namespace: String = EngineScene.namespace) -> JSONValue {
        [
            "metadata": ["name": "watch", "namespace": .string(namespace)],
            "spec": ["mode": "Auto", "detection": detection, "strategies": [["name": "Generic", "maxAttempts": 1]]],
        ]
    }

    private static func detecting(_ scene: EngineScene, namespace: String = EngineScene.namespace) throws -> Condition?
    {
        try scene.hub.object(RecoveryPolicy.resource, ObjectKey(namespace: namespace, name: "watch")).map {
            try RecoveryPolicy(json: $0.content)
        }?.status?.conditions?[type: ConditionType.detecting]
    }

    @Test("the shipped roles are enough for workloads, events and nodes")
    func enough() throws {
        let scene = EngineScene()
        let system = SandboxHub.controllerNamespace
        let detection: JSONValue = [
            "workloads": ["forSeconds": 30],
            "events": [["reason": "FailedScheduling", "count": 3, "errorType": "PlacementCapacity"]],
        ]
        scene.hub.put(Self.policy(detection), RecoveryPolicy.resource)
        scene.hub.put(Self.policy(["nodes": [:]], namespace: system), RecoveryPolicy.resource)
        scene.hub.put(
            [
                "metadata": ["name": "web", "namespace": "team"],
                "spec": ["replicas": 1, "selector": ["matchLabels": ["app": "web"]]],
                "status": ["conditions": [["type": "Available", "status": "False", "reason": "Told"]]],
            ],
            .deployments
        )
        scene.start()
        scene.world.run(for: .seconds(60))
        #expect(try Self.detecting(scene)?.status == .true)
        #expect(try Self.detecting(scene, namespace: system)?.status == .true)
        let recovery = try #require(try scene.recoveries().first)
        #expect(recovery.spec.targetRef?.name == "web" && recovery.spec.error.type == "ComponentUnhealthy")
    }

    @Test("what the shipped roles do not grant is said in the policy, with verb and resource")
    func missing() throws {
        let scene = EngineScene()
        let accounts: JSONValue = [
            "conditions": [
                ["apiVersion": "v1", "kind": "ServiceAccount", "type": "Ready", "errorType": "ComponentUnhealthy"]
            ]
        ]
        scene.hub.put(Self.policy(accounts), RecoveryPolicy.resource)
        scene.start()
        scene.world.run(for: .seconds(10))
        let condition = try Self.detecting(scene)
        #expect(condition?.reason == "MissingRights")
        #expect(condition?.message == "the controller may not list, watch serviceaccounts in namespace team")
    }
}
