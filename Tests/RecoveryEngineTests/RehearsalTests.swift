import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// Plans: what strategies would write, found out without any effect.
@Suite("Rehearsals")
struct RehearsalTests {
    private static let web = "shop/web"

    /// What the strategy would do, after making sure that it did nothing.
    private func plan(
        _ scene: WorkloadScene,
        _ strategy: any RecoveryStrategy,
        _ attempt: Attempt
    ) throws -> [PlannedStep] {
        #expect(strategy.descriptor.canBeRehearsed)
        let before = scene.hub.resourceVersion
        let earlier = scene.hub.log.count
        let run = scene.harness.world.start { try await Rehearsal.steps(of: strategy, attempt) }
        scene.harness.world.settle()
        let steps = try #require(run.result, "a rehearsal waits for nothing").get()
        let writes = scene.hub.requests().dropFirst(earlier).filter(\.isWrite)
        for write in writes {
            let isTried = write.method == "DELETE" ? write.json["dryRun"] == ["All"] : write.query["dryRun"] == "All"
            #expect(isTried, "\(write.method) \(write.path)")
        }
        #expect(scene.hub.resourceVersion == before, "nothing was stored")
        #expect(attempt.journal.actions.isEmpty)
        return steps
    }

    private func patch(_ step: PlannedStep?) throws -> JSONValue {
        try JSONValue(parsing: try #require(step?.patch))
    }

    @Test("Restart: the very patch, the moment left open, and the same a while later")
    func restart() throws {
        let scene = WorkloadScene()
        scene.put()
        let steps = try plan(scene, RestartStrategy(), try scene.attempt())
        #expect(
            steps.map(\.description) == [
                "RestartRollout: patch Deployment \(Self.web)", "then: WaitForRollout, and what depends on it",
            ]
        )
        #expect(
            steps.first?.target
                == TargetReference(apiVersion: "apps/v1", kind: "Deployment", name: "web", namespace: "shop")
        )
        let annotations: JSONValue = ["annotations": ["kubectl.kubernetes.io/restartedAt": "<time>"]]
        #expect(try patch(steps.first) == ["spec": ["template": ["metadata": annotations]]])
        scene.harness.world.run(for: .seconds(3_600))
        #expect(try plan(scene, RestartStrategy(), try scene.attempt()) == steps)
    }

    @Test("Restart of a pod: an eviction; one that a budget forbids ends the plan with the wait")
    func evictsPod() throws {
        let scene = WorkloadScene()
        scene.putPod("web-1", owner: (kind: "ReplicaSet", name: "web"))
        let steps = try plan(scene, RestartStrategy(), try scene.attempt(.pods, name: "web-1"))
        #expect(
            steps.map(\.description) == [
                "EvictPod: evict pods (1): shop/web-1", "then: WaitForReplacement, and what depends on it",
            ]
        )
        #expect(scene.hub.object(.pods, ObjectKey(namespace: "shop", name: "web-1")) != nil)
    }

    @Test("Scale: the number and the mark")
    func scale() throws {
        let scene = WorkloadScene()
        scene.put()
        let steps = try plan(scene, ScaleStrategy(), try scene.attempt(.deployments, ["replicas": 4]))
        let change = try patch(steps.first)
        #expect(change["spec"] == ["replicas": 4])
        let mark = change.value(at: ["metadata", "annotations", "recovery.tmc.io/last-scale"])?.stringValue ?? ""
        #expect(mark.contains(#""from":"1""#) && mark.contains(#""time":"<time>""#), "\(mark)")
        #expect(steps.last?.description == "then: WaitForReplicas, and what depends on it")
    }

    @Test("what a strategy refuses is in the plan, and nothing else")
    func refusal() throws {
        let scene = WorkloadScene()
        scene.put(metadata: ["labels": ["app.kubernetes.io/instance": "x", "argocd.argoproj.io/instance": "shop"]])
        let steps = try plan(scene, ScaleStrategy(), try scene.attempt(.deployments, ["replicas": 4]))
        #expect(steps.count == 1)
        #expect(steps[0].description.hasPrefix("it would end there: Deployment shop/web is managed by Argo CD"))
    }

    @Test("Recreate: the deletion is tried, and what was there stays; what would be made again is in the plan")
    func recreate() throws {
        let scene = WorkloadScene()
        scene.put()
        let steps = try plan(scene, RecreateStrategy(), try scene.attempt())
        #expect(
            steps.map(\.description) == [
                "DeleteTarget: delete Deployment \(Self.web)", "CreateTarget: create Deployment \(Self.web)",
                "then: WaitForDeletion, and what depends on it",
            ]
        )
        #expect(steps[0].patch == nil && steps[1].target?.name == "web")
        let made = try patch(steps[1])
        #expect(made["kind"] == "Deployment" && made["spec"]?["template"] != nil && made["status"] == nil)
        scene.hub.edit(.deployments, WorkloadScene.key) { $0.set("1", at: ["metadata", "annotations", "seen"]) }
        #expect(try plan(scene, RecreateStrategy(), try scene.attempt()) == steps, "controllers annotate at any time")
        scene.hub.edit(.deployments, WorkloadScene.key) { $0.set("front", at: ["metadata", "labels", "tier"]) }
        let changed = try plan(scene, RecreateStrategy(), try scene.attempt())
        #expect(changed != steps && changed[0] == steps[0])
    }

    @Test("CordonAndDrain: the cordon's patch, and the pods by name")
    func drain() throws {
        let scene = WorkloadScene()
        scene.hub.put(
            [
                "apiVersion": "v1", "kind": "Node", "metadata": ["name": "node-1"], "spec": [:],
                "status": ["conditions": [["type": "Ready", "status": "True"]]],
            ],
            .nodes
        )
        scene.put(.replicaSets)
        for name in ["web-2", "web-1"] { scene.putPod(name, owner: (kind: "ReplicaSet", name: "web")) }
        let steps = try plan(scene, CordonAndDrainStrategy(), try scene.attempt(.nodes, name: "node-1"))
        #expect(
            steps.map(\.description) == [
                "CordonNode: patch Node node-1", "EvictPods: evict pods (2): shop/web-1, shop/web-2",
                "then: WaitForPodsToEnd, and what depends on it",
            ]
        )
        #expect(try patch(steps.first)["spec"] == ["unschedulable": true])
        #expect(steps[1].podsOf == ["ReplicaSet shop/web"])
        // Budgets that have no room now, or in part, hide none of the pods.
        scene.hub.inject(.status(429, "TooManyRequests"), times: 1_000) {
            $0.target?.subresource == "eviction" && $0.path.contains("web-1")
        }
        #expect(try plan(scene, CordonAndDrainStrategy(), try scene.attempt(.nodes, name: "node-1")) == steps)
        scene.hub.clearFaults()
    }

    @Test(
        "whose pods are evicted is told by names that outlast revisions and runs",
        arguments: [
            (("ReplicaSet", "web-6d4"), "6d4", "ReplicaSet shop/web-*"),
            (("ReplicaSet", "web"), "6d4", "ReplicaSet shop/web"),
            (("Job", "backup-2839"), nil, "Job shop/backup-*"), (("Job", "import"), nil, "Job shop/import"),
            (("StatefulSet", "db-1"), nil, "StatefulSet shop/db-1"), (nil, nil, "Pod shop/one"),
        ] as [((String, String)?, String?, String)]
    )
    func lastingNames(owner: (String, String)?, hash: String?, expected: String) {
        let labels: JSONValue = hash.map { ["pod-template-hash": .string($0)] } ?? [:]
        let pod = WorkloadScene().putPod(
            "one",
            owner: owner.map { (kind: $0.0, name: $0.1) },
            ["metadata": ["labels": labels]]
        )
        #expect(PodOwner.lastingName(of: pod) == expected)
    }

    @Test("ResourceConflict: the merged fields")
    func conflict() throws {
        let scene = WorkloadScene()
        scene.put()
        let steps = try plan(
            scene,
            ResourceConflictStrategy(),
            try scene.attempt(.deployments, ["resolution": "TakeOurs", "desired": ["spec": ["replicas": 3]]])
        )
        #expect(try patch(steps.first) == ["spec": ["replicas": 3]])
        #expect(steps.last?.description.hasPrefix("then: merged into Deployment shop/web: spec.replicas") == true)
    }

    @Test("a long patch is cut, and its hash stands for the rest")
    func bounds() throws {
        func plan(_ last: String) throws -> PlannedStep {
            let scene = WorkloadScene()
            scene.put()
            let text = String(repeating: "x", count: 3_000) + last
            let desired: JSONValue = ["metadata": ["annotations": ["note": .string(text)]]]
            let attempt = try scene.attempt(.deployments, ["resolution": "TakeOurs", "desired": desired])
            return try #require(try self.plan(scene, ResourceConflictStrategy(), attempt).first)
        }
        let (one, other) = (try plan("a"), try plan("b"))
        #expect((one.patch?.utf8.count ?? 0) <= 1_024 && one.patch?.contains("bytes, sha256 ") == true)
        #expect(one != other)
    }

    @Test("a server that refuses the dry run is told of; one that is busy is asked again later")
    func refusedByServer() throws {
        let scene = WorkloadScene()
        scene.put()
        scene.hub.inject(.status(403, "Forbidden")) { $0.verb == .patch }
        let steps = try plan(scene, RestartStrategy(), try scene.attempt())
        #expect(steps.count == 1 && steps[0].description.hasPrefix("it would be refused: "), "\(steps)")
        let attempt = try scene.attempt()
        scene.hub.inject(.status(503, "ServiceUnavailable"), times: 100) { $0.verb == .patch }
        let run = scene.harness.world.start { try await Rehearsal.steps(of: RestartStrategy(), attempt) }
        scene.harness.world.run(for: .seconds(60))
        #expect(throws: ClientError.self) { _ = try run.result?.get() }
        scene.hub.clearFaults()
    }

    @Test("what may do more than its clients let see is never rehearsed")
    func unknown() {
        let transport = ScriptedTransport([])
        let others: [any RecoveryStrategy] = [
            JobStrategy(), WebhookStrategy(transport: transport, addresses: AddressRule()), GenericStrategy(),
        ]
        #expect(others.allSatisfy { !$0.descriptor.canBeRehearsed })
    }
}
