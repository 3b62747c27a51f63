package import ControllerRuntime
internal import FoundationEssentials
package import KubernetesClient
package import KubernetesCore
package import RecoveryAPI
internal import RecoveryDecision
internal import Synchronization
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
        /// The controller's own namespace: only its policies look at cluster-scoped kinds.
        package var controllerNamespace: String
        package var informers: InformerConfiguration
        package var context: RuntimeContext
        /// Asks for another look at a Recovery.
        package var enqueue: @Sendable (ObjectKey) -> Void
    }

    /// How long changes are collected.
    private static let burst = Duration.milliseconds(100)
    /// How soon a policy is looked at again of which something cannot be seen.
    private static let blindness = Duration.seconds(15)

    let environment: Environment
    private let queue: WorkQueue<ObjectKey>
    private let kinds: KindWatches
    private let status: DetectionStatusWriter
    private let watches = Mutex<[ObjectKey: PolicyWatch]>([:])
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
    }

    /// Looks until cancelled.
    ///
    /// - Throws: `CancellationError`; `ControllerError`.
    package func run() async throws {
        var configuration = ControllerConfiguration()
        configuration.maxConcurrent = 4
        configuration.caches = [
            ControllerConfiguration.Cache(kind: "RecoveryPolicy", hasSynced: environment.policies.hasSynced),
            ControllerConfiguration.Cache(kind: "Recovery", hasSynced: environment.recoveries.hasSynced),
        ]
        configuration.disposition = { error in
            // Whatever was refused may be granted later.
            switch ControllerConfiguration.defaultDisposition(error) {
            case .terminal, .gone: .retry
            case let other: other
            }
        }
        let controller = Controller(
            name: "detection",
            queue: queue,
            configuration: configuration,
            context: environment.context
        ) { [self] key in try await reconcile(key) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.kinds.run() }
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
            ? DetectionPlan(policy, controllerNamespace: environment.controllerNamespace) : DetectionPlan()
        kinds.follow(plan.kinds, for: key)
        let (sightings, blind) = plan.look { kinds.objects($0) }
        let now = timeSource.now()
        let look = watches.withLock { watches in
            let look = watches[key, default: PolicyWatch()].look(
                sightings,
                rules: plan.rules,
                blind: blind,
                now: now,
                wall: timeSource.wallTime()
            )
            if let watch = watches[key] { environment.findings.note(watch, look.base, blind: blind, of: key) }
            return look
        }
        for failure in look.changed { announce(failure, policy) }
        try await deliver(look.reports, policy)
        let view = DetectionView(
            base: look.base,
            obstacles: kinds.obstacles(plan.kinds),
            problems: violations.map(\.description) + plan.problems,
            isBlind: !blind.isEmpty
        )
        let nextWrite = try await status.write(view, on: policy)
        let nextLook = look.nextLook.map { now.duration(to: $0) }
        let soon = blind.isEmpty ? nil : Self.blindness
        guard let wait = [nextLook, nextWrite, soon].compactMap(\.self).min() else { return .done }
        return .requeue(after: max(wait, .milliseconds(10)))
    }

    private func endLooking(_ key: ObjectKey) async throws -> ReconcileResult {
        kinds.follow([], for: key)
        watches.withLock { $0[key] = nil }
        environment.findings.forget(key)
        guard let policy = environment.policies.store.get(key), !policy.metadata.isBeingDeleted else { return .done }
        let showsDetection = policy.status?.conditions?[type: ConditionType.detecting] != nil
        _ = showsDetection ? try await status.write(nil, on: policy) : nil
        return .done
    }

    /// Has the Recoveries of a failure looked at, of which something else is known now.
    private func announce(_ failure: PolicyWatch.Failure, _ policy: RecoveryPolicy) {
        for recovery in recoveries(of: Incident(failure, policy: policy)) where !recovery.isFinal {
            environment.enqueue(recovery.metadata.key)
        }
    }

    private func recoveries(of incident: Incident) -> [Recovery] {
        environment.recoveries.store.byIndex(IncidentReporter.fingerprintIndex, incident.fingerprint)
    }

    /// Opens a Recovery for each report, or counts in the one that is there; one that fails keeps no other from it.
    private func deliver(_ reports: [IncidentReport], _ policy: RecoveryPolicy) async throws {
        var failure: (any Error)?
        for report in reports {
            let known = recoveries(of: Incident(report, policy: policy))
            let completed = known.filter { $0.state == .completed }.compactMap(\.status?.completionTime).max()
            do {
                try await environment.incidents.report(Incident(report, policy: policy, completed: completed))
            } catch {
                watches.withLock { $0[policy.metadata.key]?.reportFailed(report) }
                failure = error
            }
        }
        if let failure { throw failure }
    }
}
