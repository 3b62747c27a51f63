import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

@Suite("Recreate")
struct RecreateStrategyTests {
    private let scene = WorkloadScene()

    private func uid() -> String? { scene.hub.object(.deployments, WorkloadScene.key)?.uid }

    @Test("the target is deleted and made again from what it was, less what the server adds")
    func recreates() throws {
        let old = scene.put(metadata: ["labels": ["app": "web"], "annotations": ["note": "x"]])
        let attempt = try scene.attempt()
        let run = scene.start(RecreateStrategy(), attempt)
        let made = try #require(scene.hub.object(.deployments, WorkloadScene.key))
        #expect(made.uid != old.uid && made.content["spec"] == old.content["spec"] && made.content["status"] == nil)
        #expect(made.labels == ["app": "web"] && made.annotations == ["note": "x"])
        let deletion = try #require(scene.hub.requests { $0.verb == .delete }.first?.json)
        #expect(deletion["propagationPolicy"] == "Foreground")
        #expect(deletion["preconditions"]?["uid"] == .string(old.uid))
        scene.rollOut()
        let result = try scene.finish(run)
        #expect(result.message == "Deployment shop/web was deleted, made again, and is ready" && result.isWholeProof)
    }

    @Test(
        "a Job is made again without what belongs to its uid; a selector of one's own stays",
        arguments: ["", "batch.kubernetes.io/"],
        [false, true]
    )
    func job(prefix: String, isManual: Bool) throws {
        let identity: JSONValue = [
            "app": "web", "\(prefix)controller-uid": "u1", "\(prefix)job-name": "web",
        ]
        var spec: JSONValue = [
            "selector": ["matchLabels": ["\(prefix)controller-uid": "u1"]],
            "template": ["metadata": ["labels": identity], "spec": ["containers": [["image": "v1"]]]],
        ]
        if isManual { spec["manualSelector"] = true }
        scene.put(.jobs, spec: spec, status: ["conditions": [["type": "Failed", "status": "True"]]])
        let run = scene.start(RecreateStrategy(), try scene.attempt(.jobs))
        let made = try #require(scene.hub.object(.jobs, WorkloadScene.key))
        let labels = made["spec", "template", "metadata", "labels"]
        #expect(isManual == (made["spec", "selector"] != nil))
        #expect(labels == (isManual ? identity : ["app": "web"]))
        scene.hub.edit(.jobs, WorkloadScene.key) { $0["status"] = ["startTime": "2026-01-01T00:00:00Z"] }
        _ = try scene.finish(run)
    }

    @Test("a crash between deletion and creation loses nothing")
    func resumes() throws {
        var begun = ActionRecord(RecreateStrategy.deleteAction, .succeeded)
        begun.inverse = [
            "uid": "old",
            "manifest": [
                "apiVersion": "apps/v1", "kind": "Deployment", "spec": ["replicas": 1],
                "metadata": ["name": "web", "namespace": .string(WorkloadScene.namespace)],
            ],
        ]
        let attempt = try scene.attempt(actions: [begun])
        let run = scene.start(RecreateStrategy(), attempt)
        #expect(uid() != nil)
        scene.rollOut()
        _ = try scene.finish(run)
        #expect(scene.hub.requests { $0.verb == .delete }.isEmpty)
    }

    @Test("undoing makes a missing target again, and leaves a new one alone")
    func undoes() throws {
        let old = scene.put()
        let attempt = try scene.attempt()
        scene.hub.inject(.status(500, "InternalError"), times: 50) {
            $0.verb == .create && $0.concerns(.deployments) && $0.query["dryRun"] == nil
        }
        _ = try? scene.harness.run(RecreateStrategy(), attempt)
        #expect(uid() == nil)
        scene.hub.inject(.status(500, "InternalError"), times: 0) { _ in true }
        let record = try #require(attempt.recorded(RecreateStrategy.deleteAction))
        #expect(record.inverse?["uid"] == .string(old.uid))
        let other = WorkloadScene()
        let undo = other.harness.world.start { [other] in
            try await RecreateStrategy().undo(record, try other.attempt())
        }
        #expect(try undo.result?.get().hasPrefix("made Deployment shop/web again") == true)
        let again = other.harness.world.start { [other] in
            try await RecreateStrategy().undo(record, try other.attempt())
        }
        #expect(try again.result?.get() == "Deployment shop/web is there")
    }

