import ControllerRuntime
import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// Recoveries that detection opened about a Placement or Migration, under a whole engine.
@Suite("Targets on the hub")
struct HubTargetTests {
    private static let key = ObjectKey(namespace: EngineScene.namespace, name: "web")

    @Test(
        "a target that is well again completes the Recovery at once",
        arguments: [
            (Placement.resource, "SyncFailure", "Synced"), (Migration.resource, "MigrationFailure", "Succeeded"),
        ]
    )
    func heals(resource: APIResource, error: String, condition: String) throws {
        let scene = EngineScene()
        let conditions = { (status: String, time: Date) -> JSONValue in
            let time = JSONValue.string(RFC3339.string(from: time) ?? "")
            return [
                ["type": .string(condition), "status": .string(status), "reason": "R", "lastTransitionTime": time]
            ]
        }
        let spec: JSONValue =
            resource == Placement.resource
            ? ["manifests": []]
            : ["placementRef": ["name": "web"], "action": "Relocate", "from": "a", "to": "b"]
        scene.hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": .string(resource.kind),
                "metadata": ["name": "web", "namespace": .string(EngineScene.namespace)], "spec": spec,
                "status": ["conditions": conditions("False", scene.world.time.wallTime())],
            ],
            resource
        )
        scene.hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Recovery",
                "metadata": [
                    "name": "broken", "namespace": .string(EngineScene.namespace),
                    "labels": [MetadataName.fingerprint: "abc"],
                    "creationTimestamp": .string(RFC3339.string(from: scene.world.time.wallTime()) ?? ""),
                ],
                "spec": [
                    "error": ["type": .string(error)], "suspend": true,
                    "targetRef": [
                        "apiVersion": .string(RecoveryAPI.apiVersion), "kind": .string(resource.kind), "name": "web",
                    ],
                ],
            ],
            Recovery.resource
        )
        scene.start()
        scene.world.start { [engine = scene.engine] in try await engine.placements.run() }
        scene.world.start { [engine = scene.engine] in try await engine.migrations.run() }
        scene.world.run(for: .seconds(60))
        #expect(try scene.recovery("broken")?.state == .pending)
        let healthy = conditions("True", scene.world.time.wallTime())
        scene.hub.edit(resource, Self.key) { $0.set(healthy, at: ["status", "conditions"]) }
        scene.world.run(for: .seconds(1))
        let recovery = try #require(try scene.recovery("broken"))
        #expect(recovery.state == .completed)
        #expect(recovery.status?.conditions?[type: ConditionType.succeeded]?.reason == ConditionReason.selfHealed)
    }
}
