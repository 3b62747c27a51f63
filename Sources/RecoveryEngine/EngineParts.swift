internal import ControllerRuntime
internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Telemetry
internal import Timekeeping

/// The parts of an engine while they are being put together.
struct EngineParts {
    let recoveries: Informer<Recovery>
    let policies: Informer<RecoveryPolicy>
    let clusters: Informer<MemberCluster>
    let placements: Informer<Placement>
    let migrations: Informer<Migration>
    let queue: WorkQueue<ObjectKey>
    let running = RunningAttempts()
    let statistics = RecoveryStatistics()
    let metrics: RecoveryMetrics
    let runner: AttemptRunner
    let reconciler: RecoveryReconciler
    let attempts: AsyncStream<AttemptRunner.Prepared>
    let incidents: IncidentReporter
    let memberFleet: MemberFleet
    let policyController: PolicyController
    let detection: DetectionController
    let approvalController: ApprovalController
    let fleet: MemberClusterController?
    let placing: PlacementController?
    let ledger: LedgerKeeper?
    let errors: ErrorCatalogueSource
    let notifier: Notifier?
    let moving: MigrationController?

    init(_ dependencies: RecoveryEngine.Dependencies) {
        let context = RuntimeContext(
            timeSource: dependencies.timeSource,
            logger: dependencies.logger,
            metrics: dependencies.metrics
        )
        let scope = WatchScope(namespace: dependencies.namespace)
        recoveries = Informer(
            client: dependencies.client,
            scope: scope,
            indexes: RecoveryReconciler.recoveryIndexes,
            configuration: dependencies.informers,
            context: context
        )
        policies = Informer(
            client: dependencies.client,
            scope: scope,
            indexes: RecoveryReconciler.policyIndexes,
            configuration: dependencies.informers,
            context: context
        )
        clusters = Informer(
            client: dependencies.client,
            scope: WatchScope(),
            configuration: dependencies.informers,
            context: context
        )
        placements = Informer(
            client: dependencies.client,
            scope: scope,
            indexes: PlacementController.indexes,
            configuration: dependencies.informers,
            context: context
        )
        migrations = Informer(
            client: dependencies.client,
            scope: scope,
            indexes: MigrationController.indexes,
            configuration: dependencies.informers,
            context: context
        )
        let queue = WorkQueue<ObjectKey>(
            name: "recovery",
            timeSource: dependencies.timeSource,
            metrics: dependencies.metrics
        )
        self.queue = queue
        metrics = RecoveryMetrics(registry: dependencies.metrics)
        StateGauges.register(
            in: dependencies.metrics,
            recoveries: recoveries.store,
            policies: policies.store,
            running: running,
            timeSource: dependencies.timeSource
        )
        let (stream, continuation) = AsyncStream.makeStream(of: AttemptRunner.Prepared.self)
        attempts = stream
        // Writes of the engine itself stop, like those of strategies, when leadership is no longer sure.
        let client = dependencies.client.guarded { [mayLead = dependencies.mayLead] _ in
            guard mayLead() else {
                throw AttemptFence.Refusal(
                    description: "this controller is no longer sure to be the leader",
                    isAboutLeadership: true
                )
            }
        }
        let notifier = dependencies.notices.map { [policies, recoveries] transport in
            Notifier(
                Notifier.Environment(
                    client: client,
                    policies: { policies.store.get($0) },
                    recoveries: {
                        try await policies.hasSynced.wait()
                        try await recoveries.hasSynced.wait()
                        return recoveries.store.list()
                    },
                    transport: transport,
                    addresses: dependencies.configuration.addresses,
                    controllerNamespace: dependencies.controllerNamespace,
                    timeSource: dependencies.timeSource,
                    logger: dependencies.logger,
                    metrics: dependencies.metrics
                )
            )
        }
        self.notifier = notifier
        let errors = ErrorCatalogueSource(
            client: client,
            namespace: dependencies.controllerNamespace,
            informers: dependencies.informers,
            context: context
        )
        self.errors = errors
        let report = RecoveryReporter(
            recorder: dependencies.recorder,
            metrics: metrics,
            statistics: statistics,
            logger: dependencies.logger,
            notifier: notifier
        )
        let writer = StatusWriter(client: client, timeSource: dependencies.timeSource)
        let incidents = IncidentReporter(
            client: client,
            recoveries: recoveries.store,
            watchedNamespace: dependencies.namespace,
            recorder: dependencies.recorder,
            logger: dependencies.logger
        )
        self.incidents = incidents
        let memberFleet = MemberFleet(configuration: dependencies.informers, context: context)
        self.memberFleet = memberFleet
        let sights = dependencies.fleet.map { _ in ClusterSights() }
        let controllerNamespace = dependencies.controllerNamespace
        fleet = dependencies.fleet.map { [clusters, policies] members in
            MemberClusterController(
                MemberClusterController.Environment(
                    hub: client,
                    members: members,
                    clusters: clusters,
                    fleet: memberFleet,
                    incidents: incidents,
                    sights: sights ?? ClusterSights(),
                    isDetected: { cluster in
                        policies.store.list().governing(cluster, controllerNamespace: controllerNamespace) != nil
                    },
                    namespace: dependencies.controllerNamespace,
                    recorder: dependencies.recorder,
                    informers: dependencies.informers,
                    context: context
                )
            )
        }
        let catalogue = dependencies.registry.catalogue(enabled: dependencies.configuration.enabledStrategies)
        let policyReport = PolicyReporter(
            recorder: dependencies.recorder,
            metrics: dependencies.metrics,
            logger: dependencies.logger
        )
        let findings = DetectionFindings()
        let books = PolicyBooks(
            client: client,
            policies: policies.store,
            recoveries: recoveries.store,
            findings: findings,
            timeSource: dependencies.timeSource,
            report: policyReport
        )
        let policyController = PolicyController(
            PolicyController.Environment(
                client: client,
                policies: policies,
                recoveries: recoveries,
                books: books,
                findings: findings,
                report: policyReport,
                accounts: ServiceAccountRule(
                    catalogue: catalogue,
                    isMandatory: dependencies.configuration.requiresServiceAccount,
                    controllerNamespace: dependencies.controllerNamespace
                ),
                context: context
            )
        )
        self.policyController = policyController
        let approvals = Informer<RecoveryApproval>(
            client: dependencies.client,
            scope: scope,
            indexes: [ApprovalController.recoveryIndex: { [$0.recoveryKey.description] }],
            configuration: dependencies.informers,
            context: context
        )
        approvalController = ApprovalController(
            ApprovalController.Environment(
                client: client,
                recoveries: recoveries,
                approvals: approvals,
                enqueue: { queue.add($0) },
                context: context
            )
        )
        placing = dependencies.fleet.map { [placements, clusters] _ in
            PlacementController(
                PlacementController.Environment(
                    hub: client,
                    fleet: memberFleet,
                    placements: placements,
                    clusters: clusters,
                    incidents: incidents,
                    reservations: dependencies.reservations,
                    fence: PlacementFence(controllerNamespace: dependencies.controllerNamespace),
                    mayLead: dependencies.mayLead,
                    recorder: dependencies.recorder,
                    informers: dependencies.informers,
                    context: context
                )
            )
        }
        ledger = catalogue[StrategyName.rollback].map { [policies] _ in
            LedgerKeeper(
                client: client,
                policies: policies,
                informers: dependencies.informers,
                report: policyReport,
                context: context
            )
        }
        moving = dependencies.fleet.flatMap { [migrations, placements, clusters, placing] members in
            guard let placing else { return nil }
            return MigrationController(
                MigrationController.Environment(
                    hub: client,
                    members: members,
                    migrations: migrations,
                    placements: placements,
                    clusters: clusters,
                    namespaces: placing.namespaces,
                    capacity: { memberFleet.capacity(of: $0) },
                    reservations: dependencies.reservations,
                    fence: PlacementFence(controllerNamespace: dependencies.controllerNamespace),
                    incidents: incidents,
                    recorder: dependencies.recorder,
                    context: context
                )
            )
        }
        detection = DetectionController(
            DetectionController.Environment(
                client: client,
                policies: policies,
                recoveries: recoveries,
                incidents: incidents,
                findings: findings,
                books: books,
                noteBase: { policyController.noteChange($0) },
                controllerNamespace: dependencies.controllerNamespace,
                clusters: clusters,
                sights: sights,
                outgoing: dependencies.outgoing,
                addresses: dependencies.configuration.addresses,
                alerts: dependencies.alertToken.map { token in
                    AlertReceiver(
                        AlertReceiver.Environment(
                            token: token,
                            mayLead: dependencies.mayLead,
                            timeSource: dependencies.timeSource,
                            logger: dependencies.logger
                        )
                    )
                },
                informers: dependencies.informers,
                context: context,
                enqueue: { queue.add($0) }
            )
        )
        let lock = TargetLock(
            client: client,
            namespace: dependencies.controllerNamespace,
            timeSource: dependencies.timeSource,
            isRunningHere: { [running] in running.isTaken($0) }
        )
        runner = AttemptRunner(
            AttemptRunner.Environment(
                client: client,
                members: dependencies.members,
                writer: writer,
                lock: lock,
                timeSource: dependencies.timeSource,
                logger: dependencies.logger,
                mayLead: dependencies.mayLead,
                retryBackoff: dependencies.configuration.backoff,
                controllerNamespace: dependencies.controllerNamespace,
                report: report,
                incidents: incidents,
                isSeenFailing: { [policies] recovery in
                    let namespace = recovery.metadata.namespace ?? ""
                    let near = policies.store.byIndex(RecoveryReconciler.namespaceIndex, namespace)
                    return findings.isSeenFailing(recovery, policies: near)
                }
            )
        )
        reconciler = RecoveryReconciler(
            RecoveryReconciler.Environment(
                client: client,
                recoveries: recoveries.store,
                policies: policies.store,
                clusters: clusters.store,
                targets: HubTargets(placements: placements.store, migrations: migrations.store),
                approvals: approvals.store,
                registry: dependencies.registry,
                catalogue: catalogue,
                configuration: dependencies.configuration,
                controllerNamespace: dependencies.controllerNamespace,
                identity: dependencies.identity,
                timeSource: dependencies.timeSource,
                writer: writer,
                lock: lock,
                slots: SlotTable(
                    limit: dependencies.configuration.maxConcurrentRecoveries,
                    home: dependencies.controllerNamespace,
                    timeSource: dependencies.timeSource
                ),
                running: running,
                runner: runner,
                report: report,
                errors: { errors.current },
                books: books,
                note: { policyController.note($0, $1) },
                findings: findings,
                start: { continuation.yield($0) },
                enqueue: { queue.add($0) }
            )
        )
    }
}

