import JSON
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

@testable import RecoveryEngine

/// Which kinds are watched, and what becomes of those that cannot be.
@Suite("KindWatches")
struct KindWatchesTests {
    @Test("only kinds that policies name are watched, shared between policies, and no longer when none names them")
    func shares() throws {
        let scene = DetectionScene(nil)
        scene.start()
        scene.world.run(for: .seconds(5))
        let others = scene.hub.watchCount
        #expect(scene.reads(DetectionScene.widgets) == 0)
        scene.putPolicy("one", DetectionScene.readiness)
        scene.putPolicy("two", DetectionScene.readiness)
        scene.world.run(for: .seconds(5))
        #expect(scene.hub.watchCount == others + 1)
        scene.hub.remove(RecoveryPolicy.resource, ObjectKey(namespace: "team", name: "one"))
        scene.world.run(for: .seconds(5))
        #expect(scene.hub.watchCount == others + 1)
        scene.putPolicy("two", DetectionScene.readiness, suspend: true)
        scene.world.run(for: .seconds(5))
        #expect(scene.hub.watchCount == others)
        let before = scene.reads(DetectionScene.widgets)
        scene.world.run(for: .seconds(600))
        #expect(scene.reads(DetectionScene.widgets) == before)
    }

    @Test("a kind that the server does not have is said so, asked for rarely, and does not hold up other detectors")
    func missingKind() throws {
        var detection = DetectionScene.readiness
        detection["workloads"] = ["kinds": ["Deployment"], "forSeconds": 5]
        detection["conditions"] = [
            ["apiVersion": "nowhere.io/v1", "kind": "Ghost", "type": "Ready", "errorType": "ComponentUnhealthy"]
        ]
        let scene = DetectionScene(detection)
        scene.hub.put(Self.deployment, .deployments)
        scene.start()
        scene.world.run(for: .seconds(20))
        #expect(
            try scene.detecting() == "False/KindNotFound: the API server does not have Ghost.v1.nowhere.io"
        )
        #expect(try scene.recoveries().count == 1)
        let before = scene.hub.requests().count
        scene.world.run(for: .seconds(600))
        #expect(scene.hub.requests { $0.path.contains("nowhere.io") }.count < 20)
        #expect(scene.hub.requests().count - before < 120)
    }

    @Test("an aggregated API that answers with nonsense is said so, and the engine goes on")
    func nonsense() throws {
        let scene = DetectionScene()
        scene.hub.inject(.answer(FakeReply(["kind": "Surprise"])), times: 1_000) { $0.path == "/apis/example.com/v1" }
        scene.putWidget(ready: "False")
        scene.start()
        scene.world.run(for: .seconds(60))
        #expect(try scene.detecting()?.contains("Surprise") == true)
        #expect(scene.hub.requests { $0.path == "/apis/example.com/v1" }.count > 2, "it is asked again")
    }

    @Test("a missing right is said so, is asked for again, and the watch begins when it is granted")
    func missingRight() throws {
        let scene = DetectionScene()
        scene.putWidget(ready: "False")
        scene.hub.answerAccessReviews { _ in false }
        scene.start()
        scene.world.run(for: .seconds(300))
        #expect(
            try scene.detecting()
                == "False/MissingRights: the controller may not list, watch widgets.example.com in namespace team"
        )
        #expect(scene.reads(DetectionScene.widgets) == 0, "nothing is refused that was asked for first")
        #expect(scene.hub.requests { $0.concerns(.selfSubjectAccessReviews) }.count < 30)
        scene.hub.answerAccessReviews { _ in true }
        scene.world.run(for: .seconds(90))
        #expect(try scene.detecting()?.hasPrefix("True/") == true)
        #expect(try scene.recoveries().count == 1)
    }

    @Test("cluster-scoped kinds are seen by policies of the controller's namespace only")
    func fence() throws {
        let nodes: JSONValue = [
            "conditions": [["apiVersion": "v1", "kind": "Node", "type": "Ready", "errorType": "ComponentUnhealthy"]]
        ]
        let scene = DetectionScene(nodes)
        scene.putPolicy("own", nodes, namespace: "tmc-recovery-system")
        scene.start()
        scene.world.run(for: .seconds(10))
        #expect(
            try scene.detecting() == "False/OutsideFence: Node.v1 is cluster-scoped; "
                + "only policies in tmc-recovery-system may look at it"
        )
        #expect(try scene.detecting("own", namespace: "tmc-recovery-system")?.hasPrefix("True/") == true)
    }

    private static let deployment: JSONValue = [
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web", "namespace": "team"],
        "status": ["conditions": [["type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"]]],
    ]
}
