package import ControllerRuntime
internal import FoundationEssentials
internal import JSON
package import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
internal import Synchronization
internal import Telemetry
internal import Timekeeping

/// Keeps the objects of every Placement on the clusters that its decisions name, and nowhere else.
///
/// Two queues: one of placements, which decides and writes status, and one of a placement on a member, which looks,
/// applies and removes. A member that does not answer holds up its own entries of the second queue and nothing else.
/// Both are level-triggered: whatever happens, they look at what is there. Runs on the leader only.
///
/// ```
/// Placement, MemberCluster, Namespace -> placements -> status.decisions -> syncs -> member
///                                            ^-------- outcome --------------'
/// ```
package final class PlacementController: Sendable {
    /// What the controller works with.
    package struct Environment: Sendable {
        /// The hub, behind the leader's guard.
        package var hub: KubernetesClient
        package var fleet: MemberFleet
        package var placements: Informer<Placement>
        package var clusters: Informer<MemberCluster>
        package var incidents: IncidentReporter
        package var reservations: CapacityReservations
        package var turns: CopyTurns
        package var fence: PlacementFence
        package var thresholds = PlacementThresholds()
        /// Whether this process may write as the leader: members are written to as well.
        package var mayLead: @Sendable () -> Bool
        package var recorder: EventRecorder
        package var informers: InformerConfiguration
        package var context: RuntimeContext
    }

    /// Placements by uid, for `Environment.placements`.
    package static let indexes: [String: Store<Placement>.IndexFunction] = [
        uidIndex: { [$0.metadata.uid ?? ""] },
        unscheduledIndex: { ($0.status?.conditions ?? []).isTrue(ConditionType.scheduled) ? [] : [unscheduledIndex] },
    ]
    private static let uidIndex = "uid"
    /// Those that wait for a cluster.
    private static let unscheduledIndex = "unscheduled"
    /// How many placements are decided about, and how many members are worked on, at one time.
    private static let maxConcurrent = (placements: 4, syncs: 32)
    /// How long a member is left alone when a copy there is not as it should be after a look: longer and longer.
    private static let pauses = (first: Duration.seconds(1), last: Duration.seconds(300))
    /// How long changes on members are collected before somebody looks.
    static let settling = Duration.milliseconds(250)

    let environment: Environment
    let namespaces: Informer<NamespaceLabels>
    let queue: WorkQueue<ObjectKey>
    let syncs: WorkQueue<SyncKey>
    let outcomes = SyncOutcomes()
    let gate = MemberGate()
    let memory = PlacedMemory()
    let members: MembersByName
    let metrics: PlacementMetrics?
    var timeSource: any TimeSource { environment.context.timeSource }

    /// Makes a controller; nothing runs yet.
    package init(_ environment: Environment) {
        self.environment = environment
        let context = environment.context
        members = MembersByName(environment.clusters.store)
        queue = WorkQueue(name: "placement", timeSource: context.timeSource, metrics: context.metrics)
        syncs = WorkQueue(
            name: "placementsync",
            rateLimiter: ExponentialLimiter(base: Self.pauses.first, maximum: Self.pauses.last),
            timeSource: context.timeSource,
            metrics: context.metrics
        )
        metrics = context.metrics.map { PlacementMetrics(registry: $0) }
        namespaces = Informer(
            client: environment.hub,
            source: InformerSource(resource: .namespaces, decoder: NamespaceLabels.decoder),
            configuration: environment.informers,
            context: context
        )
        watch()
    }

    /// Works until cancelled.
    ///
    /// - Throws: `CancellationError`; `ControllerError`.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.namespaces.run() }
            group.addTask {
                // Patient: a hub without the CRD, or rights that come later, must not end the whole controller.
                try await self.environment.placements.hasSynced.wait()
                try await self.environment.clusters.hasSynced.wait()
                try await self.namespaces.hasSynced.wait()
                try await self.work()
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func work() async throws {
        var configuration = ControllerConfiguration.patient
        configuration.maxConcurrent = Self.maxConcurrent.placements
        let placements = Controller(
            name: "placement",
            queue: queue,
            configuration: configuration,
            context: environment.context
        ) { [self] key in try await reconcile(key) }
        configuration.maxConcurrent = Self.maxConcurrent.syncs
        let members = Controller(
            name: "placementsync",
            queue: syncs,
            configuration: configuration,
            context: environment.context
        ) { [self] key in try await sync(key) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await placements.run() }
            group.addTask { try await members.run() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Everything that is known about a placement now.
    func facts(_ placement: Placement) -> PlacementFacts {
        PlacementFacts(
            placement,
            outcomes: outcomes.of(placement.metadata.key, uid: placement.metadata.uid ?? ""),
            members: members.all,
            unreadable: members.unreadable,
            fence: environment.fence,
            namespaceLabels: labels(ofNamespace: placement.metadata.namespace),
            now: timeSource.wallTime()
        )
    }

    private func labels(ofNamespace name: String?) -> [String: String]? {
        name.flatMap { namespaces.store.get(ObjectKey(namespace: nil, name: $0))?.labels }
    }

    // MARK: Changes

    private func watch() {
        environment.placements.addHandler { [weak self, queue, reservations = environment.reservations] event in
            let (key, hasFreed) =
                switch event {
                case .added(let placement, _), .updated(_, let placement):
                    (placement.metadata.key, reservations.observe(placement))
                case .deleted(let placement):
                    (placement.metadata.key, reservations.forget(placement.metadata.key))
                case .deletedFinalStateUnknown(let key, _): (key, reservations.forget(key))
                case .undecodable(let failure, _): (failure.key, false)
                }
            queue.add(key)
            if hasFreed { self?.addUnscheduled() }
        }
        environment.clusters.addHandler { [weak self] event in
            switch event {
            case .updated(let old, let new): self?.clusterChanged(old, new)
            case .added(let cluster, _), .deleted(let cluster): self?.clusterChanged(nil, cluster)
            case .deletedFinalStateUnknown, .undecodable: self?.addAll()
            }
        }
        namespaces.addHandler { [queue, placements = environment.placements.store] event in
            guard let name = event.name else { return }
            for placement in placements.list() where placement.metadata.namespace == name {
                queue.add(placement.metadata.key)
            }
        }
        environment.fleet.onPlacedChange { [weak self] cluster, uid in self?.placedChanged(cluster, uid) }
    }

    private func clusterChanged(_ old: MemberCluster?, _ new: MemberCluster) {
        let isReady = { (cluster: MemberCluster?) in
            (cluster?.status?.conditions ?? []).isTrue(ConditionType.ready)
        }
        let isOther =
            old == nil || old?.metadata.labels != new.metadata.labels || old?.spec != new.spec
            || isReady(old) != isReady(new) || old?.metadata.isBeingDeleted != new.metadata.isBeingDeleted
            || old?.status?.clusterUID != new.status?.clusterUID
        let name = new.metadata.name ?? ""
        if isReady(new), isOther || old?.status?.leftovers != new.status?.leftovers {
            for leftover in new.status?.leftovers ?? [] {
                syncs.add(SyncKey(placement: leftover.placement, cluster: name))
            }
        }
        if isOther {
            if isReady(new) { gate.reset(name) }
            // A fleet that starts is many changes in a row, which one look at each placement takes together.
            return addAll(after: Self.settling)
        }
        // What has become free concerns only those that wait for room.
        guard old?.status?.allocatable != new.status?.allocatable || old?.status?.requested != new.status?.requested
        else { return }
        addUnscheduled()
    }

    /// Room has become free.
    func addUnscheduled() {
        let waiting = environment.placements.store.keys(byIndex: Self.unscheduledIndex, Self.unscheduledIndex)
        for key in waiting.sorted() { queue.add(key, after: Self.settling) }
    }

    private func addAll(after delay: Duration = .zero) {
        for key in environment.placements.store.keys.sorted() { queue.add(key, after: delay) }
    }

    /// Objects on a member have changed: of one placement, or perhaps of any.
    private func placedChanged(_ cluster: String, _ uid: String?) {
        let store = environment.placements.store
        for placement in uid.map({ store.byIndex(Self.uidIndex, $0) }) ?? store.list() {
            let key = SyncKey(placement: placement.metadata.key, cluster: cluster)
            let outcome = outcomes[key]
            guard outcome != nil || placement.status?.decisions?.contains(where: { $0.cluster == cluster }) == true
            else { continue }
            syncs.add(key, after: max(Self.settling, outcome?.repairs.pause(now: timeSource.now()) ?? .zero))
        }
    }
}

/// Every MemberCluster by name, made anew only when one has changed: each look at a placement on a member needs it.
final class MembersByName: Sendable {
    private typealias Known = (version: String, members: [String: MemberCluster], unreadable: Set<String>)

    private let store: Store<MemberCluster>
    private let known = Mutex<Known?>(nil)

    init(_ store: Store<MemberCluster>) {
        self.store = store
    }

    var all: [String: MemberCluster] { present.members }
    /// Those that are there and that nobody can read.
    var unreadable: Set<String> { present.unreadable }

    private var present: Known {
        let version = store.resourceVersion
        if let known = known.withLock({ $0 }), known.version == version, !version.isEmpty { return known }
        // What changes meanwhile has a newer version and is seen by the next call.
        let members = Dictionary(
            store.list().map { ($0.metadata.name ?? "", $0) },
            uniquingKeysWith: { first, _ in first }
        )
        let present = (version, members, Set(store.undecodable.map(\.key.name)))
        known.withLock { $0 = present }
        return present
    }
}

/// The labels of a namespace of the hub; nothing else is kept of it.
struct NamespaceLabels: Sendable, Hashable {
    var name: String
    var labels: [String: String]

    static let decoder = ObjectDecoder<NamespaceLabels>(
        projection: .all.keeping(
            ["metadata", "name"],
            ["metadata", "uid"],
            ["metadata", "resourceVersion"],
            ["metadata", "labels"]
        )
    ) { NamespaceLabels(name: Unstructured($0).name, labels: Unstructured($0).labels) }
}

extension InformerEvent where Object == NamespaceLabels {
    /// The namespace that changed.
    fileprivate var name: String? {
        switch self {
        case .added(let namespace, _), .deleted(let namespace): namespace.name
        case .updated(let old, let new): old == new ? nil : new.name
        case .deletedFinalStateUnknown(let key, _): key.name
        case .undecodable(let failure, _): failure.key.name
        }
    }
}
