package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// How an attempt ended (design.md section 4); everything that is not known is permanent.
package enum AttemptOutcome: Sendable, Hashable {
    /// The failure is gone, and the strategy has proof.
    case succeeded
    /// It did not work now, and may work later; not before `retryAfter` when the server named one.
    case transient(retryAfter: Duration?)
    /// Trying this strategy again cannot help.
    case permanent
    /// The attempt's own deadline passed.
    case timedOut
    /// It was told to end.
    case stopped(StopReason)
    /// Another Recovery took over.
    case superseded(by: RecoveryReference)
}

/// What follows the end of an attempt: the status to write, and whether it was the last.
package struct AttemptSettlement: Sendable, Hashable {
    /// The status after the attempt.
    package var status: RecoveryStatus
    /// When to look again; nil when the Recovery is final or only a change matters.
    package var recheckAt: Date?

    /// Works out what follows.
    ///
    /// A pure function, like `RecoveryDecision.decide`. An outcome that comes when nothing runs any more, such as a
    /// second one, changes nothing.
    ///
    /// - Parameters:
    ///   - recovery: the Recovery with the status as it was last written; its last execution is the one that ended.
    ///   - outcome: how the attempt ended.
    ///   - result: what it has to tell: message, actions, next steps, metrics.
    ///   - retryBackoff: how retries wait where the rung does not say.
    ///   - now: the wall clock.
    /// - Returns: the status to write and when to look again.
    package static func settle(
        _ recovery: Recovery,
        outcome: AttemptOutcome,
        result: ExecutionResult,
        retryBackoff: BackoffRule,
        now: Date
    ) -> AttemptSettlement {
        var settlement = Settler(
            recovery: recovery,
            result: result,
            backoff: retryBackoff,
            exactNow: now,
            now: now.wholeSecond,
            status: recovery.status ?? RecoveryStatus()
        )
        let isOpen = settlement.status.executions?.last?.state.isFinal == false
        if isOpen, !recovery.isFinal { settlement.settle(outcome) }
        return AttemptSettlement(status: settlement.status, recheckAt: settlement.status.nextLook)
    }
}

private struct Settler {
    let recovery: Recovery
    let result: ExecutionResult
    let backoff: BackoffRule
    let exactNow: Date
    let now: Date
    var status: RecoveryStatus

    private var words: String { result.message ?? "no details" }

    mutating func settle(_ outcome: AttemptOutcome) {
        switch outcome {
        case .succeeded: succeed()
        case .transient(let retryAfter): fail(as: .failed, isPermanent: false, retryAfter: retryAfter)
        case .permanent: fail(as: .failed, isPermanent: true, retryAfter: nil)
        case .timedOut: fail(as: .timeout, isPermanent: false, retryAfter: nil)
        case .stopped(.suspended): suspend()
        case .stopped(let reason): cancel(reason.rawValue, result.message ?? reason.explanation)
        case .superseded(let successor):
            status.supersededBy = successor
            cancel("Superseded", "Recovery \(successor.text) took over: \(words)")
        }
    }

    private mutating func close(as state: RecoveryState, success: Bool) {
        guard let last = status.executions?.indices.last else { return }
        var result = result
        result.success = success
        status.executions?[last].state = state
        status.executions?[last].endTime = now
        status.executions?[last].result = result
    }

    private mutating func succeed() {
        close(as: .completed, success: true)
        // Without a check of its own the strategy's proof counts.
        let reason = status.verification == nil ? "Verified" : ConditionReason.targetHealthy
        status.set(ConditionType.verified, .true, reason: reason, message: words, recovery: recovery, now: now)
        status.finish(
            FinalVerdict(state: .completed, reason: "Recovered", message: words),
            recovery: recovery,
            now: now
        )
    }

    private mutating func cancel(_ reason: String, _ message: String) {
        close(as: .cancelled, success: false)
        status.finish(
            FinalVerdict(state: .cancelled, reason: reason, message: message),
            recovery: recovery,
            now: now
        )
    }

    /// The attempt stays reserved, with its actions, and goes on under the same id; the clock stands still.
    private mutating func suspend() {
        guard let last = status.executions?.indices.last else { return }
        status.executions?[last].state = .pending
        status.executions?[last].result = result
        status.pausedTime = now
        status.hold(
            GateVerdict(.suspended, "spec.suspend is true; set it to false to go on"),
            recovery: recovery,
            now: now
        )
    }

