internal import ControllerRuntime
internal import KubernetesClient
internal import RecoveryAPI
internal import RecoveryDecision

/// The parts of an engine that look after member clusters, and what is placed there.
struct FleetParts {
    let memberFleet: MemberFleet
    /// What probes have seen of the clusters.
    let sights: ClusterSights?
    let clusters: MemberClusterController?
    let placing: PlacementController?
    let moving: MigrationController?

    init(_ base: EngineBase) {
        let dependencies = base.dependencies
        memberFleet = MemberFleet(configuration: dependencies.informers, context: base.context)
        guard let members = dependencies.fleet else {
            (sights, clusters, placing, moving) = (nil, nil, nil, nil)
            return
        }
        let sights = ClusterSights()
        self.sights = sights
        let (policies, namespace) = (base.caches.policies.store, dependencies.controllerNamespace)
        clusters = MemberClusterController(
            MemberClusterController.Environment(
                hub: base.client,
                members: members,
                clusters: base.caches.clusters,
                fleet: memberFleet,
                incidents: base.incidents,
                sights: sights,
                isDetected: { policies.list().governing($0, controllerNamespace: namespace) != nil },
                namespace: namespace,
                recorder: dependencies.recorder,
                informers: dependencies.informers,
                context: base.context
            )
        )
        let placing = PlacementController(
            PlacementController.Environment(
                hub: base.client,
                fleet: memberFleet,
                placements: base.caches.placements,
                clusters: base.caches.clusters,
                incidents: base.incidents,
                reservations: dependencies.reservations,
                turns: base.turns,
                fence: PlacementFence(controllerNamespace: namespace),
                mayLead: dependencies.mayLead,
                recorder: dependencies.recorder,
                informers: dependencies.informers,
                context: base.context
            )
        )
        self.placing = placing
        moving = MigrationController(
            MigrationController.Environment(
                hub: base.client,
                members: members,
                migrations: base.caches.migrations,
                placements: base.caches.placements,
                clusters: base.caches.clusters,
                namespaces: placing.namespaces,
                capacity: { [memberFleet] in memberFleet.capacity(of: $0) },
                reservations: dependencies.reservations,
                onFreedRoom: { [weak placing] in placing?.addUnscheduled() },
                fence: PlacementFence(controllerNamespace: namespace),
                incidents: base.incidents,
                recorder: dependencies.recorder,
                context: base.context
            )
        )
    }
}
