package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// Why a running attempt has to end before its strategy does.
package enum StopReason: String, Sendable, Hashable {
    /// `spec.cancel` became true.
    case cancelled = "CancelledByUser"
    /// An immutable part of the spec changed, on a server that does not run the CRD's rules.
    case specChanged = "SpecChanged"
    /// `spec.suspend` became true: the attempt ends at its next safe point and goes on later.
    case suspended = "Suspended"
    /// The Recovery is being deleted.
    case deleted = "Deleted"
}

/// What to do with a Recovery now: the outcome of one look at it.
package struct RecoveryDecision: Sendable, Hashable {
    /// The next action.
    package enum Action: Sendable, Hashable {
        /// Nothing to do.
        case ignore
        /// Remove the object: it ended long enough ago.
        case delete
        /// Go through the next attempt of `status` without any effect, and decide again with what it would write.
        case rehearse(status: RecoveryStatus)
        /// A gate holds it. `status` is what should be written when it differs from what is there.
        case hold(GateVerdict, status: RecoveryStatus)
        /// Write `status`, which holds the new reservation, then run that attempt.
        case reserve(RecoveryExecution, status: RecoveryStatus)
        /// Write `status`, which takes an unfinished reservation over, then verify and go on.
        case resume(RecoveryExecution, status: RecoveryStatus)
        /// End the attempt that runs here.
        case stop(StopReason)
        /// Write the final `status`.
        case finish(status: RecoveryStatus)
    }

    /// The next action.
    package var action: Action
    /// When to look again although nothing has changed; nil when only a change matters.
    package var recheckAt: Date?

    /// Makes a decision.
    package init(_ action: Action, recheckAt: Date? = nil) {
        self.action = action
        self.recheckAt = recheckAt
    }

    /// Decides about a Recovery as it was just read from the server.
    ///
    /// A pure function: the same arguments give the same decision, in the controller, in the simulation and in a
    /// replay.
    ///
    /// - Parameters:
    ///   - recovery: the live object.
    ///   - facts: everything else that matters.
    ///   - now: the wall clock; all times in status are wall times.
    /// - Returns: the next action, and when to look again.
    /// - Throws: when the spec cannot be written as JSON, such as a time that has no calendar date.
    package static func decide(_ recovery: Recovery, facts: RecoveryFacts, now: Date) throws -> RecoveryDecision {
        try DecisionMaker(recovery: recovery, facts: facts, now: now.wholeSecond).decide()
    }
}

extension StopReason {
    /// What the object itself asks a Recovery to do that is under way; nil when it may go on.
    ///
    /// - Parameter recovery: the object as it was read.
    /// - Returns: the strongest reason: deletion, cancellation, a changed spec, suspension.
    /// - Throws: when the spec cannot be written as JSON.
    package static func asked(by recovery: Recovery) throws -> StopReason? {
        if recovery.metadata.isBeingDeleted { return .deleted }
        if recovery.spec.isCancelled { return .cancelled }
        if try hasChangedSpec(recovery) { return .specChanged }
        return recovery.spec.isSuspended ? .suspended : nil
    }

    /// Whether an immutable part differs from what was accepted; the generation tells at once when nothing does.
    private static func hasChangedSpec(_ recovery: Recovery) throws -> Bool {
        guard let status = recovery.status, let accepted = status.specHash else { return false }
        if let seen = status.observedGeneration, seen == recovery.metadata.generation { return false }
        return try recovery.spec.immutableHash() != accepted
    }
}

extension Date {
    /// Without the fraction: what survives being written as RFC 3339 in seconds.
    package var wholeSecond: Date {
        Date(timeIntervalSinceReferenceDate: timeIntervalSinceReferenceDate.rounded(.down))
    }
}
