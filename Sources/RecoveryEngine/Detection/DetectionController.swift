package import ControllerRuntime
package import FoundationEssentials
package import HTTPTransport
package import KubernetesClient
package import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
internal import Synchronization
internal import Telemetry
internal import Timekeeping

/// Looks for what policies name in `spec.detection`, and opens a Recovery for each failure that lasts.
///
/// ```
/// policies -> kinds -> informers -> sightings -> PolicyWatch -> reports -> IncidentReporter -> Recovery
///                                                            -> findings -> gates of those Recoveries
/// ```
///
/// Runs on the leader only, and begins with nothing seen: what a predecessor saw is looked at anew. Changes come in
/// bursts, so a policy is looked at a moment after the first of them.
package final class DetectionController: Sendable {
    /// What the controller works with.
    package struct Environment: Sendable {
        /// The hub, behind the leader's guard.
        package var client: KubernetesClient
        package var policies: Informer<RecoveryPolicy>
        package var recoveries: Informer<Recovery>
        package var incidents: IncidentReporter
        /// Where the findings go.
        package var findings: DetectionFindings
        /// Where storms are kept.
        package var books: PolicyBooks
        /// Has the status of a policy looked at whose targets have become too many unhealthy ones, or known.
        package var noteBase: @Sendable (ObjectKey) -> Void
        /// The controller's own namespace: only its policies look at cluster-scoped kinds.
        package var controllerNamespace: String
        /// The member clusters, and what the probes of this process show of them; without sights nobody probes them.
        package var clusters: Informer<MemberCluster>
        package var sights: ClusterSights?
        /// Sends HTTP probes; nil when this controller sends none.
        package var outgoing: (any HTTPTransport)?
        /// Where HTTP probes may lead.
        package var addresses: AddressRule
        /// Takes alerts; nil when this controller takes none.
        package var alerts: AlertReceiver?
        package var informers: InformerConfiguration
        package var context: RuntimeContext
        /// Tells that the failure is over which a Recovery has given up, and since when.
        package var noteHealed: @Sendable (Recovery, Date) -> Void
        /// Asks for another look at a Recovery.
        package var enqueue: @Sendable (ObjectKey) -> Void
    }

    /// What was seen of one policy's targets.
    private struct Sight: Sendable {
        var watch = PolicyWatch()
        var tally = EventTally()
        /// Whether too many targets were unhealthy; nil while that was not known.
        var isStorm: Bool?
    }

    /// How long changes are collected.
    static let burst = Duration.milliseconds(100)
    /// How soon a policy is looked at again of which something cannot be seen, or cannot be reported.
    private static let blindness = Duration.seconds(15)

    let environment: Environment
    let queue: WorkQueue<ObjectKey>
    private let kinds: KindWatches
    let probes: HTTPProbes?
    private let status: DetectionStatusWriter
    /// What was seen so far; a policy that is being looked at is taken out, which nobody else does meanwhile.
    private let sights = Mutex<[ObjectKey: Sight]>([:])
    private var timeSource: any TimeSource { environment.context.timeSource }

    /// Makes a controller; nothing runs yet.
    package init(_ environment: Environment) {
        self.environment = environment
        let queue = WorkQueue<ObjectKey>(
            name: "detection",
            timeSource: environment.context.timeSource,
            metrics: environment.context.metrics
        )
        self.queue = queue
        kinds = KindWatches(
            KindWatch.Environment(
                client: environment.client,
                controllerNamespace: environment.controllerNamespace,
                informers: environment.informers,
                context: environment.context
            )
        ) { queue.add($0, after: Self.burst) }
        probes = environment.outgoing.map { transport in
            let addresses = environment.addresses
            return HTTPProbes(
                HTTPProbes.Environment(
                    transport: transport,
                    addresses: addresses,
                    timeSource: environment.context.timeSource
                )
            ) { queue.add($0) }
        }
        status = DetectionStatusWriter(client: environment.client, timeSource: environment.context.timeSource)
        environment.policies.addHandler { event in
            switch event {
            case .added(let policy, _): queue.add(policy.metadata.key)
            case .updated(_, let policy): queue.add(policy.metadata.key)
            case .deleted(let policy): queue.add(policy.metadata.key)
            case .deletedFinalStateUnknown(let key, _): queue.add(key)
            case .undecodable(let failure, _): queue.add(failure.key)
            }
        }
        watchClusters()
        environment.alerts?.onAlerts { [policies = environment.policies.store] in
            for policy in policies.list() where policy.spec.detection?.alerts?.isEmpty == false {
                queue.add(policy.metadata.key)
            }
        }
    }

    /// Looks until cancelled.
    ///
    /// - Throws: `CancellationError`; `ControllerError`.
    package func run() async throws {
        var configuration = ControllerConfiguration.patient
        configuration.maxConcurrent = 4
        configuration.caches = [
            ControllerConfiguration.Cache(kind: "RecoveryPolicy", hasSynced: environment.policies.hasSynced),
            ControllerConfiguration.Cache(kind: "Recovery", hasSynced: environment.recoveries.hasSynced),
        ]
        let controller = Controller(
            name: "detection",
            queue: queue,
            configuration: configuration,
            context: environment.context
        ) { [self] key in try await reconcile(key) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.kinds.run() }
            if let probes { group.addTask { try await probes.run() } }
            group.addTask { try await controller.run() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Looks at all that one policy names.
    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        guard let policy = environment.policies.store.get(key), policy.hasDetection else {
            return try await endLooking(key)
        }
        let violations = policy.validate()
        let plan =
            violations.isEmpty
            ? DetectionPlan(
                policy,
                controllerNamespace: environment.controllerNamespace,
                addresses: environment.addresses
            ) : DetectionPlan()
        kinds.follow(plan.kinds, for: key)
        probes?.follow(plan.probes, for: key)
        let (now, wall) = (timeSource.now(), timeSource.wallTime())
        var sight = sights.withLock { $0.removeValue(forKey: key) } ?? Sight()
        let world = DetectionPlan.World(
            now: wall,
            alerts: environment.alerts?.alerts ?? AlertBoard(),
            probes: { self.probes?.record(of: $0, for: key) },
            clusters: clusters(of: policy),
            objects: { self.kinds.objects($0) }
        )
        let view = plan.look(world, tally: &sight.tally)
        let look = sight.watch.look(view.sightings, rules: plan.rules, blind: view.blind, now: now, wall: wall)
        let base = violations.isEmpty && view.blind.isEmpty ? look.base : nil
        environment.findings.note(sight.watch, base, blind: view.blind.union(plan.rules.filter(\.isLate)), of: key)
        let storms = StormRule(policy.spec, base: base)
        noteStorm(storms?.isExceeded, before: sight.isStorm, policy)
        sight.isStorm = storms?.isExceeded
        for failure in look.changed { announce(failure, policy) }
        let healed = look.changed.filter { sight.watch.allFindings[$0] == .healed }
        await noteHealed(healed, policy, now: wall)
        let isDelivered = await deliver(look.reports, policy, &sight.watch, now: wall)
        sights.withLock { $0[key] = sight }
        try await environment.books.watchStorm(policy)
        let said = DetectionView(
            base: look.base,
            limit: storms?.limit,
            obstacles: kinds.obstacles(plan.kinds),
            problems: violations.map(\.description) + plan.problems + unheard(policy, plan),
            isEmpty: plan.detectors.isEmpty,
            isInvalid: !violations.isEmpty,
            isBlind: !view.blind.isEmpty
        )
        let nextWrite = try await status.write(said, on: policy)
        let nextLook = look.nextLook.map { now.duration(to: $0) }
        let nextChange = view.nextChange.map { Duration.seconds(min($0.timeIntervalSince(wall), 1e9)) }
        let soon = view.blind.isEmpty && isDelivered ? nil : Self.blindness
        guard let wait = [nextLook, nextChange, nextWrite, soon].compactMap(\.self).min() else { return .done }
        return .requeue(after: max(wait, .milliseconds(10)))
    }

    private func endLooking(_ key: ObjectKey) async throws -> ReconcileResult {
        kinds.follow([], for: key)
        probes?.follow([], for: key)
        sights.withLock { $0[key] = nil }
        environment.findings.forget(key)
        guard let policy = environment.policies.store.get(key), !policy.metadata.isBeingDeleted else { return .done }
        let showsDetection = policy.status?.conditions?[type: ConditionType.detecting] != nil
        _ = showsDetection ? try await status.write(nil, on: policy) : nil
        return .done
    }

    /// Has all looked at that depends on how many targets are unhealthy.
    private func noteStorm(_ isStorm: Bool?, before: Bool?, _ policy: RecoveryPolicy) {
        guard isStorm != before else { return }
        environment.noteBase(policy.metadata.key)
        // A storm that ends wakes them by the policy's status.
        guard before == nil else { return }
        let held = environment.recoveries.store.byIndex(
            PolicyController.policyIndex,
            policy.metadata.key.description
        )
        for recovery in held.sorted(by: { $0.metadata.key < $1.metadata.key }) {
            environment.enqueue(recovery.metadata.key)
        }
    }

    /// Has the Recoveries of a failure looked at, of which something else is known now.
    private func announce(_ failure: PolicyWatch.Failure, _ policy: RecoveryPolicy) {
        for recovery in recoveries(of: Incident(failure, policy: policy)) where !recovery.isFinal {
            environment.enqueue(recovery.metadata.key)
        }
    }

    /// Has the Recoveries that gave up a failure say that it is over.
    private func noteHealed(_ failures: Set<PolicyWatch.Failure>, _ policy: RecoveryPolicy, now: Date) async {
        for failure in failures {
            for recovery in recoveries(of: Incident(failure, policy: policy)) where recovery.needsHealedTime {
                do {
                    try await environment.incidents.noteHealed(recovery.metadata.key, now: now)
                    environment.noteHealed(recovery, now)
                } catch {
                    // The times of the failure tell incidents apart as well, if not as surely.
                    environment.context.logger.warning(
                        "cannot note that a failure is over",
                        ["recovery": "\(recovery.metadata.key)", "error": "\(error)"]
                    )
                }
            }
        }
    }

    private func recoveries(of incident: Incident) -> [Recovery] {
        environment.recoveries.store.byIndex(IncidentReporter.fingerprintIndex, incident.fingerprint)
            .filter(incident.isSubject)
    }

    /// Opens a Recovery for each report, or counts in the one that is there; one that fails keeps the policy from no other.
    ///
    /// - Returns: whether all were taken; the others are reported again.
    private func deliver(
        _ reports: [IncidentReport],
        _ policy: RecoveryPolicy,
        _ watch: inout PolicyWatch,
        now: Date
    ) async -> Bool {
        var isWhole = true
        for report in reports {
            let known = recoveries(of: Incident(report, policy: policy))
            let completed = known.filter { $0.state == .completed }.max {
                $0.status?.completionTime ?? .distantPast < $1.status?.completionTime ?? .distantPast
            }
            var incident = Incident(report, policy: policy, completed: completed)
            let failed = report.times.latest ?? now
            incident.parentRef = FlappingRule.former(failed: failed, among: known, policy: policy)?.metadata.name
                .map { NameReference(name: $0) }
            do {
                try await environment.incidents.report(incident)
            } catch {
                watch.reportFailed(report)
                isWhole = false
                environment.context.logger.warning(
                    "no recovery can be opened",
                    ["policy": "\(policy.metadata.key)", "reason": incident.reason, "error": "\(error)"]
                )
            }
        }
        return isWhole
    }
}
