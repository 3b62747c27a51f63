import FoundationEssentials
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

/// What is left on members that did not answer, and what becomes of it when they do: across restarts of the controller.
@Suite("Leftovers of placements", .timeLimit(.minutes(2)))
struct PlacementLeftoversTests {
    private typealias Scene = PlacedScene
    private static let north = ObjectKey(namespace: nil, name: "north")
    private static let claim: JSONValue = [
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": "data"],
    ]

    /// The names of a member's objects of a kind.
    private func names(_ scene: PlacementScene, _ cluster: String, _ resource: APIResource) -> [String] {
        (scene.members[cluster]?.objects(resource) ?? []).map(\.name).sorted()
    }

    private func leftovers(_ scene: PlacementScene) throws -> [PlacementLeftover] {
        let object = try #require(scene.hub.object(MemberCluster.resource, Self.north))
        return try MemberCluster(json: object.content).status?.leftovers ?? []
    }

    private func delete(_ scene: PlacementScene) {
        scene.world.start { [scene] in try await scene.harness.client.delete(Placement.resource, PlacementScene.key) }
    }

    @Test func whatADeletedPlacementHasLeftGoesWhenTheMemberAnswersAlthoughTheControllerIsAnotherOne() throws {
        let scene = PlacementScene("edge", "north")
        let north = try #require(scene.members["north"])
        for (name, label) in [("theirs", "another-uid"), ("nobodys", "")] {
            var object = Scene.settings
            object.set(.string(name), at: ["metadata", "name"])
            object.set("team", at: ["metadata", "namespace"])
            if !label.isEmpty { object.set(.string(label), at: ["metadata", "labels", MetadataName.placementUID]) }
            north.put(object, .configMaps)
        }
        scene.put([Scene.settings], ["clusterCount": 2])
        scene.start()
        #expect(try scene.wait { try scene.placement()?.status?.readyClusters == 2 })
        let uid = try #require(try scene.placement()?.metadata.uid)
        north.stop()
        delete(scene)
        #expect(try scene.wait(.seconds(600)) { try scene.placement() == nil })
        let entry = try #require(try leftovers(scene).first)
        #expect(entry.uid == uid && entry.placement == PlacementScene.key && entry.kinds == ["ConfigMap"])
        scene.restart()
        scene.world.run(for: .seconds(60))
        #expect(names(scene, "north", .configMaps) == ["nobodys", "settings", "theirs"], "nobody was asked")
        north.start()
        #expect(scene.wait { names(scene, "north", .configMaps) == ["nobodys", "theirs"] })
        #expect(try scene.wait(.seconds(10)) { try leftovers(scene).isEmpty })
        scene.world.run(for: .seconds(10))
        #expect(scene.events().contains("PlacementLeftoversRemoved"))
        let deletions = north.requests { $0.verb == .delete }.count
        scene.restart()
        scene.world.run(for: .seconds(120))
        #expect(north.requests { $0.verb == .delete }.count == deletions)
    }

