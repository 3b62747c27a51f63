package import ControllerRuntime
internal import FoundationEssentials
package import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
internal import Timekeeping

/// Keeps the status of policies true: what goes on under them, whether they can act, and what time and people change in
/// their books.
///
/// Runs on the leader. Changes come in bursts, so a policy is looked at a moment after the first of them.
package final class PolicyController: Sendable {
    /// What the controller works with.
    package struct Environment: Sendable {
        package var client: KubernetesClient
        package var policies: Informer<RecoveryPolicy>
        package var recoveries: Informer<Recovery>
        package var books: PolicyBooks
        /// What detection sees now.
        package var findings: DetectionFindings
        package var report: PolicyReporter
        package var accounts: ServiceAccountRule
        package var context: RuntimeContext
    }

    /// Name of the index over Recoveries that are not final, by their policy.
    package static let policyIndex = "policy"
    /// How long changes are collected.
    private static let burst = Duration.seconds(1)
    /// How often a ServiceAccount that is missing is looked for again; nothing tells of its creation, as ServiceAccounts are
    /// not watched for the few that policies name.
    private static let accountPace = Duration.seconds(120)

    private let environment: Environment
    private let decisions = PolicyDecisionLog()
    private let queue: WorkQueue<ObjectKey>

    /// Makes a controller; nothing runs yet.
    package init(_ environment: Environment) {
        self.environment = environment
        queue = WorkQueue(
            name: "recoverypolicy",
            timeSource: environment.context.timeSource,
            metrics: environment.context.metrics
        )
        watch()
    }

    /// Works until cancelled.
    ///
    /// - Throws: `CancellationError`; `ControllerError`.
    package func run() async throws {
        var configuration = ControllerConfiguration.patient
        configuration.maxConcurrent = 2
        configuration.caches = [
            ControllerConfiguration.Cache(kind: "RecoveryPolicy", hasSynced: environment.policies.hasSynced),
            ControllerConfiguration.Cache(kind: "Recovery", hasSynced: environment.recoveries.hasSynced),
        ]
        let controller = Controller(
            name: "recoverypolicy",
            queue: queue,
            configuration: configuration,
            context: environment.context
        ) { [self] key in try await reconcile(key) }
        try await controller.run()
    }

    /// Notes a decision for the status of the policy that governs.
    ///
    /// - Parameters:
    ///   - verdict: the gate that holds the Recovery; nil when an attempt begins.
    ///   - recovery: the Recovery after the decision was written.
    package func note(_ verdict: GateVerdict?, _ recovery: Recovery) {
        let now = environment.context.timeSource.wallTime()
        if let policy = decisions.note(verdict, recovery, now: now) { noteChange(policy) }
    }

    /// Has a policy looked at soon.
    func noteChange(_ policy: ObjectKey) {
        queue.add(policy, after: Self.burst)
    }

    /// Looks at one policy.
    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        guard let policy = environment.policies.store.get(key) else {
            if let unreadable = environment.policies.store.failure(key) { environment.report.unreadable(unreadable) }
            decisions.remove(decisions.pending(key), key)
            return .done
        }
        guard !policy.metadata.isBeingDeleted else { return .done }
        var outlook = PolicyOutlook(environment.accounts)
        outlook.recoveries = environment.recoveries.store.byIndex(Self.policyIndex, key.description)
        outlook.decisions = decisions.pending(key)
        outlook.base = environment.findings.base(of: key)
        outlook.lacksServiceAccount = try await lacksServiceAccount(policy)
        let written = try await environment.books.update(policy) { live, books, now in
            outlook.status(of: live, books: books.status, now: now)
        }
        decisions.remove(outlook.decisions, key)
        guard let written else { return .done }
        let now = environment.context.timeSource.wallTime()
        let change = PolicyLedger(written, base: outlook.base).nextChange.map { change in
            Duration.milliseconds(Int64(max(0.01, min(change.timeIntervalSince(now), 1e9)) * 1_000))
        }
        let next = [change, outlook.lacksServiceAccount ? Self.accountPace : nil].compactMap(\.self).min()
        return next.map { .requeue(after: $0) } ?? .done
    }

    /// Whether the ServiceAccount that a policy names is known not to exist; a controller that may not look knows nothing.
    private func lacksServiceAccount(_ policy: RecoveryPolicy) async throws -> Bool {
        guard let name = policy.spec.effectiveServiceAccountName else { return false }
        let key = ObjectKey(namespace: policy.metadata.namespace, name: name)
        do {
            _ = try await environment.client.get(.serviceAccounts, key)
            return false
        } catch let error as ClientError where error.apiError?.isForbidden == true {
            return false
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return true
        }
    }

    // MARK: Changes

    private func watch() {
        environment.policies.addHandler { [self] event in
            switch event {
            case .added(let policy, _): queue.add(policy.metadata.key)
            case .updated(let old, let new):
                guard
                    old.metadata.generation != new.metadata.generation || old.resetRequest != new.resetRequest
                        || old.status?.storm != new.status?.storm || old.sight != new.sight
                else { return }
                queue.add(new.metadata.key)
            case .deleted(let policy): queue.add(policy.metadata.key)
            case .deletedFinalStateUnknown(let key, _): queue.add(key)
            case .undecodable(let failure, _): queue.add(failure.key)
            }
        }
        environment.recoveries.addHandler { [self] event in
            switch event {
            case .added(let recovery, _): noteChange(of: recovery, before: nil)
            case .updated(let old, let new): noteChange(of: new, before: old)
            case .deleted(let recovery), .deletedFinalStateUnknown(_, let recovery?):
                if let policy = recovery.policyKey { noteChange(policy) }
            case .deletedFinalStateUnknown, .undecodable: break
            }
        }
    }

    private func noteChange(of recovery: Recovery, before: Recovery?) {
        guard let policy = recovery.policyKey else { return }
        let isNews =
            before?.policyKey == nil || before?.hasRunningAttempt != recovery.hasRunningAttempt
            || before?.isFinal != recovery.isFinal
        if isNews { noteChange(policy) }
    }
}

extension RecoveryPolicy {
    /// What a person has written to have the breakers closed.
    fileprivate var resetRequest: String? { metadata.annotations?[MetadataName.resetBreaker] }

    /// What its detection says that it sees.
    fileprivate var sight: Condition? { status?.conditions?[type: ConditionType.detecting] }
}
