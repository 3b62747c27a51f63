internal import ControllerRuntime
internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Timekeeping

/// Moves Placements from one member to another as Migrations ask, one move of a Placement at a time.
///
/// It decides (`MigrationDecision`), writes the Migration's status, then the Placement's decisions, and waits: what is on
/// the members is the placement controller's. Members are only asked, before anything is written. The queue's keys are
/// Placements, so that no two Migrations of one are ever looked at together. Nothing is kept in memory between two looks.
final class MigrationController: Sendable {
    /// What the controller works with.
    struct Environment: Sendable {
        /// The hub, behind the leader's guard.
        var hub: KubernetesClient
        var members: MemberClients
        var migrations: Informer<Migration>
        var placements: Informer<Placement>
        var clusters: Informer<MemberCluster>
        /// Filled by the placement controller.
        var namespaces: Informer<NamespaceLabels>
        /// What the nodes of a member have left; nil while nobody has counted.
        var capacity: @Sendable (_ cluster: String) -> ClusterCapacity?
        /// What copies that are on their way there will take of it.
        var reservations: CapacityReservations
        /// Called when room that was reserved is not taken after all.
        var onFreedRoom: @Sendable () -> Void
        var fence: PlacementFence
        var incidents: IncidentReporter
        var recorder: EventRecorder
        var context: RuntimeContext
    }

    /// Name of the index over Migrations by the Placement that moves.
    static let placementIndex = "placement"
    /// The index over Migrations that the controller needs.
    static let indexes: [String: Store<Migration>.IndexFunction] = [
        placementIndex: { [$0.placementKey.description] }
    ]

    private static let maxConcurrent = 8
    /// More writes than any move needs at one look.
    private static let maxWrites = 32
    /// How long the end of a Migration is reported: longer than the hub can be busy, shorter than Recoveries are kept.
    private static let secondsOfReports = 3_600.0

    let environment: Environment
    let queue: WorkQueue<ObjectKey>
    var hub: KubernetesClient { environment.hub }

    /// Makes a controller; nothing runs yet.
    init(_ environment: Environment) {
        self.environment = environment
        queue = WorkQueue(
            name: "migration",
            timeSource: environment.context.timeSource,
            metrics: environment.context.metrics
        )
        watch()
    }

    /// Moves until cancelled.
    ///
    /// - Throws: `CancellationError`; `ControllerError`.
    func run() async throws {
        // Patient: a hub without the CRD, or rights that come later, must not end the whole controller.
        try await environment.migrations.hasSynced.wait()
        try await environment.placements.hasSynced.wait()
        try await environment.clusters.hasSynced.wait()
        try await environment.namespaces.hasSynced.wait()
        var configuration = ControllerConfiguration.patient
        configuration.maxConcurrent = Self.maxConcurrent
        let controller = Controller(
            name: "migration",
            queue: queue,
            configuration: configuration,
            context: environment.context
        ) { [self] key in try await reconcile(key) }
        try await controller.run()
    }

    /// Looks at all Migrations of one Placement.
    func reconcile(_ placement: ObjectKey) async throws -> ReconcileResult {
        try await takeBackOrphans(of: placement)
        let known = environment.migrations.store.byIndex(Self.placementIndex, placement.description)
        let result = try await advance(known, of: placement)
        // What ended in this look was reported in it.
        try await reportEnds(of: known)
        return result
    }

    private func advance(_ known: [Migration], of placement: ObjectKey) async throws -> ReconcileResult {
        var migrations = known
        guard migrations.contains(where: { !$0.isFinal }) else {
            giveBackRoom(for: placement)
            return .done
        }
        if !migrations.contains(where: { $0.hasBegun && !$0.isFinal }) {
            // Who begins must not depend on a cache that lags behind.
            migrations = try await hub.list(Migration.self, namespace: placement.namespace).items.filter {
                $0.placementKey == placement
            }
        }
        let first = MigrationTurn.first(of: migrations)?.metadata.name
        var recheck: Date?
        for migration in migrations.filter({ !$0.isFinal }).sorted(by: { $0.metadata.key < $1.metadata.key }) {
            let isFirst = migration.metadata.name == first
            let time = try await advance(migration, behind: isFirst ? nil : first)
            recheck = [recheck, time].compactMap { $0 }.min()
        }
        guard let recheck else { return .done }
        return .requeue(after: .seconds(max(1, recheck.timeIntervalSince(now) + 1)))
    }

    var now: Date { environment.context.timeSource.wallTime() }

