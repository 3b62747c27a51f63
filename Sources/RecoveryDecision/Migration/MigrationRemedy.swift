internal import FoundationEssentials
package import RecoveryAPI

/// What a recovery does about a Migration that does not get on: a pure function of what it found at both ends.
package enum MigrationRemedy: Sendable, Hashable {
    /// Let it try again from its last checkpoint.
    case resume(String)
    /// It is being undone: see that through.
    case seeThrough
    /// Undo it: it cannot succeed.
    case rollBack(MigrationFinding)
    /// Nothing can be done now; later perhaps.
    case wait(String)
    /// It cannot succeed, and must not be undone.
    case giveUp(MigrationFinding)

    /// Chooses.
    ///
    /// - Parameters:
    ///   - migration: as the hub has it, not at its end.
    ///   - facts: both ends as they answer now, the Placement, and the prechecks where the target could be asked.
    ///   - attempt: 1 for the first; what may pass by itself is given a second look.
    /// - Returns: what to do.
    package static func choose(_ migration: Migration, _ facts: MigrationFacts, attempt: Int) -> MigrationRemedy {
        guard let status = migration.status, status.phase != .rollingBack else { return .seeThrough }
        let (from, to) = (migration.source, migration.destination)
        if status.isPastReturn {
            return facts.target.isReady
                ? .resume("\(to) answers: the move goes on, only forward")
                : .wait("the point of no return is passed: the move goes on once \(to) answers")
        }
        if !facts.source.isReady, !facts.target.isReady {
            return .wait("neither \(from) nor \(to) answers: nothing can be moved or undone")
        }
        let findings = MigrationDecisionMaker(migration, facts, now: .distantPast).obstacles()
        guard let worst = findings.first(where: \.isRefusal) ?? findings.first else {
            return .resume("both ends answer and nothing stands in the way")
        }
        switch worst.reason {
        case MigrationReason.leftoversRemain: return .wait(worst.message)
        case MigrationReason.waitingForTarget, MigrationReason.syncFailed:
            return .resume("\(to) answers and fits: its copy gets more time")
        case MigrationReason.targetNotReady, MigrationReason.sourceLost, MigrationReason.targetNotAnswering:
            if attempt < 2 { return .wait(worst.message) }
        default: break
        }
        return undo(migration, worst)
    }

    /// Undoes it where that is wanted.
    package static func undo(_ migration: Migration, _ finding: MigrationFinding) -> MigrationRemedy {
        migration.spec.rollsBackOnFailure ? .rollBack(finding) : .giveUp(finding)
    }
}

extension MigrationFinding {
    /// What a person can do about it, for the next Migration.
    package func nextSteps(_ migration: Migration) -> [String] {
        let (from, to) = (migration.source, migration.destination)
        let again = "Then create a new Migration: this one is at its end"
        switch reason {
        case MigrationReason.sourceReady: return ["Create a new Migration with action Relocate: \(from) is alive"]
        case MigrationReason.sourceLost:
            return ["Bring \(from) back, or create a new Migration with action Failover to give it up"]
        case MigrationReason.quotaExceeded: return ["Raise the quota on \(to), or choose another cluster", again]
        case MigrationReason.nameTaken:
            return ["Remove or rename the object on \(to) that is in the way, or choose another cluster", again]
        case MigrationReason.namespaceMissing:
            return ["Create the namespace on \(to), or add it to the Placement's manifests", again]
        case MigrationReason.apiNotAvailable: return ["Install the missing API on \(to)", again]
        case MigrationReason.targetNotReady, MigrationReason.targetNotAnswering:
            return ["Bring \(to) back: kubectl describe membercluster \(to)", again]
        case MigrationReason.waitingForTarget, MigrationReason.syncFailed:
            return ["See on \(to) what keeps the copy from becoming ready", again]
        default: return ["See to this, or choose another cluster: \(message)", again]
        }
    }
}
