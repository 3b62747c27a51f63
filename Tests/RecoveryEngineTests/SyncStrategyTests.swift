import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing
import Timekeeping
import YAML

@testable import RecoveryEngine

@Suite("Sync strategy")
struct SyncStrategyTests {
    private let scene = PlacementStrategyScene()
    private static let map = ObjectKey(namespace: "team", name: "settings")
    private static let deployment = ObjectKey(namespace: "team", name: "web")
    private static let web: JSONValue = {
        var web = PlacementStrategyScene.cpu
        web.set(["app": "web"], at: ["spec", "selector", "matchLabels"])
        return web
    }()

    private var strategy: SyncStrategy { SyncStrategy(members: scene.harness.members) }
    private var edge: FakeAPIServer {
        get throws { try #require(scene.members["edge-1"]) }
    }

    /// The controller of the member: a Deployment becomes ready so many seconds after it was made.
    private func makeReady(after seconds: Int) throws {
        let member = try edge
        let time = scene.harness.world.time
        scene.harness.world.start {
            try await time.sleep(for: .seconds(seconds))
            member.edit(.deployments, Self.deployment) { object in
                let generation = object.value(at: ["metadata", "generation"]) ?? 1
                object["status"] = [
                    "observedGeneration": generation, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1,
                    "readyReplicas": 1,
                ]
            }
        }
    }

    @Test("looks, compares, applies, waits until it is ready, and writes the status: every step is an action")
    func syncs() throws {
        try scene.put([PlacementStrategyScene.settings, Self.web], on: ["edge-1", "edge-2"])
        try makeReady(after: 30)
        let attempt = try scene.attempt(.syncFailure, on: "edge-1")
        let result = try scene.harness.run(strategy, attempt)
        #expect(
            attempt.journalLines == [
                "CheckMemberHealth Succeeded", "CompareDesired Succeeded", "ApplyObjects Succeeded",
                "WaitForReady Succeeded", "WriteSyncStatus Succeeded",
            ]
        )
        #expect(result.message == "Placement team/web is synced and ready on edge-1")
        let placement = try scene.placement
        let state = try #require(placement.status?.clusters?.first)
        #expect(state.cluster == "edge-1" && placement.isReady(on: "edge-1"))
        #expect(placement.status?.clusters?.count == 1 && state.lastSyncTime != nil)
        #expect(try edge.object(.configMaps, Self.map)?.labels[MetadataName.placementUID] == placement.metadata.uid)
        #expect(scene.members["edge-2"]?.requests().isEmpty == true, "the failure was about the other member")
        #expect(try edge.requests { $0.isWatch }.count == 1, "it waits by watching")
    }

    @Test("without a member in the report all copies are looked at, each with actions of its own")
    func all() throws {
        try scene.put([PlacementStrategyScene.settings], on: ["edge-1", "edge-2"])
        let attempt = try scene.attempt(.syncFailure)
        let result = try scene.harness.run(strategy, attempt)
        #expect(result.metrics["clusters"] == "edge-1,edge-2")
        #expect(attempt.journalLines.contains("ApplyObjects on edge-2 Succeeded"))
    }

    @Test("drift is repaired, and a change that somebody else made to other fields stays")
    func drift() throws {
        try scene.put([PlacementStrategyScene.settings], on: ["edge-1"])
        _ = try scene.harness.run(strategy, scene.attempt(.syncFailure, on: "edge-1"))
        try edge.edit(.configMaps, Self.map) {
            $0.set("2", at: ["data", "a"])
            $0.set("mine", at: ["data", "b"])
        }
        let attempt = try scene.attempt(.syncFailure, on: "edge-1")
        _ = try scene.harness.run(strategy, attempt)
        #expect(attempt.recorded("CompareDesired")?.message == "ConfigMap team/settings: data.a")
        let data = try edge.object(.configMaps, Self.map)?["data"]
        #expect(data == ["a": "1", "b": "mine"])
    }

