import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// Migrations on a hub in memory, with a placement controller that follows a script.
@Suite("MigrationController")
struct MigrationControllerTests {
    private static let whole: [MigrationPhase] = [
        .prechecking, .deploying, .verifying, .cuttingOver, .cleaning, .completed,
    ]

    @Test("Relocate passes every phase in order, asks the target first, and costs nothing afterwards")
    func relocates() throws {
        let scene = MigrationControllerScene()
        scene.start()
        scene.create()
        try scene.play(for: 10)
        #expect(try scene.phases() == Self.whole)
        let placement = try scene.placement()
        #expect(placement.status?.decisions?.map(\.cluster) == ["edge-2"])
        #expect(placement.status?.evacuated?.map(\.cluster) == ["edge-1"])
        let asked = scene.member.requests { $0.isWrite }
        #expect(asked.count == 1 && asked.first?.query["dryRun"] == "All", "asking changes nothing")
        let looks = scene.member.requests { $0.verb == .get && $0.concerns(.configMaps) }
        #expect(looks.count == 2, "one before the copy is asked for, and one at the copy")
        let events = scene.hub.objects(.events).map { $0["reason"]?.stringValue ?? "" }
        #expect(events.contains("MigrationStarted") && events.contains("MigrationCompleted"), "\(events)")
        #expect(try scene.recoveries().isEmpty)
        let requests = scene.hub.requests().count
        scene.world.run(for: .seconds(600))
        let idle = scene.hub.requests().dropFirst(requests).filter { !$0.isWatch }
        #expect(idle.isEmpty, "\(idle.map { "\($0.method) \($0.path)" })")
    }

    @Test("a crash after each write goes on where it was, with the same phases and the same end", arguments: 1...14)
    func resumes(_ crashAt: Int) throws {
        let scene = MigrationControllerScene()
        let run = scene.start()
        scene.create()
        let isDue = { scene.hub.requests { $0.isWrite && !$0.concerns(.events) }.count >= crashAt }
        for _ in 0..<20 where !isDue() {
            scene.world.run(for: .milliseconds(100))
            if !isDue() { try scene.follow() }
        }
        run.cancel()
        scene.world.settle()
        scene.start()
        try scene.play(for: 10)
        #expect(try scene.phases() == Self.whole)
        let status = try scene.migration().status
        #expect(status?.completedSteps?.map(\.name) == MigrationStepName.forward)
        #expect(try scene.placement().status?.decisions?.map(\.cluster) == ["edge-2"])
    }

    @Test(
        "the point of no return is passed on a look at the copy, and not on the word of a controller that is gone",
        arguments: ["WaitingForTarget", "TargetNotAnswering"]
    )
    func verifies(_ reason: String) throws {
        let scene = MigrationControllerScene(manifests: [PlacedScene.web()])
        let run = scene.start()
        scene.create()
        scene.world.run(for: .seconds(1))
        #expect(try scene.migration().status?.phase == .verifying)
        run.cancel()
        scene.world.settle()
        try scene.follow()
        let key = ObjectKey(namespace: MigrationControllerScene.space, name: "web")
        let setReady = { (replicas: Int64) in
            scene.member.edit(.deployments, key) {
                $0["status"] = WorkloadScene.ready(generation: 1, replicas: replicas)
            }
        }
        if reason == "WaitingForTarget" { setReady(0) } else { scene.member.stop() }
        scene.start()
        try scene.play(for: 35)
        let waiting = try #require(try scene.migration().status)
        #expect(waiting.phase == .verifying && waiting.pointOfNoReturn == nil)
        #expect(waiting.conditions?[type: "Progressing"]?.reason == reason, "\(waiting.message ?? "")")
        if reason == "WaitingForTarget" { setReady(2) } else { scene.member.start() }
        try scene.play(for: 35)
        #expect(try scene.phases() == Self.whole)
    }

