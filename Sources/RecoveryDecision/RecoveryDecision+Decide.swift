internal import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI

/// One look at one Recovery; the steps of `decide()` are in the order of design.md section 4.
struct DecisionMaker {
    let recovery: Recovery
    let facts: RecoveryFacts
    let now: Date

    func decide() throws -> RecoveryDecision {
        if recovery.isFinal { return decideAboutFinal() }
        let asked = try StopReason.asked(by: recovery)
        if let asked, asked != .suspended { return end(asked) }
        if facts.isRunningHere { return RecoveryDecision(asked.map(RecoveryDecision.Action.stop) ?? .ignore) }
        let healed = SelfHealing.verdict(
            recovery,
            clusterConditions: facts.clusterConditions,
            targetConditions: facts.targetConditions,
            detection: facts.detection
        )
        if let healed {
            var status = recovery.status ?? RecoveryStatus()
            if status.plan != nil, status.plan?.outcome == nil { status.plan?.outcome = "healed by itself" }
            status.finish(healed, recovery: recovery, now: now)
            return RecoveryDecision(.finish(status: status))
        }
        switch try accept() {
        case .refused(let status): return RecoveryDecision(.finish(status: status))
        case .held(let verdict, var status):
            if verdict.gate == .policyNotFound, let end = abandonment(nil, status, .auto) {
                status.finish(end, recovery: recovery, now: now)
                return RecoveryDecision(.finish(status: status))
            }
            return hold(verdict, status)
        case .accepted(let status): return try proceed(status)
        }
    }

    private func decideAboutFinal() -> RecoveryDecision {
        guard !recovery.metadata.isBeingDeleted, let ended = recovery.status?.completionTime else {
            return RecoveryDecision(.ignore)
        }
        let expiry = ended.addingTimeInterval(Double(recovery.spec.effectiveTTLSeconds))
        return expiry <= now ? RecoveryDecision(.delete) : RecoveryDecision(.ignore, recheckAt: expiry)
    }

    private func end(_ reason: StopReason) -> RecoveryDecision {
        if facts.isRunningHere { return RecoveryDecision(.stop(reason)) }
        var status = recovery.status ?? RecoveryStatus()
        // An attempt that nobody runs would keep target and place for as long as others have finalizers on its Recovery.
        if reason == .deleted, status.executions?.last?.state.isFinal != false { return RecoveryDecision(.ignore) }
        // Its runner ends it once that is done.
        if let execution = status.unsettledExecution { return resume(execution, status) }
        status.closeUnfinishedExecution(as: .cancelled, message: reason.explanation, now: now)
        status.finish(
            FinalVerdict(state: .cancelled, reason: reason.rawValue, message: reason.explanation),
            recovery: recovery,
            now: now
        )
        return RecoveryDecision(.finish(status: status))
    }

    private func hold(_ verdict: GateVerdict, _ status: RecoveryStatus) -> RecoveryDecision {
        var status = status
        status.hold(verdict, recovery: recovery, now: now)
        return RecoveryDecision(.hold(verdict, status: status), recheckAt: verdict.recheckAt)
    }

    /// What an accepted Recovery does: ends, waits, goes on with an unfinished attempt, or starts one.
    private func proceed(_ accepted: RecoveryStatus) throws -> RecoveryDecision {
        var status = accepted
        if recovery.spec.isSuspended {
            return hold(
                GateVerdict(.suspended, "spec.suspend is true; set it to false to go on"),
                status.pausingClock(at: now)
            )
        }
        // Before the clock runs on: it stands still while a person is waited for, or the policy's books hold.
        switch try policyOutcome(status) {
        case .holds(let verdict, let held): return hold(verdict, held)
        case .ends(let verdict, var ended):
            ended.finish(verdict, recovery: recovery, now: now)
            return RecoveryDecision(.finish(status: ended))
        case .passes(let passed): status = passed
        case .lacksRehearsal: return RecoveryDecision(.rehearse(status: status))
        }
        status.resumeClock(at: now)
        if let deadline = status.deadline, deadline <= now, status.unsettledExecution == nil {
            return RecoveryDecision(.finish(status: status.timedOut(recovery: recovery, now: now)))
        }
        if let execution = status.executions?.last, !execution.state.isFinal {
            if var verdict = gateForRunning(status) {
                // One with changes goes on after its deadline, which is no time to look again then.
                if let time = verdict.recheckAt, time <= now { verdict.recheckAt = now.addingTimeInterval(30) }
                return hold(verdict, status)
            }
            return resume(execution, status)
        }
        if let exhausted = status.exhaustion(recovery) {
            status.finish(exhausted, recovery: recovery, now: now)
            return RecoveryDecision(.finish(status: status))
        }
        if let verdict = gateForNew(status) { return hold(verdict, status) }
        return reserve(status)
    }