extension EngineParts {
    /// What looks after the health of the engine that these parts make.
    func healthMonitor(_ dependencies: RecoveryEngine.Dependencies) -> HealthMonitor {
        let (statistics, running, timeSource) = (statistics, running, dependencies.timeSource)
        let (recoveries, policies, clusters) = (recoveries, policies, clusters)
        let limit = dependencies.configuration.maxConcurrentRecoveries
        return HealthMonitor(
            client: dependencies.client,
            interval: dependencies.configuration.healthCheckInterval,
            timeSource: timeSource,
            logger: dependencies.logger,
            metrics: dependencies.metrics
        ) {
            let now = timeSource.now()
            let counts = statistics.current
            var facts = ComponentHealth.Facts()
            facts.caches = [recoveries.health(at: now), policies.health(at: now), clusters.health(at: now)]
            facts.active = running.count
            facts.limit = limit
            facts.successful = counts.successful
            facts.failed = counts.failed
            return facts
        }
    }
}

extension Informer {
    /// How well it knows the API server.
    fileprivate func health(at now: MonotonicInstant) -> ComponentHealth.Cache {
        ComponentHealth.Cache(
            kind: resource.kind,
            hasSynced: hasSynced.isOpen,
            silence: disconnectedSince.map { $0.duration(to: now) } ?? .zero
        )
    }
}

extension RecoveryReconciler {
    /// The indexes that the decisions need; see `unfinishedIndex` and `pendingIndex`.
    static let recoveryIndexes: [String: Store<Recovery>.IndexFunction] = [
        unfinishedIndex: { $0.hasRunningAttempt ? ["true"] : [] },
        IncidentReporter.fingerprintIndex: { recovery in
            recovery.metadata.labels?[MetadataName.fingerprint].map { [$0] } ?? []
        },
        clusterIndex: { recovery in
            recovery.isFinal ? [] : recovery.status?.target?.cluster.map { [$0] } ?? []
        },
        PolicyController.policyIndex: { recovery in
            recovery.isFinal ? [] : recovery.status?.effective?.policy?.uid.map { [$0] } ?? []
        },
        targetIndex: { recovery in recovery.isFinal ? [] : recovery.hubTarget.map { [$0.indexKey] } ?? [] },
        pendingIndex: { recovery in
            recovery.state == .pending ? [recovery.metadata.namespace ?? ""] : []
        },
    ]

    /// Policies by namespace.
    static let policyIndexes: [String: Store<RecoveryPolicy>.IndexFunction] = [
        namespaceIndex: { [$0.metadata.namespace ?? ""] }
    ]
}
