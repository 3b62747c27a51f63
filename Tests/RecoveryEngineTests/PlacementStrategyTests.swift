import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

@Suite("Placement strategy")
struct PlacementStrategyTests {
    private let strategy = PlacementStrategy()

    private func decisions(_ scene: PlacementStrategyScene) throws -> [String] {
        try (scene.placement.status?.decisions ?? []).map { $0.cluster + ($0.isLeaving ? " leaving" : "") }
    }

    @Test("capacity is counted on the members, the copy that does not fit moves, and every step is an action")
    func moves() throws {
        let scene = PlacementStrategyScene()
        try scene.fill("edge-1")
        try scene.put([PlacementStrategyScene.cpu], on: ["edge-1"])
        scene.startController { $0 == "edge-2" }
        let attempt = try scene.attempt(.placementCapacity, on: "edge-1")
        let result = try scene.harness.run(strategy, attempt)
        #expect(
            attempt.journalLines == [
                "RecountCapacity Succeeded", "InspectCopy Failed", "ScoreClusters Succeeded", "WriteDecision Succeeded",
                "WaitForCopies Succeeded",
            ]
        )
        #expect(try scene.harness.storedActions().first?.message?.contains("edge-1: cpu 1 of 4 free") == true)
        #expect(result.message == "Placement team/web is synced and ready on edge-2; left: edge-1")
        let history = scene.harness.hub.history(Placement.resource).compactMap { entry in
            entry.object?.content.value(at: ["status", "decisions"])?.arrayValue?.map {
                "\($0["cluster"]?.stringValue ?? "")\($0["leaving"]?.boolValue == true ? " leaving" : "")"
            }
        }
        #expect(history.contains(["edge-2", "edge-1 leaving"]), "the old copy stays until the new one is ready")
        #expect(try scene.placement.status?.decisions?.first?.placedBy == "Recovery/broken")
    }

    @Test("a copy that is ready after all, or has room by now, stays where it is")
    func stays() throws {
        let scene = PlacementStrategyScene()
        try scene.put([PlacementStrategyScene.cpu], on: ["edge-1"])
        scene.startController()
        let attempt = try scene.attempt(.placementCapacity, on: "edge-1")
        let result = try scene.harness.run(strategy, attempt)
        #expect(result.message == "Placement team/web is synced and ready on edge-1")
        #expect(attempt.recorded("WriteDecision") == nil)
        #expect(attempt.recorded("InspectCopy")?.message?.hasSuffix("there is room for it now") == true)
    }

    @Test("with no other cluster the copy stays, and each rejection is named for a person (karmada #5803)")
    func nowhere() throws {
        let scene = PlacementStrategyScene(["edge-1", "edge-2", "edge-3"])
        for name in ["edge-1", "edge-2"] { try scene.fill(name) }
        scene.edit("edge-3") { $0.set([["key": "k", "effect": "NoSchedule"]], at: ["spec", "taints"]) }
        try scene.put([PlacementStrategyScene.cpu], on: ["edge-1"])
        let attempt = try scene.attempt(.placementCapacity, on: "edge-1")
        let failure = try scene.harness.failure(strategy, attempt)
        #expect(failure.kind == "permanent")
        #expect(failure.advice.contains("edge-2: InsufficientCapacity, the pods need cpu 2 of 1 free"))
        #expect(failure.advice.contains("edge-3: TaintNotTolerated, taint k:NoSchedule"))
        #expect(failure.advice.contains("strategies[].parameters.relax of the policy, one or more of spread, taints"))
        #expect(try decisions(scene) == ["edge-1"], "never the last copy")
        #expect(attempt.recorded("RelaxConstraints")?.result == .skipped)
        #expect(attempt.recorded("WriteDecision") == nil)
    }

    @Test("constraints are relaxed only as allowed, and the result says so")
    func relaxes() throws {
        let scene = PlacementStrategyScene(["edge-1", "edge-3"])
        try scene.fill("edge-1")
        scene.edit("edge-3") { $0.set([["key": "k", "effect": "NoSchedule"]], at: ["spec", "taints"]) }
        try scene.put([PlacementStrategyScene.cpu], on: ["edge-1"])
        scene.startController { $0 == "edge-3" }
        let attempt = try scene.attempt(
            .placementCapacity,
            on: "edge-1",
            parameters: ["relax": ["taints"]]
        )
        let result = try scene.harness.run(strategy, attempt)
        #expect(result.message.hasSuffix("left: edge-1; relaxed, as the policy allows: taints"))
        #expect(result.metrics["relaxed"] == "taints")
        #expect(attempt.recorded("RelaxConstraints")?.result == .succeeded)
        let reason = try scene.placement.status?.decisions?.first { $0.cluster == "edge-3" }?.reason
        #expect(reason?.hasSuffix("relaxed: taints") == true)
    }

    @Test("copies that are missing are added, as many as find a cluster; the rest is for a person")
    func partial() throws {
        let scene = PlacementStrategyScene(["edge-1", "edge-2"])
        try scene.put(on: ["edge-1"]) { $0.spec.clusterCount = 3 }
        let attempt = try scene.attempt(.placementConstraint)
        let failure = try scene.harness.failure(strategy, attempt)
        #expect(failure.kind == "permanent" && failure.metrics["missing"] == "1")
        #expect(failure.advice.contains("Add a MemberCluster"))
        #expect(try decisions(scene) == ["edge-1", "edge-2"])
    }

    @Test("a cluster that the policy closed is left for one that is open")
    func policy() throws {
        let scene = PlacementStrategyScene()
        scene.edit("edge-1") { $0.set([["key": "k", "effect": "NoExecute"]], at: ["spec", "taints"]) }
        try scene.put(on: ["edge-1"])
        scene.startController()
        _ = try scene.harness.run(strategy, scene.attempt(.placementPolicy))
        #expect(try decisions(scene) == ["edge-2"])
    }

    @Test("a tenant's placement goes only where its namespace may")
    func fence() throws {
        let scene = PlacementStrategyScene()
        scene.edit("edge-1") { $0.set(nil, at: ["spec", "allowedNamespaces"]) }
        scene.edit("edge-2") { $0.set(["matchLabels": ["tier": "b"]], at: ["spec", "allowedNamespaces"]) }
        try scene.put()
        let failure = try scene.harness.failure(strategy, scene.attempt(.placementConstraint))
        #expect(failure.kind == "permanent")
        #expect(failure.nextSteps.count { $0.contains("OutsideFence") } == 2)
        let asked = scene.members.values.flatMap { $0.requests() }
        #expect(asked.isEmpty, "members that are not for it are not even asked")
        scene.edit("edge-2") { $0.set(["matchLabels": ["tier": "a"]], at: ["spec", "allowedNamespaces"]) }
        scene.startController()
        let result = try scene.harness.run(strategy, scene.attempt(.placementConstraint))
        #expect(result.metrics["clusters"] == "edge-2")
    }

    @Test("a cluster that does not answer, or refuses to be counted, does not hold the others up")
    func survey() throws {
        let scene = PlacementStrategyScene(["edge-1", "edge-2", "edge-3"])
        scene.members["edge-1"]?.stop()
        scene.members["edge-2"]?.inject(.status(403, "Forbidden"), times: 100) { $0.concerns(.nodes) }
        try scene.put([PlacementStrategyScene.cpu])
        scene.startController()
        let attempt = try scene.attempt(.placementConstraint)
        let result = try scene.harness.run(strategy, attempt)
        #expect(result.metrics["clusters"] == "edge-3", "unknown room comes after known room")
        let words = try #require(attempt.recorded("RecountCapacity")?.message)
        #expect(words.contains("edge-1: cannot be counted") && words.contains("edge-2: cannot be counted"))
    }

    @Test("whether a copy fits on a cluster that is away is for the cluster's own Recovery")
    func connectivity() throws {
        let scene = PlacementStrategyScene()
        scene.members["edge-1"]?.stop()
        try scene.put([PlacementStrategyScene.cpu], on: ["edge-1"])
        let failure = try scene.harness.failure(strategy, scene.attempt(.placementCapacity, on: "edge-1"))
        #expect(failure.kind == "superseded" && failure.successor?.type == "ClusterUnreachable")
        guard case .cluster("edge-1", _) = failure.subject else {
            Issue.record("about \(String(describing: failure.subject))")
            return
        }
        #expect(try decisions(scene) == ["edge-1"])
    }

    @Test(
        "a cluster that is not ready is handed over with the failure that its conditions show, and since when",
        arguments: [(ConditionType.reachable, "ClusterUnreachable"), (ConditionType.authenticated, "ClusterAuth")]
    )
    func unready(condition: String, errorType: String) throws {
        let scene = PlacementStrategyScene()
        let since = scene.harness.world.time.wallTime().addingTimeInterval(-7_200)
        let text = try #require(RFC3339.string(from: since))
        scene.harness.hub.edit(MemberCluster.resource, ObjectKey(name: "edge-1")) { cluster in
            let failed: JSONValue = [
                "type": .string(condition), "status": "False", "reason": "Broken", "lastTransitionTime": .string(text),
            ]
            cluster.set([failed, ["type": "Ready", "status": "False"]], at: ["status", "conditions"])
        }
        try scene.put([PlacementStrategyScene.cpu], on: ["edge-1"])
        let failure = try scene.harness.failure(strategy, scene.attempt(.placementCapacity, on: "edge-1"))
        #expect(failure.kind == "superseded" && failure.successor?.type == errorType)
        #expect(failure.subject == .cluster("edge-1", since: since))
    }

    @Test("one outage of a cluster is one Recovery, however many attempts at the Placement find it")
    func oneOutage() throws {
        let scene = PlacementScene("north") { _ in [PlacementStrategy()] }
        scene.put([PlacementStrategyScene.cpu])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["north Synced"] })
        scene.members["north"]?.stop()
        let outages = { try scene.recoveries().filter { $0.spec.error.type == "ClusterUnreachable" } }
        // Nobody recovers clusters here.
        #expect(try scene.wait { try outages().first?.isFinal == true })
        scene.world.run(for: .seconds(60))
        scene.hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Recovery",
                "metadata": ["name": "crowded", "namespace": "team"],
                "spec": [
                    "error": ["type": "PlacementCapacity", "context": ["cluster": "north"]], "maxAttempts": 3,
                    "targetRef": ["apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Placement", "name": "web"],
                ],
            ],
            Recovery.resource
        )
        let crowded = { try scene.recoveries().first { $0.metadata.name == "crowded" } }
        #expect(try scene.wait(.seconds(1_200)) { try crowded()?.isFinal == true })
        #expect(try outages().count == 1)
        #expect(try crowded()?.status?.attempts == 3)
        #expect(try crowded()?.status?.message?.contains("ended as Failed") == true)
    }

    @Test("a Migration decides alone: one that gets on is waited for, one that does not takes over; not a refused one")
    func migration() throws {
        let scene = PlacementStrategyScene()
        try scene.put([PlacementStrategyScene.cpu], on: ["edge-1"])
        var migration = Migration(
            metadata: ObjectMeta(name: "move", namespace: "team"),
            spec: MigrationSpec(
                placementRef: NameReference(name: "web"),
                action: .relocate,
                from: "edge-1",
                to: "edge-2"
            )
        )
        migration.status = MigrationStatus()
        migration.status?.phase = .deploying
        scene.harness.hub.put(try migration.jsonValue(), Migration.resource)
        let waits = try scene.harness.failure(strategy, scene.attempt(.placementCapacity, on: "edge-1"))
        #expect(waits.kind == "transient" && waits.message.contains("Migration move"))
        var condition = Condition(type: "Progressing", status: .false, reason: "TargetRefused", message: "quota")
        condition.lastTransitionTime = Date(timeIntervalSince1970: 9)
        migration.status?.conditions = [condition]
        scene.harness.hub.put(try migration.jsonValue(), Migration.resource)
        let failure = try scene.harness.failure(strategy, scene.attempt(.placementCapacity, on: "edge-1"))
        #expect(failure.kind == "superseded" && failure.successor?.type == "MigrationFailure")
        guard case .object(let object, let since) = failure.subject else {
            Issue.record("about \(String(describing: failure.subject))")
            return
        }
        #expect(object.kind == "Migration" && object.name == "move" && since == condition.lastTransitionTime)
        scene.startController()
        migration.status?.phase = .completed
        scene.harness.hub.put(try migration.jsonValue(), Migration.resource)
        #expect(try scene.harness.run(strategy, scene.attempt(.placementConstraint)).message.contains("edge-1"))
        migration.status?.phase = .pending
        scene.harness.hub.put(try migration.jsonValue(), Migration.resource)
        #expect(try scene.harness.failure(strategy, scene.attempt(.placementConstraint)).kind == "transient")
        migration.status?.conditions = [Condition(type: "Accepted", status: .false, reason: "InvalidSpec", message: "")]
        scene.harness.hub.put(try migration.jsonValue(), Migration.resource)
        #expect(try scene.harness.run(strategy, scene.attempt(.placementConstraint)).message.contains("edge-1"))
    }

    @Test("somebody else decides at the same time: it is decided again from what is there now")
    func conflict() throws {
        let scene = PlacementStrategyScene(["edge-1", "edge-2", "edge-3"])
        try scene.put(on: []) { $0.spec.clusterCount = 2 }
        scene.harness.hub.before { [hub = scene.harness.hub] request in
            guard request.isWrite, request.concerns(Placement.resource),
                hub.object(Placement.resource, PlacementStrategyScene.key)?["status", "decisions"]?.arrayValue?.isEmpty
                    == true
            else { return nil }
            hub.edit(Placement.resource, PlacementStrategyScene.key) {
                $0.set([["cluster": "edge-3", "placedBy": "Scheduler"]], at: ["status", "decisions"])
            }
            return nil
        }
        scene.startController()
        let result = try scene.harness.run(strategy, scene.attempt(.placementConstraint))
        #expect(try decisions(scene) == ["edge-3", "edge-1"], "the other decision is kept")
        #expect(result.metrics["clusters"] == "edge-3,edge-1")
    }

    /// Lets something happen between the look at the members and the write of what follows from it.
    private func beforeWriting(_ scene: PlacementStrategyScene, _ body: @escaping @Sendable () -> Void) {
        let isDone = Mutex(false)
        scene.harness.hub.before { request in
            guard request.isWrite, request.concerns(Recovery.resource),
                "\(request.json)".contains("WriteDecision"),
                isDone.withLock({ done in
                    defer { done = true }
                    return !done
                })
            else { return nil }
            body()
            return nil
        }
    }

    @Test("room that another placement takes between the look and the write is not taken twice")
    func reserves() throws {
        let scene = PlacementStrategyScene()
        let reservations = CapacityReservations()
        let strategy = PlacementStrategy(reservations: reservations)
        try scene.fill("edge-2", cpu: "1")
        try scene.put([PlacementStrategyScene.cpu])
        let now = scene.harness.world.time.wallTime()
        let other = ObjectKey(namespace: "team", name: "other")
        beforeWriting(scene) {
            var large = PlacementStrategyScene.cpu
            let container: JSONValue = ["name": "c", "resources": ["requests": ["cpu": "3"]]]
            large.set([container], at: ["spec", "template", "spec", "containers"])
            var room = ClusterCandidate(name: "edge-1")
            room.isReady = true
            let placement = Placement(
                metadata: ObjectMeta(name: "other", namespace: "team"),
                spec: PlacementSpec(manifests: [large])
            )
            _ = reservations.decide(other, PlacementRequest(placement), [room], now: now)
        }
        scene.startController()
        let result = try scene.harness.run(strategy, scene.attempt(.placementConstraint))
        #expect(result.metrics["clusters"] == "edge-2")
        let taken = reservations.amounts(on: "edge-2", besides: other, now: now)
        #expect(taken["cpu"] == PlacementDemand(manifests: [PlacementStrategyScene.cpu]).total["cpu"])
    }

    @Test("a cluster that is closed to the namespace between the look and the write gets no copy, and keeps no room")
    func closes() throws {
        let scene = PlacementStrategyScene(["edge-1"])
        let reservations = CapacityReservations()
        let strategy = PlacementStrategy(reservations: reservations)
        try scene.put([PlacementStrategyScene.cpu])
        beforeWriting(scene) { [scene] in scene.edit("edge-1") { $0.set(nil, at: ["spec", "allowedNamespaces"]) } }
        let failure = try scene.harness.failure(strategy, scene.attempt(.placementConstraint))
        #expect(failure.kind == "permanent" && failure.advice.contains("OutsideFence"))
        #expect(try decisions(scene).isEmpty)
        let now = scene.harness.world.time.wallTime()
        let taken = reservations.amounts(on: "edge-1", besides: ObjectKey(namespace: "team", name: "x"), now: now)
        #expect(taken.names.isEmpty)
    }

    @Test("a Recovery that writes nothing gives back no room that the placement controller has decided to take")
    func releasesItsOwn() throws {
        let scene = PlacementStrategyScene(["edge-1"])
        let reservations = CapacityReservations()
        let strategy = PlacementStrategy(reservations: reservations)
        let request = PlacementRequest(try scene.put([PlacementStrategyScene.cpu]))
        let now = scene.harness.world.time.wallTime()
        beforeWriting(scene) { [scene] in
            scene.edit("edge-1") { $0.set(nil, at: ["spec", "allowedNamespaces"]) }
            let room = ClusterCandidate(name: "edge-1")
            _ = reservations.decide(PlacementStrategyScene.key, request, [room], now: now)
        }
        let failure = try scene.harness.failure(strategy, scene.attempt(.placementConstraint))
        #expect(failure.kind == "permanent")
        let taken = reservations.amounts(on: "edge-1", besides: ObjectKey(namespace: "team", name: "x"), now: now)
        #expect(taken["cpu"] == request.demand.total["cpu"])
    }

    @Test("a Migration that begins between the look and the write decides alone")
    func migrationBegins() throws {
        let scene = PlacementStrategyScene()
        try scene.put([PlacementStrategyScene.cpu])
        var migration = Migration(
            metadata: ObjectMeta(name: "move", namespace: "team"),
            spec: MigrationSpec(
                placementRef: NameReference(name: "web"),
                action: .relocate,
                from: "edge-1",
                to: "edge-2"
            )
        )
        migration.status = MigrationStatus()
        migration.status?.phase = .deploying
        let content = try migration.jsonValue()
        beforeWriting(scene) { [hub = scene.harness.hub] in hub.put(content, Migration.resource) }
        let failure = try scene.harness.failure(strategy, scene.attempt(.placementConstraint))
        #expect(failure.kind == "transient" && failure.message.contains("Migration move"))
        #expect(try decisions(scene).isEmpty)
    }

    @Test("after a crash behind the write nothing is decided twice")
    func resumes() throws {
        let scene = PlacementStrategyScene()
        try scene.fill("edge-1")
        try scene.put([PlacementStrategyScene.cpu], on: ["edge-1"]) { placement in
            placement.status?.decisions?[0].leaving = true
            placement.status?.decisions?.insert(PlacementDecision(cluster: "edge-2"), at: 0)
        }
        scene.startController { $0 == "edge-2" }
        let writes = scene.harness.writes(Placement.resource).count
        let started = ActionRecord("WriteDecision", .started, message: nil, time: scene.harness.world.time.wallTime())
        let attempt = try scene.attempt(.placementCapacity, on: "edge-1", actions: [started])
        _ = try scene.harness.run(strategy, attempt)
        #expect(scene.harness.writes(Placement.resource).count == writes)
        #expect(attempt.recorded("WriteDecision")?.message == "found done after an interruption")
    }

    @Test("copies that do not become ready in time are named, and the decision stays")
    func late() throws {
        let scene = PlacementStrategyScene()
        try scene.put(on: [])
        scene.startController { _ in false }
        let attempt = try scene.attempt(.placementConstraint, timeLimit: .seconds(60))
        let failure = try scene.harness.failure(strategy, attempt)
        #expect(failure.kind == "transient" && failure.message.hasSuffix("edge-1: pods are pending"))
        #expect(try decisions(scene) == ["edge-1"])
        #expect(scene.harness.world.time.now().duration(to: attempt.deadline) > .zero)
    }

    @Test("what is no Placement, is gone, or must be left alone ends at once")
    func refusals() throws {
        let scene = PlacementStrategyScene()
        let other = try scene.harness.attempt("PlacementCapacity", target: ResolvedTarget(cluster: "edge-1"))
        #expect(try scene.harness.failure(strategy, other).kind == "permanent")
        #expect(
            try scene.harness.failure(strategy, scene.attempt(.placementCapacity)).message.contains("does not exist")
        )
        try scene.put { $0.metadata.labels = [MetadataName.exclude: "true"] }
        #expect(try scene.harness.failure(strategy, scene.attempt(.placementCapacity)).kind == "permanent")
    }

    @Test(
        "parameters are checked",
        arguments: [
            (["relax": []], 0), (["relax": ["spread", "taints"]], 0), (["relax": ["taints", "taints"]], 1),
            (["relax": ["clusterCount"]], 1), (["relax": "spread"], 1), (["relax": [1]], 1), (["other": true], 1),
        ] as [([String: JSONValue], Int)]
    )
    func parameters(_ parameters: [String: JSONValue], _ count: Int) {
        #expect(strategy.validate(parameters: parameters).count == count)
    }
}
