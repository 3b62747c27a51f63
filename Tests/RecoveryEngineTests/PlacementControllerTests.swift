import FoundationEssentials
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing
import Timekeeping
import YAML

@testable import RecoveryEngine

/// Placements from decision to removal, with members in memory.
@Suite("PlacementController", .timeLimit(.minutes(2)))
struct PlacementControllerTests {
    private typealias Scene = PlacedScene

    @Test func aPlacementIsScheduledAppliedAndReadyAndThenAtRest() throws {
        let scene = PlacementScene("edge")
        scene.put([Scene.web(), Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["edge Synced"] })
        #expect(try scene.condition(ConditionType.ready) == "False NotReady")
        scene.roll("edge")
        #expect(try scene.wait { try scene.condition(ConditionType.ready) == "True Ready" })
        let status = try #require(try scene.placement()?.status)
        #expect(status.decisions?.map(\.placedBy) == ["Scheduler"])
        #expect(status.clusters?.first?.hash == (try scene.placement()?.manifestsHash))
        #expect(status.placedKinds == ["ConfigMap", "Deployment.apps"] && status.readyClusters == 1)
        #expect(try scene.placement()?.metadata.finalizers == [MetadataName.finalizer])
        scene.world.run(for: .seconds(60))
        #expect(scene.events().isSuperset(of: ["PlacementScheduled", "PlacementSynced", "PlacementReady"]))
        let member = try #require(scene.members["edge"])
        let count = (
            member.requests { !$0.path.hasSuffix("/readyz") }.count, scene.hub.requests(where: \.isWrite).count
        )
        scene.world.run(for: .seconds(120))
        #expect(member.requests { !$0.path.hasSuffix("/readyz") }.count == count.0, "at rest members are only watched")
        #expect(scene.hub.requests(where: \.isWrite).count == count.1, "and status is written only on news")
    }

