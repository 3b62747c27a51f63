package import FoundationEssentials
internal import JSON
internal import KubernetesCore
package import RecoveryAPI

extension DecisionMaker {
    /// Starts the next attempt: a new execution with its deadline, and the whole recovery's clock with the first one.
    func reserve(_ accepted: RecoveryStatus) -> RecoveryDecision {
        var status = accepted
        guard let rung = status.currentRung else {
            status.finish(.noRung, recovery: recovery, now: now)
            return RecoveryDecision(.finish(status: status))
        }
        if status.isTooLate(at: now) {
            let left = Int(status.deadline?.timeIntervalSince(now) ?? 0)
            let why = "with \(left) s left there is no time for another attempt"
            return RecoveryDecision(.finish(status: status.timedOut(why, recovery: recovery, now: now)))
        }
        // Cannot overflow: `exhaustion` lets only numbers below the limit pass.
        let attempt = (status.attempts ?? 0) + 1
        status.startTime = status.startTime ?? now
        status.deadline =
            status.deadline ?? now.addingTimeInterval(Double(status.effective?.timeoutSeconds ?? 900))
        var execution = RecoveryExecution(
            id: RecoveryNaming.executionID(errorType: recovery.spec.error.type, time: now, attempt: attempt),
            attempt: attempt,
            strategy: rung.name
        )
        execution.startTime = now
        claim(&execution, rung: rung, status: status)
        status.attempts = attempt
        status.rung = status.rung ?? 0
        // Those of the Recovery that this one goes on after count, too.
        let most = status.flapping == nil ? attempt - 1 : StrategyRung.mostAttempts
        status.rungAttempts = min(status.rungAttempts ?? 0, most) + 1
        status.strategy = rung.name
        status.priority = rung.priority
        status.executions = Array(((status.executions ?? []) + [execution]).suffix(RecoveryStatus.maxExecutions))
        status.begin("Attempt \(attempt) with \(rung.name) runs", recovery: recovery, now: now)
        return RecoveryDecision(.reserve(execution, status: status), recheckAt: execution.deadline)
    }

    /// Takes over an attempt that nobody runs, under the same id and number: its controller crashed, or it was suspended.
    func resume(_ unfinished: RecoveryExecution, _ accepted: RecoveryStatus) -> RecoveryDecision {
        var status = accepted
        guard let rung = status.currentRung, let index = status.executions?.indices.last else {
            status.closeUnfinishedExecution(as: .failed, message: FinalVerdict.noRung.message, now: now)
            status.finish(.noRung, recovery: recovery, now: now)
            return RecoveryDecision(.finish(status: status))
        }
        var execution = unfinished
        execution.state = .inProgress
        claim(&execution, rung: rung, status: status)
        status.executions?[index] = execution
        status.begin("Attempt \(execution.attempt) with \(rung.name) goes on", recovery: recovery, now: now)
        return RecoveryDecision(.resume(execution, status: status), recheckAt: execution.deadline)
    }

    /// Puts our name and a deadline on an attempt; it never reaches beyond the whole recovery's deadline.
    private func claim(_ execution: inout RecoveryExecution, rung: StrategyRung, status: RecoveryStatus) {
        // What is only checked any more has the time of the check, and its own to take back what it did.
        let checkEnd = status.verification?.deadline ?? now
        execution.deadline = status.attemptDeadline(verifyingUntil: checkEnd, rung: rung, now: now)
        execution.holder = facts.identity.holder
        execution.fencingToken = facts.identity.fencingToken
    }
}

extension RecoveryStatus {
    /// The unfinished attempt that has left changes, or is half done: it is not over before somebody has looked at them,
    /// whatever the time, and whatever was asked.
    var unsettledExecution: RecoveryExecution? {
        guard let last = executions?.last, !last.state.isFinal, last.isUnsettled else { return nil }
        return last
    }

    /// The least time that is worth an attempt, in seconds.
    ///
    /// An attempt asks the server at least four times: for its reservation, for the target, for its change and for its
    /// outcome. Decisions count in whole seconds, rounded down, so of two at least one is really left, which is ample on a
    /// server that is well. With less, an attempt would most likely change something and be cut off, and count as one that
    /// failed.
    package static let shortestAttempt = 2.0

    /// Whether the whole recovery's deadline is so near that nothing is begun any more.
    ///
    /// - Parameter now: the wall clock.
    /// - Returns: false without a deadline: the first attempt has all the time that was asked for.
    package func isTooLate(at now: Date) -> Bool {
        deadline.map { $0.timeIntervalSince(now) < Self.shortestAttempt } ?? false
    }
}

extension RecoveryExecution {
    /// Names, among the facts of an action, the one without which it must not stay.
    package static let completedBy = "completedBy"

    /// Whether an action was begun that must not stay without another one: whatever was asked meanwhile, that one or
    /// the inverse comes first.
    package var isHalfDone: Bool {
        let actions = result?.actions ?? []
        return actions.contains { $0.facts?[Self.completedBy] != nil && !actions.haveSettled($0) }
    }

    /// Whether it is half done, or has left changes that could be taken back.
    package var isUnsettled: Bool { isHalfDone || !standingChanges.isEmpty }

    /// See `[ActionRecord].standingChanges`.
    package var standingChanges: [ActionRecord] { (result?.actions ?? []).standingChanges }

    /// How the names of actions begin that take others back.
    package static let undoPrefix = "Undo"

    /// The name of the action that takes another one back.
    package static func name(ofUndoing action: String) -> String { undoPrefix + action }
}

extension [ActionRecord] {
    /// The changes, done or begun, that could be taken back and were not.
    package var standingChanges: [ActionRecord] { filter { $0.inverse != nil && !haveSettled($0) } }

    /// Whether the action was taken back, or completed by the one that it must not stay without.
    fileprivate func haveSettled(_ action: ActionRecord) -> Bool {
        let ends = [
            action.facts?[RecoveryExecution.completedBy]?.stringValue, RecoveryExecution.name(ofUndoing: action.name),
        ]
        return contains { ends.contains($0.name) && $0.result == .succeeded }
    }
}
