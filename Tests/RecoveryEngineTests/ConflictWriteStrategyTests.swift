import HTTPTransport
import JSON
import KubernetesCore
import RecoveryAPI
import Synchronization
import TestSupport
import Testing

@testable import RecoveryEngine

@Suite("Writes of ResourceConflict")
struct ConflictWriteStrategyTests {
    private static let desired: [String: JSONValue] = ["base": ["data": [:]], "desired": ["data": ["ours": "1"]]]

    @Test("a third writer between read and write is merged, too")
    func writesAgainAfterConflict() throws {
        let scene = ConflictScene(data: ["a": "1"])
        let rounds = Mutex(0)
        scene.harness.hub.before { [hub = scene.harness.hub] request in
            guard request.isWrite, request.concerns(.configMaps) else { return nil }
            let round = rounds.withLock { count in
                count += 1
                return count
            }
            if round <= 3 {
                hub.edit(.configMaps, ConflictScene.key) { $0.set(.string("x"), at: ["data", "other\(round)"]) }
            }
            return nil
        }
        let result = try scene.run(Self.desired)
        #expect(scene.data == ["a": "1", "other1": "x", "other2": "x", "other3": "x", "ours": "1"])
        #expect(result.metrics["writes"] == "4")
        let versions = scene.writes.map { $0.json.value(at: ["metadata", "resourceVersion"]) }
        #expect(Set(versions).count == 4, "each write is based on a new read")
    }

    @Test("a conflict that only shows on the second look is reported, not written over")
    func findsLateConflict() throws {
        let scene = ConflictScene(data: ["a": "1"])
        let isFirst = Mutex(true)
        scene.harness.hub.before { [hub = scene.harness.hub] request in
            guard request.isWrite, request.concerns(.configMaps) else { return nil }
            if isFirst.withLock({ first in
                defer { first = false }
                return first
            }) {
                hub.edit(.configMaps, ConflictScene.key) { $0.set("theirs", at: ["data", "ours"]) }
            }
            return nil
        }
        let failure = try scene.failure(Self.desired)
        #expect(failure.kind == "permanent" && failure.metrics["conflictingFields"] == "data.ours")
        #expect(scene.data?["ours"] == "theirs")
    }

    @Test("an object that is excluded between read and write is left alone")
    func looksForTheLabelAgain() throws {
        let scene = ConflictScene(data: ["a": "1"])
        scene.harness.hub.before { [hub = scene.harness.hub] request in
            // Started is written between the first look and the write.
            if request.isWrite, request.concerns(Recovery.resource) {
                hub.edit(.configMaps, ConflictScene.key) {
                    $0.set("true", at: ["metadata", "labels", "recovery.tmc.io/exclude"])
                }
            }
            return nil
        }
        #expect(try scene.failure(Self.desired).message.contains("recovery.tmc.io/exclude"))
        #expect(scene.writes.isEmpty)
    }

    @Test("somebody who always writes first ends the attempt as a transient failure")
    func givesUpAgainstFasterWriter() throws {
        let scene = ConflictScene(data: ["a": "1"])
        scene.harness.hub.inject(.status(409, "Conflict"), times: 1_000) {
            $0.isWrite && $0.concerns(.configMaps)
        }
        let failure = try scene.failure(Self.desired)
        #expect(failure.kind == "transient" && failure.message.contains("each of 10 writes"))
        #expect(scene.writes.count == 10)
    }

    @Test("a lost reply is no reason to write again")
    func trustsTheLiveObjectAfterLostReply() throws {
        let scene = ConflictScene(data: ["a": "1"])
        scene.harness.hub.inject(.loseReply) { $0.isWrite && $0.concerns(.configMaps) }
        _ = try scene.run(Self.desired)
        #expect(scene.data == ["a": "1", "ours": "1"])
        #expect(scene.writes.count == 1)
        #expect(try scene.harness.storedActions().last?.message == "done, although the reply was lost")
    }

