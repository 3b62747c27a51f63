package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// The changes of a Migration's status; none of them looks at the world.
extension MigrationStatus {
    /// What messages are cut to.
    package static let maxMessageLength = 1_024

    /// Whether a step is done.
    package func hasDone(_ step: String) -> Bool {
        completedSteps?.contains { $0.name == step } ?? false
    }

    /// Whether the move can only go forward.
    package var isPastReturn: Bool { pointOfNoReturn ?? false }

    /// When the step that is under way began: patience counts from here.
    package var stepStart: Date? {
        [startTime, completedSteps?.last?.time, resumeTime].compactMap { $0 }.max()
    }

    /// Adds a checkpoint, once.
    mutating func complete(_ step: String, _ message: String, now: Date) {
        guard !hasDone(step) else { return }
        let words = String(message.prefix(Self.maxMessageLength))
        completedSteps = (completedSteps ?? []) + [MigrationStep(name: step, time: now, message: words)]
    }

    /// The next phase begins.
    mutating func enter(_ phase: MigrationPhase, _ message: String, of migration: Migration, now: Date) {
        self.phase = phase
        say(message)
        set(ConditionType.progressing, .true, reason: phase.rawValue, message, of: migration, now: now)
    }

    /// Where it stands.
    mutating func say(_ message: String) {
        self.message = String(message.prefix(Self.maxMessageLength))
    }

    /// Everything is undone from now on.
    ///
    /// - Precondition: the point of no return is not passed.
    mutating func beginRollback(_ reason: String, _ message: String, of migration: Migration, now: Date) {
        complete(MigrationStepName.rollbackStarted, "\(reason): \(message)", now: now)
        enter(.rollingBack, message, of: migration, now: now)
    }

    /// The end.
    mutating func finish(
        _ phase: MigrationPhase,
        _ reason: String,
        _ message: String,
        of migration: Migration,
        now: Date
    ) {
        self.phase = phase
        say(message)
        completionTime = now
        let finished = MigrationReason.finished
        set(ConditionType.progressing, .false, reason: finished, message, of: migration, now: now)
        let isSuccess = phase == .completed
        set(ConditionType.succeeded, isSuccess ? .true : .false, reason: reason, message, of: migration, now: now)
    }

    /// Sets a condition.
    mutating func set(
        _ type: String,
        _ value: Condition.Status,
        reason: String,
        _ message: String,
        of migration: Migration,
        now: Date
    ) {
        var all = conditions ?? []
        all.set(
            Condition(
                type: type,
                status: value,
                reason: reason,
                message: String((message.isEmpty ? reason : message).prefix(Self.maxMessageLength)),
                observedGeneration: migration.metadata.generation
            ),
            now: now
        )
        conditions = all
    }

    /// Every condition is there from the first write on, as Unknown.
    mutating func declareConditions(of migration: Migration, now: Date) {
        for type in ConditionType.migration where conditions?[type: type] == nil {
            set(type, .unknown, reason: ConditionReason.notYetKnown, "", of: migration, now: now)
        }
    }
}

/// What a recovery may ask of a Migration that does not get on: nothing but these two.
extension Migration {
    /// The status that makes it try again at once; nil when it is at its end.
    package func resumed(_ message: String, now: Date) -> MigrationStatus? {
        let now = now.wholeSecond
        guard var status, let phase = status.phase, !phase.isFinal, phase != .pending else { return nil }
        status.resumeTime = now
        status.say(message)
        status.set(ConditionType.progressing, .true, reason: MigrationReason.resumed, message, of: self, now: now)
        return status
    }

    /// The status that undoes it; nil when it is too late, under way already, or not wanted (`rollbackOnFailure`).
    package func rolledBack(_ reason: String, _ message: String, now: Date) -> MigrationStatus? {
        guard var status, let phase = status.phase, spec.rollsBackOnFailure, !status.isPastReturn else { return nil }
        switch phase {
        case .prechecking, .deploying, .verifying:
            status.beginRollback(reason, message, of: self, now: now.wholeSecond)
            return status
        case .pending, .cuttingOver, .cleaning, .completed, .rollingBack, .rolledBack, .failed: return nil
        }
    }
}