    @Test("a move that failed is reported although its first report failed, and only once", arguments: [false, true])
    func reportsAgain(dies: Bool) throws {
        let scene = MigrationControllerScene()
        var run = scene.start()
        scene.create(spec: ["deadlineSeconds": 400, "rollbackOnFailure": false])
        let end = scene.world.time.now().advanced(by: .seconds(410))
        scene.hub.inject(.status(500, "InternalError"), times: .max) {
            $0.verb == .create && $0.json.value(at: ["spec", "error", "type"]) == "MigrationTimeout" && $0.time < end
        }
        let hasFailed = { (try? scene.migration().status?.phase) == .failed }
        #expect(scene.world.run(until: hasFailed, limit: .seconds(409)) != nil)
        let timeouts = { try scene.recoveries().filter { $0.spec.error.type == "MigrationTimeout" }.count }
        #expect(try timeouts() == 0)
        for _ in 0..<2 {
            if dies {
                run.cancel()
                scene.world.settle()
                run = scene.start()
            }
            scene.world.run(for: .seconds(30))
            #expect(try timeouts() == 1)
        }
    }

    @Test("a lost answer to any write is no second step", arguments: 0..<12)
    func lostAnswers(_ skipped: Int) throws {
        let scene = MigrationControllerScene()
        scene.start()
        scene.world.settle()
        scene.create()
        let isOurs: @Sendable (FakeRequest) -> Bool = {
            $0.isWrite && ($0.concerns(Migration.resource) || $0.concerns(Placement.resource))
        }
        for _ in 0..<40 where scene.hub.requests(where: isOurs).count < skipped {
            scene.world.run(for: .milliseconds(50))
            try scene.follow()
        }
        scene.hub.inject(.loseReply, times: 1, where: isOurs)
        try scene.play(for: 15)
        #expect(try scene.phases() == Self.whole)
        let status = try scene.migration().status
        #expect(status?.completedSteps?.map(\.name) == MigrationStepName.forward)
    }

    @Test("of two Migrations of one Placement the second waits, says for whom, and goes on afterwards")
    func takesTurns() throws {
        let scene = MigrationControllerScene()
        scene.start()
        scene.create("back", from: "edge-2", to: "edge-1")
        scene.world.run(for: .seconds(1))
        #expect(try scene.migration("back").status?.conditions?[type: "Progressing"]?.reason == "AlreadyPlaced")
        scene.create("another")
        scene.world.run(for: .seconds(2))
        let waiting = try scene.migration("another")
        #expect(waiting.status?.phase == .pending && waiting.status?.message?.contains("Migration back") == true)
        scene.hub.remove(Migration.resource, ObjectKey(namespace: MigrationControllerScene.space, name: "back"))
        try scene.play(for: 10)
        #expect(try scene.migration("another").status?.phase == .completed)
    }

    @Test("a target without room is refused with a Recovery, and a copy fits as soon as there is room")
    func quota() throws {
        let scene = MigrationControllerScene(manifests: [PlacedScene.web()])
        let quota = PlacedScene.quotas
        scene.member.put(
            [
                "apiVersion": "v1", "kind": "ResourceQuota",
                "metadata": ["name": "few", "namespace": .string(MigrationControllerScene.space)],
                "spec": ["hard": ["pods": "3"]], "status": ["hard": ["pods": "3"], "used": ["pods": "2"]],
            ],
            quota
        )
        scene.start()
        scene.create()
        try scene.play(for: 5)
        let migration = try scene.migration()
        #expect(migration.status?.conditions?[type: "Progressing"]?.reason == "QuotaExceeded")
        #expect(migration.status?.message?.contains("pods 2 of 1 left") == true)
        let recovery = try #require(try scene.recoveries().first)
        #expect(recovery.spec.error.type == "MigrationFailure" && recovery.spec.targetRef?.kind == "Migration")
        #expect(recovery.metadata.namespace == MigrationControllerScene.space)
        #expect(recovery.spec.error.context?["cluster"] == "edge-2" && recovery.spec.clusterRef == nil)
        let key = ObjectKey(namespace: MigrationControllerScene.space, name: "few")
        scene.member.edit(quota, key) { $0.set("0", at: ["status", "used", "pods"]) }
        try scene.play(for: 45)
        #expect(try scene.phases() == Self.whole)
        #expect(try scene.recoveries().count == 1)
    }