    @Test("after a crash behind the write, the write is found and not done again")
    func resumesBehindTheWrite() throws {
        let scene = ConflictScene(data: ["a": "1", "ours": "1"])
        let attempt = try scene.attempt(Self.desired, actions: [ActionRecord(ConflictRun.writeAction, .started)])
        let result = try scene.harness.run(scene.strategy, attempt)
        #expect(result.message.hasPrefix("merged into"))
        #expect(scene.writes.isEmpty)
        let stored = try scene.harness.storedActions()
        #expect(stored.first { $0.name == ConflictRun.writeAction }?.message == "found done after an interruption")
    }

    @Test("after a crash before the write, the write is done")
    func resumesBeforeTheWrite() throws {
        let scene = ConflictScene(data: ["a": "1"])
        let attempt = try scene.attempt(Self.desired, actions: [ActionRecord(ConflictRun.writeAction, .started)])
        _ = try scene.harness.run(scene.strategy, attempt)
        #expect(scene.data == ["a": "1", "ours": "1"])
        #expect(scene.writes.count == 1)
    }

    @Test("a write that is recorded as done stays done, even when somebody has undone it since")
    func neverRepeatsRecordedWrite() throws {
        let scene = ConflictScene(data: ["a": "1"])
        let attempt = try scene.attempt(Self.desired, actions: [ActionRecord(ConflictRun.writeAction, .succeeded)])
        _ = try scene.harness.run(scene.strategy, attempt)
        #expect(scene.writes.isEmpty)
    }

    @Test("an interrupted apply counts as done only when the manager has applied", arguments: [true, false])
    func resumesApply(hasApplied: Bool) throws {
        let scene = ConflictScene(
            data: ["ours": "1"],
            metadata: ["managedFields": [["manager": "syncer", "operation": hasApplied ? "Apply" : "Update"]]]
        )
        let attempt = try scene.attempt(
            ["resolution": "ServerSideApply", "fieldManager": "syncer", "desired": ["data": ["ours": "1"]]],
            actions: [ActionRecord(ConflictRun.applyAction, .started)]
        )
        _ = try scene.harness.run(scene.strategy, attempt)
        #expect(scene.writes.isEmpty == hasApplied)
    }

    @Test("values of Secrets never get into messages")
    func hidesSecrets() throws {
        let harness = StrategyHarness()
        harness.hub.put(
            [
                "apiVersion": "v1", "kind": "Secret", "data": ["password": "bGl2ZQ=="],
                "metadata": ["name": "db", "namespace": "default"],
            ],
            .secrets
        )
        for resolution in ["Manual", "ThreeWayMerge"] {
            let attempt = try harness.attempt(
                "ResourceConflict",
                target: ResolvedTarget(apiVersion: "v1", kind: "Secret", namespace: "default", name: "db"),
                parameters: ["resolution": .string(resolution), "desired": ["data": ["password": "b3Vycw=="]]]
            )
            let failure = try harness.failure(ResourceConflictStrategy(), attempt)
            #expect(failure.advice.contains("data.password") && failure.advice.contains("(hidden)"))
            #expect(!failure.advice.contains("bGl2ZQ") && !failure.advice.contains("b3Vycw"))
            #expect(failure.advice.contains("kubectl edit secrets db"))
        }
    }
}

@Suite("The base of a merge")
struct ConflictBaseStrategyTests {
    /// `level` was `info` for both; theirs left it, ours wants `debug`.
    private static let desired: JSONValue = ["data": ["level": "debug"]]

    private func expectMerge(_ scene: ConflictScene, _ parameters: [String: JSONValue], base: String) throws {
        let result = try scene.run(parameters)
        #expect(scene.data?["level"] == "debug")
        #expect(result.metrics["base"] == base)
    }

    @Test("is what kubectl applied last")
    func usesLastApplied() throws {
        let applied = #"{"apiVersion":"v1","kind":"ConfigMap","data":{"level":"info"}}"#
        let scene = ConflictScene(
            data: ["level": "info", "theirs": "1"],
            metadata: ["annotations": [.init(stringLiteral: ConflictScene.lastApplied): .string(applied)]]
        )
        try expectMerge(scene, ["desired": Self.desired], base: "last-applied annotation")
    }

