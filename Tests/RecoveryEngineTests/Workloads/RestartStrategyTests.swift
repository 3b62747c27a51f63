import JSON
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

@Suite("Restart")
struct RestartStrategyTests {
    @Test(
        "a workload is restarted as kubectl does it, and followed until it is ready",
        arguments: WorkloadTarget.kinds
    )
    func restarts(_ kind: APIResource) throws {
        let scene = WorkloadScene()
        scene.put(kind)
        let attempt = try scene.attempt(kind)
        let run = scene.start(RestartStrategy(), attempt)
        let template = try #require(scene.hub.object(kind, WorkloadScene.key)).content.value(at: ["spec", "template"])
        let stamp = template?.value(at: ["metadata", "annotations", RestartStrategy.restartedAt])
        #expect(stamp == "2026-01-01T00:00:00Z")
        #expect(template?.value(at: ["metadata", "labels", "app"]) == "web")
        #expect(!run.isFinished, "its controller has not seen the new generation")
        scene.rollOut(kind)
        #expect(try scene.finish(run).message == "\(kind.kind) shop/web was restarted and is ready")
        #expect(attempt.journalLines == ["RestartRollout Succeeded", "WaitForRollout Succeeded"])
        #expect(scene.harness.writes(kind).count == 1)
        #expect(scene.hub.requests { $0.concerns(kind) && $0.verb == .get }.count <= 3, "it is watched, not polled")
    }

    @Test("after a crash the rollout that was begun is not begun again")
    func resumes() throws {
        let scene = WorkloadScene()
        let annotations: JSONValue = [RestartStrategy.restartedAt: "2026-01-01T00:00:00Z"]
        scene.put(spec: ["template": ["metadata": ["annotations": annotations]]])
        let attempt = try scene.attempt(actions: [ActionRecord("RestartRollout", .started)])
        _ = try scene.finish(scene.start(RestartStrategy(), attempt))
        #expect(scene.harness.writes(.deployments).isEmpty)
    }

