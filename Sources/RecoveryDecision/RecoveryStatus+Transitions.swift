package import FoundationEssentials
package import KubernetesCore
package import RecoveryAPI

/// How a Recovery ends.
package struct FinalVerdict: Sendable, Hashable {
    /// A final state.
    package var state: RecoveryState
    /// CamelCase reason in the condition `Succeeded`.
    package var reason: String
    /// What happened, for people.
    package var message: String
    /// Who has to act; automatic when nobody has.
    package var level: EscalationLevel
    /// What a person should do; never empty when somebody has to act.
    package var nextSteps: [String]

    /// Makes a verdict.
    package init(
        state: RecoveryState,
        reason: String,
        message: String,
        level: EscalationLevel = .automatic,
        nextSteps: [String] = []
    ) {
        self.state = state
        self.reason = reason
        self.message = message
        self.level = level
        self.nextSteps = nextSteps
    }

    /// The ladder ends before the current rung: a status that no decision writes, so a person has to look.
    static let noRung = FinalVerdict(
        state: .failed,
        reason: "NoStrategy",
        message: "status.effective.ladder has no rung for status.rung",
        level: .manual,
        nextSteps: ["Delete this Recovery and create it again"]
    )
}

extension StopReason {
    /// The reason in words.
    package var explanation: String {
        switch self {
        case .cancelled: "cancelled: spec.cancel is true"
        case .specChanged: "cancelled: an immutable part of spec was changed while the recovery was under way"
        case .suspended: "suspended: spec.suspend is true"
        case .deleted: "the Recovery was deleted"
        }
    }
}

extension RecoveryStatus {
    /// The rung whose turn it is.
    package var currentRung: StrategyRung? {
        guard let ladder = effective?.ladder else { return nil }
        let index = rung ?? 0
        return ladder.indices.contains(index) ? ladder[index] : nil
    }

    /// Sets one of the conditions, keeping its transition time when only the words change.
    ///
    /// Without words the reason stands for them, so that kubectl describe always shows some.
    package mutating func set(
        _ type: String,
        _ value: Condition.Status,
        reason: String,
        message: String = "",
        recovery: Recovery,
        now: Date
    ) {
        var conditions = conditions ?? []
        conditions.set(
            Condition(
                type: type,
                status: value,
                reason: reason,
                message: String((message.isEmpty ? reason : message).prefix(Self.maxMessageLength)),
                observedGeneration: recovery.metadata.generation
            ),
            now: now
        )
        self.conditions = conditions
    }

    /// Writes the conditions that nobody knows yet as Unknown, in their order: who waits for one finds all of them from
    /// the first write on.
    private mutating func declareConditions(_ recovery: Recovery, now: Date) {
        let known = conditions ?? []
        conditions = []
        for type in ConditionType.recovery {
            if let condition = known[type: type] {
                conditions?.append(condition)
            } else {
                set(type, .unknown, reason: ConditionReason.notYetKnown, recovery: recovery, now: now)
            }
        }
        conditions?.append(contentsOf: known.filter { !ConditionType.recovery.contains($0.type) })
    }

    /// At the end nothing is left to be found out: what is Unknown still has not happened, and will not.
    ///
    /// Only whether the spec is valid stays open when it ended before anybody looked.
    private mutating func settleConditions(_ verdict: FinalVerdict, recovery: Recovery, now: Date) {
        for type in [ConditionType.admitted, ConditionType.verified, ConditionType.stalled]
        where conditions?[type: type]?.status == .unknown {
            set(type, .false, reason: verdict.reason, message: verdict.message, recovery: recovery, now: now)
        }
    }

    /// When the wait for the next attempt ends: when it is due, or when the whole recovery's deadline comes first.
    package var nextLook: Date? {
        guard let next = nextAttemptTime else { return nil }
        return deadline.map { min($0, next) } ?? next
    }

    /// What conditions and messages are cut to.
    package static let maxMessageLength = 1_024

    /// An attempt begins: state, words and conditions.
    mutating func begin(_ words: String, recovery: Recovery, now: Date) {
        declareConditions(recovery, now: now)
        state = .inProgress
        message = words
        nextAttemptTime = nil
        set(ConditionType.admitted, .true, reason: "Admitted", recovery: recovery, now: now)
        set(ConditionType.progressing, .true, reason: "AttemptRunning", message: words, recovery: recovery, now: now)
    }

    /// A gate holds: `Pending`, unless attempts were made already and this is only the wait for the next one.
    package mutating func hold(_ verdict: GateVerdict, recovery: Recovery, now: Date) {
        if verdict.gate == .backingOff {
            // Left alone while it waits since its last attempt; another gate may have held it in between.
            if state != .inProgress { awaitRetry(verdict.message, recovery: recovery, now: now) }
            return
        }
        declareConditions(recovery, now: now)
        state = .pending
        message = verdict.message
        if let last = executions?.indices.last, executions?[last].state == .inProgress {
            executions?[last].state = .pending
        }
        set(
            ConditionType.admitted,
            .false,
            reason: verdict.gate.rawValue,
            message: verdict.message,
            recovery: recovery,
            now: now
        )
        set(
            ConditionType.progressing,
            .false,
            reason: verdict.gate.rawValue,
            message: verdict.message,
            recovery: recovery,
            now: now
        )
    }