    @Test("where quota may not be looked at, the checkpoint says that nobody has")
    func unreadQuota() throws {
        let scene = MigrationControllerScene(manifests: [PlacedScene.web()])
        scene.member.inject(.status(403, "Forbidden"), times: .max) {
            $0.concerns(PlacedScene.quotas)
        }
        scene.start()
        scene.create()
        try scene.play(for: 15)
        #expect(try scene.phases() == Self.whole)
        let step = try #require(try scene.migration().status?.completedSteps?.first { $0.name == "Prechecked" })
        let words = "; quota of pods not checked: needs list resourcequotas in \(MigrationControllerScene.space)"
        #expect(step.message?.hasSuffix(words) == true)
    }

    @Test(
        "what the target says no to is named",
        arguments: [
            ("NameTaken", "belongs to"), ("APINotAvailable", "Widget"), ("NamespaceMissing", "does not exist"),
            ("QuotaExceeded", "exceeded quota"), ("RefusedByTarget", "denied"),
            ("TargetNotAnswering", "cannot be asked"),
        ]
    )
    func refusals(_ reason: String, words: String) throws {
        let widget: JSONValue = ["apiVersion": "example.com/v1", "kind": "Widget", "metadata": ["name": "w"]]
        let scene = MigrationControllerScene(manifests: [reason == "APINotAvailable" ? widget : PlacedScene.settings])
        let isDryRun: @Sendable (FakeRequest) -> Bool = { $0.query["dryRun"] == "All" }
        switch reason {
        case "NameTaken":
            var taken = PlacedScene.settings
            taken.set(.string(MigrationControllerScene.space), at: ["metadata", "namespace"])
            scene.member.put(taken, .configMaps)
        case "NamespaceMissing": scene.member.inject(.status(404, "NotFound"), times: 9, where: isDryRun)
        case "QuotaExceeded":
            let words = "configmaps \"settings\" is forbidden: exceeded quota: q"
            scene.member.inject(.answer(.failure(403, "Forbidden", words)), times: 9, where: isDryRun)
        case "RefusedByTarget":
            let words = "admission webhook denied the request"
            scene.member.inject(.answer(.failure(403, "Forbidden", words)), times: 9, where: isDryRun)
        case "TargetNotAnswering": scene.member.stop()
        default: break
        }
        scene.start()
        scene.create()
        scene.world.run(for: .seconds(3))
        let status = try #require(try scene.migration().status)
        #expect(status.conditions?[type: "Progressing"]?.reason == reason, "\(status.message ?? "")")
        #expect(status.message?.contains(words) == true, "\(status.message ?? "")")
        #expect(try scene.placement().status?.decisions?.count == 1)
    }

