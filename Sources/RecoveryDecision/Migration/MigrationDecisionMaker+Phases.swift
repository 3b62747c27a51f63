internal import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI

/// The phases of a move that has begun.
extension MigrationDecisionMaker {
    /// Both ends are looked at, then the target is asked.
    mutating func prechecking() -> MigrationDecision {
        let known = endFindings() + placementFindings()
        guard known.isEmpty else { return blocked(known) }
        guard let prechecks = facts.prechecks else { return act(.precheck) }
        guard prechecks.findings.isEmpty else {
            return blocked(prechecks.findings, recheckAfter: MigrationDecision.precheckInterval)
        }
        status.complete(MigrationStepName.prechecked, prechecks.summary, now: now)
        status.displaced = placement.evacuation(of: move.to)
        status.enter(.deploying, "adding a copy on \(move.to)", of: migration, now: now)
        return rest()
    }

    /// The Placement is to ask for the copy; the placement controller makes it.
    mutating func deploying() -> MigrationDecision {
        guard placement.hasCopy(of: move) else {
            if let finding = targetFinding() { return blocked([finding]) }
            // Asked again where the process has changed since: the room was reserved in its memory only.
            guard let prechecks = facts.prechecks else { return act(.precheck) }
            guard prechecks.findings.isEmpty else {
                return blocked(prechecks.findings, recheckAfter: MigrationDecision.precheckInterval)
            }
            return act(.change(placement.adding(move)))
        }
        status.complete(MigrationStepName.targetAdded, "the Placement asks for a copy on \(move.to)", now: now)
        status.enter(.verifying, "waiting until the copy on \(move.to) is synced and ready", of: migration, now: now)
        return rest()
    }

    /// The copy has to be synced and ready before anything is taken away: by what status says, and then by a look at it,
    /// since whoever wrote the status may be gone, and have seen it long ago.
    mutating func verifying() -> MigrationDecision {
        if let finding = servingFinding() { return blocked([finding]) }
        guard let found = facts.verification else { return act(.verify) }
        guard found.isEmpty else { return blocked(found, recheckAfter: MigrationDecision.precheckInterval) }
        status.complete(MigrationStepName.targetVerified, "the copy on \(move.to) is synced and ready", now: now)
        status.pointOfNoReturn = true
        status.enter(.cuttingOver, "leaving \(move.from)", of: migration, now: now)
        return rest()
    }

    /// Past the point of no return: only forward, but never onto a copy that has failed in the meantime.
    mutating func cuttingOver() -> MigrationDecision {
        guard placement.isCutOver(move) else {
            if let finding = servingFinding() { return blocked([finding]) }
            let reason = migration.spec.action == .known(.failover) ? "FailedOver" : "Relocated"
            let isLost = facts.source.isLost
            return act(.change(placement.cuttingOver(move, isLost: isLost, reason: reason, now: now)))
        }
        status.complete(MigrationStepName.cutOver, "the Placement leaves \(move.from) for \(move.to)", now: now)
        status.enter(.cleaning, "waiting until the copy on \(move.from) is removed", of: migration, now: now)
        return rest()
    }

    /// The placement controller removes the copy; a source that is lost is cleaned when it answers again.
    mutating func cleaning() -> MigrationDecision {
        if placement.decision(on: move.from) != nil {
            if facts.source.isLost {
                return act(.change(placement.cuttingOver(move, isLost: true, reason: "Relocated", now: now)))
            }
            let words = placement.sync(on: move.from)?.message ?? "the copy on \(move.from) is not removed yet"
            return blocked([MigrationFinding(MigrationReason.waitingForSource, words)])
        }
        let isBehind = placement.evacuation(of: move.from)?.hasLeftovers ?? false
        let words =
            isBehind
            ? "\(move.from) does not answer: its copy is removed as soon as it does"
            : "the copy on \(move.from) is removed"
        status.complete(MigrationStepName.sourceCleaned, words, now: now)
        let name = migration.spec.placementRef.name
        return finish(.completed, MigrationReason.migrated, "\(name) moved from \(move.from) to \(move.to); \(words)")
    }