    @Test(
        "what is a matter of the cluster is handed over, as lasting since the condition that shows it is False",
        arguments: [
            ("down", "ClusterUnreachable"), ("unauthorized", "ClusterAuth"), ("notReady", "ClusterUnreachable"),
        ]
    )
    func handsOver(fault: String, type: String) throws {
        let since = Date(timeIntervalSince1970: 5_000)
        scene.edit("edge-1") {
            let time = JSONValue.string("1970-01-01T01:23:20Z")
            let old = JSONValue.string("1970-01-01T00:00:00Z")
            let condition = { (type: String, time: JSONValue) -> JSONValue in
                ["type": .string(type), "status": "False", "reason": "R", "lastTransitionTime": time]
            }
            let other = type == "ClusterAuth" ? "Reachable" : "Authorized"
            $0.set(
                [
                    condition("CapacityKnown", old), condition(other, old),
                    condition(type == "ClusterAuth" ? "Authorized" : "Reachable", time),
                ],
                at: ["status", "conditions"]
            )
        }
        switch fault {
        case "down": try edge.stop()
        case "unauthorized": try edge.inject(.status(401, "Unauthorized"), times: 100) { _ in true }
        default: try edge.inject(.status(500, "InternalError"), times: 100) { _ in true }
        }
        try scene.put([PlacementStrategyScene.settings], on: ["edge-1"])
        let attempt = try scene.attempt(.syncTimeout, on: "edge-1")
        let failure = try scene.harness.failure(strategy, attempt)
        #expect(failure.kind == "superseded" && failure.successor?.type == type)
        #expect(failure.subject == .cluster("edge-1", since: since))
        #expect(attempt.journalLines == ["CheckMemberHealth Failed"])
    }

    @Test("an object of somebody else is a conflict for another strategy, and stays untouched")
    func foreign() throws {
        try edge.put(PlacementStrategyScene.settings, .configMaps)
        let before = try edge.object(.configMaps, Self.map)
        try scene.put([PlacementStrategyScene.settings], on: ["edge-1"])
        let failure = try scene.harness.failure(strategy, scene.attempt(.syncFailure, on: "edge-1"))
        #expect(failure.kind == "superseded" && failure.successor?.type == "SyncConflict")
        #expect(failure.subject == .same && failure.successor?.context?["cluster"] == "edge-1")
        #expect(try edge.object(.configMaps, Self.map) == before)
    }

    @Test("what the member refuses is for a person, with the member's words")
    func refused() throws {
        try edge.inject(.status(403, "Forbidden"), times: 100) { $0.verb == .patch && $0.concerns(.configMaps) }
        try scene.put([PlacementStrategyScene.settings], on: ["edge-1"])
        let failure = try scene.harness.failure(strategy, scene.attempt(.syncFailure, on: "edge-1"))
        #expect(failure.kind == "permanent" && failure.advice.contains("On edge-1, permit or correct ConfigMap team/"))
        #expect(!failure.advice.contains("kubectl apply"), "quota or admission: no right is missing")
    }

    @Test("what the member's credential has no right to is granted by the manifest in the next steps, whole")
    func refusedByRights() throws {
        try edge.inject(.status(403, "Forbidden"), times: 100) { $0.verb == .patch && $0.concerns(.configMaps) }
        try edge.answerAccessReviews { spec in
            let wanted = spec.value(at: ["resourceAttributes"])
            return wanted?["resource"]?.stringValue != "configmaps" || wanted?["verb"]?.stringValue != "patch"
        }
        try scene.put([PlacementStrategyScene.settings, Self.web], on: ["edge-1"])
        let failure = try scene.harness.failure(strategy, scene.attempt(.syncFailure, on: "edge-1"))
        #expect(failure.kind == "permanent")
        let step = try #require(failure.nextSteps.first)
        #expect(step.hasPrefix("On edge-1, grant what is missing (patch configmaps): kubectl apply this\n"))
        let manifest = try #require(step.split(separator: "\n", maxSplits: 1).last)
        let documents = try YAMLDocument.parseAll(Array(manifest.utf8), source: "manifest")
        #expect(documents.map { $0["kind"]?.stringValue } == ["Role", "RoleBinding"])
        #expect(documents[0]["metadata"]?["namespace"] == "team")
        let rules = documents[0]["rules"]?.arrayValue ?? []
        #expect(rules.map { $0["resources"]?[index: 0] } == ["configmaps", "deployments"])
        #expect(rules.allSatisfy { $0["verbs"] == ["get", "list", "watch", "create", "patch", "delete"] })
    }

