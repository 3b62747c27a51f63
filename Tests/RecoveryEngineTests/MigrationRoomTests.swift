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

/// Migrations of six cores to a target that has eight, and others who want the same room.
@Suite("The room that Migrations take")
struct MigrationRoomTests {
    private static let other = ObjectKey(namespace: "team", name: "other")
    private static let isDryRun: @Sendable (FakeRequest) -> Bool = { $0.query["dryRun"] == "All" }

    private static var manifest: JSONValue {
        var web = PlacedScene.web(replicas: 1)
        let container: JSONValue = ["name": "web", "image": "web", "resources": ["requests": ["cpu": "6"]]]
        web.set([container], at: ["spec", "template", "spec", "containers"])
        return web
    }

    private let scene = MigrationControllerScene(manifests: [manifest], cores: "8")
    private let reservations = CapacityReservations()

    /// The plan for another placement of six cores on the target.
    private func decideOther(_ decider: CapacityReservations.Decider? = nil) -> PlacementPlan {
        let placement = Placement(
            metadata: ObjectMeta(name: Self.other.name, namespace: Self.other.namespace),
            spec: PlacementSpec(manifests: [Self.manifest])
        )
        var target = ClusterCandidate(name: "edge-2")
        target.count(scene.capacity, reserved: ResourceAmounts())
        let now = scene.world.time.wallTime()
        return reservations.decide(Self.other, PlacementRequest(placement), [target], by: decider, now: now)
    }

    @Test("it is reserved from the prechecks on, until the Placement's status tells of it, and no longer")
    func reserves() throws {
        scene.member.inject(.delay(.seconds(5)), times: 1, where: Self.isDryRun)
        scene.start(reservations)
        scene.create()
        scene.world.run(for: .seconds(2))
        #expect(try scene.migration().status?.phase == .prechecking, "the target is being asked")
        let words = "copies on their way there take cpu 6"
        #expect(decideOther().rejections.first?.message?.contains(words) == true)
        let key = MigrationControllerScene.placementKey
        _ = reservations.decide(key, PlacementRequest(try scene.placement()), [], now: scene.world.time.wallTime())
        reservations.release(key)
        #expect(decideOther().missing == 1, "the scheduler gives back only what it has reserved itself")
        scene.world.run(for: .seconds(10))
        #expect(try scene.migration().status?.phase == .verifying && scene.placement().status?.decisions?.count == 2)
        #expect(decideOther().rejections.first?.message?.contains(words) == true, "counted once")
        try scene.play(for: 10)
        #expect(try scene.migration().status?.phase == .completed)
        #expect(decideOther().missing == 0, "the pods count by themselves")
    }

    @Test("it is given back when the target refuses the move, and those that wait for room hear of it")
    func givesBack() throws {
        let freed = Mutex(0)
        let isFull = Mutex(true)
        let refusal = FakeFault.answer(.failure(403, "Forbidden", "exceeded quota: few"))
        scene.member.inject(refusal, times: .max) { Self.isDryRun($0) && isFull.withLock { $0 } }
        scene.start(reservations) { freed.withLock { $0 += 1 } }
        scene.create()
        scene.world.run(for: .seconds(2))
        #expect(try scene.migration().status?.conditions?[type: "Progressing"]?.reason == "QuotaExceeded")
        let looks = freed.withLock { $0 }
        #expect(decideOther().missing == 0 && looks > 0)
        isFull.withLock { $0 = false }
        scene.world.run(for: .seconds(60))
        #expect(try scene.migration().status?.phase == .verifying)
        #expect(decideOther().missing == 1 && freed.withLock { $0 } == looks)
    }

    @Test("who was faster while the process changed keeps it: the move waits before it asks for a copy")
    func isAskedForAgain() throws {
        let isDecision: @Sendable (FakeRequest) -> Bool = { $0.isWrite && $0.concerns(Placement.resource) }
        scene.hub.inject(.hang, times: 1, where: isDecision)
        let run = scene.start()
        scene.create()
        scene.world.run(for: .seconds(2))
        #expect(try scene.migration().status?.phase == .deploying)
        run.cancel()
        scene.world.settle()
        #expect(decideOther(.scheduler).missing == 0)
        scene.start(reservations)
        scene.world.run(for: .seconds(2))
        let waiting = try scene.migration()
        #expect(waiting.status?.phase == .deploying)
        #expect(waiting.status?.conditions?[type: "Progressing"]?.reason == "InsufficientCapacity")
        #expect(try scene.placement().status?.decisions?.map(\.cluster) == ["edge-1"])
        reservations.release(Self.other)
        scene.world.run(for: .seconds(60))
        #expect(try scene.migration().status?.phase == .verifying)
    }
}
