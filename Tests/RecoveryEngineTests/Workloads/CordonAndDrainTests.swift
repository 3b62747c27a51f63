import JSON
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

@Suite("CordonAndDrain")
struct CordonAndDrainTests {
    private static let node = ObjectKey(name: "node-1")
    private static let mark = "recovery.tmc.io/last-cordonanddrain"

    /// A node, ready or dead, with the pods of a ReplicaSet that is ready.
    private func makeScene(isReady: Bool = true, _ more: JSONValue = [:]) -> WorkloadScene {
        let scene = WorkloadScene()
        var node: JSONValue = [
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": "node-1"], "spec": [:],
            "status": ["conditions": [["type": "Ready", "status": isReady ? "True" : "Unknown"]]],
        ]
        for (field, value) in more.objectValue ?? [:] { node.set(value, at: ["spec", field]) }
        scene.hub.put(node, .nodes)
        scene.put(.replicaSets)
        return scene
    }

    private func attempt(
        _ scene: WorkloadScene,
        _ parameters: [String: JSONValue] = [:],
        actions: [ActionRecord] = []
    ) throws -> Attempt {
        try scene.attempt(.nodes, name: "node-1", parameters, actions: actions)
    }

    private func isCordoned(_ scene: WorkloadScene) -> Bool {
        scene.hub.object(.nodes, Self.node)?["spec", "unschedulable"]?.boolValue ?? false
    }

    private func evictions(_ scene: WorkloadScene) -> [String] {
        scene.hub.requests { $0.target?.subresource == "eviction" }.compactMap { $0.target?.name }
    }

