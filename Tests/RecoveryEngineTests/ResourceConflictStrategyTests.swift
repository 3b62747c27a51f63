import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

/// A ConfigMap that two writers have changed, and ResourceConflict runs about it.
struct ConflictScene {
    static let key = ObjectKey(namespace: "default", name: "settings")
    static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

    let harness = StrategyHarness()
    let strategy = ResourceConflictStrategy()

    /// Stores the object that is live now.
    init(data: JSONValue, metadata: [String: JSONValue] = [:]) {
        var all: [String: JSONValue] = ["name": "settings", "namespace": "default"]
        all.merge(metadata) { _, new in new }
        put(["data": data, "metadata": .object(JSONObject(all))])
    }

    func put(_ content: JSONValue) {
        var object: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap"]
        object["data"] = content["data"]
        object["metadata"] = content["metadata"]
        harness.hub.put(object, .configMaps)
    }

    func attempt(_ parameters: [String: JSONValue], actions: [ActionRecord] = []) throws -> Attempt {
        try harness.attempt(
            "ResourceConflict",
            target: ResolvedTarget(apiVersion: "v1", kind: "ConfigMap", namespace: "default", name: "settings"),
            parameters: parameters,
            actions: actions
        )
    }

    func run(_ parameters: [String: JSONValue]) throws -> StrategyResult {
        try harness.run(strategy, try attempt(parameters))
    }

    func failure(_ parameters: [String: JSONValue]) throws -> StrategyHarness.Failure {
        try harness.failure(strategy, try attempt(parameters))
    }

    /// The live data.
    var data: JSONValue? { harness.hub.object(.configMaps, Self.key)?.content["data"] }

    var writes: [FakeRequest] { harness.writes(.configMaps) }
}