    /// Does all that can be done for one Migration now.
    ///
    /// - Parameters:
    ///   - migration: as the cache or a list has it; read again where it is this one's turn.
    ///   - first: the Migration whose turn it is, when it is another one.
    /// - Returns: when to look again at the latest.
    /// - Throws: `ClientError`; the next look goes on from what was written.
    private func advance(_ migration: Migration, behind first: String?) async throws -> Date? {
        guard var migration = first == nil ? try await live(migration.metadata.key) : migration else { return nil }
        var facts = try await facts(migration)
        facts.waitsFor = first
        for _ in 0..<Self.maxWrites {
            let decision = MigrationDecision.decide(migration, facts, now: now)
            if decision.status != migration.status {
                let before = migration
                migration = try await hub.patchStatus(of: migration, from: migration.status, to: decision.status)
                report(migration, before: before)
                try await reportIncident(migration)
                continue
            }
            switch decision.action {
            case .rest:
                // A copy that is asked for reserves its room by the Placement's status.
                if first == nil, !facts.isTargetDecided { giveBackRoom(for: migration.placementKey) }
                try await reportIncident(migration)
                return decision.recheckAt
            case .precheck: facts.prechecks = try await prechecks(migration, facts)
            case .verify: facts.verification = try await verification(migration, facts)
            case .change(let status):
                guard let placement = facts.placement else { return nil }
                facts.placement = try await hub.patchStatus(of: placement, from: placement.status, to: status)
            }
        }
        return now.addingTimeInterval(1)
    }

    /// Reports once more what has failed of late: whoever wrote that may have ended, or been refused, before its report.
    private func reportEnds(of migrations: [Migration]) async throws {
        let limit = now.addingTimeInterval(-Self.secondsOfReports)
        for migration in migrations where (migration.status?.completionTime ?? .distantPast) >= limit {
            try await reportIncident(migration)
        }
    }

    private func reportIncident(_ migration: Migration) async throws {
        guard let incident = MigrationIncident.of(migration) else { return }
        try await environment.incidents.report(incident.report(migration))
    }

    private func watch() {
        environment.migrations.addHandler { [queue] event in
            switch event {
            case .added(let migration, _), .deleted(let migration): queue.add(migration.placementKey)
            case .updated(let old, let new):
                // Own writes come back this way, too: what they lead to was decided when they were made.
                let isNews =
                    old.spec != new.spec || old.status?.phase != new.status?.phase
                    || old.status?.resumeTime != new.status?.resumeTime
                    || old.metadata.isBeingDeleted != new.metadata.isBeingDeleted
                if isNews { queue.add(new.placementKey) }
                // Servers without CEL let it go over to another Placement: what it did to the first one is undone.
                if old.placementKey != new.placementKey { queue.add(old.placementKey) }
            case .deletedFinalStateUnknown(_, let last): if let last { queue.add(last.placementKey) }
            case .undecodable: break
            }
        }
        environment.placements.addHandler { [queue, store = environment.migrations.store] event in
            guard let key = event.objectKey else { return }
            let isMoving = store.byIndex(Self.placementIndex, key.description).contains { !$0.isFinal }
            if isMoving || event.object?.status?.decisions?.contains(where: \.isProvisional) == true { queue.add(key) }
        }
        environment.namespaces.addHandler { [queue, store = environment.migrations.store] event in
            guard case .updated(let old, let new) = event, old != new else { return }
            for migration in store.list().sorted(by: { $0.metadata.key < $1.metadata.key }) where !migration.isFinal {
                if migration.metadata.namespace == new.name { queue.add(migration.placementKey) }
            }
        }
        environment.clusters.addHandler { [queue, store = environment.migrations.store] event in
            guard event.isNewsAboutReadiness, let name = event.objectKey?.name else { return }
            for migration in store.list().sorted(by: { $0.metadata.key < $1.metadata.key }) where !migration.isFinal {
                if migration.source == name || migration.destination == name { queue.add(migration.placementKey) }
            }
        }
    }
}

extension Migration {
    /// Namespace and name of the Placement that moves.
    var placementKey: ObjectKey { ObjectKey(namespace: metadata.namespace, name: spec.placementRef.name) }
}

extension InformerEvent where Object: KubernetesObject {
    /// The object as it is now; nil when it is gone or unreadable.
    fileprivate var object: Object? {
        switch self {
        case .added(let object, _), .updated(_, let object): object
        case .deleted, .deletedFinalStateUnknown, .undecodable: nil
        }
    }

    /// The object that changed.
    fileprivate var objectKey: ObjectKey? {
        switch self {
        case .added(let object, _), .updated(_, let object), .deleted(let object): object.metadata.key
        case .deletedFinalStateUnknown(let key, _): key
        case .undecodable(let failure, _): failure.key
        }
    }
}

extension InformerEvent where Object == MemberCluster {
    /// Whether a Migration may see the cluster in another way than before.
    fileprivate var isNewsAboutReadiness: Bool {
        guard case .updated(let old, let new) = self else { return true }
        return old.spec != new.spec || old.metadata.labels != new.metadata.labels
            || old.metadata.isBeingDeleted != new.metadata.isBeingDeleted
            || old.status?.conditions?[type: ConditionType.ready] != new.status?.conditions?[type: ConditionType.ready]
    }
}
