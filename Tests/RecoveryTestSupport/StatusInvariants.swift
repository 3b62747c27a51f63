internal import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI
internal import RecoveryDecision

/// What must hold in the status of a Recovery, and from one state of it to the next.
package struct StatusInvariants {
    private let old: Recovery?
    private let new: Recovery

    /// Compares a state of a Recovery with the one before; nil for the first.
    package init(old: Recovery?, new: Recovery) {
        self.old = old
        self.new = new
    }

    /// What does not hold, in words.
    package func problems() -> [String] {
        guard let status = new.status else { return old?.status == nil ? [] : ["the status is gone"] }
        var problems = limits(status) + consistency(status)
        if let old, old.metadata.uid == new.metadata.uid, let before = old.status {
            problems += kept(before, status)
        }
        return problems
    }

    private func limits(_ status: RecoveryStatus) -> [String] {
        var problems: [String] = []
        let attempts = status.attempts ?? 0
        if attempts > status.effective?.maxAttempts ?? 0 { problems.append("\(attempts) attempts are too many") }
        if let rung = status.currentRung, (status.rungAttempts ?? 0) > rung.maxAttempts ?? 1 {
            problems.append("\(status.rungAttempts ?? 0) attempts on one rung are too many")
        }
        let executions = status.executions ?? []
        if executions.count != min(attempts, RecoveryStatus.maxExecutions) {
            problems.append("\(executions.count) executions for \(attempts) attempts")
        }
        if let last = executions.last, last.attempt != attempts {
            problems.append("the last attempt is \(last.attempt)")
        }
        if executions.dropLast().contains(where: { !$0.state.isFinal }) {
            problems.append("an older execution is not final")
        }
        if let last = executions.last, !last.state.isFinal, last.deadline == nil {
            problems.append("an attempt runs without a deadline")
        }
        return problems
    }

    /// State, conditions, times and executions tell the same story.
    private func consistency(_ status: RecoveryStatus) -> [String] {
        var problems: [String] = []
        func expect(_ condition: String, _ value: Condition.Status) {
            let found = status.conditions?[type: condition]?.status
            if found != value { problems.append("\(new.state) with \(condition)=\(found?.rawValue ?? "nothing")") }
        }
        if (status.completionTime != nil) != new.isFinal { problems.append("completionTime does not fit \(new.state)") }
        if new.isFinal, status.executions?.last.map({ !$0.state.isFinal }) ?? false {
            problems.append("\(new.state) with an unfinished execution")
        }
        switch new.state {
        case .completed:
            expect(ConditionType.succeeded, .true)
            // What healed by itself proves nothing about an attempt, and needs none.
            if status.conditions?[type: ConditionType.succeeded]?.reason == ConditionReason.selfHealed { break }
            expect(ConditionType.verified, .true)
            if status.executions?.last?.state != .completed {
                problems.append("Completed without a completed execution")
            }
        case .failed, .timeout:
            expect(ConditionType.succeeded, .false)
            expect(ConditionType.stalled, .true)
            if status.escalation?.nextSteps?.isEmpty ?? true { problems.append("\(new.state) without next steps") }
        case .cancelled: expect(ConditionType.succeeded, .false)
        case .inProgress:
            expect(ConditionType.progressing, .true)
            expect(ConditionType.admitted, .true)
        case .pending:
            if status.state == .pending { expect(ConditionType.progressing, .false) }
            if status.executions?.last?.state == .inProgress { problems.append("Pending with a running execution") }
        }
        if new.isFinal { expect(ConditionType.progressing, .false) }
        return problems
    }

    /// Nothing that was acknowledged is lost, and what is over stays as it is.
    private func kept(_ before: RecoveryStatus, _ status: RecoveryStatus) -> [String] {
        var problems: [String] = []
        if old?.isFinal == true, before != status { problems.append("\(before.state?.rawValue ?? "") was changed") }
        if (status.attempts ?? 0) < before.attempts ?? 0 { problems.append("attempts went down") }
        if (status.attempts ?? 0) > (before.attempts ?? 0) + 1 { problems.append("attempts jumped") }
        if (status.rung ?? 0) < before.rung ?? 0 { problems.append("the ladder was climbed down") }
        if before.effective != nil, before.effective != status.effective { problems.append("effective was changed") }
        if before.target != nil, before.target != status.target { problems.append("the target was changed") }
        if before.specHash != nil, before.specHash != status.specHash { problems.append("specHash was changed") }
        if let deadline = before.deadline, (status.deadline ?? .distantPast) < deadline {
            problems.append("the deadline came closer")
        }
        if before.startTime != nil, before.startTime != status.startTime { problems.append("startTime was changed") }
        for execution in before.executions ?? [] {
            problems += kept(execution, status.executions?.first { $0.id == execution.id })
        }
        return problems
    }

    private func kept(_ before: RecoveryExecution, _ now: RecoveryExecution?) -> [String] {
        guard let now else { return ["execution \(before.id) is lost"] }
        if before.state.isFinal { return before == now ? [] : ["execution \(before.id) was changed after its end"] }
        var problems: [String] = []
        if (before.attempt, before.strategy, before.startTime) != (now.attempt, now.strategy, now.startTime) {
            problems.append("execution \(before.id) is another one now")
        }
        if (now.fencingToken ?? 0) < before.fencingToken ?? 0 { problems.append("the fencing token went down") }
        let actions = now.result?.actions ?? []
        for action in before.result?.actions ?? [] {
            let matches = actions.filter { $0.name == action.name }
            if matches.isEmpty { problems.append("action \(action.name) is lost") }
            if action.result == .succeeded, !matches.contains(where: { $0.result == .succeeded }) {
                problems.append("the success of action \(action.name) is lost")
            }
            if action.result == .succeeded, matches.contains(where: { $0.result == .started }) {
                problems.append("action \(action.name) starts again")
            }
        }
        return problems
    }
}