    @Test("what holds data or belongs to others is refused, and so is what a GitOps tool owns (velero #6142)")
    func refuses() throws {
        let namespace = scene.hub.put(["metadata": ["name": "web"]], .namespaces)
        #expect(namespace.name == "web")
        let held = try scene.harness.failure(RecreateStrategy(), scene.attempt(.namespaces))
        #expect(held.kind == "permanent" && held.message.contains("nothing to delete"))
        scene.putPod("web-1", owner: ("ReplicaSet", "web"))
        let owned = try scene.harness.failure(RecreateStrategy(), scene.attempt(.pods, name: "web-1"))
        #expect(owned.message.contains("belongs to a ReplicaSet"))
        scene.put(metadata: ["labels": ["kustomize.toolkit.fluxcd.io/name": "web"]])
        #expect(try scene.harness.failure(RecreateStrategy(), scene.attempt()).message.contains("managed by Flux"))
        #expect(scene.hub.requests { $0.verb == .delete }.isEmpty)
    }

    // MARK: What is deleted is made again

    /// A Deployment whose end its finalizer holds up, and an attempt that has deleted it.
    private func beginSlowly(_ attempt: Attempt? = nil) throws -> (run: VirtualRun<StrategyResult>, attempt: Attempt) {
        scene.put(metadata: ["finalizers": ["slow"]])
        let attempt = try attempt ?? scene.attempt()
        let run = scene.start(RecreateStrategy(), attempt)
        #expect(scene.hub.object(.deployments, WorkloadScene.key)?.isBeingDeleted == true)
        return (run, attempt)
    }

    /// The attempt that follows one with these actions.
    private func next(after actions: [ActionRecord]) throws -> Attempt {
        try scene.attempt { status in
            var earlier = RecoveryExecution(id: "earlier", attempt: 1, strategy: "Recreate")
            earlier.result = ExecutionResult()
            earlier.result?.actions = actions
            status.executions?.insert(earlier, at: 0)
        }
    }

    @Test("a deletion that outlasts the attempt is not counted as undone; the next attempt makes the target again")
    func outlasts() throws {
        let (run, attempt) = try beginSlowly()
        let failure = #expect(throws: StrategyFailure.self) { try scene.finish(run) }
        #expect(failure?.description.contains("has not gone yet") == true)
        let undo = scene.harness.world.start { try await Compensation(attempt, RecreateStrategy()).run() }
        _ = scene.harness.world.run(until: { undo.isFinished })
        #expect(throws: StrategyFailure.self) { try undo.result?.get() }
        #expect(attempt.recorded("UndoDeleteTarget")?.result == .failed)
        scene.hub.remove(.deployments, WorkloadScene.key)
        let second = try next(after: attempt.journal.actions)
        let again = scene.start(RecreateStrategy(), second)
        #expect(uid() != nil)
        scene.rollOut()
        _ = try scene.finish(again)
        #expect(second.recorded(RecreateStrategy.deleteAction)?.inverse?["manifest"] != nil)
        #expect(scene.hub.requests { $0.verb == .delete }.count == 1)
    }

    @Test("undoing waits for the old one to go, and makes it again then")
    func undoesLate() throws {
        let (run, attempt) = try beginSlowly()
        #expect(throws: StrategyFailure.self) { try scene.finish(run) }
        let undo = scene.harness.world.start { try await Compensation(attempt, RecreateStrategy()).run() }
        #expect(!undo.isFinished)
        scene.hub.remove(.deployments, WorkloadScene.key)
        scene.harness.world.settle()
        #expect(try undo.result?.get().hasPrefix("made Deployment shop/web again") == true && uid() != nil)
    }

