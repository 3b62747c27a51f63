import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision

/// What holds for every status that the core writes, and for every step from one to the next.
enum StatusInvariants {
    /// Says what is wrong with a status; empty when nothing is.
    static func violations(in status: RecoveryStatus, of recovery: Recovery) throws -> [String] {
        var found: [String] = []
        func require(_ holds: Bool, _ rule: String) {
            if !holds { found.append(rule) }
        }
        let executions = status.executions ?? []
        let unfinished = executions.filter { !$0.state.isFinal }
        require(status.state != nil, "a status that was written has a state")
        require(executions.count <= RecoveryStatus.maxExecutions, "at most 20 executions")
        require(Set(executions.map(\.id)).count == executions.count, "ids of executions are unique")
        require(executions.map(\.attempt) == executions.map(\.attempt).sorted(), "newest execution last")
        require(executions.last.map { $0.attempt == status.attempts } ?? true, "attempts counts the reservations")
        require(executions.dropLast().allSatisfy(\.state.isFinal), "only the newest execution is unfinished")
        require(executions.allSatisfy { $0.state.isFinal == ($0.endTime != nil) }, "what has ended has an end")
        require(executions.allSatisfy { $0.holder != nil && $0.deadline != nil }, "who runs it and until when")
        if let limit = status.effective?.maxAttempts {
            require((status.attempts ?? 0) <= limit, "attempts within the limit")
            require(
                (status.attempts ?? 0) <= recovery.spec.maxAttempts ?? limit,
                "attempts within the Recovery's limit"
            )
        }
        if status.state?.isFinal == false, let deadline = status.deadline, status.pausedTime == nil {
            require(unfinished.allSatisfy { ($0.deadline ?? deadline) <= deadline }, "no attempt beyond the deadline")
        }
        require((status.attempts ?? 0) == 0 || status.deadline != nil, "every recovery that began has a deadline")
        if let rung = status.rung, let ladder = status.effective?.ladder {
            require(ladder.indices.contains(rung), "the rung is on the ladder")
            require(
                (status.rungAttempts ?? 0) <= ladder[rung].maxAttempts ?? 0,
                "attempts of the rung within its limit"
            )
            require(status.strategy == ladder[rung].name, "the strategy is the rung's")
        }
        found += stateViolations(in: status, unfinished: unfinished)
        let read = try JSONValue(encoding: status).decode(RecoveryStatus.self)
        require(read == status, "what is read back is what was written")
        return found
    }

    /// What belongs to a state: conditions, times, escalation.
    private static func stateViolations(in status: RecoveryStatus, unfinished: [RecoveryExecution]) -> [String] {
        var found: [String] = []
        func require(_ holds: Bool, _ rule: String) {
            if !holds { found.append("\(status.state?.rawValue ?? "nil"): \(rule)") }
        }
        let conditions = status.conditions ?? []
        let isFinal = status.state?.isFinal ?? false
        require((status.completionTime != nil) == isFinal, "completionTime exactly when final")
        require(conditions.map(\.type) == ConditionType.recovery, "every condition is there, in order")
        require(
            (conditions[type: ConditionType.succeeded]?.status != .unknown) == isFinal,
            "Succeeded is known exactly when final"
        )
        require(
            !isFinal || conditions.allSatisfy { $0.status != .unknown || $0.type == ConditionType.accepted },
            "at the end nothing is left to be found out"
        )
        require(conditions.isTrue(ConditionType.succeeded) == (status.state == .completed), "Succeeded exactly if so")
        require(
            conditions.isTrue(ConditionType.stalled) == (status.state == .failed || status.state == .timeout),
            "Stalled exactly when a person has to act"
        )
        require(
            conditions.isTrue(ConditionType.progressing) == (status.state == .inProgress),
            "Progressing exactly while in progress"
        )
        require(conditions.allSatisfy { !$0.reason.isEmpty && !$0.message.isEmpty }, "conditions say why")
        require(status.message?.isEmpty == false, "the message says where it stands")
        switch status.state {
        case .pending:
            let admitted = conditions[type: ConditionType.admitted]
            require(admitted?.status == .false, "a held Recovery is not admitted")
            require(admitted.flatMap { RecoveryGate(rawValue: $0.reason) } != nil, "a held Recovery names its gate")
            require(unfinished.allSatisfy { $0.state == .pending }, "what is held does not run")
        case .inProgress:
            require(conditions.isTrue(ConditionType.admitted), "what runs is admitted")
            require(status.pausedTime == nil, "the clock runs")
            require(unfinished.isEmpty == (status.nextAttemptTime != nil), "it runs, or waits for its next attempt")
            require(unfinished.allSatisfy { $0.state == .inProgress }, "what runs says so")
        default:
            require(unfinished.isEmpty, "nothing is left open")
            require(status.pausedTime == nil && status.nextAttemptTime == nil, "nothing is waited for")
        }
        if status.state == .failed || status.state == .timeout {
            require((status.escalation?.level ?? .automatic) > .automatic, "somebody has to act")
            require(status.escalation?.nextSteps?.isEmpty == false, "there is a next step")
        }
        return found
    }

    /// Says what is wrong with a step; empty when nothing is.
    static func violations(from old: RecoveryStatus?, to new: RecoveryStatus) -> [String] {
        guard let old else { return [] }
        var found: [String] = []
        func require(_ holds: Bool, _ rule: String) {
            if !holds { found.append(rule) }
        }
        let (before, after) = (old.attempts ?? 0, new.attempts ?? 0)
        require(old.state?.isFinal != true, "a final state never changes")
        require(after == before || after == before + 1, "one attempt at a time")
        require(after == before || old.executions?.last?.state.isFinal != false, "no attempt beside an unfinished one")
        require(old.effective == nil || old.effective == new.effective, "settings are resolved once")
        require(old.effective == nil || old.target == new.target, "the target is resolved once")
        require(old.specHash == nil || old.specHash == new.specHash, "the accepted spec stays")
        require(old.startTime == nil || old.startTime == new.startTime, "the first start stays")
        require((old.rung ?? 0) <= (new.rung ?? 0), "the ladder is climbed upwards only")
        if let earlier = old.deadline {
            require(new.deadline.map { $0 >= earlier } ?? false, "the deadline never comes closer")
            require(new.deadline == earlier || old.pausedTime != nil, "only a pause moves the deadline")
        }
        let kept = Set((new.executions ?? []).map(\.id))
        let lost = (old.executions ?? []).filter { !kept.contains($0.id) }
        require(lost.isEmpty || new.executions?.count == RecoveryStatus.maxExecutions, "no attempt is forgotten")
        for ended in (old.executions ?? []) where ended.state.isFinal && kept.contains(ended.id) {
            require(new.executions?.contains(ended) == true, "an attempt that has ended never changes")
        }
        return found
    }
}