    /// Restores the decisions; the copy on the target goes once the others are well, or at once when it is not well itself.
    mutating func rollingBack() -> MigrationDecision {
        let why = status.completedSteps?.first { $0.name == MigrationStepName.rollbackStarted }
        let limit = (why?.time ?? now).addingTimeInterval(MigrationDecision.rollbackLimit)
        if placement.decision(on: move.to)?.isOf(move) == true { return withdrawing(why, limit) }
        var words = "\(move.from) keeps the copy"
        if placement.evacuation(of: move.to)?.hasLeftovers == true {
            // What does not answer now is cleaned when it does, and what may be the last copy when another one is well again;
            // that holds nobody up.
            if facts.target.isReady, !facts.source.isLost, now < limit { return waiting(why, limit) }
            words += "; what \(move.to) has of it goes as soon as \(move.to) answers and another copy is well"
        } else {
            let restored = placement.restoring(status.displaced, move)
            if restored != placement { return act(.change(restored)) }
        }
        status.complete(MigrationStepName.targetRemoved, "\(move.to) is out of the Placement", now: now)
        return finish(.rolledBack, MigrationReason.rolledBack, "\(words); \(why?.message ?? "")")
    }

    /// The target is still among the decisions.
    private mutating func withdrawing(_ why: MigrationStep?, _ limit: Date) -> MigrationDecision {
        let copy = placement.decision(on: move.to)
        let hasOthers = placement.decisions?.contains { $0.cluster != move.to && !$0.isLeaving } ?? false
        if copy?.isLeaving == false, copy?.reason != PlacementDecision.migrating {
            // Kept by us below, or taken back by the scheduler: nobody fights over it.
            let words = "the copy on \(move.to) stays: the Placement needs it"
            return finish(.failed, MigrationReason.rollbackImpossible, words)
        }
        if !hasOthers { return act(.change(placement.releasing(move, reason: MigrationEvent.failed))) }
        let sync = placement.sync(on: move.to)
        let isWell = facts.target.isReady && sync?.state == .synced && sync?.ready == true
        let withdrawn = placement.withdrawing(move, isWell: isWell, displaced: status.displaced, now: now)
        if withdrawn != placement { return act(.change(withdrawn)) }
        guard now >= limit else { return waiting(why, limit) }
        let words = "the copy on \(move.to) is well and the others are not: it goes as soon as they are"
        return finish(.failed, MigrationReason.rollbackUnfinished, words)
    }

    private mutating func waiting(_ why: MigrationStep?, _ limit: Date) -> MigrationDecision {
        status.say("waiting until the copy on \(move.to) is removed; \(why?.message ?? "")")
        return rest(until: limit)
    }
}

/// What stands in the way.
extension MigrationDecisionMaker {
    /// Waits for something to change, and calls for a recovery once patience is at its end.
    mutating func blocked(_ findings: [MigrationFinding], recheckAfter: Double? = nil) -> MigrationDecision {
        guard let first = findings.first(where: \.isRefusal) ?? findings.first else { return rest() }
        let words = findings.map(\.message).joined(separator: "; ")
        let patienceEnd = (status.stepStart ?? now).addingTimeInterval(patience(first.reason))
        let isStalled = first.isRefusal || patienceEnd <= now
        status.say(words)
        if isLate {
            let late = "not done within the deadline, and there is no way back: \(words)"
            status.say(late)
            let reason = MigrationReason.deadlineExceeded
            status.set(ConditionType.progressing, .false, reason: reason, late, of: migration, now: now)
        } else {
            let value: Condition.Status = isStalled ? .false : .true
            status.set(ConditionType.progressing, value, reason: first.reason, words, of: migration, now: now)
        }
        var times = [deadline, isStalled ? nil : patienceEnd].compactMap { $0 }.filter { $0 > now }
        if let recheckAfter { times.append(now.addingTimeInterval(recheckAfter)) }
        return rest(until: times.min())
    }

