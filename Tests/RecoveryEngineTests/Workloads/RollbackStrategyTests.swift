import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

@Suite("Rollback")
struct RollbackStrategyTests {
    private static let controllerRevisions = APIResource(
        group: "apps",
        version: "v1",
        plural: "controllerrevisions",
        kind: "ControllerRevision"
    )

    private func template(_ image: String) -> JSONValue {
        ["metadata": ["labels": ["app": "web"]], "spec": ["containers": [["image": .string(image)]]]]
    }

    /// A workload at `present` whose revisions v1, v2, v3 are kept.
    private func makeScene(
        _ kind: APIResource = .deployments,
        present: String = "v3",
        metadata: JSONValue = [:]
    ) throws -> WorkloadScene {
        let scene = WorkloadScene()
        var status = WorkloadScene.ready(generation: 1)
        status["availableReplicas"] = 0
        status["updateRevision"] = "web-3"
        let workload = scene.put(kind, spec: ["template": template(present)], status: status, metadata: metadata)
        for number in 1...3 {
            let owner: JSONValue = ["kind": .string(kind.kind), "uid": .string(workload.uid), "controller": true]
            var kept: JSONValue = [
                "metadata": [
                    "name": .string("web-\(number)"), "namespace": .string(WorkloadScene.namespace),
                    "labels": ["app": "web"], "ownerReferences": [owner],
                    "annotations": ["deployment.kubernetes.io/revision": .string("\(number)")],
                ]
            ]
            var template = template("v\(number)")
            if kind == .deployments {
                template.set("h\(number)", at: ["metadata", "labels", "pod-template-hash"])
                kept["spec"] = ["template": template]
                scene.hub.put(kept, .replicaSets)
            } else {
                template["$patch"] = "replace"
                kept["data"] = ["spec": ["template": template]]
                kept["revision"] = .number(number)
                scene.hub.put(kept, Self.controllerRevisions)
            }
        }
        return scene
    }

    /// Writes the ledger of a policy.
    private func vouch(
        _ scene: WorkloadScene,
        for images: [String],
        kind: String = "Deployment",
        policy: String = "web"
    ) throws {
        var ledger = RevisionLedger(data: nil)
        var text: String?
        for image in images {
            let hash = WorkloadTemplate.hash(template(image))
            let entry = RevisionLedger.Entry(template: hash, time: Date(timeIntervalSince1970: 0))
            text = try ledger.record(entry, of: "\(kind).web")
        }
        scene.hub.put(
            [
                "metadata": [
                    "name": "recovery-ledger-web", "namespace": .string(WorkloadScene.namespace),
                    "labels": ["recovery.tmc.io/policy": .string(policy)],
                ],
                "data": ["\(kind).web": .string(text ?? "[]")],
            ],
            .configMaps
        )
    }

    private func attempt(
        _ scene: WorkloadScene,
        _ kind: APIResource = .deployments,
        _ parameters: [String: JSONValue] = [:],
        actions: [ActionRecord] = [],
        gitOps: GitOpsMode? = nil
    ) throws -> Attempt {
        try scene.attempt(kind, parameters, actions: actions, namespace: WorkloadScene.namespace) { status in
            var effective = EffectiveSettings()
            effective.policy = PolicySnapshot(name: "web")
            effective.gitOps = gitOps.map { .known($0) }
            status.effective = effective
        }
    }

    private func image(_ scene: WorkloadScene, _ kind: APIResource = .deployments) -> String? {
        let object = scene.hub.object(kind, WorkloadScene.key)
        return object?["spec", "template", "spec", "containers"]?[index: 0]?["image"]?.stringValue
    }

