import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

/// Recoveries that do not begin: why shows in their status, and for those that cannot be read in an event.
@Suite(.timeLimit(.minutes(1)))
struct HeldRecoveryTests {
    private static func configuration(limit: Int) -> EngineConfiguration {
        var configuration = EngineConfiguration()
        configuration.maxConcurrentRecoveries = limit
        return configuration
    }

    /// Says in status what holds it, and has no clock that runs.
    private func expectHeld(_ recovery: Recovery?, _ gate: RecoveryGate) {
        let status = recovery?.status
        let admitted = status?.conditions?[type: ConditionType.admitted]
        #expect(status?.state == .pending && status?.message == admitted?.message)
        #expect(admitted?.status == .false && admitted?.reason == gate.rawValue)
        #expect(status?.deadline == nil && status?.startTime == nil && status?.attempts == nil)
    }

    @Test func `what holds a Recovery before its first attempt shows at once, and its time does not run`() throws {
        let scene = EngineScene()
        scene.start()
        scene.put("suspended", ["suspend": true, "timeoutSeconds": 60])
        scene.put("ungoverned", ["policyRef": ["name": "gone"], "timeoutSeconds": 60])
        let target: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "name": "shared"]
        scene.put("first", ["targetRef": target, "parameters": ["waitSeconds": 100]])
        scene.world.run(for: .seconds(1))
        scene.put("second", ["targetRef": target, "timeoutSeconds": 60])
        scene.world.run(for: .seconds(1))
        try expectHeld(scene.recovery("suspended"), .suspended)
        try expectHeld(scene.recovery("ungoverned"), .policyNotFound)
        try expectHeld(scene.recovery("second"), .targetLocked)
        #expect(scene.events(about: "suspended").first?.hasPrefix("RecoveryBlocked: Suspended") == true)
        // Long after the whole recovery's time, had it begun.
        scene.world.run(for: .seconds(90))
        try expectHeld(scene.recovery("suspended"), .suspended)
        try expectHeld(scene.recovery("ungoverned"), .policyNotFound)
        try expectHeld(scene.recovery("second"), .targetLocked)
        scene.hub.edit(Recovery.resource, ObjectKey(namespace: EngineScene.namespace, name: "suspended")) {
            $0.set(false, at: ["spec", "suspend"])
            $0.set(2, at: ["metadata", "generation"])
        }
        scene.world.run(for: .seconds(10))
        let ended = try scene.recovery("suspended")
        #expect(ended?.state == .completed)
        let clock = ended?.status?.startTime.flatMap { start in
            ended?.status?.deadline.map { $0.timeIntervalSince(start) }
        }
        #expect(clock == 60, "the clock began with the first attempt")
    }

    @Test func `who waits for a place is told after a minute: most wait only for a moment`() throws {
        let scene = EngineScene(Self.configuration(limit: 1))
        scene.start()
        scene.put("long", ["parameters": ["waitSeconds": 100]])
        scene.world.run(for: .seconds(1))
        scene.put("waiting")
        scene.world.run(for: .seconds(58))
        #expect(try scene.recovery("waiting")?.status == nil)
        scene.world.run(for: .seconds(4))
        try expectHeld(scene.recovery("waiting"), .concurrency)
        scene.world.run(for: .seconds(60))
        #expect(try scene.recovery("waiting")?.state == .completed)
    }

    @Test func `a Recovery that cannot be read gets an event with field and remedy, and runs once it is corrected`()
        throws
    {
        let scene = EngineScene()
        scene.put("broken", ["maxAttempts": "three"])
        scene.start()
        scene.world.run(for: .seconds(30))
        let events = scene.events(about: "broken")
        #expect(events.count == 1)
        #expect(events.first?.hasPrefix("RecoveryUnreadable: spec.maxAttempts: ") == true, "\(events)")
        #expect(events.first?.contains("kubectl edit recovery broken") == true)
        #expect(scene.hub.object(Recovery.resource, Self.key("broken"))?["status"] == nil)
        // Still wrong, in another place.
        scene.put("broken", ["maxAttempts": 3, "suspend": "no"])
        scene.world.run(for: .seconds(1))
        #expect(scene.events(about: "broken").last?.hasPrefix("RecoveryUnreadable: spec.suspend: ") == true)
        scene.put("broken", ["maxAttempts": 3])
        scene.world.run(for: .seconds(10))
        #expect(try scene.recovery("broken")?.state == .completed)
    }

    @Test func `an attempt goes on when its Recovery becomes unreadable, and ends when it can be read again`() throws {
        let scene = EngineScene()
        scene.start()
        scene.put("web", ["parameters": ["waitSeconds": 10]])
        scene.world.run(for: .seconds(1))
        #expect(try scene.recovery("web")?.state == .inProgress)
        scene.hub.edit(Recovery.resource, Self.key("web")) { $0.set("yes", at: ["spec", "suspend"]) }
        scene.world.run(for: .seconds(20))
        #expect(scene.events(about: "web").contains { $0.hasPrefix("RecoveryUnreadable: spec.suspend") })
        scene.hub.edit(Recovery.resource, Self.key("web")) { $0.set(false, at: ["spec", "suspend"]) }
        scene.world.run(for: .seconds(60))
        let ended = try scene.recovery("web")
        #expect(ended?.state == .completed && ended?.status?.attempts == 1)
    }

    private static func key(_ name: String) -> ObjectKey {
        ObjectKey(namespace: EngineScene.namespace, name: name)
    }
}