    /// Seconds after which waiting counts as a failure.
    ///
    /// Workloads get five minutes to become ready; whatever the probes have to find out first gets the time they need.
    private func patience(_ reason: String) -> Double {
        let total = Double(min(max(migration.spec.effectiveDeadlineSeconds, 1), 604_800))
        switch reason {
        case MigrationReason.sourceReady, MigrationReason.sourceUnknown:
            return max(60, Double(facts.source.detectionSeconds))
        case MigrationReason.waitingForTarget, MigrationReason.waitingForSource: return min(300, total / 4)
        default: return min(60, total / 4)
        }
    }

    /// All that stands in the way of the phase that is under way.
    func obstacles() -> [MigrationFinding] {
        switch status.phase {
        case .prechecking: return endFindings() + placementFindings() + (facts.prechecks?.findings ?? [])
        case .deploying: return [targetFinding()].compactMap { $0 } + (facts.prechecks?.findings ?? [])
        case .verifying, .cuttingOver: return [servingFinding()].compactMap { $0 }
        case .pending, .cleaning, .completed, .rollingBack, .rolledBack, .failed, nil: return []
        }
    }

    /// Whether both clusters are in the state that the action is for.
    private func endFindings() -> [MigrationFinding] {
        let isFailover = migration.spec.action == .known(.failover)
        var findings: [MigrationFinding] = []
        switch facts.source.health {
        case .ready where isFailover:
            let words = "\(move.from) is ready: Failover is for a source that is lost; use Relocate"
            findings.append(MigrationFinding(MigrationReason.sourceReady, words))
        case .lost(let words) where !isFailover:
            findings.append(MigrationFinding(MigrationReason.sourceLost, "\(words); use Failover to give it up"))
        case .unknown(let words): findings.append(MigrationFinding(MigrationReason.sourceUnknown, words))
        case .ready, .lost: break
        }
        return findings + [targetFinding()].compactMap { $0 }
    }

    private func targetFinding() -> MigrationFinding? {
        switch facts.target.health {
        case .ready: nil
        case .lost(let words), .unknown(let words): MigrationFinding(MigrationReason.targetNotReady, words)
        }
    }

    /// Whether the decisions are such that this move makes sense.
    private func placementFindings() -> [MigrationFinding] {
        var findings: [MigrationFinding] = []
        func find(_ reason: String, _ words: String, isRefusal: Bool = false) {
            findings.append(MigrationFinding(reason, words, isRefusal: isRefusal))
        }
        if placement.decision(on: move.from).map(\.isLeaving) != false {
            find(MigrationReason.notPlaced, "the Placement has no copy on \(move.from)")
        }
        if let copy = placement.decision(on: move.to), !copy.isLeaving {
            find(MigrationReason.alreadyPlaced, "the Placement has a copy on \(move.to) already", isRefusal: true)
        }
        if let other = facts.heldBackBy {
            let words = "Migration \(other) left \(move.to) with failback Never; change that, or delete it"
            find(MigrationReason.failbackNever, words, isRefusal: true)
        }
        if placement.evacuation(of: move.to)?.hasLeftovers == true {
            let words = "\(move.to) still has objects of the copy that was there before; they are removed first"
            find(MigrationReason.leftoversRemain, words)
        }
        return findings
    }

    /// Why the target cannot be relied on; nil when its copy is synced and ready.
    private func servingFinding() -> MigrationFinding? {
        if let finding = targetFinding() { return finding }
        guard placement.hasCopy(of: move) else {
            let words = "somebody took the decision for \(move.to) out of the Placement"
            return MigrationFinding(MigrationReason.decisionGone, words, isRefusal: true)
        }
        guard facts.placement?.isServed(by: move.to) != true else { return nil }
        let sync = placement.sync(on: move.to)
        let words = "the copy on \(move.to) is not ready" + (sync?.message.map { ": \($0)" } ?? "")
        if sync?.state == .failed { return MigrationFinding(MigrationReason.syncFailed, words) }
        return MigrationFinding(MigrationReason.waitingForTarget, words)
    }
}
