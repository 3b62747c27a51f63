import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

@Suite("ResourceConflict about placed objects")
struct PlacedConflictTests {
    private let scene = PlacementStrategyScene()
    private let strategy = ResourceConflictStrategy()
    private static let map = ObjectKey(namespace: "team", name: "settings")

    private var edge: FakeAPIServer {
        get throws { try #require(scene.members["edge-1"]) }
    }

    /// A ConfigMap of somebody else on the member, where the placement wants its own.
    private func occupy(labels: JSONValue = [:]) throws {
        var theirs = PlacementStrategyScene.settings
        theirs.set(["a": "theirs", "b": "2"], at: ["data"])
        theirs.set(labels, at: ["metadata", "labels"])
        try edge.put(theirs, .configMaps)
        try scene.put([PlacementStrategyScene.settings], on: ["edge-1"])
    }

    private func attempt(_ resolution: String?, actions: [ActionRecord] = []) throws -> Attempt {
        try scene.attempt(
            .syncConflict,
            on: "edge-1",
            parameters: resolution.map { ["resolution": .string($0)] } ?? [:],
            actions: actions
        )
    }

    private var writes: Int { get throws { try edge.requests { $0.isWrite }.count } }

    @Test(
        "nobody has decided: nothing is changed, and a person gets the choices",
        arguments: [nil, "Manual", "ThreeWayMerge"]
    )
    func undecided(_ resolution: String?) throws {
        try occupy()
        let failure = try scene.harness.failure(strategy, attempt(resolution))
        #expect(failure.kind == "permanent")
        #expect(failure.advice.contains("ConfigMap team/settings on edge-1"))
        #expect(failure.advice.contains("TakeOurs") && failure.advice.contains("TakeTheirs"))
        #expect(try writes == 0)
    }

    @Test("TakeOurs: the object is the placement's, with the manifest's fields; other fields stay")
    func takeOurs() throws {
        try occupy()
        let attempt = try attempt("TakeOurs")
        let result = try scene.harness.run(strategy, attempt)
        #expect(attempt.journalLines == ["ReadLatest Succeeded", "TakeOverObjects Succeeded"])
        #expect(result.metrics["resolution"] == "TakeOurs")
        let object = try #require(try edge.object(.configMaps, Self.map))
        let uid = try scene.placement.metadata.uid
        #expect(object.labels[MetadataName.placementUID] == uid)
        #expect(object["data"] == ["a": "1", "b": "2"])
    }

    @Test("TakeOurs gives a tenant no object that governs its namespace: the platform's quota stays as it is")
    func quota() throws {
        let scene = PlacementStrategyScene(["edge-1"], resources: [PlacedScene.quotas])
        let edge = try #require(scene.members["edge-1"])
        let ours: JSONValue = [
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": ["name": "team", "namespace": "team"],
            "spec": ["hard": ["pods": "1000"]],
        ]
        var theirs = ours
        theirs.set("10", at: ["spec", "hard", "pods"])
        edge.put(theirs, PlacedScene.quotas)
        try scene.put([ours], on: ["edge-1"])
        let attempt = try scene.attempt(.syncConflict, on: "edge-1", parameters: ["resolution": "TakeOurs"])
        let failure = try scene.harness.failure(strategy, attempt)
        #expect(failure.kind == "permanent" && failure.message.contains("ResourceQuota is not for tenants to write"))
        #expect(edge.requests { $0.isWrite }.isEmpty)
    }

    @Test("TakeOurs leaves the replicas to an autoscaler on the member")
    func autoscaled() throws {
        let scene = PlacementStrategyScene(["edge-1"], resources: [PlacedScene.autoscalers])
        let edge = try #require(scene.members["edge-1"])
        let web = PlacementStrategyScene.cpu
        var theirs = web
        theirs.set(7, at: ["spec", "replicas"])
        theirs.set("theirs", at: ["metadata", "labels", "app"])
        edge.put(theirs, .deployments)
        edge.put(
            [
                "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
                "metadata": ["name": "web", "namespace": "team"],
                "spec": ["scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web"]],
            ],
            PlacedScene.autoscalers
        )
        try scene.put([web], on: ["edge-1"])
        let attempt = try scene.attempt(.syncConflict, on: "edge-1", parameters: ["resolution": "TakeOurs"])
        _ = try scene.harness.run(strategy, attempt)
        let object = try #require(edge.object(.deployments, PlacementStrategyScene.key))
        #expect(object.labels[MetadataName.placementUID] == (try scene.placement.metadata.uid))
        #expect(object["spec", "replicas"] == 7)
    }

    @Test("TakeOurs writes only over the version that was looked at")
    func precondition() throws {
        try occupy()
        try edge.before { [edge = try edge] request in
            guard request.isWrite else { return nil }
            edge.edit(.configMaps, Self.map) { $0.set("faster", at: ["data", "c"]) }
            return nil
        }
        #expect(throws: (any Error).self) { try scene.harness.run(strategy, attempt("TakeOurs")) }
        #expect(try edge.object(.configMaps, Self.map)?.labels[MetadataName.placementUID] == nil)
    }

    @Test("an object of another placement, or one that is excluded, is never taken over")
    func neverTaken() throws {
        for labels in [["recovery.tmc.io/placement-uid": "other"], [MetadataName.exclude: "true"]] as [JSONValue] {
            let scene = PlacedConflictTests()
            try scene.occupy(labels: labels)
            let failure = try scene.scene.harness.failure(strategy, scene.attempt("TakeOurs"))
            #expect(failure.kind == "permanent" && failure.message.hasSuffix("nothing was taken over"))
            #expect(try scene.writes == 0)
        }
    }

    @Test("TakeTheirs leaves it to its owner and says what follows")
    func takeTheirs() throws {
        try occupy()
        let result = try scene.harness.run(strategy, attempt("TakeTheirs"))
        #expect(result.message.hasPrefix("left to their owners: ConfigMap team/settings exists on edge-1"))
        #expect(result.nextSteps.first?.contains("out of spec.manifests") == true)
        #expect(try writes == 0)
    }

    @Test("a conflict that is gone is no failure")
    func gone() throws {
        try scene.put([PlacementStrategyScene.settings], on: ["edge-1"])
        let result = try scene.harness.run(strategy, attempt(nil))
        #expect(result.message == "nobody else has an object of Placement team/web on edge-1")
    }

    @Test("interrupted behind the write: it is not written again")
    func resumes() throws {
        try occupy()
        let uid = try #require(scene.placement.metadata.uid)
        try edge.edit(.configMaps, Self.map) {
            $0.set(.string(uid), at: ["metadata", "labels", MetadataName.placementUID])
        }
        let started = ActionRecord(
            "TakeOverObjects",
            .started,
            message: nil,
            time: scene.harness.world.time.wallTime()
        )
        let attempt = try attempt("TakeOurs", actions: [started])
        _ = try scene.harness.run(strategy, attempt)
        #expect(attempt.recorded("TakeOverObjects")?.message == "found done after an interruption")
    }

    @Test("which member, and that a copy belongs there, has to be known")
    func unknown() throws {
        try scene.put([PlacementStrategyScene.settings], on: ["edge-2"])
        #expect(try scene.harness.failure(strategy, attempt(nil)).message.contains("no copy on edge-1"))
        let silent = try scene.attempt(.syncConflict)
        #expect(try scene.harness.failure(strategy, silent).message.contains("spec.error.context.cluster is missing"))
        #expect(try edge.requests().isEmpty)
    }
}
