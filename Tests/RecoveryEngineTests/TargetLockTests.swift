import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// Who has the lock of a target for how long.
@Suite("The lock of a target")
struct TargetLockTests {
    private static let shared: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "name": "shared"]

    /// Puts a Recovery about the target that no policy governs.
    private func putSecond(_ scene: LessonScene) {
        scene.put(
            "second",
            ["targetRef": Self.shared, "strategy": "Generic", "error": ["type": "Other", "retryable": true]]
        )
    }

    /// The Lease as it is right after a Recovery has taken it.
    private func take(for name: String, _ scene: LessonScene) throws {
        let recovery = try #require(try scene.recovery(name))
        let lock = try #require(recovery.status?.target.flatMap(LockKey.init))
        let now = MicroTime(scene.world.time.wallTime()).description
        scene.hub.put(
            [
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": [
                    "name": .string(lock.leaseName), "namespace": "tmc-recovery-system",
                    "labels": ["recovery.tmc.io/target-lock": "true"],
                    "annotations": ["recovery.tmc.io/recovery": .string(recovery.metadata.key.description)],
                ],
                "spec": ["holderIdentity": .string(recovery.metadata.uid ?? ""), "renewTime": .string(now)],
            ],
            .leases
        )
    }

    @Test("that a crash has left to a Recovery which makes no attempt is free once the Lease has run out")
    func leftBehind() throws {
        let scene = LessonScene()
        scene.putTarget("shared")
        scene.putPolicy(["mode": "Auto", "suspend": true, "match": ["errorTypes": ["InternalError"]]])
        scene.start()
        scene.put("first", ["targetRef": Self.shared])
        #expect(try scene.gate("first") == "PolicySuspended")
        try take(for: "first", scene)
        putSecond(scene)
        #expect(try scene.gate("second") == "TargetLocked")
        scene.world.run(for: .seconds(50))
        #expect(scene.acting.acted.isEmpty)
        scene.world.run(for: .seconds(45))
        #expect(scene.acting.acted == ["second"])
        #expect(try scene.gate("first") == "PolicySuspended")
    }

    @Test("is free at once when the Recovery that a crash has left it to is deleted")
    func deleted() throws {
        let scene = LessonScene()
        scene.putTarget("shared")
        scene.putPolicy(["mode": "Auto", "suspend": true, "match": ["errorTypes": ["InternalError"]]])
        scene.start()
        scene.put("first", ["targetRef": Self.shared])
        try take(for: "first", scene)
        scene.hub.remove(Recovery.resource, LessonScene.key("first"))
        putSecond(scene)
        #expect(scene.acting.acted == ["second"])
    }

    @Test("is held by nobody who is being deleted, however long that takes")
    func beingDeleted() throws {
        let first = LessonScene { attempt, _ in
            if attempt.recovery.metadata.name == "first" { try await attempt.pause(for: .seconds(80)) }
        }
        first.putTarget("shared")
        first.start()
        first.put("first", ["targetRef": Self.shared])
        first.crash()
        first.hub.edit(Recovery.resource, LessonScene.key("first")) {
            $0.set(["example.com/slow"], at: ["metadata", "finalizers"])
            $0.set(.string(first.world.time.wallTime().text), at: ["metadata", "deletionTimestamp"])
        }
        let second = LessonScene(after: first)
        second.start()
        putSecond(second)
        #expect(second.acting.acted == ["second"])
        #expect(try second.recovery("first")?.state == .cancelled)
    }

    @Test("is lost with the Lease by one that is being deleted between its attempts")
    func beingDeletedInBetween() throws {
        let scene = LessonScene { attempt, _ in
            guard attempt.recovery.metadata.name == "first" else { return }
            throw StrategyFailure.transient("not yet", retryAfter: .seconds(500))
        }
        scene.putTarget("shared")
        scene.start()
        scene.put("first", ["targetRef": Self.shared, "maxAttempts": 2])
        scene.hub.edit(Recovery.resource, LessonScene.key("first")) {
            $0.set(["example.com/slow"], at: ["metadata", "finalizers"])
            $0.set(.string(scene.world.time.wallTime().text), at: ["metadata", "deletionTimestamp"])
        }
        putSecond(scene)
        scene.world.run(for: .seconds(95))
        #expect(scene.acting.acted == ["first", "second"])
    }

    @Test("stays with a Recovery between its attempts, and while one runs")
    func stays() throws {
        let scene = LessonScene { attempt, count in
            guard attempt.recovery.metadata.name == "first" else { return }
            if count == 1 { throw StrategyFailure.transient("not yet", retryAfter: .seconds(200)) }
            try await attempt.pause(for: .seconds(90))
        }
        scene.putTarget("shared")
        scene.start()
        scene.put("first", ["targetRef": Self.shared, "maxAttempts": 2])
        putSecond(scene)
        scene.world.run(for: .seconds(285))
        #expect(scene.acting.acted == ["first", "first"])
        #expect(try scene.gate("second") == "TargetLocked")
        scene.world.run(for: .seconds(30))
        #expect(scene.acting.acted == ["first", "first", "second"])
    }
}
