import FoundationEssentials
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

/// Placements that are decided at the same moment, with members in memory: eight cores each.
@Suite("CapacityReservations", .timeLimit(.minutes(2)))
struct CapacityReservationsTests {
    /// A Deployment that asks for so many cores.
    private static func web(_ name: String, cpu: String) -> JSONValue {
        var web = PlacedScene.web()
        web.set(.string(name), at: ["metadata", "name"])
        let container: JSONValue = [
            "name": "web", "image": "web", "resources": ["requests": ["cpu": .string(cpu)]],
        ]
        web.set([container], at: ["spec", "template", "spec", "containers"])
        web.set(1, at: ["spec", "replicas"])
        return web
    }

    private func cluster(_ scene: PlacementScene, _ name: String) throws -> String? {
        try scene.placement(name: name)?.status?.decisions?.first?.cluster
    }

    @Test func placementsOfTheSameMomentDoNotGetTheSameRoom() throws {
        let scene = PlacementScene("edge", "north", "south")
        for name in ["web", "shop", "mail"] { scene.put([Self.web(name, cpu: "6")], name: name) }
        scene.start()
        let names = ["web", "shop", "mail"]
        #expect(try scene.wait(.seconds(30)) { try names.allSatisfy { try cluster(scene, $0) != nil } })
        #expect(Set(try names.compactMap { try cluster(scene, $0) }) == ["edge", "north", "south"])
    }

    @Test func whatWaitsForRoomSaysWhoTakesItAndGetsItWhenTheOtherGoes() throws {
        let scene = PlacementScene("edge")
        for name in ["web", "shop"] { scene.put([Self.web(name, cpu: "6")], name: name) }
        scene.start()
        let names = ["web", "shop"]
        #expect(try scene.wait(.seconds(10)) { try names.contains { try cluster(scene, $0) != nil } })
        let first = try #require(try names.first { try cluster(scene, $0) != nil })
        let second = first == "web" ? "shop" : "web"
        #expect(
            try scene.wait(.seconds(10)) {
                let rejected = try scene.placement(name: second)?.status?.rejected?.first
                return rejected?.reason == "InsufficientCapacity"
                    && rejected?.message?.contains("copies on their way there take cpu 6") == true
            }
        )
        #expect(try cluster(scene, second) == nil)
        let key = ObjectKey(namespace: "team", name: first)
        scene.world.start { [scene] in try await scene.harness.client.delete(Placement.resource, key) }
        #expect(try scene.wait(.seconds(5)) { try cluster(scene, second) == "edge" })
    }

    @Test func whatIsReservedIsCountedAsPodsWhenTheyAreThereAndNotTwice() throws {
        let scene = PlacementScene("edge")
        scene.put([Self.web("web", cpu: "4")])
        scene.start()
        #expect(try scene.wait(.seconds(10)) { try scene.copies() == ["edge Synced"] })
        let pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web-1", "namespace": "team"],
            "spec": ["nodeName": "n", "containers": [["name": "web", "resources": ["requests": ["cpu": "4"]]]]],
        ]
        scene.members["edge"]?.put(pod, .pods)
        scene.roll("edge")
        #expect(try scene.wait(.seconds(10)) { try scene.copies() == ["edge Synced ready"] })
        scene.put([Self.web("shop", cpu: "4")], name: "shop")
        #expect(try scene.wait(.seconds(5)) { try cluster(scene, "shop") == "edge" }, "four cores are free")
        scene.put([Self.web("mail", cpu: "1")], name: "mail")
        #expect(try scene.wait(.seconds(5)) { try scene.placement(name: "mail")?.status?.rejected?.count == 1 })
    }

    @Test func aNewLeaderReadsFromTheStatusWhatItsPredecessorHasDecided() throws {
        let scene = PlacementScene("edge", "north")
        scene.put([Self.web("web", cpu: "6")])
        // Decided by the predecessor, and not applied yet: the member refuses every answer.
        scene.members["edge"]?.inject(.refuse, times: 10_000) { $0.concerns(.deployments) }
        scene.hub.edit(Placement.resource, PlacementScene.key) { object in
            object.set([["cluster": "edge"]], at: ["status", "decisions"])
        }
        scene.put([Self.web("shop", cpu: "6")], name: "shop")
        scene.start()
        #expect(try scene.wait(.seconds(10)) { try cluster(scene, "shop") != nil })
        #expect(try cluster(scene, "shop") == "north")
    }
}
