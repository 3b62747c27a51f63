package import ControllerRuntime
internal import FoundationEssentials
package import HTTPTransport
package import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
package import Telemetry
package import Timekeeping

/// Drives every Recovery to a final state: caches, queue, decisions and attempts, wired together.
///
/// ```
/// watch -> store -> queue -> reconciler -> RecoveryDecision -> status write -> attempt -> settlement -> status write
/// ```
///
/// `run()` is leader work: it returns when cancelled and leaves unfinished attempts reserved in status, where the next
/// leader finds them. The caches (`caches`) run on standbys too, so that a new leader starts at once.
package final class RecoveryEngine: Sendable {
    /// What an engine is made of; all of it can be replaced in tests.
    package struct Dependencies: Sendable {
        /// The hub.
        package var client: KubernetesClient
        /// The clients of member clusters.
        package var members: Attempt.MemberClients
        /// The strategies.
        package var registry: StrategyRegistry
        /// Settings from `--config` and flags.
        package var configuration: EngineConfiguration
        /// Watches only this namespace; nil watches all.
        package var namespace: String?
        /// The controller's own namespace.
        package var controllerNamespace: String
        /// Who this process is, with the lease's transitions.
        package var identity: @Sendable () -> ControllerIdentity
        /// Whether this process may write as the leader.
        package var mayLead: @Sendable () -> Bool
        /// Writes Kubernetes events.
        package var recorder: EventRecorder
        package var timeSource: any TimeSource
        package var logger: Logger
        package var metrics: MetricsRegistry
        /// Clients of the fleet that is to be watched over; nil probes no clusters.
        package var fleet: MemberClients?
        /// What decided copies will take of the members; the same as the strategies have.
        package var reservations = CapacityReservations()
        /// The bearer token that senders of alerts have to show; nil when no alerts are taken.
        package var alertToken: (@Sendable () -> String?)?
        /// Whether the ConfigMap with entries of the error catalogue is followed.
        package var followsErrorCatalogue = false
        /// Sends the HTTP probes of policies; nil sends none.
        package var outgoing: (any HTTPTransport)?
        /// How people are notified; nil notifies nobody.
        ///
        /// It carries nothing else: a mail server that stalls holds its thread up, and a probe that had to wait for that
        /// would look like a failure.
        package var notices: (any HTTPTransport & MailTransport)?
        /// How the caches list and watch; a simulation sets the seed of their random numbers.
        package var informers = InformerConfiguration()

        /// Gathers the parts of an engine.
        package init(
            client: KubernetesClient,
            members: @escaping Attempt.MemberClients,
            registry: StrategyRegistry,
            configuration: EngineConfiguration,
            namespace: String?,
            controllerNamespace: String,
            identity: @escaping @Sendable () -> ControllerIdentity,
            mayLead: @escaping @Sendable () -> Bool,
            recorder: EventRecorder,
            timeSource: any TimeSource,
            logger: Logger,
            metrics: MetricsRegistry
        ) {
            self.client = client
            self.members = members
            self.registry = registry
            self.configuration = configuration
            self.namespace = namespace
            self.controllerNamespace = controllerNamespace
            self.identity = identity
            self.mayLead = mayLead
            self.recorder = recorder
            self.timeSource = timeSource
            self.logger = logger
            self.metrics = metrics
        }
    }

    /// The documents under `/status` and `/health`.
    package let status: StatusEndpoint
    /// Checks the controller's own health; runs on every replica, from the start.
    package let healthMonitor: HealthMonitor
    private let parts: EngineParts

    /// The cache of Recoveries.
    package var recoveries: Informer<Recovery> { parts.base.caches.recoveries }
    /// The cache of policies.
    package var policies: Informer<RecoveryPolicy> { parts.base.caches.policies }
    /// The cache of member clusters.
    package var clusters: Informer<MemberCluster> { parts.base.caches.clusters }
    /// The cache of placements.
    package var placements: Informer<Placement> { parts.base.caches.placements }
    /// The cache of migrations.
    package var migrations: Informer<Migration> { parts.base.caches.migrations }
    /// What is known of the insides of member clusters.
    package var memberFleet: MemberFleet { parts.fleet.memberFleet }
    /// Takes alerts, behind an HTTP server; nil when none are taken.
    package var alerts: AlertReceiver? { parts.policies.detection.environment.alerts }

    private var dependencies: Dependencies { parts.base.dependencies }
    var queue: WorkQueue<ObjectKey> { parts.base.queue }
    var reconciler: RecoveryReconciler { parts.reconciler }
    var running: RunningAttempts { parts.running }

    /// Makes an engine; nothing runs yet.
    package init(_ dependencies: Dependencies) {
        parts = EngineParts(dependencies)
        healthMonitor = parts.healthMonitor()
        status = StatusEndpoint(
            statistics: parts.statistics,
            running: parts.running,
            monitor: healthMonitor,
            timeSource: dependencies.timeSource
        )
        watch()
        watchTargets()
    }

    /// Reconciles until cancelled.
    ///
    /// - Throws: `ControllerError` when the caches do not fill in time; `CancellationError`.
    package func run() async throws {
        do {
            try await reconciler.environment.lock.collectGarbage()
        } catch let error as ClientError {
            dependencies.logger.warning("cannot look for locks left behind", ["error": "\(error)"])
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.controller().run() }
            group.addTask {
                await self.runAttempts()
                try Task.checkCancellation()
            }
            group.addTask { try await self.parts.policies.controller.run() }
            group.addTask { try await self.parts.policies.detection.run() }
            group.addTask { try await self.parts.policies.approvals.run() }
            if let clusters = parts.fleet.clusters { group.addTask { try await clusters.run() } }
            if let placing = parts.fleet.placing { group.addTask { try await placing.run() } }
            if let ledger = parts.policies.ledger { group.addTask { try await ledger.run() } }
            if dependencies.followsErrorCatalogue { group.addTask { try await self.parts.errors.run() } }
            if let notifier = parts.notifier {
                group.addTask {
                    await notifier.run()
                    try Task.checkCancellation()
                }
            }
            if let moving = parts.fleet.moving { group.addTask { try await moving.run() } }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Runs what the reconciler hands over, each attempt as a child of this task.
    private func runAttempts() async {
        await withDiscardingTaskGroup { group in
            for await prepared in parts.attempts {
                parts.metrics.setActive(running.count)
                group.addTask { await self.run(prepared) }
            }
        }
    }

    private func run(_ prepared: AttemptRunner.Prepared) async {
        await parts.runner.run(prepared)
        let recovery = prepared.journal.recovery
        let key = recovery.metadata.key
        // Before its place is free: whoever comes next is to find the outcome in the policy's books.
        await reconciler.settleBooks(recovery)
        if recovery.isFinal || recovery.spec.isSuspended { await reconciler.releaseLock(recovery) }
        running.remove(key)
        reconciler.attemptEnded(recovery)
        parts.metrics.setActive(running.count)
        reconciler.giveUpPlace(key)
        // What is final comes back through the watch. Where it has come already, that look met the running attempt; where
        // it has not, a look now would only meet the attempt in the cache.
        if !recovery.isFinal || recoveries.store.get(key)?.isFinal == true {
            queue.add(key, priority: recovery.queuePriority(reconciler.environment))
        }
        if recovery.state == .completed, prepared.attempt.execution.strategy == StrategyName.clusterConnectivity,
            let cluster = recovery.status?.target?.cluster
        {
            await reconciler.wake(cluster: cluster)
        }
    }

    private func controller() -> Controller<ObjectKey> {
        var configuration = ControllerConfiguration.patient
        configuration.maxConcurrent = max(4, dependencies.configuration.maxConcurrentRecoveries)
        configuration.caches = [
            ControllerConfiguration.Cache(kind: "Recovery", hasSynced: recoveries.hasSynced),
            ControllerConfiguration.Cache(kind: "RecoveryPolicy", hasSynced: policies.hasSynced),
            ControllerConfiguration.Cache(kind: "MemberCluster", hasSynced: clusters.hasSynced),
            ControllerConfiguration.Cache(kind: "RecoveryApproval", hasSynced: parts.policies.approvals.hasSynced),
        ]
        if dependencies.followsErrorCatalogue {
            configuration.caches.append(
                ControllerConfiguration.Cache(
                    kind: "ConfigMap \(ErrorCatalogueSource.name)",
                    hasSynced: parts.errors.hasSynced,
                    patience: .seconds(30)
                )
            )
        }
        return Controller(
            name: "recovery",
            queue: queue,
            configuration: configuration,
            context: parts.base.context
        ) { [reconciler] key in
            try await reconciler.reconcile(key)
        }
    }

    /// Turns changes in the caches into work.
    private func watch() {
        let environment = reconciler.environment
        recoveries.addHandler { [queue, reconciler] event in
            switch event {
            case .added(let recovery, _):
                queue.add(recovery.metadata.key, priority: recovery.queuePriority(environment))
            case .updated(let old, let new):
                queue.add(new.metadata.key, priority: new.queuePriority(environment))
                if old.hasRunningAttempt && !new.hasRunningAttempt || !old.isFinal && new.isFinal {
                    reconciler.attemptEnded(new)
                }
            case .deleted(let recovery):
                queue.add(recovery.metadata.key)
                reconciler.attemptEnded(recovery)
            case .deletedFinalStateUnknown(let key, let last):
                queue.add(key)
                if let last { reconciler.attemptEnded(last) }
            case .undecodable(let object, _):
                queue.add(object.key)
            }
        }
        clusters.addHandler { [recoveries, queue, reconciler] event in
            guard case .updated(let old, let new) = event, old.status?.conditions != new.status?.conditions,
                let name = new.metadata.name
            else { return }
            let concerned = recoveries.store.byIndex(RecoveryReconciler.clusterIndex, name)
            for recovery in concerned.sorted(by: { $0.metadata.key < $1.metadata.key }) {
                queue.add(recovery.metadata.key, priority: recovery.queuePriority(environment))
            }
            let isBack =
                !(old.status?.conditions ?? []).isTrue(ConditionType.ready)
                && (new.status?.conditions ?? []).isTrue(ConditionType.ready)
            if isBack { await reconciler.wake(cluster: name) }
        }
        policies.addHandler { [recoveries, queue] event in
            // What only the books say anew is nobody's reason to look, but a breaker that has changed is, or a storm's end.
            if case .updated(let old, let new) = event, !new.asksForAnotherLook(than: old) { return }
            guard let namespace = event.namespace else { return }
            // Sorted, so that a seeded run repeats itself.
            let pending = recoveries.store.byIndex(RecoveryReconciler.pendingIndex, namespace)
            for recovery in pending.sorted(by: { $0.metadata.key < $1.metadata.key }) {
                queue.add(recovery.metadata.key, priority: recovery.queuePriority(environment))
            }
        }
    }
}

extension InformerEvent where Object: KubernetesObject {
    /// The namespace of the object that changed.
    fileprivate var namespace: String? {
        switch self {
        case .added(let object, _), .updated(_, let object), .deleted(let object): object.metadata.namespace
        case .deletedFinalStateUnknown(let key, _): key.namespace
        case .undecodable(let object, _): object.key.namespace
        }
    }
}

extension RecoveryPolicy {
    /// Whether Recoveries that wait may find another answer than before.
    fileprivate func asksForAnotherLook(than old: RecoveryPolicy) -> Bool {
        metadata.generation != old.metadata.generation || metadata.uid != old.metadata.uid
            || status?.breakers?.map(\.state) != old.status?.breakers?.map(\.state)
            || status?.storm == nil && old.status?.storm != nil
    }
}