    @Test("a rollout that does not become ready is a transient failure that says what is missing")
    func reportsFailure() throws {
        let scene = WorkloadScene()
        scene.put()
        let run = scene.start(RestartStrategy(), try scene.attempt())
        scene.hub.edit(.deployments, WorkloadScene.key) { object in
            object["status"] = ["observedGeneration": 2, "replicas": 2, "updatedReplicas": 1]
        }
        let failure = #expect(throws: StrategyFailure.self) { try scene.finish(run) }
        #expect(
            failure?.description == "Deployment shop/web did not become ready: it waits for old pods to end",
            "\(failure as Any)"
        )
    }

    @Test(
        "what a restart cannot reach is left alone",
        arguments: [
            (["paused": true], [:], "is paused"), (["updateStrategy": ["type": "OnDelete"]], [:], "OnDelete"),
            ([:], ["labels": ["recovery.tmc.io/exclude": "true"]], "recovery.tmc.io/exclude"),
        ] as [(JSONValue, JSONValue, String)]
    )
    func leavesAlone(spec: JSONValue, metadata: JSONValue, text: String) throws {
        let scene = WorkloadScene()
        scene.put(spec: spec, metadata: metadata)
        let failure = try scene.harness.failure(RestartStrategy(), scene.attempt())
        #expect(failure.kind == "permanent" && failure.message.contains(text), "\(failure)")
        #expect(scene.harness.writes(.deployments).isEmpty)
    }

    @Test("kinds that do not roll out, and no target at all, are refused")
    func refusesKinds() throws {
        let scene = WorkloadScene()
        scene.put(.jobs)
        #expect(try scene.harness.failure(RestartStrategy(), scene.attempt(.jobs)).message.contains("Job is no kind"))
        let attempt = try scene.harness.attempt("ComponentUnhealthy", target: nil)
        #expect(try scene.harness.failure(RestartStrategy(), attempt).kind == "permanent")
    }

    @Test("a pod is evicted, its budget is waited for, and its owner has to be ready again")
    func evicts() throws {
        let scene = WorkloadScene()
        scene.put(.replicaSets)
        let pod = scene.putPod("web-1", owner: ("ReplicaSet", "web"))
        scene.hub.inject(.status(429, "TooManyRequests"), times: 2) { $0.target?.subresource == "eviction" }
        let attempt = try scene.attempt(.pods, name: "web-1")
        let start = scene.harness.world.time.now()
        let result = try scene.finish(scene.start(RestartStrategy(), attempt))
        #expect(result.isWholeProof, "the pod that was reported will never be well again")
        #expect(start.duration(to: scene.harness.world.time.now()) == Evictor.pace * 2)
        let requests = scene.hub.requests { $0.target?.subresource == "eviction" }
        #expect(requests.count == 3)
        #expect(requests.last?.json["apiVersion"] == "policy/v1")
        #expect(
            requests.last?.json.value(at: ["deleteOptions", "preconditions", "uid"]) == .string(pod.uid),
            "another pod of that name must not be hit"
        )
        #expect(scene.hub.requests { $0.verb == .delete }.isEmpty)
        #expect(attempt.journalLines == ["EvictPod Succeeded", "WaitForReplacement Succeeded"])
    }

    @Test("after a crash the eviction that took place is known, and its owner is waited for")
    func resumesEviction() throws {
        let scene = WorkloadScene()
        scene.put(.replicaSets)
        let pod = scene.putPod("web-1", owner: ("ReplicaSet", "web"))
        let first = try scene.attempt(.pods, name: "web-1")
        _ = try scene.finish(scene.start(RestartStrategy(), first))
        #expect(scene.hub.objects(.pods).isEmpty)
        var begun = ActionRecord("EvictPod", .started)
        begun.facts = try #require(first.recorded("EvictPod")?.facts)
        #expect(begun.facts?["uid"] == .string(pod.uid))
        scene.putPod("web-1", owner: ("ReplicaSet", "web"))
        _ = try scene.finish(scene.start(RestartStrategy(), try scene.attempt(.pods, name: "web-1", actions: [begun])))
        #expect(scene.hub.objects(.pods).count == 1, "the new pod of that name stays")
    }

    @Test("a budget that never gives way ends the attempt in time, with nothing deleted")
    func honoursBudget() throws {
        let scene = WorkloadScene()
        scene.putPod("web-1", owner: ("ReplicaSet", "web"))
        scene.hub.inject(.status(429, "TooManyRequests"), times: 1_000) { $0.target?.subresource == "eviction" }
        let failure = try scene.harness.failure(RestartStrategy(), scene.attempt(.pods, name: "web-1"))
        #expect(failure.kind == "transient" && failure.message.contains("may not be evicted"))
        #expect(scene.hub.objects(.pods).count == 1)
    }

    @Test(
        "a pod that nobody would make again is not evicted",
        arguments: [
            ([:], "has no controller"),
            (
                [
                    "metadata": [
                        "annotations": ["kubernetes.io/config.mirror": "x"],
                        "ownerReferences": [["apiVersion": "v1", "kind": "Node", "name": "n", "controller": true]],
                    ]
                ], "mirror"
            ),
        ] as [(JSONValue, String)]
    )
    func sparesPods(more: JSONValue, text: String) throws {
        let scene = WorkloadScene()
        scene.putPod("web-1", owner: nil, more)
        let failure = try scene.harness.failure(RestartStrategy(), scene.attempt(.pods, name: "web-1"))
        #expect(failure.kind == "permanent" && failure.message.contains(text))
        #expect(scene.harness.writes(.pods).isEmpty)
    }

    @Test("it has no parameters")
    func parameters() {
        #expect(RestartStrategy().validate(parameters: ["force": true]).map(\.path) == ["spec.parameters.force"])
    }
}