    @Test func driftIsNoticedByWatchingAndRepaired() throws {
        let scene = PlacementScene("edge")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.condition(ConditionType.ready) == "True Ready" })
        scene.world.run(for: .seconds(5))
        let key = ObjectKey(namespace: "team", name: "settings")
        let member = try #require(scene.members["edge"])
        member.edit(.configMaps, key) { $0.set("changed", at: ["data", "a"]) }
        #expect(scene.wait(.seconds(2)) { member.object(.configMaps, key)?["data", "a"] == "1" })
        member.remove(.configMaps, key)
        #expect(scene.wait(.seconds(2)) { member.object(.configMaps, key) != nil })
        scene.world.run(for: .seconds(30))
        #expect(scene.events().contains("PlacementDriftRepaired"))
        #expect(try scene.copies() == ["edge Synced ready"])
    }

    @Test func driftThatSomebodyMakesAgainEachTimeIsRepairedLessAndLessOftenAndTheStatusSaysSo() throws {
        let scene = PlacementScene("edge")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.condition(ConditionType.ready) == "True Ready" })
        let (member, isOver) = (try #require(scene.members["edge"]), Latch())
        let key = ObjectKey(namespace: "team", name: "settings")
        let change: @Sendable (inout JSONValue) -> Void = { $0.set("theirs", at: ["data", "a"]) }
        let isApply = { @Sendable (request: FakeRequest) in
            request.verb == .patch && request.concerns(.configMaps) && request.query["dryRun"] == nil
        }
        member.after { request, reply in
            if isApply(request), !isOver.isOpen { member.edit(.configMaps, key, change) }
            return reply
        }
        let before = member.requests(where: isApply).count
        member.edit(.configMaps, key, change)
        scene.world.run(for: .seconds(600))
        let count = member.requests(where: isApply).count - before
        #expect((6..<20).contains(count), "\(count)")
        let words = "somebody else changes again and again what is declared: it is repaired less and less often"
        #expect(try scene.placement()?.status?.clusters?.first?.message?.hasPrefix(words) == true)
        isOver.open()
        #expect(scene.wait(.seconds(310)) { member.object(.configMaps, key)?["data", "a"] == "1" })
        #expect(
            try scene.wait(.seconds(1_210)) {
                try scene.placement()?.status?.clusters?.first?.message == "1 objects are in sync and ready"
            }
        )
        scene.world.run(for: .seconds(5))
        member.edit(.configMaps, key, change)
        #expect(scene.wait(.seconds(2)) { member.object(.configMaps, key)?["data", "a"] == "1" }, "all is forgotten")
    }

    @Test func driftThatMayNotBeWatchedIsRepairedLaterAndTheStatusNamesTheMissingRights() throws {
        let scene = PlacementScene("edge")
        let member = try #require(scene.members["edge"])
        member.answerAccessReviews { $0.value(at: ["resourceAttributes", "resource"])?.stringValue != "configmaps" }
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.condition(ConditionType.ready) == "True Ready" })
        #expect(try scene.wait { try scene.condition(ConditionType.driftWatched) == "False MissingRights" })
        let words = try scene.placement()?.status?.conditions?[type: ConditionType.driftWatched]?.message ?? ""
        #expect(words.hasSuffix("edge (list configmaps, watch configmaps)"), "\(words)")
        let key = ObjectKey(namespace: "team", name: "settings")
        member.edit(.configMaps, key) { $0.set("changed", at: ["data", "a"]) }
        scene.world.run(for: .seconds(20))
        #expect(member.object(.configMaps, key)?["data", "a"] == "changed")
        #expect(scene.wait(.seconds(310)) { member.object(.configMaps, key)?["data", "a"] == "1" })
        member.answerAccessReviews { _ in true }
        #expect(
            try scene.wait(.seconds(1_000)) { try scene.condition(ConditionType.driftWatched) == "True Watched" }
        )
        member.edit(.configMaps, key) { $0.set("changed", at: ["data", "a"]) }
        #expect(scene.wait(.seconds(2)) { member.object(.configMaps, key)?["data", "a"] == "1" })
    }

    @Test func kindsAreWatchedOnAMemberOnlyWhileAPlacementHasThemThere() throws {
        let scene = PlacementScene("edge")
        scene.put([Scene.web(), Scene.settings])
        scene.start()
        let member = try #require(scene.members["edge"])
        #expect(try scene.wait { try scene.copies() == ["edge Synced"] })
        #expect(scene.wait { member.watchCount == 4 })
        scene.edit("manifests", [Scene.web()])
        #expect(scene.wait { member.watchCount == 3 })
        scene.world.start { [scene] in try await scene.harness.client.delete(Placement.resource, PlacementScene.key) }
        #expect(try scene.wait { try scene.placement() == nil })
        #expect(scene.wait { member.watchCount == 2 }, "nodes and pods")
    }

    @Test func anEditIsAppliedAndWhatIsGoneFromItIsRemoved() throws {
        let scene = PlacementScene("edge")
        scene.put([Scene.web(), Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["edge Synced"] })
        scene.edit("manifests", [Scene.web(image: "web:2")])
        let member = try #require(scene.members["edge"])
        #expect(scene.wait { member.objects(.configMaps).isEmpty })
        #expect(try scene.wait { try scene.placement()?.status?.placedKinds == ["Deployment.apps"] })
        let image = member.object(.deployments, PlacementScene.key)?.content
            .value(at: ["spec", "template", "spec", "containers"])?[index: 0]?["image"]
        #expect(image == "web:2")
    }

    @Test func aForeignObjectStaysUntouchedAndBecomesASyncConflictAfterTheThreshold() throws {
        let scene = PlacementScene("edge")
        let member = try #require(scene.members["edge"])
        var foreign = Scene.settings
        foreign.set("team", at: ["metadata", "namespace"])
        foreign.set("theirs", at: ["data", "a"])
        member.put(foreign, .configMaps)
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.condition(ConditionType.synced) == "False SyncConflict" })
        #expect(try scene.recoveries().isEmpty, "one look is no incident")
        #expect(try scene.wait { try !scene.recoveries().isEmpty })
        let recovery = try #require(try scene.recoveries().first)
        #expect(recovery.spec.error.type == "SyncConflict" && recovery.metadata.namespace == "team")
        #expect(recovery.spec.targetRef?.kind == "Placement" && recovery.spec.error.context?["cluster"] == "edge")
        #expect(member.objects(.configMaps).first?["data", "a"] == "theirs")
        member.remove(.configMaps, ObjectKey(namespace: "team", name: "settings"))
        #expect(try scene.wait(.seconds(400)) { try scene.condition(ConditionType.synced) == "True InSync" })
        #expect(try scene.recoveries().count == 1)
    }

    @Test func aCopyThatAStrategyIsStillWritingIsRemovedAfterwardsAndIsNotMadeAgainBehindItsRemoval() throws {
        let scene = PlacementScene("one", "two", strategies: { [SyncStrategy(members: $0)] })
        let (hub, one) = (scene.hub, try #require(scene.members["one"]))
        scene.put(cluster: "one", labels: ["use": "yes"])
        scene.put([Scene.settings], ["clusterSelector": ["matchLabels": ["use": "yes"]]])
        scene.start()
        #expect(try scene.wait { try scene.condition(ConditionType.ready) == "True Ready" })
        // The controller cannot repair, and the write of the strategy is on its way for so long that the copy could leave.
        let (time, held) = (scene.world.time, Latch())
        one.before { request in
            guard request.verb == .patch, request.concerns(.configMaps), !held.isOpen else { return nil }
            let recoveries = hub.objects(Recovery.resource).map(\.content.text)
            guard recoveries.contains(where: { $0.contains("ApplyObjects") }) else { return .failure(422, "Invalid") }
            held.open()
            try await time.sleep(for: .seconds(9))
            return nil
        }
        let key = ObjectKey(namespace: "team", name: "settings")
        one.remove(.configMaps, key)
        #expect(scene.wait(.seconds(300)) { held.isOpen })
        scene.put(cluster: "two", labels: ["use": "yes"])
        scene.put(cluster: "one")
        #expect(try scene.wait { try scene.placement()?.status?.decisions?.map(\.cluster) == ["two"] })
        scene.world.run(for: .seconds(60))
        #expect(one.object(.configMaps, key) == nil, "no status names it")
    }

    @Test func whereAccountsAreRequiredATenantReadsWhichPolicyIsMissingAndWithItTheNextRecoveryRuns() throws {
        var configuration = EngineConfiguration()
        configuration.requiresServiceAccount = true
        let scene = PlacementScene("edge", configuration: configuration, strategies: { _ in [GenericStrategy()] })
        let member = try #require(scene.members["edge"])
        member.inject(.status(422, "Invalid"), times: 1_000) { $0.verb == .patch && $0.concerns(.configMaps) }
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.recoveries().first?.isFinal == true })
        let refused = try #require(try scene.recoveries().first)
        let accepted = refused.status?.conditions?[type: ConditionType.accepted]
        #expect(accepted?.status == .false && accepted?.reason == ConditionReason.serviceAccountRequired)
        #expect(accepted?.message.contains("the controller runs with --require-service-account") == true)
        let steps = try #require(refused.status?.escalation?.nextSteps)
        #expect(steps.last == "Delete this Recovery: the next look at the failure opens another one")
        // Exactly what it says.
        let manifest = try #require(steps.first?.split(separator: "\n", maxSplits: 1).last)
        scene.hub.put(try YAMLDocument.parse(Array(manifest.utf8), source: "step"), RecoveryPolicy.resource)
        scene.world.run(for: .seconds(1))
        scene.hub.remove(Recovery.resource, refused.metadata.key)
        #expect(try scene.wait(.seconds(400)) { try scene.recoveries().first?.status?.attempts == 1 })
        #expect(try scene.recoveries().first?.status?.effective?.serviceAccountName == "recovery-operator")
    }

    @Test func whatTheMemberRefusesBecomesASyncFailureAndWhatNeverGetsReadyATimeout() throws {
        let scene = PlacementScene("edge")
        let member = try #require(scene.members["edge"])
        member.inject(.status(422, "Invalid"), times: 1_000) { $0.verb == .patch && $0.concerns(.configMaps) }
        scene.put([Scene.web(), Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.recoveries().map(\.spec.error.type) == ["SyncFailure"] })
        #expect(try scene.copies() == ["edge Failed"])
        member.clearFaults()
        #expect(try scene.wait(.seconds(400)) { try scene.copies() == ["edge Synced"] })
        #expect(try scene.wait(.seconds(700)) { try scene.recoveries().map(\.spec.error.type).contains("SyncTimeout") })
    }

    @Test func aClusterThatIsLeftKeepsItsCopyUntilTheNewOneIsReadyAndItsDataForEver() throws {
        let scene = PlacementScene("edge", "north")
        let claim: JSONValue = ["apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": "data"]]
        scene.put(cluster: "edge", labels: ["use": "yes"])
        scene.put(cluster: "north", labels: ["use": "no"])
        scene.put([Scene.web(), claim], ["clusterSelector": ["matchLabels": ["use": "yes"]]])
        scene.start()
        let bound: @Sendable (inout JSONValue) -> Void = { $0["status"] = ["phase": "Bound"] }
        let data = ObjectKey(namespace: "team", name: "data")
        #expect(try scene.wait { try scene.copies() == ["edge Synced"] })
        scene.roll("edge")
        scene.members["edge"]?.edit(PlacedScene.claims, data, bound)
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready"] })
        scene.put(cluster: "edge", labels: ["use": "no"])
        scene.put(cluster: "north", labels: ["use": "yes"])
        #expect(try scene.wait { try scene.copies().contains("north Synced") })
        scene.world.run(for: .seconds(120))
        #expect(scene.members["edge"]?.object(.deployments, PlacementScene.key) != nil, "the new copy is not ready yet")
        scene.roll("north")
        scene.members["north"]?.edit(PlacedScene.claims, data, bound)
        #expect(try scene.wait { try scene.copies() == ["north Synced ready"] })
        #expect(scene.members["edge"]?.object(.deployments, PlacementScene.key) == nil)
        #expect(scene.members["edge"]?.object(PlacedScene.claims, data) != nil)
        let kept = scene.hub.objects(.events).contains { $0["message"]?.stringValue?.contains("kept as data") == true }
        #expect(scene.wait { kept })
        // With the placement itself the data goes, too.
        scene.world.start { [scene] in try await scene.harness.client.delete(Placement.resource, PlacementScene.key) }
        #expect(try scene.wait { try scene.placement() == nil })
        #expect(scene.members.values.allSatisfy { $0.objects(PlacedScene.claims).isEmpty })
    }

    @Test func whoTriesToReachOutOfTheFenceWritesNothing() throws {
        let scene = PlacementScene("edge")
        let attempts: [JSONValue] = [
            ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "shop"]],
            ["apiVersion": "v1", "kind": "Secret", "metadata": ["name": "s"]],
            ["apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": ["name": "r"]],
            ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "c", "namespace": "kube-system"]],
        ]
        scene.start()
        for manifest in attempts {
            scene.put([Scene.settings, manifest])
            #expect(try scene.wait { try scene.condition(ConditionType.accepted) == "False OutsideFence" })
            scene.world.run(for: .seconds(30))
            #expect(try scene.placement()?.metadata.finalizers == nil && scene.placement()?.status?.decisions == nil)
            scene.hub.remove(Placement.resource, PlacementScene.key)
        }
        scene.put(cluster: "edge", spec: ["allowedNamespaces": ["matchLabels": ["tier": "platinum"]]])
        scene.put([Scene.settings])
        #expect(try scene.wait { try scene.condition(ConditionType.scheduled) == "False NotPermitted" })
        #expect(try scene.placement()?.status?.rejected?.map(\.reason) == ["OutsideFence"])
        #expect(try scene.wait { try scene.recoveries().map(\.spec.error.type) == ["PlacementPolicy"] })
        let member = try #require(scene.members["edge"])
        #expect(member.requests { $0.isWrite && $0.concerns(.configMaps) }.isEmpty)
    }

    @Test func clustersWithoutRoomAreRejectedWithTheNumbersUntilThereIsRoom() throws {
        let scene = PlacementScene("edge")
        var large = Scene.web(replicas: 3)
        let container: JSONValue = ["name": "web", "image": "web", "resources": ["requests": ["cpu": "4"]]]
        large.set([container], at: ["spec", "template", "spec", "containers"])
        scene.put([large])
        scene.start()
        #expect(try scene.wait { try scene.condition(ConditionType.scheduled) == "False InsufficientCapacity" })
        let rejection = try #require(try scene.placement()?.status?.rejected?.first)
        #expect(rejection.reason == "InsufficientCapacity" && rejection.message?.contains("cpu 12 of 8 free") == true)
        #expect(try scene.wait { try scene.recoveries().map(\.spec.error.type) == ["PlacementCapacity"] })
        scene.members["edge"]?.edit(.nodes, ObjectKey(namespace: nil, name: "n")) { node in
            node.set("16", at: ["status", "allocatable", "cpu"])
        }
        #expect(try scene.wait { try scene.copies() == ["edge Synced"] })
    }

    @Test func aNamespaceThatIsAllowedNoMoreKeepsItsLastCopyUntouchedAndUnrepaired() throws {
        let scene = PlacementScene("edge")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready"] })
        scene.hub.edit(.namespaces, ObjectKey(namespace: nil, name: "team")) {
            $0.set([:], at: ["metadata", "labels"])
        }
        #expect(try scene.wait { try scene.placement()?.status?.decisions?.first?.isLeaving == true })
        let member = try #require(scene.members["edge"])
        let key = ObjectKey(namespace: "team", name: "settings")
        member.edit(.configMaps, key) { $0.set("changed", at: ["data", "a"]) }
        scene.world.run(for: .seconds(60))
        #expect(member.object(.configMaps, key)?["data", "a"] == "changed")
    }

    @Test func deletionRemovesEverythingAndADeadMemberHoldsItUpForALimitedTime() throws {
        let scene = PlacementScene("edge", "north")
        scene.put([Scene.settings], ["clusterCount": 2])
        scene.start()
        #expect(try scene.wait { try scene.placement()?.status?.readyClusters == 2 })
        scene.members["north"]?.stop()
        scene.world.start { [scene] in try await scene.harness.client.delete(Placement.resource, PlacementScene.key) }
        #expect(scene.wait { scene.members["edge"]?.objects(.configMaps).isEmpty == true })
        #expect(try scene.wait { try scene.condition(ConditionType.ready) == "False Removing" })
        #expect(try scene.wait(.seconds(600)) { try scene.placement() == nil })
        scene.world.run(for: .seconds(10))
        #expect(scene.events().contains("PlacementLeftBehind"))
        #expect(scene.members["north"]?.objects(.configMaps).count == 1)
        scene.members["north"]?.start()
        #expect(scene.wait { scene.members["north"]?.objects(.configMaps).isEmpty == true })
    }

    @Test func aMemberClusterThatIsGoneDoesNotHoldUpADeletion() throws {
        let scene = PlacementScene("edge")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready"] })
        scene.hub.remove(MemberCluster.resource, ObjectKey(namespace: nil, name: "edge"))
        scene.world.run(for: .seconds(1))
        scene.world.start { [scene] in try await scene.harness.client.delete(Placement.resource, PlacementScene.key) }
        #expect(try scene.wait(.seconds(5)) { try scene.placement() == nil })
    }

    @Test func aDeadMemberBlocksNobodyAndIsServedWhenItAnswersAgain() throws {
        let scene = PlacementScene("edge", "north")
        scene.put([Scene.settings], ["clusterCount": 2])
        scene.members["north"]?.inject(.refuse, times: 10_000) { $0.concerns(.configMaps) }
        scene.start()
        #expect(try scene.wait(.seconds(20)) { try scene.copies().contains("edge Synced ready") })
        #expect(try scene.condition(ConditionType.synced).hasPrefix("False"))
        scene.members["north"]?.clearFaults()
        #expect(try scene.wait(.seconds(90)) { try scene.placement()?.status?.readyClusters == 2 })
    }

    @Test func aMemberThatRefusesTheWholeIsAskedLessAndLessOftenWhateverItSays() throws {
        let scene = PlacementScene("edge")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready"] })
        let member = try #require(scene.members["edge"])
        member.before { request in
            guard request.verb == .list, request.concerns(.configMaps) else { return nil }
            return .failure(503, "ServiceUnavailable", "answer \(request.number)")
        }
        let before = member.requests { $0.verb == .list && $0.concerns(.configMaps) }.count
        scene.world.start { [scene] in try await scene.harness.client.delete(Placement.resource, PlacementScene.key) }
        scene.world.run(for: .seconds(60))
        let count = member.requests { $0.verb == .list && $0.concerns(.configMaps) }.count - before
        #expect((2...25).contains(count), "\(count)")
        #expect(try scene.condition(ConditionType.ready) == "False Removing")
    }

    @Test func oneMemberThatRefusesToBeSearchedHoldsADeletionUpForALimitedTime() throws {
        for isStranger in [true, false] {
            let scene = PlacementScene("edge", "north")
            let claim: JSONValue = ["apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": "data"]]
            scene.put([claim])
            scene.start()
            #expect(try scene.wait { try scene.copies().count == 1 })
            let first = try #require(try scene.placement()?.status?.decisions?.first?.cluster)
            #expect(scene.wait { scene.members[first]?.objects(Scene.claims).count == 1 })
            scene.world.run(for: .seconds(5))
            let refusing = isStranger ? (first == "edge" ? "north" : "edge") : first
            scene.members[refusing]?.inject(.status(403, "Forbidden"), times: 10_000) { request in
                request.verb == .list && request.concerns(Scene.claims)
            }
            scene.world.start { [scene] in
                try await scene.harness.client.delete(Placement.resource, PlacementScene.key)
            }
            if isStranger {
                #expect(try scene.wait(.seconds(30)) { try scene.placement() == nil })
                #expect(scene.members[first]?.objects(Scene.claims).isEmpty == true)
            } else {
                scene.world.run(for: .seconds(200))
                #expect(try scene.placement() != nil)
                #expect(try scene.wait(.seconds(120)) { try scene.placement() == nil })
                scene.world.run(for: .seconds(10))
                #expect(scene.events().contains("PlacementLeftBehind"))
            }
        }
    }

    @Test func aCopyIsLeftOnlyForOthersThatAreWellByALookAtThemNow() throws {
        let scene = PlacementScene("edge", "north")
        scene.put([Scene.web()], ["clusterCount": 2])
        scene.start()
        for name in ["edge", "north"] {
            #expect(scene.wait { scene.members[name]?.objects(.deployments).count == 1 })
            scene.roll(name)
        }
        #expect(try scene.wait { try scene.placement()?.status?.readyClusters == 2 })
        // Nobody tells that the copy on north fails.
        scene.members["north"]?.freezeWatches()
        scene.roll("north", isReady: false)
        scene.world.run(for: .seconds(1))
        scene.hub.edit(Placement.resource, PlacementScene.key) { object in
            object.set(1, at: ["spec", "clusterCount"])
            object.set([["cluster": "north"], ["cluster": "edge", "leaving": true]], at: ["status", "decisions"])
        }
        scene.world.run(for: .seconds(60))
        #expect(scene.members["edge"]?.objects(.deployments).count == 1)
        #expect(try scene.placement()?.status?.readyClusters == 0, "it has been looked at")
        scene.roll("north")
        #expect(scene.wait { scene.members["edge"]?.objects(.deployments).isEmpty == true })
    }

    @Test func whatIsTheCopyOnAnotherClusterStaysWhenAClusterOfTheSameServerIsLeft() throws {
        let scene = PlacementScene("edge")
        scene.put([Scene.web(), Scene.settings])
        scene.start()
        let edge = try #require(scene.members["edge"])
        #expect(scene.wait { edge.objects(.deployments).count == 1 })
        scene.roll("edge")
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready"] })
        scene.put(cluster: "alias", labels: ["use": "yes"], server: "edge")
        scene.edit("clusterSelector", ["matchLabels": ["use": "yes"]])
        #expect(try scene.wait { try scene.copies() == ["alias Synced ready"] })
        scene.world.run(for: .seconds(60))
        #expect(edge.requests { $0.verb == .delete }.isEmpty)
        #expect(edge.objects(.deployments).count == 1 && edge.objects(.configMaps).count == 1)
        #expect(try scene.condition(ConditionType.ready) == "True Ready")
        let event = scene.hub.objects(.events).first { $0["reason"] == "MemberClusterRegisteredTwice" }
        let words = event?["message"]?.stringValue ?? ""
        #expect(words.hasPrefix("MemberClusters edge and alias lead to one API server: 2 objects stay"), "\(words)")
        // With the placement they go.
        scene.world.start { [scene] in try await scene.harness.client.delete(Placement.resource, PlacementScene.key) }
        #expect(try scene.wait { try scene.placement() == nil })
        #expect(edge.objects(.deployments).isEmpty && edge.objects(.configMaps).isEmpty)
    }

    @Test func aPlacementThatWantsTwoClustersGetsNoneTwiceUnderTwoNames() throws {
        let scene = PlacementScene("edge", "north")
        scene.identify()
        scene.put(cluster: "alias", server: "north")
        scene.put([Scene.settings], ["clusterCount": 3])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["alias Synced ready", "edge Synced ready"] })
        let rejected = try #require(try scene.placement()?.status?.rejected?.first)
        #expect(rejected.cluster == "north" && rejected.reason == "SameCluster")
        #expect(rejected.message == "it leads to the same cluster as alias")
        #expect(try scene.condition(ConditionType.scheduled) == "False ConstraintsUnsatisfied")
        // The name that has the copy goes: the other one takes its place, on the same objects.
        scene.hub.remove(MemberCluster.resource, ObjectKey(name: "alias"))
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready", "north Synced ready"] })
        #expect(scene.members["north"]?.requests { $0.verb == .delete }.isEmpty == true)
    }

    @Test func aMemberClusterThatLeadsToAnotherClusterGetsTheCopyAnewWhichIsNoDrift() throws {
        let scene = PlacementScene("edge", "north")
        scene.identify()
        scene.put(cluster: "edge", labels: ["use": "yes"])
        scene.put([Scene.settings], ["clusterSelector": ["matchLabels": ["use": "yes"]]])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready"] })
        let first = try scene.placement()?.syncStatus("edge")?.clusterUID
        #expect(first != nil)
        scene.put(cluster: "edge", labels: ["use": "yes"], server: "north")
        let (edge, north) = (try #require(scene.members["edge"]), try #require(scene.members["north"]))
        #expect(scene.wait { north.objects(.configMaps).count == 1 })
        scene.world.run(for: .seconds(30))
        let second = try scene.placement()?.syncStatus("edge")
        #expect(second?.isReady == true && second?.clusterUID != nil && second?.clusterUID != first)
        #expect(scene.events().contains("ClusterReplaced") && !scene.events().contains("PlacementDriftRepaired"))
        #expect(edge.objects(.configMaps).count == 1 && edge.requests { $0.verb == .delete }.isEmpty)
        // What is missing there from now on is drift.
        north.remove(.configMaps, ObjectKey(namespace: "team", name: "settings"))
        #expect(scene.wait { scene.events().contains("PlacementDriftRepaired") })
    }

    @Test func aClusterThatIsGoneAndRegisteredUnderTwoNamesKeepsTheOneCopy() throws {
        let scene = PlacementScene("edge")
        scene.put([Scene.settings])
        scene.start()
        let edge = try #require(scene.members["edge"])
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready"] })
        scene.hub.remove(MemberCluster.resource, ObjectKey(name: "edge"))
        scene.put(cluster: "alias", server: "edge")
        #expect(try scene.wait { try scene.copies() == ["alias Synced ready"] })
        scene.put(cluster: "edge")
        #expect(try scene.wait { try scene.placement()?.status?.evacuated?.isEmpty != false })
        scene.world.run(for: .seconds(60))
        #expect(edge.objects(.configMaps).count == 1 && edge.requests { $0.verb == .delete }.isEmpty)
    }

    @Test func aMemberClusterThatIsRegisteredAgainIsCleanedOfWhatRunsThere() throws {
        let scene = PlacementScene("edge", "north")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.placement()?.status?.readyClusters == 1 })
        let first = try #require(try scene.placement()?.status?.decisions?.first?.cluster)
        scene.hub.remove(MemberCluster.resource, ObjectKey(name: first))
        let isElsewhere = {
            try scene.placement()?.status?.decisions?.map(\.cluster) == [first == "edge" ? "north" : "edge"]
        }
        #expect(try scene.wait { try isElsewhere() && scene.placement()?.status?.readyClusters == 1 })
        let left = try #require(try scene.placement()?.status?.evacuated?.first)
        #expect(left.cluster == first && left.reason == "ClusterGone" && left.hasLeftovers)
        #expect(scene.members[first]?.objects(.configMaps).count == 1)
        scene.put(cluster: first)
        #expect(scene.wait { scene.members[first]?.objects(.configMaps).isEmpty == true })
        #expect(try scene.wait { try scene.placement()?.status?.evacuated?.isEmpty != false })
        #expect(try isElsewhere())
    }

    @Test func theOnlyMemberClusterThatIsRegisteredAgainKeepsItsCopy() throws {
        let scene = PlacementScene("edge")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready"] })
        scene.hub.remove(MemberCluster.resource, ObjectKey(name: "edge"))
        #expect(try scene.wait { try scene.placement()?.status?.decisions?.isEmpty != false })
        scene.put(cluster: "edge")
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready"] })
        #expect(try scene.placement()?.status?.evacuated?.isEmpty != false)
        #expect(scene.members["edge"]?.requests { $0.verb == .delete }.isEmpty == true)
    }

    @Test func aMemberClusterThatNobodyCanReadIsNotGone() throws {
        let scene = PlacementScene("edge", "north")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.placement()?.status?.readyClusters == 1 })
        let first = try #require(try scene.placement()?.status?.decisions?.first?.cluster)
        let key = ObjectKey(name: first)
        scene.hub.edit(MemberCluster.resource, key) { $0.set("often", at: ["spec", "probe", "intervalSeconds"]) }
        scene.world.run(for: .seconds(60))
        #expect(try scene.placement()?.status?.decisions?.map(\.cluster) == [first])
        #expect(try scene.placement()?.status?.readyClusters == 0)
        scene.hub.edit(MemberCluster.resource, key) { $0.set(10, at: ["spec", "probe", "intervalSeconds"]) }
        #expect(try scene.wait { try scene.placement()?.status?.readyClusters == 1 })
    }

    @Test func aMemberClusterThatNobodyCanReadIsCleanedOfADeletedPlacementOnceSomebodyCan() throws {
        let scene = PlacementScene("edge")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.copies() == ["edge Synced ready"] })
        let (edge, key) = (try #require(scene.members["edge"]), ObjectKey(name: "edge"))
        scene.hub.edit(MemberCluster.resource, key) { $0.set("often", at: ["spec", "probe", "intervalSeconds"]) }
        scene.world.run(for: .seconds(5))
        scene.world.start { [scene] in try await scene.harness.client.delete(Placement.resource, PlacementScene.key) }
        scene.world.run(for: .seconds(240))
        let words = try scene.placement()?.status?.conditions?[type: ConditionType.ready]?.message
        #expect(words == "edge: its MemberCluster cannot be read")
        #expect(try scene.wait(.seconds(120)) { try scene.placement() == nil })
        #expect(edge.objects(.configMaps).count == 1)
        scene.hub.edit(MemberCluster.resource, key) { $0.set(10, at: ["spec", "probe", "intervalSeconds"]) }
        #expect(scene.wait { edge.objects(.configMaps).isEmpty })
    }

    @Test func aMemberThatIsSilentGetsNoNewCopyAndHoldsNobodyUp() throws {
        let scene = PlacementScene("edge", "north")
        let edge = try #require(scene.members["edge"])
        edge.inject(.hang, times: 1_000) { $0.target == nil && $0.path.hasPrefix("/api") }
        scene.put([Scene.settings, Scene.web()])
        scene.start()
        #expect(try scene.wait(.seconds(60)) { try scene.placement()?.status?.decisions?.count == 1 })
        #expect(try scene.placement()?.status?.decisions?.first?.cluster == "north")
        #expect(edge.objects(.configMaps).isEmpty)
    }

    @Test func leftoversOfAClusterThatWasLeftAreRemovedAndItsEntryStays() throws {
        let scene = PlacementScene("edge", "north")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.placement()?.status?.readyClusters == 1 })
        let first = try #require(try scene.placement()?.status?.decisions?.first?.cluster)
        // As a failover writes it.
        scene.hub.edit(Placement.resource, PlacementScene.key) { object in
            object.set([], at: ["status", "decisions"])
            object.set(
                [
                    [
                        "cluster": .string(first), "reason": "FailedOver", "time": "2026-01-01T00:00:00Z",
                        "leftovers": true,
                    ]
                ],
                at: ["status", "evacuated"]
            )
        }
        #expect(scene.wait { scene.members[first]?.objects(.configMaps).isEmpty == true })
        #expect(try scene.wait { try scene.placement()?.status?.evacuated?.first?.leftovers == false })
        scene.world.run(for: .seconds(30))
        let decisions = try #require(try scene.placement()?.status?.decisions)
        #expect(decisions.count == 1 && decisions.first?.cluster != first)
        #expect(try scene.placement()?.status?.rejected?.map(\.reason) == ["Evacuated"])
    }

    @Test func whatWasLeftBehindStaysWhileItIsTheOnlyCopyThatIsWell() throws {
        let scene = PlacementScene("edge", "north")
        scene.put([Scene.web()])
        scene.start()
        #expect(try scene.wait { try scene.placement()?.status?.decisions?.count == 1 })
        let first = try #require(try scene.placement()?.status?.decisions?.first?.cluster)
        let other = first == "edge" ? "north" : "edge"
        #expect(scene.wait { scene.members[first]?.objects(.deployments).count == 1 })
        scene.roll(first)
        #expect(try scene.wait { try scene.placement()?.status?.readyClusters == 1 })
        // A failover whose target has failed meanwhile, when the source answers again.
        scene.hub.edit(Placement.resource, PlacementScene.key) { object in
            object.set([["cluster": .string(other), "placedBy": "Migration/m"]], at: ["status", "decisions"])
            object.set(
                [
                    [
                        "cluster": .string(first), "reason": "FailedOver", "time": "2026-01-01T00:00:00Z",
                        "migration": "m", "leftovers": true,
                    ]
                ],
                at: ["status", "evacuated"]
            )
        }
        scene.world.run(for: .seconds(60))
        #expect(scene.members[first]?.objects(.deployments).count == 1)
        #expect(try scene.placement()?.status?.evacuated?.first?.leftovers == true)
        // After an edit it is not in sync any more, and still the only one that is well.
        scene.edit("manifests", [Scene.web(image: "web:2")])
        scene.world.run(for: .seconds(60))
        #expect(scene.members[first]?.objects(.deployments).count == 1)
        #expect(scene.members[first]?.requests { $0.verb == .delete }.isEmpty == true)
        scene.roll(other)
        #expect(scene.wait { scene.members[first]?.objects(.deployments).isEmpty == true })
        #expect(try scene.wait { try scene.placement()?.status?.evacuated?.first?.leftovers == false })
    }

    @Test func whileAMigrationHasAskedForACopyNobodyElseMovesOne() throws {
        let scene = PlacementScene("edge", "north")
        scene.put([Scene.settings])
        scene.start()
        #expect(try scene.wait { try scene.placement()?.status?.readyClusters == 1 })
        let first = try #require(try scene.placement()?.status?.decisions?.first?.cluster)
        let other = first == "edge" ? "north" : "edge"
        scene.hub.edit(Placement.resource, PlacementScene.key) { object in
            object.set(
                [
                    ["cluster": .string(first)],
                    ["cluster": .string(other), "reason": "Migrating", "placedBy": "Migration/m"],
                ],
                at: ["status", "decisions"]
            )
        }
        #expect(try scene.wait { try scene.placement()?.status?.readyClusters == 2 })
        scene.world.run(for: .seconds(60))
        #expect(try scene.placement()?.status?.decisions?.map(\.isLeaving) == [false, false])
    }
}