    @Test func aDeletionDoesNotWaitForEverForAMemberThatSeemsReadyAndThatNobodyCanLookAt() throws {
        let scene = PlacementScene("north")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["north Synced ready"] })
        // The next controller has no client, and cannot write down that the cluster is not Ready.
        scene.stop()
        scene.hub.inject(.status(500, "InternalError"), times: 100_000) { request in
            request.isWrite && request.concerns(MemberCluster.resource) && request.json["status"]?["leftovers"] == nil
        }
        scene.members["north"]?.stop()
        scene.restart()
        delete(scene)
        scene.world.run(for: .seconds(340))
        #expect(try scene.condition(ConditionType.ready) == "False Removing")
        #expect(try scene.wait(.seconds(30)) { try scene.placement() == nil })
        #expect(try leftovers(scene).map(\.placement) == [PlacementScene.key])
        #expect(names(scene, "north", .configMaps) == ["settings"])
    }

    @Test func whoeverWasAwayWhenTheTimeEndedLooksBeforeGivingUp() throws {
        let scene = PlacementScene("north")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["north Synced ready"] })
        scene.stop()
        delete(scene)
        scene.world.run(for: .seconds(1_000))
        #expect(names(scene, "north", .configMaps) == ["settings"])
        scene.restart()
        #expect(try scene.wait(.seconds(60)) { try scene.placement() == nil })
        #expect(names(scene, "north", .configMaps).isEmpty)
        #expect(try leftovers(scene).isEmpty)
    }

    @Test func whatFindsNoPlaceAmongTheLeftoversIsNamedForAPerson() throws {
        let scene = PlacementScene("north")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["north Synced ready"] })
        let uid = try #require(try scene.placement()?.metadata.uid)
        let others = (0..<200).map { number -> JSONValue in
            [
                "namespace": "team", "name": .string("other-\(number)"), "uid": .string("\(number)"), "kinds": [],
                "time": "2026-01-01T00:00:00Z",
            ]
        }
        scene.members["north"]?.stop()
        scene.world.run(for: .seconds(60))
        scene.hub.edit(MemberCluster.resource, Self.north) { $0.set(.array(others), at: ["status", "leftovers"]) }
        delete(scene)
        #expect(try scene.wait(.seconds(600)) { try scene.placement() == nil })
        #expect(try leftovers(scene).count == 200)
        let member = try MemberCluster(json: #require(scene.hub.object(MemberCluster.resource, Self.north)).content)
        let condition = try #require(member.status?.conditions?[type: ConditionType.leftoversKnown])
        #expect(condition.status == .false && condition.reason == "TooMany")
        #expect(condition.message.contains("Placement team/web, with the label \(MetadataName.placementUID)=\(uid)"))
        scene.world.run(for: .seconds(10))
        let event = scene.hub.objects(.events).first { $0["reason"] == "LeftoversForgotten" }
        #expect(event?["message"]?.stringValue == condition.message)
        // Probes write the other conditions and leave this one.
        scene.members["north"]?.start()
        #expect(try scene.wait { try leftovers(scene).isEmpty })
        let after = try MemberCluster(json: #require(scene.hub.object(MemberCluster.resource, Self.north)).content)
        #expect(after.status?.conditions?[type: ConditionType.leftoversKnown]?.status == .false)
    }

    @Test func whatIsOnAnotherClusterThanTheMemberLeadsToNowStaysWrittenDown() throws {
        let scene = PlacementScene("edge", "north")
        scene.identify()
        scene.put(cluster: "edge", spec: ["unschedulable": true])
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["north Synced ready"] })
        scene.members["north"]?.stop()
        delete(scene)
        #expect(try scene.wait(.seconds(600)) { try scene.placement() == nil })
        scene.put(cluster: "north", server: "edge")
        #expect(scene.wait { scene.events().contains("ClusterReplaced") })
        scene.world.run(for: .seconds(60))
        #expect(try leftovers(scene).map(\.placement) == [PlacementScene.key])
        // A new one of the name does not wait for it.
        scene.put([Scene.settings])
        #expect(try scene.wait { try scene.copies() == ["north Synced ready"] })
        delete(scene)
        #expect(try scene.wait { try scene.placement() == nil })
        #expect(names(scene, "edge", .configMaps).isEmpty && names(scene, "north", .configMaps) == ["settings"])
        scene.put(cluster: "north")
        scene.members["north"]?.start()
        #expect(scene.wait { names(scene, "north", .configMaps).isEmpty })
        #expect(try scene.wait(.seconds(10)) { try leftovers(scene).isEmpty })
    }

    @Test func aNewPlacementOfTheNameIsPlacedOnceWhatTheOldOneHasLeftIsGone() throws {
        let scene = PlacementScene("north")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["north Synced ready"] })
        let north = try #require(scene.members["north"])
        let old = try #require(north.objects(.configMaps).first?.uid)
        north.stop()
        delete(scene)
        #expect(try scene.wait(.seconds(600)) { try scene.placement() == nil })
        scene.put([Scene.settings])
        scene.restart()
        scene.world.run(for: .seconds(30))
        north.start()
        #expect(try scene.wait { try scene.copies() == ["north Synced ready"] })
        #expect(north.objects(.configMaps).count == 1 && north.objects(.configMaps).first?.uid != old)
        #expect(try leftovers(scene).isEmpty)
    }

    @Test func whatSomebodyHoldsThereHoldsUpNoNewPlacementOfTheNameAndIsLookedForLessAndLessOften() throws {
        let scene = PlacementScene("north")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["north Synced ready"] })
        let north = try #require(scene.members["north"])
        let key = ObjectKey(namespace: "team", name: "settings")
        north.edit(.configMaps, key) { $0.set(["example.com/held"], at: ["metadata", "finalizers"]) }
        let uid = try #require(try scene.placement()?.metadata.uid)
        north.stop()
        delete(scene)
        #expect(try scene.wait(.seconds(600)) { try scene.placement() == nil })
        north.start()
        let isSearch = { @Sendable (request: FakeRequest) in
            request.query["labelSelector"] == "\(MetadataName.placementUID)=\(uid)"
        }
        let before = north.requests(where: isSearch).count
        #expect(scene.wait { north.requests(where: isSearch).count > before })
        scene.world.run(for: .seconds(1_800))
        let count = north.requests(where: isSearch).count - before
        #expect((5..<20).contains(count), "\(count)")
        var other = Scene.settings
        other.set("other", at: ["metadata", "name"])
        scene.put([Scene.settings, other])
        #expect(try scene.wait { try scene.condition(ConditionType.synced) == "False SyncConflict" })
        #expect(names(scene, "north", .configMaps) == ["other", "settings"])
        let words = try scene.placement()?.status?.clusters?.first?.message
        #expect(words?.contains("belongs to the placement with uid \(uid)") == true, "\(words ?? "")")
        north.remove(.configMaps, key)
        #expect(try scene.wait(.seconds(400)) { try scene.copies() == ["north Synced ready"] })
        #expect(try leftovers(scene).isEmpty)
    }

    @Test func dataOnAMemberThatWasLeftBeforeGoesWithThePlacementToo() throws {
        let scene = PlacementScene("edge", "north")
        scene.put(cluster: "edge", labels: ["use": "no"])
        scene.put(cluster: "north", labels: ["use": "yes"])
        scene.put([Scene.settings, Self.claim], ["clusterSelector": ["matchLabels": ["use": "yes"]]])
        scene.start()
        let bind = { (cluster: String) in
            scene.members[cluster]?.edit(PlacedScene.claims, ObjectKey(namespace: "team", name: "data")) {
                $0["status"] = ["phase": "Bound"]
            }
        }
        #expect(try scene.wait { try scene.copies() == ["north Synced"] })
        bind("north")
        #expect(try scene.wait { try scene.copies() == ["north Synced ready"] })
        scene.put(cluster: "edge", labels: ["use": "yes"])
        scene.put(cluster: "north", labels: ["use": "no"])
        #expect(try scene.wait { try scene.copies().contains("edge Synced") })
        bind("edge")
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready"] })
        #expect(names(scene, "north", .configMaps).isEmpty && names(scene, "north", PlacedScene.claims) == ["data"])
        #expect(try scene.placement()?.status?.keptOn == ["north"])
        scene.members["north"]?.stop()
        scene.world.run(for: .seconds(60))
        delete(scene)
        #expect(try scene.wait(.seconds(30)) { try scene.placement() == nil }, "data holds nothing up")
        scene.restart()
        scene.members["north"]?.start()
        #expect(scene.wait { names(scene, "north", PlacedScene.claims).isEmpty })
        #expect(try scene.wait(.seconds(10)) { try leftovers(scene).isEmpty })
    }

    @Test(arguments: [true, false])
    func aDeletedPlacementWritesNothingAboutMembersThatNeverHadACopy(_ isPlaced: Bool) throws {
        let scene = PlacementScene("edge", "north")
        let north = try #require(scene.members["north"])
        north.stop()
        scene.put(cluster: "edge", labels: ["use": "yes"])
        scene.put([Self.claim], ["clusterSelector": ["matchLabels": ["use": isPlaced ? "yes" : "never"]]])
        scene.start()
        scene.world.run(for: .seconds(60))
        #expect(try scene.copies().count == (isPlaced ? 1 : 0))
        #expect(try scene.placement()?.status?.placedKinds == ["PersistentVolumeClaim"])
        delete(scene)
        #expect(try scene.wait(.seconds(30)) { try scene.placement() == nil })
        #expect(try leftovers(scene).isEmpty)
        #expect(names(scene, "edge", PlacedScene.claims).isEmpty)
    }

    @Test func aFailedOverSourceLosesItsCopyAfterARestartAndKeepsItsData() throws {
        let scene = PlacementScene("edge", "north")
        scene.put([Scene.settings, Self.claim])
        // As a failover from a member that is dead leaves it.
        let uid = try #require(scene.hub.object(Placement.resource, PlacementScene.key)?.uid)
        for (resource, manifest) in [(APIResource.configMaps, Scene.settings), (PlacedScene.claims, Self.claim)] {
            var object = manifest
            object.set("team", at: ["metadata", "namespace"])
            object.set(.string(uid), at: ["metadata", "labels", MetadataName.placementUID])
            scene.members["north"]?.put(object, resource)
        }
        scene.hub.edit(Placement.resource, PlacementScene.key) { object in
            object["status"] = [
                "decisions": [["cluster": "edge", "placedBy": "Migration/m"]],
                "evacuated": [
                    [
                        "cluster": "north", "reason": "FailedOver", "time": "2026-01-01T00:00:00Z", "migration": "m",
                        "leftovers": true,
                    ]
                ],
                "placedKinds": ["ConfigMap", "PersistentVolumeClaim"],
            ]
        }
        scene.members["north"]?.stop()
        scene.start()
        #expect(try scene.wait { try scene.copies().contains("edge Synced") })
        scene.members["edge"]?.edit(PlacedScene.claims, ObjectKey(namespace: "team", name: "data")) {
            $0["status"] = ["phase": "Bound"]
        }
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready"] })
        scene.restart()
        scene.world.run(for: .seconds(30))
        #expect(names(scene, "north", .configMaps) == ["settings"])
        scene.members["north"]?.start()
        #expect(scene.wait { names(scene, "north", .configMaps).isEmpty })
        scene.world.run(for: .seconds(60))
        #expect(names(scene, "north", PlacedScene.claims) == ["data"])
        #expect(try scene.copies() == ["edge Synced ready"])
    }
}