@Suite("ResourceConflict")
struct ResourceConflictStrategyTests {
    @Test("both writers' fields end up in the object, by one write with the version just read")
    func merges() throws {
        let scene = ConflictScene(data: ["a": "theirs", "shared": "x"])
        let version = try #require(scene.harness.hub.object(.configMaps, ConflictScene.key)?.resourceVersion)
        let result = try scene.run([
            "base": ["data": ["a": "old", "shared": "x"]], "desired": ["data": ["b": "ours", "shared": "x"]],
        ])
        #expect(scene.data == ["a": "theirs", "b": "ours", "shared": "x"])
        #expect(result.message == "merged into ConfigMap default/settings: data.b")
        #expect(result.metrics["fieldsMerged"] == "1" && result.metrics["mergedFields"] == "data.b")
        #expect(result.metrics["fieldsInConflict"] == "0" && result.metrics["base"] == "parameter base")
        let write = try #require(scene.writes.first)
        #expect(scene.writes.count == 1)
        #expect(write.json.value(at: ["metadata", "resourceVersion"]) == .string(version))
        #expect(write.json["data"] == ["b": "ours"], "only what changes is sent")
        #expect(write.query["fieldManager"] == "recovery-controller")
        #expect(
            try scene.harness.storedActions().map { "\($0.name) \($0.result.rawValue)" } == [
                "ReadLatest Succeeded", "CompareVersions Succeeded", "WriteMergedObject Succeeded",
            ]
        )
    }

    @Test("a field that both have changed differently is left alone, and a person is told all about it")
    func reportsConflicts() throws {
        let scene = ConflictScene(data: ["level": "warn", "other": "1"])
        let failure = try scene.failure([
            "base": ["data": ["level": "info"]], "desired": ["data": ["level": "debug", "mine": "2"]],
        ])
        #expect(failure.kind == "permanent")
        #expect(failure.message.contains("data.level") && !failure.message.contains("data.mine"))
        #expect(failure.metrics["fieldsInConflict"] == "1" && failure.metrics["conflictingFields"] == "data.level")
        #expect(failure.nextSteps.first == #"Decide data.level: it was "info", wanted is "debug", now it is "warn""#)
        #expect(failure.advice.contains("TakeOurs") && failure.advice.contains("TakeTheirs"))
        #expect(failure.advice.contains("kubectl patch configmaps settings --namespace default --type=merge -p '"))
        #expect(scene.writes.isEmpty)
    }

    @Test("the command to type repeats the whole list, as a merge patch would drop the rest of it")
    func advisesWholeLists() throws {
        let harness = StrategyHarness()
        harness.hub.put(
            [
                "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p", "namespace": "default"],
                "spec": ["containers": [["name": "a", "image": "a:2"], ["name": "b", "image": "b:1"]]],
            ],
            .pods
        )
        let attempt = try harness.attempt(
            "ResourceConflict",
            target: ResolvedTarget(apiVersion: "v1", kind: "Pod", namespace: "default", name: "p"),
            parameters: ["desired": ["spec": ["containers": [["name": "a", "image": "a:3"]]]]]
        )
        let failure = try harness.failure(ResourceConflictStrategy(), attempt)
        #expect(failure.metrics["conflictingFields"] == "spec.containers[name=a].image")
        #expect(failure.advice.contains(#"{"containers":[{"image":"a:3","name":"a"},{"image":"b:1","name":"b"}]}"#))
    }

    @Test("TakeOurs writes all that was wanted, and keeps what was not spoken of")
    func takesOurs() throws {
        let scene = ConflictScene(data: ["level": "warn", "other": "1"])
        let result = try scene.run([
            "resolution": "TakeOurs", "desired": ["data": ["level": "debug", "other": .null]], "fieldManager": "syncer",
        ])
        #expect(scene.data == ["level": "debug"], "null deletes")
        #expect(result.metrics["mergedFields"] == "data.level, data.other")
        #expect(scene.writes.map { $0.query["fieldManager"] } == ["syncer"])
    }

    @Test("TakeTheirs writes nothing and says what is given up")
    func takesTheirs() throws {
        let scene = ConflictScene(data: ["level": "warn"])
        let result = try scene.run(["resolution": "TakeTheirs", "desired": ["data": ["level": "debug"]]])
        #expect(result.message == "ConfigMap default/settings stays as it is; given up: data.level")
        #expect(result.metrics["fieldsMerged"] == "0")
        #expect(scene.writes.isEmpty)
    }

    @Test("Manual fails for good with the exact difference and what to type")
    func leavesItToAPerson() throws {
        let scene = ConflictScene(data: ["level": "warn", "gone": "1"])
        let failure = try scene.failure([
            "resolution": "Manual", "desired": ["data": ["level": "it's", "gone": .null, "new": "2"]],
        ])
        #expect(failure.kind == "permanent")
        #expect(failure.nextSteps[0] == #"data.level: now "warn", wanted "it's""#)
        #expect(failure.nextSteps[1] == "added or removed: data.gone, data.new")
        let command =
            #"kubectl patch configmaps settings --namespace default --type=merge -p '{"data":{"gone":null,"level":"it'\''s","new":"2"}}'"#
        #expect(failure.nextSteps[2] == "Or write it by hand: \(command)")
        #expect(scene.writes.isEmpty)
    }

    @Test("ServerSideApply lets the server merge, in the name of the manager, and forces nothing")
    func applies() throws {
        let scene = ConflictScene(data: ["level": "warn"])
        let result = try scene.run([
            "resolution": "ServerSideApply", "fieldManager": "syncer",
            "desired": ["data": ["mine": "1"], "status": ["x": "y"], "metadata": ["resourceVersion": "7"]],
        ])
        #expect(scene.data == ["level": "warn", "mine": "1"])
        #expect(result.message == "applied to ConfigMap default/settings: data.mine")
        let write = try #require(scene.writes.first)
        #expect(write.header("Content-Type") == "application/apply-patch+yaml")
        #expect(write.query["fieldManager"] == "syncer" && write.query["force"] != "true")
        #expect(write.json["status"] == nil && write.json.value(at: ["metadata", "resourceVersion"]) == nil)
        #expect(write.json.value(at: ["metadata", "uid"]) != nil, "an object that is gone is not made anew")
    }

    @Test("an apply that others' fields stand against names fields and owners")
    func reportsApplyConflicts() throws {
        let scene = ConflictScene(data: ["level": "warn"])
        let cause: JSONValue = [
            "reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using v1", "field": ".data.level",
        ]
        scene.harness.hub.inject(.answer(.failure(409, "Conflict", "Apply failed", causes: [cause]))) {
            $0.concerns(.configMaps) && $0.isWrite
        }
        let failure = try scene.failure(["resolution": "ServerSideApply", "desired": ["data": ["level": "debug"]]])
        #expect(failure.kind == "permanent")
        #expect(failure.nextSteps.first == ".data.level: conflict with \"kubectl\" using v1")
        #expect(failure.metrics["fieldsInConflict"] == "1")
    }

    @Test(
        "nothing is written when the object has everything already",
        arguments: ["ThreeWayMerge", "TakeOurs", "Manual"]
    )
    func suppressesUselessWrites(resolution: String) throws {
        let scene = ConflictScene(data: ["level": "debug", "other": "1"])
        let result = try scene.run(["resolution": .string(resolution), "desired": ["data": ["level": "debug"]]])
        #expect(result.message.contains("nothing was written"))
        #expect(scene.writes.isEmpty)
        #expect(scene.harness.writes(Recovery.resource).isEmpty, "status is written with the result only")
    }

    @Test("without desired, nothing is written and the writer is told to repeat its write")
    func needsDesired() throws {
        let scene = ConflictScene(data: ["level": "warn"])
        let result = try scene.run([:])
        #expect(result.message.contains("spec.parameters.desired is not set"))
        #expect(!result.nextSteps.isEmpty)
        #expect(scene.writes.isEmpty)
    }

    @Test("without a target there is nothing to resolve")
    func needsTarget() throws {
        let harness = StrategyHarness()
        let failure = try harness.failure(ResourceConflictStrategy(), harness.attempt("SyncConflict", target: nil))
        #expect(failure.kind == "permanent" && failure.message.contains("spec.targetRef is missing"))
    }

    @Test(
        "status, identity and the server's metadata are never written",
        arguments: ["ThreeWayMerge", "TakeOurs"]
    )
    func keepsWhatIsTheServers(resolution: String) throws {
        let scene = ConflictScene(data: ["a": "1"])
        _ = try scene.run([
            "resolution": .string(resolution),
            "desired": [
                "apiVersion": "v1", "kind": "ConfigMap", "data": ["b": "2"], "status": ["phase": "Lost"],
                "metadata": [
                    "name": "settings", "namespace": "default", "resourceVersion": "1", "generation": 77,
                    "creationTimestamp": "2020-01-01T00:00:00Z", "labels": ["l": "1"],
                    "managedFields": [["manager": "x"]],
                    "annotations": [.init(stringLiteral: ConflictScene.lastApplied): "{}"],
                ],
            ],
        ])
        let write = try #require(scene.writes.first).json
        #expect(write["status"] == nil && write["kind"] == nil && write["apiVersion"] == nil)
        #expect(write["metadata"]?.objectValue?.keys.sorted() == ["labels", "resourceVersion", "uid"])
        #expect(write["data"] == ["b": "2"])
    }

    @Test(
        "desired cannot be about another object",
        arguments: [
            (["kind"], "Secret"), (["apiVersion"], "v2"), (["metadata", "name"], "other"),
            (["metadata", "namespace"], "kube-system"), (["metadata", "uid"], "another"),
        ] as [([String], String)]
    )
    func refusesAnotherIdentity(path: [String], value: String) throws {
        let scene = ConflictScene(data: ["a": "1"])
        var desired: JSONValue = ["data": ["a": "2"]]
        desired.set(.string(value), at: path)
        let failure = try scene.failure(["resolution": "TakeOurs", "desired": desired])
        #expect(failure.kind == "permanent")
        #expect(failure.message.contains("spec.parameters.desired.\(path.joined(separator: ".")) is \"\(value)\""))
        #expect(scene.writes.isEmpty)
    }

    @Test("an object with the exclude label, or on its way out, is left alone")
    func leavesExcludedAlone() throws {
        let excluded = ConflictScene(data: ["a": "1"], metadata: ["labels": ["recovery.tmc.io/exclude": "true"]])
        let failure = try excluded.failure(["desired": ["data": ["b": "2"]]])
        #expect(failure.kind == "permanent" && failure.message.contains("recovery.tmc.io/exclude"))
        let going = ConflictScene(data: ["a": "1"])
        going.harness.hub.edit(.configMaps, ConflictScene.key) {
            $0.set("2026-01-01T00:00:00Z", at: ["metadata", "deletionTimestamp"])
        }
        #expect(try going.failure(["desired": ["data": ["b": "2"]]]).message.contains("is being deleted"))
        #expect(excluded.writes.isEmpty && going.writes.isEmpty)
    }

    @Test("a target that is gone, or another of its name, ends the recovery for good")
    func needsTheSameObject() throws {
        let scene = ConflictScene(data: ["a": "1"])
        let attempt = try scene.harness.attempt(
            "ResourceConflict",
            target: ResolvedTarget(
                apiVersion: "v1",
                kind: "ConfigMap",
                namespace: "default",
                name: "settings",
                uid: "before"
            ),
            parameters: ["desired": ["data": ["b": "2"]]]
        )
        #expect(try scene.harness.failure(scene.strategy, attempt).message.contains("is not the object"))
        scene.harness.hub.remove(.configMaps, ConflictScene.key)
        #expect(try scene.failure(["desired": ["data": ["b": "2"]]]).message.contains("does not exist"))
    }

    @Test(
        "wrong parameters are named",
        arguments: [
            (["resolution": "Guess"], "spec.parameters.resolution"), (["resolution": 1], "spec.parameters.resolution"),
            (["desired": "x"], "spec.parameters.desired"), (["desired": [:]], "spec.parameters.desired"),
            (["base": []], "spec.parameters.base"), (["fieldManager": ""], "spec.parameters.fieldManager"),
            (["fieldManager": "a\nb"], "spec.parameters.fieldManager"),
            (["fieldManager": .string(String(repeating: "x", count: 129))], "spec.parameters.fieldManager"),
            (["desird": [:]], "spec.parameters.desird"),
        ] as [([String: JSONValue], String)]
    )
    func reportsParameters(parameters: [String: JSONValue], path: String) {
        #expect(ResourceConflictStrategy().validate(parameters: parameters).map(\.path) == [path])
    }

    @Test("right parameters are accepted")
    func acceptsParameters() {
        let violations = ResourceConflictStrategy().validate(parameters: [
            "resolution": "ThreeWayMerge", "desired": ["data": [:]], "base": [:], "fieldManager": "syncer",
        ])
        #expect(violations.isEmpty)
    }
}
