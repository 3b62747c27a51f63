import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

/// A member cluster in memory, and a placement that goes there.
struct PlacedScene {
    static let deployment = ObjectKey(namespace: "team", name: "web")
    static let autoscalers = APIResource(
        group: "autoscaling",
        version: "v1",
        plural: "horizontalpodautoscalers",
        kind: "HorizontalPodAutoscaler"
    )
    static let widgets = APIResource(group: "example.com", version: "v1", plural: "widgets", kind: "Widget")
    static let claims = APIResource(
        group: "",
        version: "v1",
        plural: "persistentvolumeclaims",
        kind: "PersistentVolumeClaim"
    )

    static let quotas = APIResource(group: "", version: "v1", plural: "resourcequotas", kind: "ResourceQuota")

    let world = VirtualWorld()
    let member: FakeAPIServer
    let memory = PlacedMemory()

    init(_ resources: [APIResource] = [autoscalers, claims]) {
        member = FakeAPIServer(timeSource: world.time, resources: resources)
    }

    static func web(replicas: Int64 = 2, image: String = "web:1") -> JSONValue {
        [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"],
            "spec": [
                "replicas": .number(replicas),
                "template": ["spec": ["containers": [["name": "web", "image": .string(image)]]]],
            ],
        ]
    }

    static let settings: JSONValue = [
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "settings"], "data": ["a": "1"],
    ]

    static func placement(
        _ manifests: [JSONValue],
        namespace: String = "team",
        _ change: (inout Placement) -> Void = { _ in }
    ) -> Placement {
        var placement = Placement(
            metadata: ObjectMeta(name: "web", namespace: namespace),
            spec: PlacementSpec(manifests: manifests)
        )
        placement.metadata.uid = "uid-1"
        change(&placement)
        return placement
    }

    /// The placement after these manifests were applied.
    static func applied(_ manifests: [JSONValue], kinds: [String]? = nil) -> Placement {
        placement(manifests) { placement in
            var cluster = ClusterSyncStatus(cluster: "edge", state: .synced)
            cluster.hash = placement.manifestsHash
            placement.status = PlacementStatus()
            placement.status?.clusters = [cluster]
            placement.status?.placedKinds = kinds
        }
    }

    func objects(_ placement: Placement) -> PlacedObjects {
        PlacedObjects(
            placement,
            on: "edge",
            client: member.client(identity: "controller"),
            fence: PlacementFence(controllerNamespace: "tmc-recovery-system"),
            memory: memory
        )
    }

    func run<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) throws -> T {
        let run = world.start(body)
        _ = world.run(until: { run.isFinished })
        return try #require(run.result, "it hangs").get()
    }

    func inspect(_ placement: Placement) throws -> PlacedState {
        let objects = objects(placement)
        return try run { try await objects.inspect() }
    }

    @discardableResult
    func sync(_ placement: Placement) throws -> PlacedState {
        let objects = objects(placement)
        return try run { try await objects.sync().state }
    }

    func remove(_ placement: Placement, keepingData: Bool) throws -> PlacedRemoval {
        let objects = objects(placement)
        return try run { try await objects.remove(keepingData: keepingData) }
    }

    var writes: [FakeRequest] { member.requests { $0.isWrite && $0.query["dryRun"] == nil } }
}

struct PlacedObjectsTests {
    private let scene = PlacedScene()
    private typealias Scene = PlacedScene

    @Test func whatIsMissingIsMadeWithTheLabelInThePlacementsNamespace() throws {
        let placement = Scene.placement([Scene.web(), Scene.settings])
        #expect(try scene.inspect(placement).objects.map(\.verdict) == [.missing, .missing])
        #expect(scene.writes.isEmpty, "a look changes nothing")
        let state = try scene.sync(placement)
        #expect(state.isInSync && !state.isReady && state.message.contains("Deployment team/web has not been seen"))
        let made = try #require(scene.member.object(.deployments, Scene.deployment))
        #expect(made.labels == [MetadataName.placementUID: "uid-1"])
        #expect(made["spec", "replicas"] == 2)
        #expect(scene.writes.allSatisfy { $0.query["force"] != "true" }, "nothing is taken from whoever came between")
        let count = scene.writes.count
        #expect(try scene.sync(Scene.applied([Scene.web(), Scene.settings])).isInSync)
        #expect(scene.writes.count == count, "what is in sync costs no write")
    }