    /// The wait between two attempts: no gate holds, and progress is being made.
    mutating func awaitRetry(_ words: String, recovery: Recovery, now: Date) {
        state = .inProgress
        message = String(words.prefix(Self.maxMessageLength))
        set(ConditionType.admitted, .true, reason: "Admitted", recovery: recovery, now: now)
        set(ConditionType.progressing, .true, reason: "WaitingForRetry", message: words, recovery: recovery, now: now)
    }

    /// Whether the policy's books have held it until now: what was written last says so.
    var isHeldByBooks: Bool {
        guard let admitted = conditions?[type: ConditionType.admitted], admitted.status == .false else { return false }
        return switch RecoveryGate(rawValue: admitted.reason) {
        // Also while they do not know how many targets are unhealthy; while other caches are read the clock runs.
        case .warmingUp, .tooManyUnhealthy, .stormCooldown, .budgetExhausted, .coolingDown, .breakerOpen: true
        default: false
        }
    }

    /// Stops the whole recovery's clock, once.
    func pausingClock(at now: Date) -> RecoveryStatus {
        var status = self
        if deadline != nil, pausedTime == nil { status.pausedTime = now }
        return status
    }

    /// Lets the clock run again: the deadline moves by the length of the pause.
    mutating func resumeClock(at now: Date) {
        guard let paused = pausedTime else { return }
        let pause = max(0, now.timeIntervalSince(paused))
        deadline = deadline?.addingTimeInterval(pause)
        if let end = verification?.deadline { verification?.deadline = end.addingTimeInterval(pause) }
        pausedTime = nil
    }

    /// Ends an execution that nobody runs.
    mutating func closeUnfinishedExecution(as state: RecoveryState, message: String, now: Date) {
        guard let last = executions?.indices.last, executions?[last].state.isFinal == false else { return }
        executions?[last].state = state
        executions?[last].endTime = now
        var result = executions?[last].result ?? ExecutionResult()
        result.success = false
        result.message = message
        executions?[last].result = result
    }

    /// Writes a final state: completion time, conditions, escalation.
    package mutating func finish(_ verdict: FinalVerdict, recovery: Recovery, now: Date) {
        declareConditions(recovery, now: now)
        observedGeneration = recovery.metadata.generation
        state = verdict.state
        message = String(verdict.message.prefix(Self.maxMessageLength))
        completionTime = now
        nextAttemptTime = nil
        pausedTime = nil
        let succeeded = verdict.state == .completed
        set(
            ConditionType.succeeded,
            succeeded ? .true : .false,
            reason: verdict.reason,
            message: verdict.message,
            recovery: recovery,
            now: now
        )
        set(
            ConditionType.progressing,
            .false,
            reason: verdict.reason,
            message: verdict.message,
            recovery: recovery,
            now: now
        )
        if verdict.state == .failed || verdict.state == .timeout {
            set(
                ConditionType.stalled,
                .true,
                reason: verdict.reason,
                message: verdict.message,
                recovery: recovery,
                now: now
            )
        }
        settleConditions(verdict, recovery: recovery, now: now)
        guard verdict.level > .automatic else { return }
        escalation = Escalation(
            level: verdict.level,
            reason: verdict.reason,
            time: now,
            nextSteps: verdict.nextSteps
        )
    }

    /// The whole recovery's deadline has passed, or leaves no time, for the reason given.
    ///
    /// What the last attempt has left changed is said: nobody comes back to it.
    func timedOut(_ why: String? = nil, recovery: Recovery, now: Date) -> RecoveryStatus {
        var status = self
        let limit = effective?.timeoutSeconds ?? 0
        var message = "not recovered within \(limit) s and \(attempts ?? 0) attempts"
        if let why { message += "; \(why)" }
        if let changes = executions?.last?.standingChanges, !changes.isEmpty {
            message += "; its last attempt's changes stay: \(changes.map(\.name).joined(separator: ", "))"
        }
        status.closeUnfinishedExecution(as: .timeout, message: "the whole recovery's deadline passed", now: now)
        let steps = status.knownNextSteps(recovery)
        status.finish(
            FinalVerdict(
                state: .timeout,
                reason: "DeadlineExceeded",
                message: message,
                level: EscalationRule.level(for: .deadline, recovery: recovery, status: status),
                nextSteps: steps
            ),
            recovery: recovery,
            now: now
        )
        return status
    }

    /// Whether no attempt is left, and if so how that ends.
    func exhaustion(_ recovery: Recovery) -> FinalVerdict? {
        guard (attempts ?? 0) >= effective?.maxAttempts ?? 0 else { return nil }
        return FinalVerdict(
            state: .failed,
            reason: "AttemptsExhausted",
            message: "\(attempts ?? 0) attempts were made, as many as allowed",
            level: EscalationRule.level(for: .exhausted, recovery: recovery, status: self),
            nextSteps: knownNextSteps(recovery)
        )
    }
}
