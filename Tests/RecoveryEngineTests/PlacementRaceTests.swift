import FoundationEssentials
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// Copies that leave while the process ends, the cache lags behind, or the decision turns round.
@Suite("Races of placements", .timeLimit(.minutes(2)))
struct PlacementRaceTests {
    private typealias Scene = PlacedScene

    /// A ready copy on `edge`, which the selector names.
    private func onEdge(_ manifests: [JSONValue] = [Scene.web()]) throws -> PlacementScene {
        let scene = PlacementScene("edge", "north")
        scene.put(cluster: "edge", labels: ["use": "yes"])
        scene.put(manifests, ["clusterSelector": ["matchLabels": ["use": "yes"]]])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["edge Synced"] })
        scene.roll("edge")
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready"] })
        scene.world.run(for: .seconds(5))
        return scene
    }

    /// Asks for the copy on another member.
    private func move(_ scene: PlacementScene, from: String, to: String) {
        scene.put(cluster: to, labels: ["use": "yes"])
        scene.put(cluster: from)
    }

    private func isOn(_ cluster: String, _ scene: PlacementScene) -> Bool {
        scene.members[cluster]?.object(.deployments, PlacementScene.key) != nil
    }

    private func decided(_ scene: PlacementScene) throws -> [String] {
        (try scene.placement()?.status?.decisions ?? []).map(\.cluster)
    }

    @Test func aCopyThatWasRemovedIsNotMadeAgainByTheNextControllerWhichNobodyHasTold() throws {
        let scene = try onEdge()
        let (edge, isOver) = (try #require(scene.members["edge"]), Latch())
        scene.hub.before { request in
            guard request.isWrite, request.concerns(Placement.resource), !isOver.isOpen,
                edge.objects(.deployments).isEmpty
            else { return nil }
            return .failure(500, "InternalError")
        }
        move(scene, from: "edge", to: "north")
        #expect(scene.wait { isOn("north", scene) })
        scene.roll("north")
        #expect(scene.wait { !isOn("edge", scene) })
        scene.stop()
        #expect(try decided(scene) == ["north", "edge"])
        isOver.open()
        let isWrite = { @Sendable (request: FakeRequest) in request.isWrite && request.concerns(.deployments) }
        let writes = edge.requests(where: isWrite).count
        scene.restart()
        #expect(try scene.wait { try decided(scene) == ["north"] })
        #expect(edge.requests(where: isWrite).count == writes, "a Job would run again")
    }

    @Test func aCopyThatWasRemovedIsNotMadeAgainWhileTheStatusThatForgetsItIsBeingWritten() throws {
        let scene = try onEdge()
        let (edge, isHeld, time) = (try #require(scene.members["edge"]), Latch(), scene.world.time)
        let uid = try #require(try scene.placement()?.metadata.uid)
        scene.hub.before { [scene] request in
            guard request.isWrite, request.concerns(Placement.resource), !isHeld.isOpen,
                edge.objects(.deployments).isEmpty
            else { return nil }
            isHeld.open()
            // The other copy is no longer well, and something of the placement changes on the member.
            scene.roll("north", isReady: false)
            try await time.sleep(for: .seconds(2))
            var other = Scene.web()
            other.set("other", at: ["metadata", "name"])
            other.set("team", at: ["metadata", "namespace"])
            other.set(.string(uid), at: ["metadata", "labels", MetadataName.placementUID])
            edge.put(other, .deployments)
            try await time.sleep(for: .seconds(2))
            return nil
        }
        move(scene, from: "edge", to: "north")
        #expect(scene.wait { isOn("north", scene) })
        scene.roll("north")
        #expect(scene.wait { isHeld.isOpen })
        scene.world.run(for: .seconds(60))
        #expect(try decided(scene) == ["north"])
        #expect(!isOn("edge", scene), "no status names it")
    }

    @Test func whatTheHubDecidesNoMoreIsNotMadeByAControllerWhoseCacheLagsBehind() throws {
        let scene = try onEdge([Scene.web(), Scene.settings])
        let edge = try #require(scene.members["edge"])
        scene.hub.freezeWatches()
        scene.hub.edit(Placement.resource, PlacementScene.key) { object in
            object.set([["cluster": "north"]], at: ["status", "decisions"])
            object.set([], at: ["status", "clusters"])
        }
        let settings = ObjectKey(namespace: "team", name: "settings")
        edge.remove(.configMaps, settings)
        scene.world.run(for: .seconds(60))
        #expect(edge.object(.configMaps, settings) == nil)
        // Where the hub says the same, it is repaired.
        scene.hub.edit(Placement.resource, PlacementScene.key) { object in
            object.set([["cluster": "edge"]], at: ["status", "decisions"])
        }
        scene.hub.thawWatches()
        #expect(scene.wait(.seconds(400)) { edge.object(.configMaps, settings) != nil })
    }

    @Test func aRemovalThatADecisionOvertakesLeavesOneCopyAtAnyTime() throws {
        let scene = try onEdge()
        let (edge, isHeld, time) = (try #require(scene.members["edge"]), Latch(), scene.world.time)
        move(scene, from: "edge", to: "north")
        #expect(scene.wait { isOn("north", scene) })
        edge.before { [scene] request in
            guard request.verb == .list, request.concerns(.deployments), !isHeld.isOpen else { return nil }
            isHeld.open()
            scene.put(cluster: "north")
            scene.put(cluster: "edge", labels: ["use": "yes"])
            try await time.sleep(for: .seconds(8))
            return nil
        }
        scene.roll("north")
        #expect(scene.wait { isHeld.isOpen })
        #expect(!scene.wait(.seconds(60)) { !isOn("edge", scene) && !isOn("north", scene) })
        #expect(try scene.copies() == ["edge Synced ready"] && !isOn("north", scene))
        #expect(edge.requests { $0.verb == .delete }.isEmpty, "the hub was asked before the first one")
    }
}
