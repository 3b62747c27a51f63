import ControllerRuntime
import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// A hub with the Placement `web` on `edge-1`, the target `edge-2` in memory, and a scripted placement controller.
final class MigrationControllerScene: Sendable {
    static let space = StrategyHarness.namespace
    static let placementKey = ObjectKey(namespace: space, name: "web")

    let world = VirtualWorld()
    let hub: FakeAPIServer
    let member: FakeAPIServer
    let client: KubernetesClient
    let members: MemberClients
    /// The cores of the only node of every member; nil while nobody has counted.
    private let cores: String?

    init(
        space: String = MigrationControllerScene.space,
        manifests: [JSONValue] = [PlacedScene.settings],
        cores: String? = nil
    ) {
        self.cores = cores
        hub = FakeAPIServer(
            timeSource: world.time,
            resources: [Recovery.resource, MemberCluster.resource, Placement.resource, Migration.resource]
        )
        member = FakeAPIServer(timeSource: world.time, resources: [PlacedScene.quotas])
        client = hub.client(identity: "controller")
        members = MemberClients(
            hub: client,
            namespace: Self.space,
            transport: member.transport(),
            timeSource: world.time,
            logger: .disabled
        )
        hub.put(MemberScene.secret(), .secrets)
        for name in ["edge-1", "edge-2"] {
            hub.put(
                [
                    "apiVersion": .string(MemberCluster.resource.apiVersion), "kind": "MemberCluster",
                    "metadata": ["name": .string(name)],
                    "spec": ["kubeconfigSecretRef": ["name": .string(MemberScene.secretKey.name)]],
                ],
                MemberCluster.resource
            )
            setReady(name, true)
        }
        hub.put(
            [
                "apiVersion": .string(Placement.resource.apiVersion), "kind": "Placement",
                "metadata": ["name": "web", "namespace": .string(space)],
                "spec": ["manifests": .array(manifests)],
                "status": [
                    "decisions": [
                        ["cluster": "edge-1", "reason": "room", "score": 9, "placedBy": "Scheduler"]
                    ],
                    "clusters": [["cluster": "edge-1", "state": "Synced", "ready": true]],
                ],
            ],
            Placement.resource
        )
    }

    /// What is counted of every member.
    var capacity: ClusterCapacity? {
        cores.map { ClusterCapacity(nodes: [NodeRoom(ClusterCapacityTests.node("n", cpu: $0))], pods: []) }
    }