    private mutating func fail(as state: RecoveryState, isPermanent: Bool, retryAfter: Duration?) {
        let isLastMoment = status.deadline.map { status.executions?.last?.deadline ?? now >= $0 } ?? false
        close(as: state, success: false)
        endVerification()
        // An attempt that had all the time that was left and used it up has used up the recovery's, even when its timer
        // fired a moment early.
        if let deadline = status.deadline, deadline <= now || (state == .timeout && isLastMoment) {
            status = status.timedOut(recovery: recovery, now: now)
            return
        }
        let attempts = status.attempts ?? 0
        let isRungSpent = isPermanent || (status.rungAttempts ?? 0) >= (status.currentRung?.maxAttempts ?? 1)
        if attempts < status.effective?.maxAttempts ?? 0 {
            if !isRungSpent { return retry(retryAfter, "attempt \(attempts) failed: \(words)") }
            if hasNextRung {
                let failed = status.strategy ?? "the strategy"
                moveToNextRung()
                return retry(retryAfter, "\(failed) failed: \(words); next is \(status.strategy ?? "")")
            }
        }
        giveUp(isPermanent: isPermanent, attempts: attempts, lastState: state)
    }

    /// The next attempt has a check of its own.
    private mutating func endVerification() {
        guard status.verification != nil else { return }
        status.verification = nil
        let reason = ConditionReason.targetUnhealthy
        status.set(ConditionType.verified, .false, reason: reason, message: words, recovery: recovery, now: now)
    }

    private var hasNextRung: Bool { (status.rung ?? 0) < (status.effective?.ladder?.count ?? 0) - 1 }

    private mutating func moveToNextRung() {
        status.rung = (status.rung ?? 0) + 1
        status.rungAttempts = 0
        status.strategy = status.currentRung?.name
        status.priority = status.currentRung?.priority
    }

    private mutating func retry(_ retryAfter: Duration?, _ message: String) {
        let attempt = status.rungAttempts ?? 0
        let rule = status.currentRung?.backoff.map(BackoffRule.init) ?? backoff
        let own = rule.delay(afterAttempt: max(1, attempt), seed: recovery.metadata.uid ?? "")
        let delay = max(own, min(retryAfter ?? .zero, Self.longestWait))
        // Rounded up: never before the time that the server asked for.
        let due = exactNow.timeIntervalSinceReferenceDate + delay / .seconds(1)
        status.nextAttemptTime = Date(timeIntervalSinceReferenceDate: due.rounded(.up))
        status.awaitRetry(message, recovery: recovery, now: now)
    }

    /// A server that asks for more is asked again after a week, the longest time a recovery may take: a date that is
    /// too far away has no text and could never be written.
    private static let longestWait = Duration.seconds(604_800)

    private mutating func giveUp(isPermanent: Bool, attempts: Int, lastState: RecoveryState) {
        let hasSteps = result.nextSteps?.isEmpty == false
        let cause: EscalationRule.Cause = isPermanent ? .permanent(hasSteps: hasSteps) : .exhausted
        let ending = lastState == .timeout ? "the last one timed out" : "the last one failed"
        let message =
            isPermanent
            ? "cannot be recovered automatically: \(words)"
            : "\(attempts) attempts were made, \(ending): \(words)"
        status.finish(
            FinalVerdict(
                state: .failed,
                reason: isPermanent ? "PermanentFailure" : "AttemptsExhausted",
                message: message,
                level: EscalationRule.level(for: cause, recovery: recovery, status: status),
                nextSteps: status.knownNextSteps(recovery)
            ),
            recovery: recovery,
            now: now
        )
    }
}

extension BackoffRule {
    /// The rule as a policy's rung gives it; what it leaves out has the defaults of the API.
    package init(_ settings: BackoffSettings) {
        self.init(
            initial: .seconds(settings.effectiveInitialSeconds),
            factorPercent: settings.effectiveFactorPercent,
            maximum: .seconds(settings.effectiveMaxSeconds),
            spreadPercent: settings.effectiveJitterPercent
        )
    }
}