    @Test("what the server would not take again is not deleted; refused later, the next attempt goes on with it")
    func refusedCreation() throws {
        scene.put()
        scene.hub.inject(.status(403, "Forbidden"), times: 1) { $0.verb == .create && $0.concerns(.deployments) }
        #expect(throws: (any Error).self) { try scene.harness.run(RecreateStrategy(), scene.attempt()) }
        #expect(scene.hub.requests { $0.verb == .delete }.isEmpty)

        scene.hub.inject(.status(403, "Forbidden"), times: 1) {
            $0.verb == .create && $0.concerns(.deployments) && $0.query["dryRun"] == nil
        }
        let attempt = try scene.attempt()
        let failure = try scene.harness.failure(RecreateStrategy(), attempt)
        #expect(failure.kind == "transient" && failure.advice.contains("| kubectl create -f -"), "\(failure)")
        #expect(uid() == nil)
        _ = scene.start(RecreateStrategy(), try next(after: attempt.journal.actions))
        #expect(uid() != nil)
    }

    @Test("what an earlier attempt did not delete, or made again itself, is not made again from its record")
    func staleRecord() throws {
        let old = scene.put(spec: ["replicas": 3])
        var begun = ActionRecord(RecreateStrategy.deleteAction, .failed)
        begun.inverse = ["uid": .string(old.uid), "manifest": ["spec": ["replicas": 1]]]
        let attempt = try next(after: [begun])
        _ = scene.start(RecreateStrategy(), attempt)
        #expect(scene.hub.object(.deployments, WorkloadScene.key)?["spec", "replicas"] == 3)
        scene.hub.remove(.deployments, WorkloadScene.key)
        let done = [begun, ActionRecord(RecreateStrategy.createAction, .succeeded)]
        #expect(try scene.harness.failure(RecreateStrategy(), next(after: done)).message.contains("does not exist"))
    }

    @Test("a cancellation is heard only when the target is there again", arguments: [StopReason.cancelled, .suspended])
    func cancelled(_ reason: StopReason) throws {
        let (run, attempt) = try beginSlowly()
        attempt.journal.requestStop(reason)
        scene.harness.world.settle()
        let end = scene.harness.world.start { try await attempt.journal.endRequest() }
        #expect(!run.isFinished && !end.isFinished)
        scene.hub.remove(.deployments, WorkloadScene.key)
        scene.harness.world.settle()
        #expect(uid() != nil)
        #expect(throws: AttemptStopped(reason)) { try run.result?.get() }
        #expect(end.isFinished == (reason == .cancelled))
    }

    @Test("a Recovery that is deleted meanwhile leaves no target behind that is missing")
    func recoveryDeleted() throws {
        let (run, _) = try beginSlowly()
        scene.hub.remove(Recovery.resource, StrategyHarness.recoveryKey)
        scene.hub.remove(.deployments, WorkloadScene.key)
        scene.harness.world.settle()
        #expect(uid() != nil)
        #expect(throws: StatusWriteFailure.self) { try run.result?.get() }
    }

    @Test("what a person has changed since the record was written is not deleted")
    func humanOverride() throws {
        let old = scene.put(spec: ["replicas": 3])
        var begun = ActionRecord(RecreateStrategy.deleteAction, .started)
        begun.inverse = ["uid": .string(old.uid), "manifest": ["spec": ["replicas": 1]]]
        let failure = try scene.harness.failure(RecreateStrategy(), scene.attempt(actions: [begun]))
        #expect(failure.metrics["reason"] == "HumanOverride")
        #expect(scene.hub.requests { $0.verb == .delete }.isEmpty)
    }
}
