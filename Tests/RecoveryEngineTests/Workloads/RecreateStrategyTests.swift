import JSON
import KubernetesCore
import RecoveryAPI
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
        scene.hub.inject(.status(500, "InternalError"), times: 50) { $0.verb == .create && $0.concerns(.deployments) }
        _ = try? scene.harness.run(RecreateStrategy(), attempt)
        #expect(uid() == nil)
        scene.hub.inject(.status(500, "InternalError"), times: 0) { _ in true }
        let record = try #require(attempt.recorded(RecreateStrategy.deleteAction))
        #expect(record.inverse?["uid"] == .string(old.uid))
        let other = WorkloadScene()
        let undo = other.harness.world.start { [other] in
            try await RecreateStrategy().undo(record, try other.attempt())
        }
        #expect(try undo.result?.get() == "made Deployment shop/web again")
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
}
