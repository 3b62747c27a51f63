package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// The next thing to do about a Migration: a pure function of the object, both ends, the Placement and the time.
///
/// ```
/// Pending -> Prechecking -> Deploying -> Verifying -> CuttingOver -> Cleaning -> Completed
///                 |             |            |        point of no return
///                 +-------------+------------+-> RollingBack -> RolledBack      Failed
/// ```
///
/// The status is written first, then the action is done, then it is decided again. Every phase says what it is about to
/// do before it does it, and its checkpoint is added once the Placement shows that it is done: a crash anywhere is only
/// another look. Copies are added before they are removed, and removing is left to the placement controller, which never
/// takes the last one that is well.
package struct MigrationDecision: Sendable, Hashable {
    /// What to do once the status is written.
    package enum Action: Sendable, Hashable {
        /// Nothing until something changes or the time has come.
        case rest
        /// Ask the target whether a copy would fit, and decide again with the answer.
        case precheck
        /// Look at the copy on the target, and decide again with what was found.
        case verify
        /// Write this status to the Placement, on top of the version that was read.
        case change(PlacementStatus)
    }

    /// The status to write, where it is another one than before.
    package var status: MigrationStatus
    /// What to do then.
    package var action: Action
    /// When to look again at the latest; nil when only a change can help.
    package var recheckAt: Date?

    /// Seconds between two questions to the target that nobody would tell of a change there.
    package static let precheckInterval = 30.0
    /// Seconds of a rollback after which it is left to the placement controller.
    package static let rollbackLimit = 900.0

    /// Decides.
    ///
    /// - Parameters:
    ///   - migration: as the hub has it now.
    ///   - facts: what is known beside it.
    ///   - now: the time.
    /// - Returns: what to write and to do.
    package static func decide(_ migration: Migration, _ facts: MigrationFacts, now: Date) -> MigrationDecision {
        var maker = MigrationDecisionMaker(migration, facts, now: now.wholeSecond)
        return maker.decide()
    }
}

/// Makes one decision.
struct MigrationDecisionMaker {
    let migration: Migration
    let facts: MigrationFacts
    let now: Date
    let move: MigrationMove
    var status: MigrationStatus

    init(_ migration: Migration, _ facts: MigrationFacts, now: Date) {
        self.migration = migration
        self.facts = facts
        self.now = now
        move = MigrationMove(migration)
        status = migration.status ?? MigrationStatus()
    }

    /// When the move counts as failed; moves with `spec.deadlineSeconds`.
    var deadline: Date? {
        status.startTime?.addingTimeInterval(Double(min(max(migration.spec.effectiveDeadlineSeconds, 1), 604_800)))
    }

    var isLate: Bool { deadline.map { $0 <= now } ?? false }
    var placement: PlacementStatus { facts.placement?.status ?? PlacementStatus() }

    mutating func decide() -> MigrationDecision {
        guard !migration.isFinal else { return rest() }
        status.observedGeneration = migration.metadata.generation
        status.declareConditions(of: migration, now: now)
        guard let phase = status.phase, phase != .pending else { return pending() }
        status.deadline = deadline
        guard let placement = facts.placement, placement.metadata.uid == status.placementUID,
            !placement.metadata.isBeingDeleted
        else {
            let message = "Placement \(migration.spec.placementRef.name) is gone: nothing is left to move"
            return finish(.failed, MigrationReason.placementGone, message)
        }
        if !status.isPastReturn, phase != .rollingBack, let reason = giveUpReason() {
            return giveUp(reason.reason, reason.message)
        }
        switch phase {
        case .prechecking: return prechecking()
        case .deploying: return deploying()
        case .verifying: return verifying()
        case .cuttingOver: return cuttingOver()
        case .cleaning: return cleaning()
        case .rollingBack: return rollingBack()
        case .pending, .completed, .rolledBack, .failed: return rest()
        }
    }

    // MARK: Before it begins