    @Test(
        "the latest revision that was healthy is written back as it was, and waited for",
        arguments: WorkloadTarget.kinds
    )
    func rollsBack(_ kind: APIResource) throws {
        let scene = try makeScene(kind)
        try vouch(scene, for: ["v1", "v2"], kind: kind.kind)
        let attempt = try attempt(scene, kind)
        let run = scene.start(RollbackStrategy(), attempt)
        #expect(image(scene, kind) == "v2")
        let template = scene.hub.object(kind, WorkloadScene.key)?["spec", "template"]
        #expect(template == self.template("v2"), "no mark of the keeper stays")
        #expect(!run.isFinished)
        scene.rollOut(kind)
        #expect(try scene.finish(run).message == "\(kind.kind) shop/web was rolled back to revision 2 and is ready")
        #expect(
            attempt.journalLines == [
                "FindHealthyRevision Succeeded", "RollBackTemplate Succeeded", "WaitForRollout Succeeded",
            ]
        )
        let inverse = try #require(attempt.recorded(RollbackStrategy.action)?.inverse)
        #expect(inverse["from"]?.stringValue == WorkloadTemplate.hash(self.template("v3")))
    }

    @Test("without a healthy revision it refuses, and says what it knows (flux2 #4772)")
    func refuses() throws {
        let scene = try makeScene()
        #expect(
            try scene.harness.failure(RollbackStrategy(), attempt(scene)).message.contains(
                "no ledger recovery-ledger-web"
            )
        )
        try vouch(scene, for: ["v1"], kind: "StatefulSet")
        let failure = try scene.harness.failure(RollbackStrategy(), attempt(scene))
        #expect(failure.kind == "permanent" && failure.message.contains("is known to have been healthy"))
        try vouch(scene, for: ["v2"], policy: "other")
        let foreign = try scene.harness.failure(RollbackStrategy(), attempt(scene))
        #expect(foreign.kind == "permanent" && foreign.message.contains("is not the ledger of RecoveryPolicy web"))
        try vouch(scene, for: ["v0"])
        #expect(try scene.harness.failure(RollbackStrategy(), attempt(scene)).message.contains("kept no longer"))
        #expect(scene.harness.writes(.deployments).isEmpty)
    }

    @Test("a present revision that was healthy last is not rolled back: what fails now is not the revision")
    func presentIsLast() throws {
        let scene = try makeScene()
        try vouch(scene, for: ["v1", "v2", "v3"])
        let failure = try scene.harness.failure(RollbackStrategy(), attempt(scene))
        #expect(failure.kind == "permanent" && failure.message.contains("what fails now is not the revision"))
        #expect(failure.advice.contains("toRevision") && scene.harness.writes(.deployments).isEmpty)
        // One that was healthy once, but is not what was healthy last, has not become healthy again.
        try vouch(scene, for: ["v3", "v1", "v2"])
        let run = scene.start(RollbackStrategy(), try attempt(scene))
        #expect(image(scene) == "v2")
        run.cancel()
    }

    @Test("a rollback does not go forward to what an earlier one has left (argo-cd #9570)")
    func leavesForGood() throws {
        let scene = try makeScene()
        try vouch(scene, for: ["v1", "v2", "v3"])
        let first = scene.start(RollbackStrategy(), try attempt(scene, .deployments, ["toRevision": 2]))
        scene.rollOut()
        _ = try scene.finish(first)
        // Next week, the keeper of the ledger has not looked since.
        let failure = try scene.harness.failure(RollbackStrategy(), attempt(scene))
        #expect(failure.kind == "permanent" && failure.message.contains("healthy last") && image(scene) == "v2")
        let other = template("v9")
        scene.hub.edit(.deployments, WorkloadScene.key) { $0.set(other, at: ["spec", "template"]) }
        try vouch(scene, for: ["v1", "v3"])
        _ = scene.start(RollbackStrategy(), try attempt(scene))
        #expect(image(scene) == "v1", "v3 was left")
    }

    @Test("a revision of one's own choice needs no ledger")
    func namedRevision() throws {
        let scene = try makeScene()
        let run = scene.start(RollbackStrategy(), try attempt(scene, .deployments, ["toRevision": 1]))
        #expect(image(scene) == "v1")
        scene.rollOut()
        _ = try scene.finish(run)
        let failure = try scene.harness.failure(RollbackStrategy(), attempt(scene, .deployments, ["toRevision": 9]))
        #expect(failure.kind == "permanent" && failure.message.contains("keeps no revision 9"))
    }

    @Test(
        "what a GitOps tool owns is left alone, unless told otherwise (argo-cd #9570)",
        arguments: [
            (["labels": ["argocd.argoproj.io/instance": "web"]], "Argo CD"),
            (["annotations": ["argocd.argoproj.io/tracking-id": "web:apps/Deployment"]], "Argo CD"),
            (["labels": ["kustomize.toolkit.fluxcd.io/name": "web"]], "Flux"),
            (["managedFields": [["manager": "kustomize-controller", "operation": "Apply"]]], "Flux"),
        ] as [(JSONValue, String)]
    )
    func defers(metadata: JSONValue, tool: String) throws {
        let scene = try makeScene(metadata: metadata)
        try vouch(scene, for: ["v1", "v2"])
        let failure = try scene.harness.failure(RollbackStrategy(), attempt(scene))
        #expect(failure.kind == "permanent" && failure.message.contains("managed by \(tool)"), "\(failure.message)")
        #expect(scene.harness.writes(.deployments).isEmpty)
        let run = scene.start(RollbackStrategy(), try attempt(scene, gitOps: .override))
        #expect(image(scene) == "v2")
        run.cancel()
    }

    @Test("what only reports status is no owner, nor is Helm")
    func noOwner() throws {
        let fields: JSONValue = [["manager": "argocd-controller", "subresource": "status"], ["manager": "kubectl"]]
        let labels: JSONValue = ["app.kubernetes.io/managed-by": "Helm"]
        #expect(GitOpsOwner.of(["metadata": ["managedFields": fields, "labels": labels]]) == nil)
    }

    @Test("a person who puts the revision forward again has their way until the hold-off is over (NVSentinel #141)")
    func humanOverride() throws {
        let scene = try makeScene()
        try vouch(scene, for: ["v1", "v2"])
        let run = scene.start(RollbackStrategy(), try attempt(scene))
        scene.rollOut()
        _ = try scene.finish(run)
        let again = template("v3")
        scene.hub.edit(.deployments, WorkloadScene.key) { $0.set(again, at: ["spec", "template"]) }
        let failure = try scene.harness.failure(RollbackStrategy(), attempt(scene))
        #expect(failure.kind == "permanent" && failure.metrics["reason"] == "HumanOverride", "\(failure.message)")
        #expect(image(scene) == "v3")
        scene.harness.world.run(for: .seconds(3_600))
        _ = scene.start(RollbackStrategy(), try attempt(scene))
        #expect(image(scene) == "v2")
    }

    @Test("its inverse puts the revision from before back, but not over a person's change")
    func undoes() throws {
        let scene = try makeScene()
        try vouch(scene, for: ["v1", "v2"])
        let attempt = try attempt(scene)
        let run = scene.start(RollbackStrategy(), attempt)
        _ = scene.harness.world.run(until: { run.isFinished })
        #expect(throws: StrategyFailure.self) { try run.result?.get() }
        let undo = scene.harness.world.start { try await Compensation(attempt, RollbackStrategy()).run() }
        #expect(try undo.result?.get() == "Deployment shop/web is back at ReplicaSet web-3")
        #expect(image(scene) == "v3")
        #expect(
            scene.hub.object(.deployments, WorkloadScene.key)?.annotations["recovery.tmc.io/last-rollback"] == nil,
            "our own undoing is no person's"
        )
        let other = template("v9")
        scene.hub.edit(.deployments, WorkloadScene.key) { $0.set(other, at: ["spec", "template"]) }
        let record = try #require(attempt.recorded(RollbackStrategy.action))
        let late = scene.harness.world.start { try await RollbackStrategy().undo(record, attempt) }
        #expect(throws: StrategyFailure.self) { try late.result?.get() }
        #expect(image(scene) == "v9")
    }

    @Test("after a crash the rollback goes on where it was, though the present revision is its goal by now")
    func resumes() throws {
        let scene = try makeScene(present: "v2")
        try vouch(scene, for: ["v1", "v2"])
        var begun = ActionRecord(RollbackStrategy.action, .started)
        let (from, to) = (WorkloadTemplate.hash(template("v3")), WorkloadTemplate.hash(template("v2")))
        begun.inverse = ["from": .string(from), "to": .string(to)]
        let run = scene.start(RollbackStrategy(), try attempt(scene, actions: [begun]))
        scene.rollOut()
        _ = try scene.finish(run)
        #expect(image(scene) == "v2")
        #expect(scene.harness.writes(.deployments).isEmpty)
    }

    @Test("what a person has rolled out since the attempt was interrupted is not overwritten")
    func humanMeanwhile() throws {
        let scene = try makeScene(present: "v9")
        var begun = ActionRecord(RollbackStrategy.action, .started)
        let (from, to) = (WorkloadTemplate.hash(template("v3")), WorkloadTemplate.hash(template("v2")))
        begun.inverse = ["from": .string(from), "to": .string(to)]
        let failure = try scene.harness.failure(RollbackStrategy(), attempt(scene, actions: [begun]))
        #expect(failure.metrics["reason"] == "HumanOverride" && image(scene) == "v9")
    }

    @Test("after a crash only pods of the revision that was recorded as stuck are evicted")
    func resumedEviction() throws {
        let scene = try makeScene(.statefulSets, present: "v2")
        let uid = try #require(scene.hub.object(.statefulSets, WorkloadScene.key)).uid
        let owner: JSONValue = ["kind": "StatefulSet", "name": "web", "uid": .string(uid), "controller": true]
        for (name, revision) in [("web-0", "web-3"), ("web-1", "web-9")] {
            let labels: JSONValue = ["controller-revision-hash": .string(revision)]
            scene.putPod(name, owner: nil, ["metadata": ["labels": labels, "ownerReferences": [owner]]])
        }
        var begun = ActionRecord(RollbackStrategy.action, .succeeded)
        let (from, to) = (WorkloadTemplate.hash(template("v3")), WorkloadTemplate.hash(template("v2")))
        begun.inverse = ["from": .string(from), "to": .string(to)]
        begun.facts = ["stuckRevision": "web-9"]
        // By now the status names the healthy revision, web-3, whose pods have just begun.
        _ = scene.start(RollbackStrategy(), try attempt(scene, .statefulSets, actions: [begun]))
        #expect(scene.hub.objects(.pods).map(\.name) == ["web-0"])
    }

    @Test("pods of the failed revision do not keep a StatefulSet from going back")
    func stuckPods() throws {
        let scene = try makeScene(.statefulSets)
        try vouch(scene, for: ["v2"], kind: "StatefulSet")
        let uid = try #require(scene.hub.object(.statefulSets, WorkloadScene.key)).uid
        let owner: JSONValue = ["kind": "StatefulSet", "name": "web", "uid": .string(uid), "controller": true]
        for (name, revision, isReady) in [
            ("web-0", "web-2", "False"), ("web-1", "web-3", "False"), ("web-2", "web-3", "True"),
        ] {
            scene.putPod(
                name,
                owner: nil,
                [
                    "metadata": [
                        "labels": ["controller-revision-hash": .string(revision)], "ownerReferences": [owner],
                    ], "status": ["phase": "Running", "conditions": [["type": "Ready", "status": .string(isReady)]]],
                ]
            )
        }
        let run = scene.start(RollbackStrategy(), try attempt(scene, .statefulSets))
        #expect(scene.hub.objects(.pods).map(\.name) == ["web-0", "web-2"])
        scene.rollOut(.statefulSets)
        _ = try scene.finish(run)
    }

    @Test(
        "parameters are checked",
        arguments: [
            (["toRevision": 0], "toRevision"), (["gitOps": "Force"], "gitOps"),
            (["holdOffSeconds": -1], "holdOffSeconds"), (["revision": 1], "revision"),
        ]
            as [([String: JSONValue], String)]
    )
    func parameters(parameters: [String: JSONValue], name: String) {
        #expect(RollbackStrategy().validate(parameters: parameters).map(\.path) == ["spec.parameters.\(name)"])
    }
}