    /// What the policy makes of the next attempt, by its mode and then by its books; asked only when there is one and no
    /// earlier gate holds it.
    private func policyOutcome(_ status: RecoveryStatus) throws -> ModeRule.Outcome {
        let isUnderWay = status.executions?.last.map { !$0.state.isFinal } ?? false
        let isOver = status.pausedTime == nil && status.deadline.map { $0 <= now } ?? false
        guard !isUnderWay, !isOver, status.exhaustion(recovery) == nil, gateBeforeMode(status) == nil else {
            return .passes(status)
        }
        let policy = livePolicy(status)
        let mode = policy?.spec.effectiveMode ?? status.effective?.mode?.value ?? .observe
        if let verdict = abandonment(policy, status, mode) { return .ends(verdict, status) }
        let outcome = try ModeRule(recovery: recovery, facts: facts, mode: mode, now: now).outcome(status)
        guard case .passes(let passed) = outcome else { return outcome }
        return booksOutcome(passed)
    }

    /// The end of a Recovery that waits for nobody any more: the policy that opened it would neither let it act nor see it
    /// heal, and as long as it is open, no other policy may open one for the same failure.
    ///
    /// One that has acted goes on under a policy that has turned to other failures, whose books bound it; without a policy
    /// nothing would.
    private func abandonment(
        _ policy: RecoveryPolicy?,
        _ status: RecoveryStatus,
        _ mode: PolicyMode
    ) -> FinalVerdict? {
        guard recovery.isOpenedByPolicy else { return nil }
        let mayGoOn = mode == .auto && (status.attempts ?? 0) > 0
        let isUnseen = facts.detection == .unwatched || facts.detection == .silent
        guard policy == nil || isUnseen && !mayGoOn else { return nil }
        let name = recovery.spec.policyRef?.name ?? ""
        let words =
            facts.detection == .silent
            ? "has heard nothing of this failure for too long to know whether it is over"
            : "does not look for this failure any more"
        return FinalVerdict(
            state: .cancelled,
            reason: ConditionReason.noLongerWatched,
            message: policy == nil
                ? "RecoveryPolicy \(name), which has opened it, is gone"
                : "RecoveryPolicy \(name), which has opened it, \(words)"
        )
    }

    /// What the policy's books say, as the cache has them; they are asked again on the live ones before anything starts.
    ///
    /// The whole recovery's clock stands still while they hold: the target is not to be given up for a time in which nothing
    /// was allowed. That, too, ends: after a day.
    private func booksOutcome(_ accepted: RecoveryStatus) -> ModeRule.Outcome {
        guard var verdict = gateOfPolicy(accepted) else { return .passes(accepted) }
        var status = accepted
        // What stood still for another reason until now has used up nothing of the day.
        if !status.isHeldByBooks { status.resumeClock(at: now) }
        status = status.pausingClock(at: now)
        guard let paused = status.pausedTime else { return .holds(verdict, status) }
        let end = paused.addingTimeInterval(Self.longestHold)
        guard end > now else {
            return .ends(
                FinalVerdict(
                    state: .failed,
                    reason: ConditionReason.heldTooLong,
                    message: "the policy has let no further attempt start for a day: \(verdict.message)",
                    level: EscalationRule.level(for: .deadline, recovery: recovery, status: status),
                    nextSteps: status.knownNextSteps(recovery)
                ),
                status
            )
        }
        verdict.message += "; the recovery's clock stands still meanwhile, at the longest until \(end.text)"
        verdict.recheckAt = verdict.recheckAt.map { min($0, end) } ?? end
        return .holds(verdict, status)
    }