    @Test("the node takes no new pods, its pods are evicted, those of DaemonSets and kubelets stay")
    func drains() throws {
        let scene = makeScene()
        let web = (kind: "ReplicaSet", name: "web")
        scene.putPod("web-1", owner: web)
        scene.putPod("web-2", owner: web)
        scene.putPod("elsewhere", owner: web, ["spec": ["nodeName": "node-2"]])
        scene.putPod("agent", owner: (kind: "DaemonSet", name: "agent"))
        scene.putPod("static", owner: nil, ["metadata": ["annotations": ["kubernetes.io/config.mirror": "x"]]])
        scene.putPod("done", owner: nil, ["status": ["phase": "Succeeded"]])
        let attempt = try attempt(scene)
        let result = try scene.finish(scene.start(CordonAndDrainStrategy(), attempt))
        #expect(isCordoned(scene) && evictions(scene) == ["web-1", "web-2"])
        #expect(scene.hub.objects(.pods).map(\.name) == ["agent", "done", "elsewhere", "static"])
        #expect(result.nextSteps == ["When the node is well again: kubectl uncordon node-1"])
        #expect(
            attempt.journalLines == [
                "CordonNode Succeeded", "CheckPods Succeeded", "EvictPods Succeeded", "WaitForPodsToEnd Succeeded",
                "WaitForReplacements Succeeded",
            ]
        )
    }

    @Test("a dead node cannot confirm the end of its pods; that they run elsewhere is the proof")
    func deadNode() throws {
        let scene = makeScene(isReady: false)
        scene.putPod(
            "web-1",
            owner: (kind: "ReplicaSet", name: "web"),
            ["metadata": ["finalizers": ["kubelet"]], "spec": ["volumes": [["emptyDir": [:]]]]]
        )
        scene.hub.edit(.replicaSets, WorkloadScene.key) { $0.set(0, at: ["status", "availableReplicas"]) }
        let run = scene.start(CordonAndDrainStrategy(), try attempt(scene))
        #expect(!run.isFinished, "no pod runs elsewhere yet")
        scene.rollOut(.replicaSets)
        let result = try scene.finish(run)
        #expect(result.isWholeProof, "a dead node that is drained is still dead")
        #expect(scene.hub.objects(.pods).count == 1, "it stays until somebody confirms that it is gone")
        #expect(result.nextSteps.first?.contains("node.kubernetes.io/out-of-service") == true)
    }

    @Test("budgets are waited for; one that never gives way ends the attempt, and the node is let go")
    func honoursBudgets() throws {
        let scene = makeScene()
        scene.putPod("web-1", owner: (kind: "ReplicaSet", name: "web"))
        scene.hub.inject(.status(429, "TooManyRequests"), times: 3) { $0.target?.subresource == "eviction" }
        _ = try scene.finish(scene.start(CordonAndDrainStrategy(), try attempt(scene)))
        #expect(evictions(scene).count == 4)

        let other = makeScene()
        other.putPod("web-1", owner: (kind: "ReplicaSet", name: "web"))
        other.hub.inject(.status(429, "TooManyRequests"), times: 1_000) { $0.target?.subresource == "eviction" }
        let attempt = try attempt(other)
        let failure = try other.harness.failure(CordonAndDrainStrategy(), attempt)
        #expect(failure.kind == "transient" && failure.message.contains("may not be evicted"))
        #expect(isCordoned(other))
        let undo = other.harness.world.start { try await Compensation(attempt, CordonAndDrainStrategy()).run() }
        #expect(try undo.result?.get() == "Node node-1 takes pods again")
        #expect(!isCordoned(other) && other.hub.object(.nodes, Self.node)?.annotations[Self.mark] == nil)
        #expect(other.hub.objects(.pods).count == 1)
    }

    @Test(
        "what would be lost for good stops the drain before anything is evicted, unless that is accepted",
        arguments: [(nil, [:], "force"), ("ReplicaSet", ["volumes": [["emptyDir": [:]]]], "deleteEmptyDirData")]
            as [(String?, JSONValue, String)]
    )
    func sparesPods(owner: String?, spec: JSONValue, parameter: String) throws {
        let scene = makeScene()
        scene.putPod("web-1", owner: owner.map { ($0, "web") }, ["spec": spec])
        let refused = try attempt(scene)
        let failure = try scene.harness.failure(CordonAndDrainStrategy(), refused)
        #expect(failure.kind == "permanent" && failure.advice.contains("parameters.\(parameter): true"))
        let undo = scene.harness.world.start { try await Compensation(refused, CordonAndDrainStrategy()).run() }
        #expect(undo.isFinished && !isCordoned(scene) && evictions(scene).isEmpty)
        _ = try scene.finish(scene.start(CordonAndDrainStrategy(), try attempt(scene, [parameter: true])))
        #expect(evictions(scene) == ["web-1"])
    }

    @Test("a cordon of somebody else's is not ours to take back")
    func foreignCordon() throws {
        let scene = makeScene(["unschedulable": true])
        let attempt = try attempt(scene)
        _ = try scene.finish(scene.start(CordonAndDrainStrategy(), attempt))
        #expect(attempt.recorded(CordonAndDrainStrategy.cordonAction) == nil)
        let undo = scene.harness.world.start { try await Compensation(attempt, CordonAndDrainStrategy()).run() }
        #expect(try undo.result?.get().isEmpty == true && isCordoned(scene))
    }

    @Test("a person who uncordons the node has their way until the hold-off is over (draino #17)")
    func humanOverride() throws {
        let scene = makeScene()
        _ = try scene.finish(scene.start(CordonAndDrainStrategy(), try attempt(scene)))
        scene.hub.edit(.nodes, Self.node) { $0.set(nil, at: ["spec", "unschedulable"]) }
        let failure = try scene.harness.failure(CordonAndDrainStrategy(), attempt(scene))
        #expect(failure.metrics["reason"] == "HumanOverride" && !isCordoned(scene))
        scene.harness.world.run(for: .seconds(3_600))
        _ = try scene.finish(scene.start(CordonAndDrainStrategy(), try attempt(scene)))
        #expect(isCordoned(scene))
    }

    /// The mark that a Recovery leaves with its cordon.
    private func cordon(_ scene: WorkloadScene, by recovery: String) {
        let mark = #"{"from":"schedulable","to":"cordoned","time":"2026-01-01T00:00:00Z","recovery":"\#(recovery)"}"#
        scene.hub.edit(.nodes, Self.node) { node in
            node.set(true, at: ["spec", "unschedulable"])
            node.set(.string(mark), at: ["metadata", "annotations", Self.mark])
        }
    }

    private func begun(_ result: ActionResult) -> ActionRecord {
        var begun = ActionRecord(CordonAndDrainStrategy.cordonAction, result)
        begun.inverse = ["unschedulable": false]
        return begun
    }

    @Test("after a crash the drain goes on, with the cordon that is there")
    func resumes() throws {
        let scene = makeScene()
        cordon(scene, by: "broken")
        scene.putPod("web-1", owner: (kind: "ReplicaSet", name: "web"))
        let attempt = try attempt(scene, actions: [begun(.started)])
        _ = try scene.finish(scene.start(CordonAndDrainStrategy(), attempt))
        #expect(scene.harness.writes(.nodes).isEmpty && evictions(scene) == ["web-1"])
    }

    @Test("a cordon that somebody else made since the interruption stays; a node that a person lets go is left alone")
    func humanMeanwhile() throws {
        let scene = makeScene()
        cordon(scene, by: "another")
        let foreign = try attempt(scene, actions: [begun(.started)])
        _ = try scene.finish(scene.start(CordonAndDrainStrategy(), foreign))
        let undo = scene.harness.world.start { try await Compensation(foreign, CordonAndDrainStrategy()).run() }
        #expect(undo.isFinished && isCordoned(scene) && scene.harness.writes(.nodes).isEmpty)

        let open = makeScene()
        open.putPod("web-1", owner: (kind: "ReplicaSet", name: "web"))
        let failure = try open.harness.failure(CordonAndDrainStrategy(), attempt(open, actions: [begun(.succeeded)]))
        #expect(failure.metrics["reason"] == "HumanOverride" && evictions(open).isEmpty && !isCordoned(open))
    }

    @Test("a pod that came late, or that a person keeps actions away from, is not evicted unseen")
    func latePods() throws {
        let scene = makeScene()
        scene.putPod("web-1", owner: (kind: "ReplicaSet", name: "web"))
        scene.hub.inject(.status(429, "TooManyRequests"), times: 1) { $0.target?.subresource == "eviction" }
        let run = scene.start(CordonAndDrainStrategy(), try attempt(scene))
        scene.putPod("late", owner: nil)
        let late = #expect(throws: StrategyFailure.self) { try scene.finish(run) }
        #expect(late?.description.contains("no controller owns them: shop/late") == true)
        #expect(evictions(scene) == ["web-1"] && scene.hub.objects(.pods).count == 2)

        let other = makeScene()
        let labels: JSONValue = ["recovery.tmc.io/exclude": "true"]
        other.putPod("web-1", owner: (kind: "ReplicaSet", name: "web"), ["metadata": ["labels": labels]])
        let excluded = try other.harness.failure(CordonAndDrainStrategy(), attempt(other, ["force": true]))
        #expect(excluded.message.contains("recovery.tmc.io/exclude=true") && evictions(other).isEmpty)
    }

    @Test(
        "a drain that a budget holds up hears the person who lets pods onto the node, or keeps actions away (draino #17)",
        arguments: [("unschedulable", JSONValue.null, "lets pods"), ("label", "true", "exclude=true")]
            as [(String, JSONValue, String)]
    )
    func hearsHuman(field: String, value: JSONValue, words: String) throws {
        let scene = makeScene()
        scene.putPod("web-1", owner: (kind: "ReplicaSet", name: "web"))
        scene.hub.inject(.status(429, "TooManyRequests"), times: 2) { $0.target?.subresource == "eviction" }
        let attempt = try attempt(scene)
        let run = scene.start(CordonAndDrainStrategy(), attempt)
        #expect(evictions(scene) == ["web-1"])
        let path = field == "label" ? ["metadata", "labels", "recovery.tmc.io/exclude"] : ["spec", field]
        scene.hub.edit(.nodes, Self.node) { $0.set(value.isNull ? nil : value, at: path) }
        scene.putPod("new", owner: (kind: "ReplicaSet", name: "web"))
        let failure = #expect(throws: StrategyFailure.self) { try scene.finish(run) }
        #expect(failure?.description.contains(words) == true && failure?.description.contains("left alone") == true)
        #expect(evictions(scene) == ["web-1"] && scene.hub.objects(.pods).count == 2)
        let undo = scene.harness.world.start { try await Compensation(attempt, CordonAndDrainStrategy()).run() }
        #expect(undo.isFinished && !isCordoned(scene))
    }

    /// A dead node whose only pod, with an emptyDir, a budget keeps.
    private func heldUp() -> WorkloadScene {
        let scene = makeScene(isReady: false)
        let volumes: JSONValue = [["emptyDir": [:]]]
        scene.putPod("web-1", owner: (kind: "ReplicaSet", name: "web"), ["spec": ["volumes": volumes]])
        scene.hub.inject(.status(429, "TooManyRequests"), times: 2) { $0.target?.subresource == "eviction" }
        return scene
    }

    private func setReady(_ scene: WorkloadScene, _ value: JSONValue) {
        scene.hub.edit(.nodes, Self.node) { node in
            node.set([["type": "Ready", "status": value]], at: ["status", "conditions"])
        }
    }

    @Test("a dead node that comes back keeps what still runs there, and takes pods again (karmada #5803)")
    func comesBack() throws {
        let scene = heldUp()
        let attempt = try attempt(scene)
        let run = scene.start(CordonAndDrainStrategy(), attempt)
        setReady(scene, "True")
        let failure = #expect(throws: StrategyFailure.self) { try scene.finish(run) }
        #expect(failure?.description.contains("came back") == true)
        #expect(evictions(scene) == ["web-1"] && scene.hub.objects(.pods).count == 1)
        let undo = scene.harness.world.start { try await Compensation(attempt, CordonAndDrainStrategy()).run() }
        #expect(undo.isFinished && !isCordoned(scene))

        // The next run of the attempt knows that it was dead.
        let other = heldUp()
        let begun = try self.attempt(other)
        let first = other.start(CordonAndDrainStrategy(), begun)
        first.cancel()
        setReady(other, "True")
        let later = try self.attempt(other, actions: begun.journal.actions)
        let resumed = try other.harness.failure(CordonAndDrainStrategy(), later)
        #expect(resumed.message.contains("came back") && evictions(other) == ["web-1"])
    }

    @Test("a node that dies while its drain is held up cannot confirm the end of its pods any more")
    func diesMeanwhile() throws {
        let scene = makeScene()
        let kubelet: JSONValue = ["finalizers": ["kubelet"]]
        scene.putPod("web-1", owner: (kind: "ReplicaSet", name: "web"), ["metadata": kubelet])
        scene.hub.inject(.status(429, "TooManyRequests"), times: 1) { $0.target?.subresource == "eviction" }
        let run = scene.start(CordonAndDrainStrategy(), try attempt(scene))
        setReady(scene, "Unknown")
        #expect(try scene.finish(run).nextSteps.first?.contains("out-of-service") == true)
    }

    @Test("after a crash the owners of pods that are gone are still waited for")
    func resumesProof() throws {
        let scene = makeScene()
        cordon(scene, by: "broken")
        scene.hub.edit(.replicaSets, WorkloadScene.key) { $0.set(0, at: ["status", "availableReplicas"]) }
        var evicted = ActionRecord("EvictPods", .started)
        let owner: JSONValue = [
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "namespace": .string(WorkloadScene.namespace), "name": "web",
        ]
        evicted.facts = ["pods": 2, "owners": [owner]]
        let run = scene.start(CordonAndDrainStrategy(), try attempt(scene, actions: [begun(.succeeded), evicted]))
        #expect(!run.isFinished, "no pod runs elsewhere yet")
        scene.rollOut(.replicaSets)
        #expect(try scene.finish(run).metrics["evicted"] == "2")
    }

    @Test("an excluded node and other kinds are left alone; parameters are checked")
    func refuses() throws {
        let scene = makeScene()
        scene.hub.edit(.nodes, Self.node) { $0.set("true", at: ["metadata", "labels", "recovery.tmc.io/exclude"]) }
        #expect(try scene.harness.failure(CordonAndDrainStrategy(), attempt(scene)).kind == "permanent")
        scene.put()
        let other = try scene.harness.failure(CordonAndDrainStrategy(), scene.attempt())
        #expect(other.message.contains("only nodes can be drained"))
        #expect(scene.harness.writes(.nodes).isEmpty)
        let violations = CordonAndDrainStrategy().validate(parameters: ["force": "yes", "grace": 1])
        #expect(violations.map(\.path) == ["spec.parameters.force", "spec.parameters.grace"])
    }
}