    @Test(arguments: [
        ("Role", "rbac.authorization.k8s.io/v1", "team", "hands out rights or secrets"),
        ("Secret", "v1", "team", "hands out rights or secrets"),
        ("ResourceQuota", "v1", "team", "is not for tenants to write"),
        ("RecoveryApproval", "recovery.tmc.io/v1alpha1", "team", "is not for tenants to write"),
        ("ConfigMap", "v1", "kube-system", "reaches namespace kube-system"),
        ("Node", "v1", "team", "is cluster-scoped there"),
    ])
    func whatATenantMayNotHaveIsNeverReadOrWritten(kind: String, version: String, space: String, why: String) throws {
        let roles = APIResource(group: "rbac.authorization.k8s.io", version: "v1", plural: "roles", kind: "Role")
        let scene = PlacedScene([roles, PlacedScene.quotas, RecoveryApproval.resource])
        let placement = Scene.placement([
            [
                "apiVersion": .string(version), "kind": .string(kind),
                "metadata": ["name": "x", "namespace": .string(space)],
            ]
        ])
        let state = try scene.sync(placement)
        #expect(state.refusals.count == 1 && state.message.contains(why), "\(state.message)")
        _ = try scene.remove(placement, keepingData: false)
        let isAbout = { (request: FakeRequest) in request.path.contains("/x") || request.isWrite }
        #expect(scene.member.requests(where: isAbout).isEmpty)
    }

    @Test func declaredFieldsThatChangeAreDriftAndRepairedAndOthersAreNot() throws {
        try scene.sync(Scene.placement([Scene.web(), Scene.settings]))
        let placement = Scene.applied([Scene.web(), Scene.settings])
        scene.member.edit(.deployments, Scene.deployment) { object in
            object.set("true", at: ["metadata", "annotations", "mine"])
            object.set(5, at: ["spec", "progressDeadlineSeconds"])
        }
        #expect(try scene.inspect(placement).isInSync, "defaults and the fields of others do not count")
        scene.member.edit(.configMaps, ObjectKey(namespace: "team", name: "settings")) {
            $0.set("2", at: ["data", "a"])
        }
        let state = try scene.inspect(placement)
        #expect(state.objects.map(\.verdict) == [.inSync, .drifted(["data.a"])])
        #expect(state.drift == ["ConfigMap team/settings: data.a"])
        #expect(try scene.sync(placement).isInSync)
        let repair = try #require(scene.writes.last)
        #expect(repair.query["force"] == "true" && repair.json.value(at: ["metadata", "uid"]) != nil)
        #expect(scene.member.objects(.configMaps).first?["data", "a"] == "1")
        scene.member.remove(.deployments, Scene.deployment)
        #expect(try scene.inspect(placement).objects.first?.verdict == .missing)
    }

    @Test func aForeignObjectIsAConflictAndIsLeftUntouchedWhileOthersAreApplied() throws {
        for labels: JSONValue in [[:], [MetadataName.placementUID: "uid-2"], ["app.kubernetes.io/managed-by": "Helm"]] {
            let scene = PlacedScene()
            var foreign = Scene.web(image: "theirs")
            foreign.set(["name": "web", "namespace": "team", "labels": labels], at: ["metadata"])
            scene.member.put(foreign, .deployments)
            let state = try scene.sync(Scene.placement([Scene.web(), Scene.settings]))
            #expect(state.conflicts.map(\.object) == ["Deployment team/web"])
            #expect(!state.isInSync && state.isOutdated)
            #expect(scene.writes.allSatisfy { $0.concerns(.configMaps) } && scene.writes.count == 1)
            #expect(try scene.remove(Scene.placement([Scene.web()]), keepingData: false).removed.isEmpty)
            #expect(scene.member.object(.deployments, Scene.deployment) != nil)
        }
    }

    @Test func whatSomebodyElseMakesWhileOthersAreAppliedIsNotTaken() throws {
        var theirs = Scene.settings
        theirs.set("team", at: ["metadata", "namespace"])
        scene.member.before { [member = scene.member, theirs] request in
            if request.isWrite, request.concerns(.deployments) { member.put(theirs, .configMaps) }
            return nil
        }
        let state = try scene.sync(Scene.placement([Scene.web(), Scene.settings]))
        #expect(state.conflicts.map(\.object) == ["ConfigMap team/settings"])
        #expect(scene.member.objects(.configMaps).first?.labels.isEmpty == true)
    }

