package import ControllerRuntime
internal import FoundationEssentials
package import KubernetesClient
package import KubernetesCore
package import RecoveryAPI
internal import RecoveryDecision
package import Timekeeping

/// Keeps the books of policies in their status: only what changed, only on top of the version that was read.
///
/// An action is entered before its attempt is reserved, and its outcome before its place becomes free, so no two workers
/// and no two leaders can count past a limit: the API server lets only one of two writes pass.
package struct PolicyBooks: Sendable {
    private let client: KubernetesClient
    private let policies: Store<RecoveryPolicy>
    private let recoveries: Store<Recovery>
    private let findings: DetectionFindings
    private let timeSource: any TimeSource
    private let report: PolicyReporter

    /// How often a write is tried that others were faster with.
    private static let maxTries = 12
    /// How long they are let alone: longer from try to try, and not all for the same time.
    private static let pauses = BackoffRule(
        initial: .milliseconds(20),
        factorPercent: 200,
        maximum: .milliseconds(500),
        spreadPercent: 100
    )

    /// Makes the keeper of the books.
    package init(
        client: KubernetesClient,
        policies: Store<RecoveryPolicy>,
        recoveries: Store<Recovery>,
        findings: DetectionFindings,
        timeSource: any TimeSource,
        report: PolicyReporter
    ) {
        self.client = client
        self.policies = policies
        self.recoveries = recoveries
        self.findings = findings
        self.timeSource = timeSource
        self.report = report
    }

    /// Enters the attempt that is about to be reserved, if the policy as it is now still allows it: a person may have
    /// suspended it, or taken its mode back, a moment ago.
    ///
    /// - Parameters:
    ///   - recovery: the Recovery before the reservation.
    ///   - status: its status with the reservation.
    /// - Returns: whether it may start.
    /// - Throws: `ClientError` when the server cannot be asked; `PolicyOvertaken` when others were always faster.
    package func admit(_ recovery: Recovery, _ status: RecoveryStatus) async throws -> PolicyAdmission {
        // What people have asked for goes on without its policy, what a policy's detection has opened does not.
        let withoutPolicy = recovery.isOpenedByPolicy ? PolicyAdmission.policyGone : .admitted
        guard let policy = policy(of: recovery, status), let action = action(of: recovery, status) else {
            return withoutPolicy
        }
        var isHeld = false
        let live = try await update(policy, for: recovery) { live, books, now in
            var action = action
            action.attempt.since = now
            isHeld = live.stops(recovery, status)
            if !isHeld, PolicyLedger.concerns(action, policy: live) { isHeld = books.admit(action, now: now) != nil }
            return books.status
        }
        return live.map { isHeld ? .held($0) : .admitted } ?? withoutPolicy
    }

    private func action(of recovery: Recovery, _ status: RecoveryStatus) -> PolicyAction? {
        PolicyAction(recovery, status: status, attempt: status.attempts ?? 0, now: timeSource.wallTime().wholeSecond)
    }

    /// Enters how the attempts of a Recovery have ended.
    ///
    /// - Throws: as `admit(_:_:)`.
    package func settle(_ recovery: Recovery) async throws {
        guard let status = recovery.status, let policy = policy(of: recovery, status),
            let action = action(of: recovery, status), PolicyLedger.concerns(action, policy: policy)
        else { return }
        try await update(policy, for: recovery, known: recovery) { _, books, _ in books.status }
    }

    /// Begins or ends the storm of a policy, when what detection sees now asks for that.
    ///
    /// - Parameter policy: as the cache has it.
    /// - Throws: as `admit(_:_:)`.
    package func watchStorm(_ policy: RecoveryPolicy) async throws {
        var books = PolicyLedger(policy, base: findings.base(of: policy.metadata.key))
        books.watchStorm(now: timeSource.wallTime().wholeSecond)
        guard books.status.storm != policy.status?.storm else { return }
        try await update(policy) { _, books, _ in books.status }
    }

    /// The policy that a Recovery was accepted under, or that was made again under its name, as the cache has it.
    private func policy(of recovery: Recovery, _ status: RecoveryStatus) -> RecoveryPolicy? {
        recovery.policyKey(under: status).flatMap(policies.get)
    }

    /// Changes the status of a policy, on top of the live one.
    ///
    /// - Parameters:
    ///   - policy: which one.
    ///   - recovery: the Recovery that asks for it; who asks at the same time waits for other times between tries.
    ///   - known: a Recovery that is newer than the cache.
    ///   - change: makes the status from the live policy and its books, in which all that is known is entered; called
    ///     again when somebody else was faster.
    /// - Returns: the policy as it is now; nil when it was deleted.
    /// - Throws: as `admit(_:_:)`.
    @discardableResult
    func update(
        _ policy: RecoveryPolicy,
        for recovery: Recovery? = nil,
        known: Recovery? = nil,
        _ change: (RecoveryPolicy, inout PolicyLedger, Date) -> RecoveryPolicyStatus
    ) async throws -> RecoveryPolicy? {
        let seed = recovery?.metadata.uid ?? ""
        var hasFailed = false
        for number in 1...Self.maxTries {
            do {
                let live = try await client.refresh(policy)
                guard live.metadata.uid == policy.metadata.uid else { return nil }
                let outcomes = try await outcomes(live, known)
                let now = timeSource.wallTime().wholeSecond
                var books = PolicyLedger(live, base: findings.base(of: live.metadata.key))
                books.settle(now: now) { outcomes[$0] ?? .open }
                books.tidy(resetAnnotation: live.metadata.annotations?[MetadataName.resetBreaker], now: now)
                let status = change(live, &books, now)
                guard status != live.status else { return live }
                let written = try await client.patchStatus(of: live, from: live.status, to: status)
                report.booksChanged(live, written)
                return written
            } catch let error as ClientError where error.apiError?.isNotFound == true {
                return nil
            } catch let error as ClientError where error.leavesWriteOpen {
                // Ours may have been written: the next look at the live policy tells. A server in trouble is asked once more.
                guard error.apiError?.isConflict == true || !hasFailed else { throw error }
                hasFailed = error.apiError?.isConflict != true
            }
            try await timeSource.sleep(for: Self.pauses.delay(afterAttempt: number, seed: seed))
        }
        throw PolicyOvertaken(key: policy.metadata.key)
    }

    /// What is known of the actions whose outcome is open.
    private func outcomes(_ policy: RecoveryPolicy, _ known: Recovery?) async throws -> [RecentAction: ActionOutcome] {
        var outcomes: [RecentAction: ActionOutcome] = [:]
        for entry in policy.status?.recentActions ?? [] where entry.endTime == nil {
            let recovery = try await recovery(of: entry, in: policy, known)
            outcomes[entry] = ActionOutcome(attempt: entry.attempt ?? 0, of: recovery)
        }
        return outcomes
    }

    /// The Recovery of an action; that it was deleted is believed only of the server, as a cache may not have it yet.
    private func recovery(
        of entry: RecentAction,
        in policy: RecoveryPolicy,
        _ known: Recovery?
    ) async throws
        -> Recovery?
    {
        if let known, known.metadata.uid == entry.recoveryUID { return known }
        let key = ObjectKey(namespace: policy.metadata.namespace, name: entry.recovery ?? "")
        if let cached = recoveries.get(key), cached.metadata.uid == entry.recoveryUID { return cached }
        do {
            let live = try await client.get(Recovery.self, key)
            return live.metadata.uid == entry.recoveryUID ? live : nil
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return nil
        }
    }
}

extension RecoveryPolicy {
    /// Whether its owner does not want this attempt to begin.
    fileprivate func stops(_ recovery: Recovery, _ status: RecoveryStatus) -> Bool {
        if spec.isSuspended { return true }
        guard recovery.isOpenedByDetection else { return false }
        return switch spec.effectiveMode {
        case .auto: false
        case .approve: status.plan?.approval == nil
        case .observe: true
        }
    }
}

/// What the books say about an attempt.
package enum PolicyAdmission: Sendable {
    /// It is entered, or there is nothing to enter.
    case admitted
    /// A gate holds it; the policy as it is now says which.
    case held(RecoveryPolicy)
    /// The policy whose detection has opened the Recovery was deleted, or deleted and made again, a moment ago.
    case policyGone
}

/// Others changed a policy's status again and again; the queue tries later.
package struct PolicyOvertaken: Error, Sendable, Hashable, CustomStringConvertible {
    /// The policy.
    package var key: ObjectKey

    /// What happened.
    package var description: String { "the status of RecoveryPolicy \(key) was changed by others again and again" }
}