    @Test("an annotation that is no JSON is passed over")
    func passesOverBrokenAnnotation() throws {
        let scene = ConflictScene(
            data: ["level": "info"],
            metadata: ["annotations": [.init(stringLiteral: ConflictScene.lastApplied): "{broken"]]
        )
        #expect(try scene.failure(["desired": Self.desired]).metrics["conflictingFields"] == "data.level")
    }

    @Test("is what the field manager owns, since owned fields have its own last values")
    func usesManagedFields() throws {
        let fields: JSONValue = ["f:data": [".": [:], "f:level": [:]]]
        let scene = ConflictScene(
            data: ["level": "info", "theirs": "1"],
            metadata: ["managedFields": [["manager": "syncer", "operation": "Update", "fieldsV1": fields]]]
        )
        try expectMerge(
            scene,
            ["desired": Self.desired, "fieldManager": "syncer"],
            base: "fields managed by syncer"
        )
    }

    @Test("a field that another manager has taken over is a conflict")
    func findsTakenOverFields() throws {
        let fields: JSONValue = ["f:data": [".": [:], "f:other": [:]]]
        let scene = ConflictScene(
            data: ["level": "warn", "other": "1"],
            metadata: ["managedFields": [["manager": "syncer", "operation": "Update", "fieldsV1": fields]]]
        )
        let failure = try scene.failure(["desired": Self.desired, "fieldManager": "syncer"])
        #expect(failure.metrics["conflictingFields"] == "data.level")
    }

    @Test("without any base every difference is a conflict, and what is new is merged")
    func distrustsDifferences() throws {
        let scene = ConflictScene(data: ["level": "info"])
        #expect(try scene.failure(["desired": Self.desired]).metrics["conflictingFields"] == "data.level")
        let result = try scene.run(["desired": ["data": ["new": "1", "level": "info"]]])
        #expect(result.metrics["base"] == "unknown")
        #expect(scene.data == ["level": "info", "new": "1"])
    }

    @Test("is the version that desired was read at, as long as the server has it", arguments: [true, false])
    func usesTheVersionRead(isKept: Bool) throws {
        let scene = ConflictScene(data: ["level": "info", "theirs": "0"])
        let hub = scene.harness.hub
        let old = try #require(hub.object(.configMaps, ConflictScene.key))
        hub.edit(.configMaps, ConflictScene.key) { $0.set("1", at: ["data", "theirs"]) }
        hub.before { request in
            guard request.query["resourceVersionMatch"] == "Exact" else { return nil }
            #expect(request.query["resourceVersion"] == old.resourceVersion)
            #expect(request.query["fieldSelector"] == "metadata.name=settings")
            guard isKept else { return .failure(410, "Expired") }
            return FakeReply(["kind": "ConfigMapList", "apiVersion": "v1", "metadata": [:], "items": [old.content]])
        }
        var desired = old.content
        desired.set("debug", at: ["data", "level"])
        if isKept {
            try expectMerge(scene, ["desired": desired], base: "resourceVersion \(old.resourceVersion)")
            #expect(scene.data?["theirs"] == "1", "what the stale copy still had is not written back")
        } else {
            let failure = try scene.failure(["desired": desired])
            #expect(failure.metrics["conflictingFields"] == "data.level, data.theirs")
        }
    }

    @Test("a server that answers with the latest instead of the exact version is not believed")
    func checksTheVersionRead() throws {
        let scene = ConflictScene(data: ["level": "info", "theirs": "0"])
        let old = try #require(scene.harness.hub.object(.configMaps, ConflictScene.key))
        scene.harness.hub.edit(.configMaps, ConflictScene.key) { $0.set("1", at: ["data", "theirs"]) }
        var desired = old.content
        desired.set("debug", at: ["data", "level"])
        #expect(try scene.failure(["desired": desired]).metrics["fieldsInConflict"] == "2")
    }
}
