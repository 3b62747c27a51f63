package import ControllerRuntime
internal import FoundationEssentials
package import KubernetesClient
package import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
internal import Telemetry
package import Timekeeping

/// Looks at one Recovery and does what the decision core says: the imperative shell around `RecoveryDecision`.
///
/// The cache only says that there may be something to do; every decision that leads to a write is made on a live read.
/// Attempts do not run here but in the engine's task group, so a running Recovery can still be cancelled or suspended.
package struct RecoveryReconciler: Sendable {
    /// What the reconciler works with.
    package struct Environment: Sendable {
        package var client: KubernetesClient
        package var recoveries: Store<Recovery>
        package var policies: Store<RecoveryPolicy>
        package var clusters: Store<MemberCluster>
        /// The targets on the hub whose conditions tell that they are well again.
        package var targets: HubTargets
        package var approvals: Store<RecoveryApproval>
        package var registry: StrategyRegistry
        package var catalogue: StrategyCatalogue
        package var configuration: EngineConfiguration
        package var controllerNamespace: String
        package var identity: @Sendable () -> ControllerIdentity
        package var timeSource: any TimeSource
        package var writer: StatusWriter
        package var lock: TargetLock
        package var slots: SlotTable
        package var running: RunningAttempts
        package var runner: AttemptRunner
        package var report: RecoveryReporter
        /// What error codes mean now.
        package var errors: @Sendable () -> ErrorCatalogue
        /// The books of the policies.
        package var books: PolicyBooks
        /// Notes a decision for the status of the policy that governs; without a verdict, that an attempt begins.
        package var note: @Sendable (GateVerdict?, Recovery) -> Void
        /// What detection sees now.
        package var findings: DetectionFindings
        /// Hands a prepared attempt to the engine's task group.
        package var start: @Sendable (AttemptRunner.Prepared) -> Void
        /// Asks for another look at a Recovery.
        package var enqueue: @Sendable (ObjectKey) -> Void
    }

    let environment: Environment
    let waiters = LockWaiters()
    let policyWaiters = PolicyWaiters()

    /// How long the concurrency gate may hold a Recovery before that is written: most wait only for a moment.
    private static let quietWait = Duration.seconds(60)

    /// Makes a reconciler.
    package init(_ environment: Environment) {
        self.environment = environment
    }

    /// Looks at the Recovery of that name.
    ///
    /// - Throws: `ClientError` when the server cannot be asked or refuses; the queue tries again.
    package func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        guard let cached = environment.recoveries.get(key) else {
            if let unreadable = environment.recoveries.failure(key) {
                // What runs goes on: its status cannot be written, but what it asked for was once read.
                environment.report.unreadable(unreadable)
            } else {
                environment.running[key]?.journal.requestStop(.deleted)
            }
            conclude(key)
            return .done
        }
        let wait = environment.slots.acquire(
            key,
            priority: cached.queuePriority(environment),
            kind: cached.waitsForCluster ? .patient : .busy
        )
        do {
            let look = try await reconcile(cached, wait: wait)
            conclude(key, look)
            return look.value
        } catch {
            conclude(key)
            throw error
        }
    }

    /// What a look came to, and what the Recovery goes on waiting for.
    private struct Look {
        var value: ReconcileResult
        var keepsPlace = false
        var waitsForPolicy = false
    }

    /// After a look: who neither runs nor waits for a place gives it up, and who has not made use of being woken passes
    /// that on.
    private func conclude(_ key: ObjectKey, _ look: Look = Look(value: .done)) {
        let woken = look.waitsForPolicy ? nil : policyWaiters.leave(key)
        // A running attempt has its place until it has returned, also when its Recovery is gone.
        guard environment.running[key] == nil else { return }
        if !look.keepsPlace { giveUpPlace(key) }
        if let woken, let next = policyWaiters.takeFirst(woken) { environment.enqueue(next) }
    }

    private func reconcile(_ cached: Recovery, wait: Duration?) async throws -> Look {
        let hasSlot = wait == nil
        if let running = environment.running[cached.metadata.key] {
            if let reason = try StopReason.asked(by: cached) { running.journal.requestStop(reason) }
            return Look(value: .done)
        }
        if cached.status != nil {
            if let look = try await glance(cached, wait: wait) { return look }
        } else if let wait, wait < Self.quietWait, try StopReason.asked(by: cached) == nil {
            // A new one, with nothing to decide before it has a place; with a place the live object decides.
            return Look(value: .requeue(after: Self.quietWait - wait), keepsPlace: true)
        }
        let live: Recovery
        do {
            live = try await environment.client.refresh(cached)
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return Look(value: .done)
        }
        return try await perform(try await decide(live, hasSlot: hasSlot), on: live)
    }

    /// Decides on what the cache has; nil when the live object has to be looked at.
    private func glance(_ cached: Recovery, wait: Duration?) async throws -> Look? {
        let decision = try await decide(cached, hasSlot: wait == nil, rehearses: false)
        switch decision.action {
        case .ignore: return Look(value: requeue(decision.recheckAt))
        case .hold(let verdict, let status) where verdict.gate == .backingOff && status == cached.status:
            return Look(value: requeue(decision.recheckAt))
        case .hold(let verdict, _) where verdict.gate == .concurrency:
            guard let wait, wait < Self.quietWait else { return nil }
            return Look(value: .requeue(after: Self.quietWait - wait), keepsPlace: true)
        default: return nil
        }
    }

    private func perform(_ decision: RecoveryDecision, on recovery: Recovery) async throws -> Look {
        switch decision.action {
        case .ignore, .stop, .rehearse: return Look(value: requeue(decision.recheckAt))
        case .delete:
            try await delete(recovery)
            return Look(value: .done)
        case .hold(let verdict, let status):
            try await hold(recovery, verdict, status)
            return Look(
                value: requeue(decision.recheckAt),
                keepsPlace: verdict.gate == .concurrency,
                waitsForPolicy: verdict.gate == .policyConcurrency
            )
        case .finish(let status):
            guard let written = try await write(status, on: recovery) else { return Look(value: .done) }
            environment.report.finished(written)
            await releaseLock(written)
            return Look(value: requeue(written.expiry))
        case .reserve(_, let status): return try await begin(recovery, status, isResumed: false)
        case .resume(_, let status): return try await begin(recovery, status, isResumed: true)
        }
    }

    /// Takes the lock, writes the reservation, and only then lets the attempt run.
    private func begin(_ recovery: Recovery, _ status: RecoveryStatus, isResumed: Bool) async throws -> Look {
        guard let name = status.executions?.last?.strategy, let strategy = environment.registry[name] else {
            throw UnknownStrategy(name: status.executions?.last?.strategy ?? "")
        }
        guard claim(recovery, status) else {
            // Another worker was faster; the next look finds its Recovery in the table and waits for it.
            environment.enqueue(recovery.metadata.key)
            return Look(value: .done)
        }
        defer { withdrawClaim(recovery, status) }
        let lock = status.target.flatMap(LockKey.init)
        if let lock {
            // Registered before asking: a release between the two would otherwise wake nobody.
            waiters.add(recovery.metadata.key, for: lock)
            if case .held(let holder) = try await environment.lock.acquire(lock, for: recovery) {
                return try await holdForLock(recovery, holder)
            }
            waiters.remove(recovery.metadata.key, for: lock)
        }
        if !isResumed {
            let admission: PolicyAdmission
            do {
                admission = try await environment.books.admit(recovery, status)
            } catch {
                if let lock { await release(lock, of: recovery) }
                throw error
            }
            switch admission {
            case .admitted: break
            case .held(let policy): return try await holdForPolicy(recovery, policy, lock)
            case .policyGone:
                if let lock { await release(lock, of: recovery) }
                return Look(value: .requeue(after: Self.policyRecheck))
            }
        }
        guard let written = try await write(status, on: recovery) else {
            // One that goes on has its target in its hands, whoever wrote in between.
            if let lock, !isResumed { await release(lock, of: recovery) }
            return Look(value: .done)
        }
        guard let prepared = environment.runner.prepare(written, strategy: strategy, isResumed: isResumed) else {
            return Look(value: .done)
        }
        environment.running.insert(
            RunningAttempts.Entry(
                journal: prepared.journal,
                description: RunningRecovery(written),
                since: environment.timeSource.wallTime()
            )
        )
        environment.report.attemptBegan(written, isResumed: isResumed)
        environment.note(nil, written)
        environment.start(prepared)
        return Look(value: .done)
    }

    private func holdForLock(_ recovery: Recovery, _ holder: String) async throws -> Look {
        let recheck = environment.timeSource.wallTime().addingTimeInterval(Self.lockRecheck)
        let verdict = GateVerdict(
            .targetLocked,
            "Recovery \(holder) works on the same target",
            recheckAt: recheck
        )
        var status = recovery.status ?? RecoveryStatus()
        status.hold(verdict, recovery: recovery, now: environment.timeSource.wallTime().wholeSecond)
        try await hold(recovery, verdict, status)
        return Look(value: requeue(recheck))
    }

    /// The books of the policy, newer than the cache's, do not let the attempt start.
    private func holdForPolicy(_ recovery: Recovery, _ policy: RecoveryPolicy, _ lock: LockKey?) async throws -> Look {
        if let lock { await release(lock, of: recovery) }
        let decision = try await decide(recovery, hasSlot: true, policy: policy)
        if case .hold = decision.action { return try await perform(decision, on: recovery) }
        // It has opened in this moment.
        environment.enqueue(recovery.metadata.key)
        return Look(value: .done)
    }

    /// Seconds after which a lock is asked for again although nobody said that it is free.
    private static let lockRecheck = 30.0
    /// How soon the cache knows of a policy that was just deleted.
    private static let policyRecheck = Duration.seconds(1)

    private func hold(_ recovery: Recovery, _ verdict: GateVerdict, _ status: RecoveryStatus) async throws {
        if verdict.gate == .targetLocked, let lock = status.target.flatMap(LockKey.init) {
            waiters.add(recovery.metadata.key, for: lock)
        }
        if verdict.gate == .policyConcurrency, let policy = recovery.policyKey(under: status) {
            let rank = PolicyWaiters.Rank(
                priority: recovery.queuePriority(environment),
                created: recovery.metadata.creationTimestamp ?? .distantPast
            )
            policyWaiters.add(recovery.metadata.key, rank, policy: policy)
        }
        let isNews = status != recovery.status
        if givesUpTarget(recovery, verdict, isNews: isNews) { await releaseLock(recovery) }
        guard let written = isNews ? try await write(status, on: recovery) : recovery else { return }
        if verdict.gate == .awaitingApproval { environment.report.awaitsApproval(written) }
        guard isNews, verdict.gate != .backingOff else { return }
        let before = recovery.status?.conditions?[type: ConditionType.admitted]
        guard before?.reason != verdict.gate.rawValue || before?.status != .false else { return }
        environment.report.held(written, verdict)
        environment.note(verdict, written)
    }

    /// Whether others may have the target meanwhile: a gate can hold for days.
    ///
    /// An attempt that was only interrupted has it in its hands, unless a person has suspended it.
    private func givesUpTarget(_ recovery: Recovery, _ verdict: GateVerdict, isNews: Bool) -> Bool {
        guard verdict.gate != .suspended else { return true }
        let last = recovery.status?.executions?.last
        guard verdict.gate.isLasting, last?.state.isFinal != false else { return false }
        // Who has made no attempt has a lock only from a moment before a crash.
        return last != nil || isNews
    }

    /// - Returns: nil when somebody else wrote first, or the Recovery is gone: it is looked at again.
    private func write(_ status: RecoveryStatus, on recovery: Recovery) async throws -> Recovery? {
        do {
            return try await environment.writer.write(status, on: recovery)
        } catch let failure as StatusWriteFailure {
            if case .overtaken = failure { environment.enqueue(recovery.metadata.key) }
            return nil
        }
    }

    private func delete(_ recovery: Recovery) async throws {
        // What is deleted can no longer say how its attempts have ended.
        try await environment.books.settle(recovery)
        let options = DeleteOptions(
            preconditionUID: recovery.metadata.uid,
            preconditionResourceVersion: recovery.metadata.resourceVersion
        )
        do {
            try await environment.client.delete(
                Recovery.resource,
                recovery.metadata.key,
                options: options
            )
        } catch let error as ClientError
            where error.apiError?.isNotFound == true || error.apiError?.isConflict == true
        {
            return
        }
    }

    private func requeue(_ time: Date?) -> ReconcileResult {
        guard let time else { return .done }
        let seconds = time.timeIntervalSince(environment.timeSource.wallTime())
        return .requeue(after: .milliseconds(Int64(max(0.01, min(seconds, 1e9)) * 1_000)))
    }
}

/// A reservation names a strategy that this controller does not have.
package struct UnknownStrategy: Error, Sendable, Hashable, CustomStringConvertible {
    /// The name in the reservation.
    package var name: String

    /// What to do.
    package var description: String {
        "the reserved attempt names strategy \(name), which this controller does not have; run the version that has it"
    }
}
