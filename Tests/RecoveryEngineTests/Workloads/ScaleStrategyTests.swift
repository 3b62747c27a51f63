import JSON
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

@testable import RecoveryEngine

@Suite("Scale")
struct ScaleStrategyTests {
    private let scene = WorkloadScene()

    private func replicas(_ kind: APIResource = .deployments) -> JSONValue? {
        scene.hub.object(kind, WorkloadScene.key)?["spec", "replicas"]
    }

    private func putAutoscaler(
        minimum: Int64 = 1,
        maximum: Int64 = 5,
        target: String = "web",
        metadata: JSONValue = [:]
    ) {
        var metadata = metadata
        metadata["name"] = "scaler"
        metadata["namespace"] = .string(WorkloadScene.namespace)
        scene.hub.put(
            [
                "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata,
                "spec": [
                    "minReplicas": .number(minimum), "maxReplicas": .number(maximum),
                    "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": .string(target)],
                ],
            ],
            StrategyHarness.autoscalers
        )
    }

    private var minimum: JSONValue? { scene.hub.objects(StrategyHarness.autoscalers).first?["spec", "minReplicas"] }

    @Test(
        "to a number, or to a share of the present one, rounded up",
        arguments: [(["replicas": 4], 4), (["percent": 150], 5), (["percent": 10], 1)] as [([String: JSONValue], Int64)]
    )
    func scales(parameters: [String: JSONValue], wanted: Int64) throws {
        scene.put(spec: ["replicas": 3], status: WorkloadScene.ready(generation: 1, replicas: 3))
        let run = scene.start(ScaleStrategy(), try scene.attempt(.deployments, parameters))
        #expect(replicas() == .number(wanted))
        #expect(!run.isFinished)
        scene.rollOut()
        #expect(try scene.finish(run).message == "Deployment shop/web has \(wanted) pods ready")
    }

    @Test("an autoscaler is asked for more, and not written against (superset-kubernetes-operator #151)")
    func autoscaler() throws {
        scene.put()
        putAutoscaler()
        let attempt = try scene.attempt(.deployments, ["replicas": 3])
        let run = scene.start(ScaleStrategy(), attempt)
        #expect(minimum == 3 && replicas() == 1)
        scene.hub.edit(.deployments, WorkloadScene.key) { $0.set(3, at: ["spec", "replicas"]) }
        scene.rollOut()
        _ = try scene.finish(run)
        let undo = scene.harness.world.start { try await Compensation(attempt, ScaleStrategy()).run() }
        #expect(try undo.result?.get() == "HorizontalPodAutoscaler shop/scaler is back at 1")
        #expect(minimum == 1)
        let failure = try scene.harness.failure(ScaleStrategy(), scene.attempt(.deployments, ["replicas": 6]))
        #expect(failure.kind == "permanent" && failure.message.contains("allows at most 5"))
        #expect(minimum == 1)
    }

    @Test(
        "an autoscaler that a GitOps tool owns, or a person keeps actions away from, is left alone like a workload",
        arguments: [
            (["managedFields": [["manager": "kustomize-controller", "operation": "Apply"]]], "managed by Flux"),
            (["labels": ["recovery.tmc.io/exclude": "true"]], "exclude=true"),
        ] as [(JSONValue, String)]
    )
    func foreignAutoscaler(metadata: JSONValue, words: String) throws {
        scene.put()
        putAutoscaler(metadata: metadata)
        let failure = try scene.harness.failure(ScaleStrategy(), scene.attempt(.deployments, ["replicas": 3]))
        #expect(failure.kind == "permanent" && failure.message.contains("HorizontalPodAutoscaler shop/scaler"))
        #expect(failure.message.contains(words) && minimum == 1)
    }

    @Test("the autoscaler of another workload does not matter")
    func otherAutoscaler() throws {
        scene.put()
        putAutoscaler(target: "other")
        _ = scene.start(ScaleStrategy(), try scene.attempt(.deployments, ["replicas": 3]))
        #expect(minimum == 1 && replicas() == 3)
    }

    @Test("its inverse puts the number back, but not over a person's; an undone scaling is not done again")
    func undoes() throws {
        scene.put()
        let attempt = try scene.attempt(.deployments, ["replicas": 3])
        _ = scene.start(ScaleStrategy(), attempt)
        scene.hub.edit(.deployments, WorkloadScene.key) { $0.set(1, at: ["spec", "replicas"]) }
        let failure = try scene.harness.failure(ScaleStrategy(), scene.attempt(.deployments, ["replicas": 3]))
        #expect(failure.metrics["reason"] == "HumanOverride")
        scene.hub.edit(.deployments, WorkloadScene.key) { $0.set(7, at: ["spec", "replicas"]) }
        let record = try #require(attempt.recorded(ScaleStrategy.action))
        let late = scene.harness.world.start { try await ScaleStrategy().undo(record, attempt) }
        #expect(throws: StrategyFailure.self) { try late.result?.get() }
        #expect(replicas() == 7)
    }

    @Test("after a crash the share is of the number from before")
    func resumes() throws {
        scene.put(spec: ["replicas": 6], status: WorkloadScene.ready(generation: 1, replicas: 6))
        var begun = ActionRecord(ScaleStrategy.action, .started)
        begun.inverse = ["from": 3, "to": 6]
        _ = try scene.finish(
            scene.start(ScaleStrategy(), try scene.attempt(.deployments, ["percent": 200], actions: [begun]))
        )
        #expect(scene.harness.writes(.deployments).isEmpty && replicas() == 6)
    }

    @Test("what a person has scaled since the attempt was interrupted is left alone")
    func humanMeanwhile() throws {
        scene.put(spec: ["replicas": 7])
        var begun = ActionRecord(ScaleStrategy.action, .started)
        begun.inverse = ["from": 3, "to": 6]
        let attempt = try scene.attempt(.deployments, ["percent": 200], actions: [begun])
        #expect(try scene.harness.failure(ScaleStrategy(), attempt).metrics["reason"] == "HumanOverride")
        #expect(replicas() == 7)
    }

    @Test("what cannot be scaled, is not told how, or belongs to a GitOps tool is left alone")
    func refuses() throws {
        scene.put(.daemonSets)
        #expect(
            try scene.harness.failure(ScaleStrategy(), scene.attempt(.daemonSets, ["replicas": 2])).kind == "permanent"
        )
        scene.put(metadata: ["labels": ["argocd.argoproj.io/instance": "web"]])
        #expect(try scene.harness.failure(ScaleStrategy(), scene.attempt()).message.contains("nobody says how many"))
        let owned = try scene.harness.failure(ScaleStrategy(), scene.attempt(.deployments, ["replicas": 2]))
        #expect(owned.message.contains("managed by Argo CD"))
        #expect(scene.harness.writes(.deployments).isEmpty)
        let violations = ScaleStrategy().validate(parameters: ["replicas": 0, "percent": "x"])
        #expect(violations.map(\.path) == ["spec.parameters.replicas", "spec.parameters.percent"])
    }
}