    @Test("a tenant's Migration stays inside the fence: the target has to be open for its namespace")
    func fence() throws {
        let scene = MigrationControllerScene(space: "team")
        scene.hub.put(
            ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "team", "labels": ["tier": "gold"]]],
            .namespaces
        )
        scene.start()
        scene.create(space: "team")
        scene.world.run(for: .seconds(2))
        let refused = try scene.migration(space: "team")
        #expect(refused.status?.phase == .pending)
        #expect(refused.status?.conditions?[type: "Accepted"]?.reason == "OutsideFence")
        scene.hub.edit(MemberCluster.resource, ObjectKey(name: "edge-2")) { object in
            object.set(["matchLabels": ["tier": "gold"]], at: ["spec", "allowedNamespaces"])
        }
        scene.world.run(for: .seconds(2))
        #expect(try scene.migration(space: "team").status?.phase == .verifying)
    }

    @Test("failback Never keeps the next Migration away until that is changed (karmada #7441)")
    func failback() throws {
        let scene = MigrationControllerScene()
        scene.start()
        scene.create(spec: ["failback": "Never"])
        try scene.play(for: 10)
        scene.create("back", from: "edge-2", to: "edge-1")
        scene.world.run(for: .seconds(2))
        #expect(try scene.migration("back").status?.conditions?[type: "Progressing"]?.reason == "FailbackNever")
        let key = ObjectKey(namespace: MigrationControllerScene.space, name: "move")
        scene.hub.edit(Migration.resource, key) { $0.set("Manual", at: ["spec", "failback"]) }
        try scene.play(for: 10)
        #expect(try scene.migration("back").status?.phase == .completed)
        #expect(try scene.placement().status?.evacuated?.map(\.cluster) == ["edge-2"])
    }

    @Test("a Migration that is deleted in the middle leaves no copy behind, also when nobody was there to see it")
    func deleted() throws {
        for sees in [true, false] {
            let scene = MigrationControllerScene()
            let run = scene.start()
            scene.create()
            try scene.play(for: 3, ready: false)
            #expect(try scene.migration().status?.phase == .verifying)
            let key = ObjectKey(namespace: MigrationControllerScene.space, name: "move")
            if !sees { run.cancel() }
            scene.world.settle()
            scene.hub.remove(Migration.resource, key)
            if !sees { scene.start() }
            try scene.play(for: 5)
            #expect(try scene.placement().status?.decisions?.map(\.cluster) == ["edge-1"])
        }
    }

    @Test("a copy of a deleted Migration is taken back although another one has its name", arguments: [true, false])
    func namesake(isFinal: Bool) throws {
        let scene = MigrationControllerScene()
        let run = scene.start()
        scene.create()
        try scene.play(for: 3, ready: false)
        let first = try scene.migration()
        #expect(try scene.placement().status?.decisions?.last?.migrationUID == first.metadata.uid)
        run.cancel()
        scene.world.settle()
        let key = ObjectKey(namespace: MigrationControllerScene.space, name: "move")
        scene.hub.remove(Migration.resource, key)
        // It waits for a Placement that does not exist, or is at its end: either way it never looks after the copy.
        scene.create(spec: ["placementRef": ["name": .string(isFinal ? "web" : "elsewhere")]])
        if isFinal {
            scene.hub.edit(Migration.resource, key) { $0.set("RolledBack", at: ["status", "phase"]) }
        }
        #expect(try scene.migration().metadata.uid != first.metadata.uid)
        scene.start()
        try scene.play(for: 5)
        #expect(try scene.placement().status?.decisions?.map(\.cluster) == ["edge-1"])
    }

    @Test("a deadline rolls back, opens one MigrationTimeout, and restores the decisions")
    func deadline() throws {
        let scene = MigrationControllerScene()
        let before = try scene.placement().status?.decisions
        scene.start()
        scene.create(spec: ["deadlineSeconds": 400])
        try scene.play(for: 410, ready: false)
        #expect(try scene.phases() == [.prechecking, .deploying, .verifying, .rollingBack, .rolledBack])
        #expect(try scene.placement().status?.decisions == before)
        let types = try scene.recoveries().map(\.spec.error.type).sorted()
        #expect(types == ["MigrationFailure", "MigrationTimeout"])
    }

    @Test("a source that is lost is failed over, and the target's loss after the point of no return is waited out")
    func failover() throws {
        let scene = MigrationControllerScene()
        scene.setReady("edge-1", false)
        scene.start()
        scene.create("move", .failover)
        scene.world.run(for: .seconds(2))
        #expect(try scene.migration().status?.phase == .verifying)
        scene.setReady("edge-2", false)
        scene.world.run(for: .seconds(2))
        #expect(try scene.migration().status?.conditions?[type: "Progressing"]?.reason == "TargetNotReady")
        scene.setReady("edge-2", true)
        try scene.play(for: 5)
        #expect(try scene.migration().status?.phase == .completed)
        let left = try #require(try scene.placement().status?.evacuated?.first)
        #expect(left.cluster == "edge-1" && left.hasLeftovers)
    }

    @Test("a source that nobody can read is not lost: nothing is failed over from it")
    func unreadable() throws {
        let scene = MigrationControllerScene()
        let (edge, path) = (ObjectKey(name: "edge-1"), ["spec", "probe"])
        scene.hub.edit(MemberCluster.resource, edge) { $0.set(["intervalSeconds": "often"], at: path) }
        scene.start()
        scene.create("move", .failover)
        scene.world.run(for: .seconds(60))
        #expect(try scene.placement().status?.decisions?.map(\.cluster) == ["edge-1"])
        #expect(try scene.migration().status?.pointOfNoReturn != true)
        scene.setReady("edge-1", false)
        scene.hub.edit(MemberCluster.resource, edge) { $0.set(["intervalSeconds": 10], at: path) }
        try scene.play(for: 60)
        #expect(try scene.migration().status?.phase == .completed)
    }
}