    @Test func whatTheMemberRefusesIsNamedAndTheOthersAreApplied() throws {
        // As Kubernetes 1.20 does with a manifest that server-side apply cannot read.
        scene.member.inject(.status(500, "InternalError"), times: 9) { $0.verb == .patch && $0.concerns(.deployments) }
        let unknown: JSONValue = ["apiVersion": "example.com/v1", "kind": "Widget", "metadata": ["name": "w"]]
        let state = try scene.sync(Scene.placement([Scene.web(), unknown, Scene.settings]))
        #expect(state.refusals.count == 2 && !state.isInSync)
        #expect(state.refusals.last?.contains("no kind Widget in example.com") == true)
        #expect(scene.member.objects(.configMaps).count == 1)
    }

    @Test func portsOfServicesHaveAProtocolAsApplyWantsIt() throws {
        let service: JSONValue = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web"],
            "spec": ["ports": [["port": 80], ["port": 53, "protocol": "UDP"], "nonsense"]],
        ]
        try scene.sync(Scene.placement([service]))
        let ports = scene.member.objects(.services).first?["spec", "ports"]
        #expect(ports == [["port": 80, "protocol": "TCP"], ["port": 53, "protocol": "UDP"], "nonsense"])
    }

    @Test func aServerThatIsAwaySaysNothingAboutObjects() throws {
        scene.member.inject(.status(503, "ServiceUnavailable"), times: 99) { $0.concerns(.deployments) }
        #expect(throws: ClientError.self) { try scene.inspect(Scene.placement([Scene.web()])) }
    }

    @Test func namespacesAndDefinitionsComeFirstAndGoLast() throws {
        let definition: JSONValue = [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": ["name": "widgets.example.com"],
            "spec": ["group": "example.com", "names": ["kind": "Widget"]],
        ]
        let space: JSONValue = ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "shop"]]
        let widget: JSONValue = ["apiVersion": "example.com/v1", "kind": "Widget", "metadata": ["name": "w"]]
        let placement = Scene.placement([widget, Scene.settings, definition, space], namespace: "tmc-recovery-system")
        let state = try scene.sync(placement)
        #expect(
            state.objects.map(\.manifest.kind.kind) == ["Namespace", "CustomResourceDefinition", "Widget", "ConfigMap"]
        )
        #expect(state.objects[2].verdict == .awaited("waits until the cluster serves the kind"))
        #expect(state.refusals.isEmpty)
        let kept = try scene.remove(placement, keepingData: true)
        #expect(kept.removed == ["ConfigMap tmc-recovery-system/settings"])
        #expect(kept.kept == ["CustomResourceDefinition widgets.example.com", "Namespace shop"])
        let all = try scene.remove(placement, keepingData: false)
        #expect(all.removed == ["CustomResourceDefinition widgets.example.com", "Namespace shop"])
    }

    @Test func aTenantPlacesNothingThatTheMemberHasOutsideNamespaces() throws {
        var widgets = PlacedScene.widgets
        widgets.isNamespaced = false
        let scene = PlacedScene([widgets])
        let widget: JSONValue = ["apiVersion": "example.com/v1", "kind": "Widget", "metadata": ["name": "w"]]
        let state = try scene.sync(Scene.placement([widget]))
        #expect(state.refusals.first?.contains("only the controller's namespace may place that") == true)
        #expect(scene.writes.isEmpty)
        #expect(try scene.sync(Scene.placement([widget], namespace: "tmc-recovery-system")).isInSync)
    }

    @Test func replicasAreLeftToAnAutoscalerAmongTheManifestsOrOnTheMember() throws {
        let autoscaler: JSONValue = [
            "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": ["name": "web"],
            "spec": ["scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web"]],
        ]
        try scene.sync(Scene.placement([Scene.web(), autoscaler]))
        #expect(scene.member.object(.deployments, Scene.deployment)?["spec", "replicas"] == nil)

        let other = PlacedScene()
        try other.sync(Scene.placement([Scene.web()]))
        var live = autoscaler
        live.set("team", at: ["metadata", "namespace"])
        other.member.put(live, PlacedScene.autoscalers)
        other.member.edit(.deployments, Scene.deployment) { $0.set(7, at: ["spec", "replicas"]) }
        #expect(try other.inspect(Scene.applied([Scene.web()])).isInSync)
        #expect(try other.sync(Scene.placement([Scene.web(image: "web:2")])).isInSync)
        #expect(other.member.object(.deployments, Scene.deployment)?["spec", "replicas"] == 7)
    }

    @Test func whatTheServerWritesInAnotherWayIsAskedForOnce() throws {
        var odd = Scene.settings
        odd.set("1000m", at: ["data", "a"])
        try scene.sync(Scene.placement([odd]))
        // The real server answers a dry run with its own way of writing.
        let key = ObjectKey(namespace: "team", name: "settings")
        scene.member.edit(.configMaps, key) { $0.set("1", at: ["data", "a"]) }
        let answer = try #require(scene.member.object(.configMaps, key)).content
        scene.member.before { request in
            request.verb == .patch && request.query["dryRun"] != nil ? FakeReply(answer) : nil
        }
        let placement = Scene.applied([odd])
        #expect(try scene.inspect(placement).isInSync)
        #expect(try scene.inspect(placement).isInSync)
        #expect(scene.member.requests { $0.query["dryRun"] != nil }.count == 1)
        scene.member.edit(.configMaps, key) { $0.set("2", at: ["data", "a"]) }
        #expect(try scene.inspect(placement).objects.first?.verdict == .drifted(["data.a"]))
    }

    @Test func whatIsNoLongerAmongTheManifestsIsRemovedButData() throws {
        let claim: JSONValue = ["apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": "data"]]
        try scene.sync(Scene.placement([Scene.web(), Scene.settings, claim]))
        var edited = Scene.applied(
            [Scene.web(), Scene.settings, claim],
            kinds: ["ConfigMap", "PersistentVolumeClaim"]
        )
        edited.spec.manifests = [Scene.web()]
        let state = try scene.sync(edited)
        #expect(state.isInSync)
        #expect(scene.member.objects(.configMaps).isEmpty)
        #expect(scene.member.objects(PlacedScene.claims).count == 1)
        let deletion = try #require(scene.writes.last { $0.verb == .delete })
        #expect(deletion.json.value(at: ["preconditions", "uid"]) != nil)
        #expect(deletion.json.value(at: ["preconditions", "resourceVersion"]) != nil)
        #expect(try scene.remove(edited, keepingData: false).removed.count == 2)
        #expect(scene.member.objects(PlacedScene.claims).isEmpty)
    }

    @Test func whatAControllerHasMadeAndCopiedTheLabelToIsItsOwn() throws {
        try scene.sync(Scene.placement([Scene.web(), Scene.settings]))
        var child = Scene.settings
        child["metadata"] = [
            "name": "child", "namespace": "team", "labels": [MetadataName.placementUID: "uid-1"],
            "ownerReferences": [
                ["apiVersion": "v1", "kind": "Widget", "name": "w", "uid": "w-1", "controller": true]
            ],
        ]
        scene.member.put(child, .configMaps)
        var edited = Scene.applied([Scene.web(), Scene.settings], kinds: ["ConfigMap"])
        edited.spec.manifests = [Scene.web()]
        #expect(try scene.sync(edited).isInSync)
        #expect(scene.member.objects(.configMaps).map(\.name) == ["child"], "an edit removes what was placed")
        #expect(try scene.remove(edited, keepingData: false).removed == ["Deployment team/web"])
        #expect(scene.member.objects(.configMaps).map(\.name) == ["child"])
    }

    @Test func whatIsExcludedIsNeitherChangedNorRemoved() throws {
        try scene.sync(Scene.placement([Scene.web(), Scene.settings]))
        let key = ObjectKey(namespace: "team", name: "settings")
        scene.member.edit(.configMaps, key) { object in
            object.set("true", at: ["metadata", "labels", MetadataName.exclude])
            object.set("changed", at: ["data", "a"])
        }
        let writes = scene.writes.count
        let placement = Scene.applied([Scene.web(), Scene.settings], kinds: ["ConfigMap"])
        #expect(try scene.sync(placement).objects.map(\.verdict) == [.inSync, .excluded])
        #expect(scene.writes.count == writes)
        // Neither by an edit of its manifest, nor when the manifest is gone, nor with the copy or the placement.
        var other = Scene.settings
        other.set("2", at: ["data", "a"])
        let outdated = try scene.sync(Scene.placement([Scene.web(), other]))
        #expect(outdated.isInSync && !outdated.isOutdated)
        var edited = placement
        edited.spec.manifests = [Scene.web()]
        #expect(try scene.sync(edited).isInSync)
        for keepingData in [true, false] {
            #expect(try scene.remove(placement, keepingData: keepingData).excluded == ["ConfigMap team/settings"])
        }
        #expect(scene.member.object(.configMaps, key)?["data", "a"] == "changed")
        #expect(scene.member.objects(.deployments).isEmpty)
    }

    @Test func anObjectWithAFinalizerIsOnItsWayAndAwaited() throws {
        var held = Scene.settings
        held.set(["example.com/hold"], at: ["metadata", "finalizers"])
        let placement = Scene.placement([held])
        try scene.sync(placement)
        let removal = try scene.remove(placement, keepingData: false)
        #expect(removal.leaving == ["ConfigMap team/settings"] && !removal.isComplete)
        #expect(try scene.remove(placement, keepingData: false).leaving == removal.leaving)
        #expect(try scene.inspect(placement).waits.count == 1)
    }
}