    /// How long the books may hold a Recovery that has begun, in seconds: a day.
    private static let longestHold = 86_400.0

    private func gateForNew(_ status: RecoveryStatus) -> GateVerdict? {
        gateBeforeMode(status) ?? gateForRunning(status)
    }

    private func gateBeforeMode(_ status: RecoveryStatus) -> GateVerdict? {
        if let name = status.effective?.policy?.name, let reason = facts.unreadablePolicies[name] {
            return .policyUnreadable(name, reason, recheckAt: status.deadline)
        }
        if let policy = suspendedPolicy(status) {
            return GateVerdict(
                .policySuspended,
                "RecoveryPolicy \(policy) is suspended (spec.suspend)",
                recheckAt: status.deadline
            )
        }
        if let time = status.nextAttemptTime, time > now {
            return GateVerdict(
                .backingOff,
                "waits before attempt \((status.attempts ?? 0) + 1)",
                recheckAt: status.nextLook
            )
        }
        // Before the books: which policies there are, and what they say, is not known before.
        return facts.isWarmedUp ? facts.detection.gate(until: status.deadline) : .warmingUp(until: status.deadline)
    }

    /// What the books of the policy say about the next attempt.
    private func gateOfPolicy(_ status: RecoveryStatus) -> GateVerdict? {
        // Cannot overflow: `exhaustion` lets only numbers below the limit pass.
        let next = (status.attempts ?? 0) + 1
        guard let policy = livePolicy(status),
            let action = PolicyAction(recovery, status: status, attempt: next, now: now)
        else { return nil }
        return PolicyLedger(policy, base: facts.bases[policy.metadata.uid ?? ""]).verdict(action, now: now)
    }

    /// The gates that an attempt has to pass again when it goes on after a restart.
    private func gateForRunning(_ status: RecoveryStatus) -> GateVerdict? {
        if !facts.isWarmedUp {
            return .warmingUp(until: status.deadline)
        }
        if let other = holderOfTarget(status) {
            return GateVerdict(
                .targetLocked,
                "Recovery \(other) works on the same target",
                recheckAt: lookAgain(status)
            )
        }
        if let limit = status.effective?.limits?.effectiveMaxConcurrent, let policy = status.effective?.policy {
            let key = ObjectKey(namespace: recovery.metadata.namespace, name: policy.name)
            let running = facts.running.count { $0.policy == key }
            if running >= limit {
                return GateVerdict(
                    .policyConcurrency,
                    "\(running) recoveries run under RecoveryPolicy \(policy.name), which allows \(limit)",
                    recheckAt: lookAgain(status)
                )
            }
        }
        if !facts.hasFreeSlot {
            let limit = facts.configuration.maxConcurrentRecoveries
            return GateVerdict(
                .concurrency,
                "\(limit) recoveries run, as many as the controller may run at one time",
                recheckAt: status.deadline
            )
        }
        return nil
    }

    /// Who works on the target; of several the first by name, so that the words stay the same from look to look.
    private func holderOfTarget(_ status: RecoveryStatus) -> ObjectKey? {
        guard let lock = status.target.flatMap(LockKey.init) else { return nil }
        return facts.running.filter { $0.lock == lock }.map(\.key).min()
    }

    /// When a gate that opens as soon as another recovery ends is tried again although nobody has said so.
    private func lookAgain(_ status: RecoveryStatus) -> Date {
        let soon = now.addingTimeInterval(30)
        return status.deadline.map { min($0, soon) } ?? soon
    }

    private func suspendedPolicy(_ status: RecoveryStatus) -> String? {
        livePolicy(status)?.spec.suspend == true ? status.effective?.policy?.name : nil
    }

    /// The policy that governs, as it is now; nil when it was deleted.
    ///
    /// One that was made again under the same name bounds what the former one governed.
    private func livePolicy(_ status: RecoveryStatus) -> RecoveryPolicy? {
        guard let name = status.effective?.policy?.name else { return nil }
        return facts.policies.first { $0.metadata.name == name }
    }
}
