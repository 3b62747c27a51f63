internal import ControllerRuntime
internal import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Telemetry
internal import Timekeeping

/// The parts of an engine, put together.
struct EngineParts {
    let base: EngineBase
    let fleet: FleetParts
    let policies: PolicyParts
    let errors: ErrorCatalogueSource
    let notifier: Notifier?
    let running = RunningAttempts()
    let statistics = RecoveryStatistics()
    let metrics: RecoveryMetrics
    let runner: AttemptRunner
    let reconciler: RecoveryReconciler
    /// What the reconciler hands over to be run.
    let attempts: AsyncStream<AttemptRunner.Prepared>

    init(_ dependencies: RecoveryEngine.Dependencies) {
        base = EngineBase(dependencies)
        fleet = FleetParts(base)
        metrics = RecoveryMetrics(registry: dependencies.metrics)
        notifier = Self.notifier(base)
        let report = RecoveryReporter(
            recorder: dependencies.recorder,
            metrics: metrics,
            statistics: statistics,
            logger: dependencies.logger,
            notifier: notifier
        )
        policies = PolicyParts(base, sights: fleet.sights) { report.healed($0, at: $1) }
        StateGauges.register(
            in: dependencies.metrics,
            recoveries: base.caches.recoveries.store,
            policies: base.caches.policies.store,
            running: running,
            timeSource: dependencies.timeSource
        )
        errors = ErrorCatalogueSource(
            client: base.client,
            namespace: dependencies.controllerNamespace,
            strategies: Set(dependencies.registry.catalogue(enabled: nil).names),
            informers: dependencies.informers,
            context: base.context
        )
        let writer = StatusWriter(client: base.client, timeSource: dependencies.timeSource)
        let lock = TargetLock(
            client: base.client,
            namespace: dependencies.controllerNamespace,
            timeSource: dependencies.timeSource,
            isRunningHere: { [running] in running.isTaken($0) }
        )
        runner = Self.runner(base, writer, lock, report)
        let (stream, continuation) = AsyncStream.makeStream(of: AttemptRunner.Prepared.self)
        attempts = stream
        let (caches, queue, policyController) = (base.caches, base.queue, policies.controller)
        reconciler = RecoveryReconciler(
            RecoveryReconciler.Environment(
                client: base.client,
                recoveries: caches.recoveries.store,
                policies: caches.policies.store,
                clusters: caches.clusters.store,
                targets: HubTargets(placements: caches.placements.store, migrations: caches.migrations.store),
                approvals: caches.approvals.store,
                registry: dependencies.registry,
                catalogue: base.catalogue,
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
                errors: { [errors] in errors.current },
                books: policies.books,
                note: { policyController.note($0, $1) },
                findings: base.findings,
                start: { continuation.yield($0) },
                enqueue: { queue.add($0) }
            )
        )
    }

    private static func notifier(_ base: EngineBase) -> Notifier? {
        let dependencies = base.dependencies
        return dependencies.notices.map { [caches = base.caches] transport in
            Notifier(
                Notifier.Environment(
                    client: base.client,
                    policies: { caches.policies.store.get($0) },
                    recoveries: {
                        try await caches.policies.hasSynced.wait()
                        try await caches.recoveries.hasSynced.wait()
                        return caches.recoveries.store.list()
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
    }

    private static func runner(
        _ base: EngineBase,
        _ writer: StatusWriter,
        _ lock: TargetLock,
        _ report: RecoveryReporter
    ) -> AttemptRunner {
        let dependencies = base.dependencies
        return AttemptRunner(
            AttemptRunner.Environment(
                client: base.client,
                members: dependencies.members,
                writer: writer,
                lock: lock,
                timeSource: dependencies.timeSource,
                logger: dependencies.logger,
                mayLead: dependencies.mayLead,
                retryBackoff: dependencies.configuration.backoff,
                controllerNamespace: dependencies.controllerNamespace,
                turns: base.turns,
                report: report,
                incidents: base.incidents,
                isSeenFailing: { [policies = base.caches.policies.store, findings = base.findings] recovery in
                    let namespace = recovery.metadata.namespace ?? ""
                    let near = policies.byIndex(RecoveryReconciler.namespaceIndex, namespace)
                    return findings.isSeenFailing(recovery, policies: near)
                }
            )
        )
    }

    /// What looks after the health of the engine that these parts make.
    func healthMonitor() -> HealthMonitor {
        let dependencies = base.dependencies
        let timeSource = dependencies.timeSource
        let limit = dependencies.configuration.maxConcurrentRecoveries
        return HealthMonitor(
            client: dependencies.client,
            interval: dependencies.configuration.healthCheckInterval,
            timeSource: timeSource,
            logger: dependencies.logger,
            metrics: dependencies.metrics
        ) { [statistics, running, caches = base.caches] in
            let counts = statistics.current
            var facts = ComponentHealth.Facts()
            facts.caches = caches.health(at: timeSource.now())
            facts.active = running.count
            facts.limit = limit
            facts.successful = counts.successful
            facts.failed = counts.failed
            return facts
        }
    }
}