    /// Starts a controller with caches of its own; cancelling it is a crash.
    @discardableResult
    func start(
        _ reservations: CapacityReservations = CapacityReservations(),
        onFreedRoom: @escaping @Sendable () -> Void = {}
    ) -> VirtualRun<Void> {
        let context = RuntimeContext(timeSource: world.time, logger: .disabled)
        let migrations = Informer<Migration>(
            client: client,
            scope: WatchScope(),
            indexes: MigrationController.indexes,
            context: context
        )
        let placements = Informer<Placement>(client: client, scope: WatchScope(), context: context)
        placements.addHandler { event in
            guard case .updated(_, let placement) = event else { return }
            _ = reservations.observe(placement)
        }
        let clusters = Informer<MemberCluster>(client: client, scope: WatchScope(), context: context)
        let recoveries = Informer<Recovery>(
            client: client,
            scope: WatchScope(),
            indexes: RecoveryReconciler.recoveryIndexes,
            context: context
        )
        let namespaces = Informer<NamespaceLabels>(
            client: client,
            source: InformerSource(resource: .namespaces, decoder: NamespaceLabels.decoder),
            context: context
        )
        let recorder = EventRecorder(client: client, component: "test", instance: "me", context: context)
        let controller = MigrationController(
            MigrationController.Environment(
                hub: client,
                members: members,
                migrations: migrations,
                placements: placements,
                clusters: clusters,
                namespaces: namespaces,
                capacity: { [capacity] _ in capacity },
                reservations: reservations,
                onFreedRoom: onFreedRoom,
                fence: PlacementFence(controllerNamespace: Self.space),
                incidents: IncidentReporter(
                    client: client,
                    recoveries: recoveries.store,
                    watchedNamespace: nil,
                    recorder: recorder,
                    logger: .disabled
                ),
                recorder: recorder,
                context: context
            )
        )
        return world.start {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await migrations.run() }
                group.addTask { try await placements.run() }
                group.addTask { try await clusters.run() }
                group.addTask { try await namespaces.run() }
                group.addTask { try await recoveries.run() }
                group.addTask { try await recorder.run() }
                group.addTask { try await controller.run() }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    // MARK: The world

    func setReady(_ cluster: String, _ isReady: Bool) {
        let time = RFC3339.string(from: world.time.wallTime()) ?? ""
        hub.edit(MemberCluster.resource, ObjectKey(name: cluster)) { object in
            object.set(
                [
                    [
                        "type": "Ready", "status": isReady ? "True" : "False", "reason": isReady ? "Ready" : "Refused",
                        "message": "", "lastTransitionTime": .string(time),
                    ]
                ],
                at: ["status", "conditions"]
            )
        }
    }

    func create(
        _ name: String = "move",
        _ action: MigrationAction = .relocate,
        space: String = MigrationControllerScene.space,
        from: String = "edge-1",
        to: String = "edge-2",
        spec: JSONValue = [:]
    ) {
        var all: JSONValue = [
            "placementRef": ["name": "web"], "action": .string(action.rawValue), "from": .string(from),
            "to": .string(to),
        ]
        for (key, value) in spec.objectValue ?? [:] { all[key] = value }
        hub.put(
            [
                "apiVersion": .string(Migration.resource.apiVersion), "kind": "Migration",
                "metadata": ["name": .string(name), "namespace": .string(space)], "spec": all,
            ],
            Migration.resource
        )
    }

    func migration(_ name: String = "move", space: String = MigrationControllerScene.space) throws -> Migration {
        let key = ObjectKey(namespace: space, name: name)
        return try Migration(json: #require(hub.object(Migration.resource, key)).content)
    }

    func placement() throws -> Placement {
        try Placement(json: #require(hub.object(Placement.resource, Self.placementKey)).content)
    }

    func recoveries() throws -> [Recovery] {
        try hub.objects(Recovery.resource).map { try Recovery(json: $0.content) }
    }

    /// What the placement controller would do now: copies that stay become ready, then those that leave go.
    func follow(ready: Bool = true) throws {
        let placement = try placement()
        var status = try #require(placement.status)
        let before = status
        status.observedGeneration = placement.metadata.generation
        if ready, placement.wantedClusters.contains("edge-2") { place(placement) }
        for decision in status.decisions ?? [] where !decision.isLeaving {
            status.clusters?.removeAll { $0.cluster == decision.cluster }
            var sync = ClusterSyncStatus(cluster: decision.cluster, state: .synced)
            sync.hash = placement.manifestsHash
            sync.ready = ready || decision.cluster == "edge-1"
            status.clusters = (status.clusters ?? []) + [sync]
        }
        if ready {
            let leaving = (status.decisions ?? []).filter(\.isLeaving).map(\.cluster)
            status.decisions?.removeAll { leaving.contains($0.cluster) }
            status.clusters?.removeAll { leaving.contains($0.cluster) }
        }
        for index in (status.evacuated ?? []).indices where status.evacuated?[index].cluster == "edge-2" {
            status.evacuated?[index].leftovers = false
        }
        guard status != before else { return }
        let json = try JSONValue(encoding: status)
        hub.edit(Placement.resource, Self.placementKey) { $0["status"] = json }
    }

    /// Puts the copy onto the member, as well as it can be.
    private func place(_ placement: Placement) {
        for manifest in PlacedManifest.all(of: placement) {
            let resource: APIResource = manifest.kind.kind == "Deployment" ? .deployments : .configMaps
            guard member.object(resource, ObjectKey(namespace: manifest.namespace, name: manifest.name)) == nil else {
                continue
            }
            var content = manifest.located(resource).content
            if resource == .deployments { content["status"] = WorkloadScene.ready(generation: 1, replicas: 2) }
            member.put(content, resource)
        }
    }

    /// Lets the controllers take turns for a while.
    func play(for seconds: Int, ready: Bool = true) throws {
        for _ in 0..<seconds {
            world.run(for: .seconds(1))
            try follow(ready: ready)
        }
        world.settle()
    }

    /// The phases that were written, in order.
    func phases(_ name: String = "move") throws -> [MigrationPhase] {
        var phases: [MigrationPhase] = []
        for (key, object) in hub.history(Migration.resource) where key.name == name {
            guard let object, let phase = try Migration(json: object.content).status?.phase else { continue }
            if phases.last != phase { phases.append(phase) }
        }
        return phases
    }
}