    @Test("what does not become ready in time is named; pods without a node are a matter of capacity")
    func late() throws {
        try scene.put([Self.web], on: ["edge-1"])
        let attempt = try scene.attempt(.syncTimeout, on: "edge-1", timeLimit: .seconds(60))
        let failure = try scene.harness.failure(strategy, attempt)
        #expect(failure.kind == "transient")
        #expect(failure.advice.contains("on edge-1, kubectl describe Deployment web --namespace team"))
        #expect(scene.harness.world.time.now().duration(to: attempt.deadline) > .zero)
        try edge.put(
            [
                "apiVersion": "v1", "kind": "Pod",
                "metadata": ["name": "web-1", "namespace": "team", "labels": ["app": "web"]],
                "status": [
                    "phase": "Pending",
                    "conditions": [
                        [
                            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                            "message": "0/1 nodes are available: 1 Insufficient cpu.",
                        ]
                    ],
                ],
            ],
            .pods
        )
        let crowded = try scene.harness.failure(
            strategy,
            scene.attempt(.syncTimeout, on: "edge-1", timeLimit: .seconds(60))
        )
        #expect(crowded.kind == "superseded" && crowded.successor?.type == "PlacementCapacity")
        #expect(crowded.successor?.context?["cluster"] == "edge-1" && crowded.message.contains("Insufficient cpu"))
    }

    @Test("a crash behind the apply: what was applied is not applied again")
    func resumes() throws {
        try scene.put([PlacementStrategyScene.settings], on: ["edge-1"])
        _ = try scene.harness.run(strategy, scene.attempt(.syncFailure, on: "edge-1"))
        let started = try applied(.started)
        let writes = try edge.requests { $0.isWrite }.count
        let attempt = try scene.attempt(.syncFailure, on: "edge-1", actions: [started])
        _ = try scene.harness.run(strategy, attempt)
        #expect(try edge.requests { $0.isWrite }.count == writes)
        #expect(attempt.recorded("ApplyObjects")?.message == "found done after an interruption")
    }

    /// The record of a predecessor that applied the manifests as they are now.
    private func applied(_ result: ActionResult) throws -> ActionRecord {
        var record = ActionRecord("ApplyObjects", result, message: nil, time: scene.harness.world.time.wallTime())
        record.facts = ["generation": .number(try #require(scene.placement.metadata.generation))]
        return record
    }

    @Test("a crash behind the apply, and an edit: manifests that were never applied are not written down as applied")
    func edited() throws {
        var other = PlacementStrategyScene.settings
        other.set("other", at: ["metadata", "name"])
        try scene.put([PlacementStrategyScene.settings, other], on: ["edge-1"])
        let copy = try scene.attempt(.syncFailure, on: "edge-1")
        _ = try scene.harness.run(strategy, copy)
        let applied = try applied(.succeeded)
        let kept = PlacementStrategyScene.settings
        let generation = try #require(scene.placement.metadata.generation) + 1
        scene.harness.hub.edit(Placement.resource, PlacementStrategyScene.key) {
            $0.set([kept], at: ["spec", "manifests"])
            $0.set(.number(generation), at: ["metadata", "generation"])
        }
        let attempt = try scene.attempt(.syncFailure, on: "edge-1", actions: [applied])
        let failure = try scene.harness.failure(strategy, attempt)
        #expect(failure.kind == "transient" && failure.message.contains("was changed meanwhile"))
        let placement = try scene.placement
        #expect(placement.syncStatus("edge-1")?.hash != placement.manifestsHash)
        _ = try scene.harness.run(strategy, scene.attempt(.syncFailure, on: "edge-1"))
        #expect(try scene.placement.syncStatus("edge-1")?.hash == placement.manifestsHash)
        #expect(try edge.objects(.configMaps).map(\.name) == ["settings"], "what is not declared any more is removed")
    }

    @Test("an edit between the look at the copy and its status: the attempt says nothing about the new manifests")
    func editedBeforeStatus() throws {
        try scene.put([PlacementStrategyScene.settings], on: ["edge-1"])
        let hub = scene.harness.hub
        let other = PlacementStrategyScene.cpu
        // Written as Started: the objects are there, and the status is next.
        hub.before { [hub] request in
            guard request.isWrite, request.concerns(Recovery.resource),
                String(decoding: request.body, as: UTF8.self).contains("WriteSyncStatus")
            else { return nil }
            hub.edit(Placement.resource, PlacementStrategyScene.key) {
                $0.set([other], at: ["spec", "manifests"])
                $0.set(9, at: ["metadata", "generation"])
            }
            return nil
        }
        let failure = try scene.harness.failure(strategy, scene.attempt(.syncFailure, on: "edge-1"))
        #expect(failure.message.contains("was changed meanwhile") && failure.kind == "transient")
        #expect(try scene.placement.status?.clusters == nil)
    }

    @Test("nothing is synced where no copy was decided")
    func undecided() throws {
        try scene.put(on: [])
        for attempt in [try scene.attempt(.syncFailure), try scene.attempt(.syncFailure, on: "edge-1")] {
            #expect(try scene.harness.failure(strategy, attempt).kind == "permanent")
        }
        #expect(try edge.requests().isEmpty)
    }
}