struct WorkloadReadinessTests {
    private func object(_ apiVersion: String, _ kind: String, _ spec: JSONValue, _ status: JSONValue) -> Unstructured {
        Unstructured([
            "apiVersion": .string(apiVersion), "kind": .string(kind), "metadata": ["name": "a", "generation": 2],
            "spec": spec, "status": status,
        ])
    }

    private static let established: JSONValue = ["conditions": [["type": "Established", "status": "True"]]]
    private static let failed: JSONValue = ["conditions": [["type": "Failed", "status": "True"]]]
    private static let complete: JSONValue = ["conditions": [["type": "Complete", "status": "True"]]]

    @Test(
        "an object is ready by the rules of its kind",
        arguments: [
            (
                "apps/v1", "Deployment", [:], ["observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": 1],
                false
            ),
            (
                "apps/v1", "Deployment", [:], ["observedGeneration": 2, "updatedReplicas": 1, "availableReplicas": 1],
                true
            ),
            ("apps/v1", "Deployment", ["replicas": 0], ["observedGeneration": 2], true),
            (
                "apps/v1", "Deployment", ["replicas": 2],
                ["observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 3], false
            ),
            ("apps/v1", "StatefulSet", ["replicas": 1], ["observedGeneration": 2, "readyReplicas": 1], true),
            (
                "apps/v1", "StatefulSet", ["replicas": 1],
                ["observedGeneration": 2, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "b"], false
            ),
            (
                "apps/v1", "DaemonSet", [:],
                ["observedGeneration": 2, "desiredNumberScheduled": 2, "numberAvailable": 2], false
            ),
            (
                "apps/v1", "DaemonSet", [:],
                [
                    "observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2,
                    "numberAvailable": 2,
                ], true
            ),
            ("batch/v1", "Job", [:], [:], false), ("batch/v1", "Job", [:], ["startTime": "2026-01-01T00:00:00Z"], true),
            ("batch/v1", "Job", [:], failed, false), ("batch/v1", "Job", [:], complete, true),
            ("v1", "Pod", [:], ["phase": "Running"], false), ("v1", "Pod", [:], ["phase": "Succeeded"], true),
            ("v1", "PersistentVolumeClaim", [:], ["phase": "Pending"], false),
            ("v1", "PersistentVolumeClaim", [:], ["phase": "Bound"], true),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition", [:], [:], false),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition", [:], established, true),
            ("v1", "ConfigMap", [:], [:], true),
            ("example.com/v1", "Widget", [:], ["conditions": [["type": "Ready", "status": "False"]]], false),
        ] as [(String, String, JSONValue, JSONValue, Bool)]
    )
    func rules(_ apiVersion: String, _ kind: String, _ spec: JSONValue, _ status: JSONValue, _ isReady: Bool) {
        let problem = WorkloadReadiness.problem(of: object(apiVersion, kind, spec, status))
        #expect((problem == nil) == isReady, "\(problem ?? "ready")")
    }

    @Test func whatIsBeingDeletedIsNotReady() {
        var leaving = object("v1", "ConfigMap", [:], [:])
        leaving.content.set("2026-01-01T00:00:00Z", at: ["metadata", "deletionTimestamp"])
        #expect(WorkloadReadiness.problem(of: leaving) == "is being deleted")
    }
}