    private mutating func pending() -> MigrationDecision {
        status.phase = .pending
        if !facts.violations.isEmpty { return refuse() }
        status.set(
            ConditionType.accepted,
            .true,
            reason: ConditionReason.valid,
            "spec is valid and inside the namespace fence",
            of: migration,
            now: now
        )
        let name = migration.spec.placementRef.name
        if let other = facts.waitsFor {
            let words = "waits for Migration \(other), which moves Placement \(name)"
            return hold(MigrationReason.waitingForMigration, words)
        }
        guard let placement = facts.placement, !placement.metadata.isBeingDeleted else {
            return hold(MigrationReason.placementNotFound, "Placement \(name) does not exist")
        }
        status.placementUID = placement.metadata.uid
        status.from = move.from
        status.to = move.to
        status.startTime = now
        status.deadline = deadline
        let words = "\(migration.spec.action.rawValue) of \(name) from \(move.from) to \(move.to): checking both ends"
        status.enter(.prechecking, words, of: migration, now: now)
        return rest()
    }

    private mutating func refuse() -> MigrationDecision {
        let isOutside = facts.violations.contains { $0.isAboutFence }
        let reason = isOutside ? ConditionReason.outsideFence : ConditionReason.invalidSpec
        let words = facts.violations.map(\.description).joined(separator: "; ")
        status.set(ConditionType.accepted, .false, reason: reason, words, of: migration, now: now)
        return hold(reason, words)
    }

    /// Nothing has begun, and nothing runs out: it waits for a change.
    private mutating func hold(_ reason: String, _ message: String) -> MigrationDecision {
        status.say(message)
        status.set(ConditionType.progressing, .false, reason: reason, message, of: migration, now: now)
        return rest()
    }

    // MARK: Ends

    /// What ends a move before the point of no return whatever its phase is.
    private func giveUpReason() -> MigrationFinding? {
        if migration.metadata.isBeingDeleted {
            return MigrationFinding(ConditionReason.cancelled, "the Migration is being deleted")
        }
        if migration.spec.from != move.from || migration.spec.to != move.to {
            let words = "spec.from and spec.to were changed after the move from \(move.from) to \(move.to) had begun"
            return MigrationFinding(ConditionReason.specChanged, words)
        }
        if !facts.violations.isEmpty {
            let words = facts.violations.map(\.description).joined(separator: "; ")
            return MigrationFinding(ConditionReason.outsideFence, words)
        }
        guard isLate else { return nil }
        let last = status.message.map { ": \($0)" } ?? ""
        return MigrationFinding(MigrationReason.deadlineExceeded, "not done within the deadline\(last)")
    }

    /// A failure before the point of no return.
    mutating func giveUp(_ reason: String, _ message: String) -> MigrationDecision {
        if migration.spec.rollsBackOnFailure {
            status.beginRollback(reason, message, of: migration, now: now)
            if reason == MigrationReason.deadlineExceeded {
                status.set(ConditionType.progressing, .false, reason: reason, message, of: migration, now: now)
            }
            return rest()
        }
        let released = placement.releasing(move, reason: MigrationEvent.failed)
        if released != placement { return MigrationDecision(status: unchanged, action: .change(released)) }
        return finish(.failed, reason, "\(message); spec.rollbackOnFailure is false, so nothing was undone")
    }

    mutating func finish(_ phase: MigrationPhase, _ reason: String, _ message: String) -> MigrationDecision {
        status.finish(phase, reason, message, of: migration, now: now)
        return rest()
    }

    /// The status as it was: nothing is to be written before the action.
    private var unchanged: MigrationStatus { migration.status ?? status }

    func rest(until time: Date? = nil) -> MigrationDecision {
        MigrationDecision(status: status, action: .rest, recheckAt: time)
    }

    func act(_ action: MigrationDecision.Action) -> MigrationDecision {
        MigrationDecision(status: status, action: action)
    }
}

extension FieldViolation {
    /// Whether the value is right, but not for this namespace.
    var isAboutFence: Bool { message.contains(FieldViolation.outsideFence) }

    /// Words that stand in every violation of the namespace fence that a Migration finds.
    package static let outsideFence = "outside the namespace fence"
}
