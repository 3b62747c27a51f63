internal import FoundationEssentials

/// What detection can say now about the failure that it opened a Recovery for.
package enum DetectionFinding: Sendable, Hashable {
    /// No detector looks at it any more: it was not detection's, or its policy looks elsewhere now.
    case unwatched
    /// This leader has not seen the target yet, or sees nothing of it at present.
    case unseen
    /// It failed, and its detector, which would be told that this is over, has heard nothing for too long.
    case silent
    /// It fails, but this leader has not seen that for as long as the detector asks.
    case suspected
    /// This leader has itself seen the failure for as long as the detector asks.
    case confirmed
    /// It looks well, but not for long enough.
    case convalescent
    /// It was well for as long as the detector asks, or is gone.
    case healed

    /// Several detectors may see one failure: the one that is surest that there is one counts.
    ///
    /// - Returns: whether this finding outweighs another.
    func outweighs(_ other: DetectionFinding) -> Bool { weight > other.weight }

    private var weight: Int {
        switch self {
        case .unwatched: 0
        case .healed: 1
        case .convalescent: 2
        case .unseen: 3
        case .silent: 4
        case .suspected: 5
        case .confirmed: 6
        }
    }
}

extension DetectionFinding {
    /// What holds the start of an attempt: a failure that this leader has not seen for as long as its detector asks.
    ///
    /// - Parameter deadline: the whole recovery's, which ends the wait.
    /// - Returns: nil when it does not hold.
    func gate(until deadline: Date?) -> GateVerdict? {
        let words: String
        switch self {
        case .unwatched, .silent, .confirmed, .healed: return nil
        case .unseen: words = "this controller has not seen the target of detection yet"
        case .suspected: words = "this controller has not seen the failure for as long as its detector asks yet"
        case .convalescent: words = "the target looks well; detection waits whether it stays so"
        }
        return GateVerdict(.warmingUp, words, recheckAt: deadline)
    }
}

/// How many targets a policy's detection looks at: the base of its storm limit.
package struct DetectionBase: Sendable, Hashable {
    /// Targets that the detectors match.
    package var matched: Int
    /// Of those, the ones that fail right now.
    package var unhealthy: Int

    /// Counts targets.
    package init(matched: Int = 0, unhealthy: Int = 0) {
        self.matched = matched
        self.unhealthy = unhealthy
    }
}

/// What a detector says about a failure that has lasted long enough.
package struct IncidentReport: Sendable, Hashable {
    /// The detector.
    package var rule: DetectionRule
    /// What failed.
    package var target: DetectedTarget
    /// How it failed.
    package var failure: TargetFailure
    /// What tells the incident apart from others.
    package var times: IncidentTracker.Times

    /// Puts a report together.
    package init(
        _ rule: DetectionRule,
        _ target: DetectedTarget,
        _ failure: TargetFailure,
        _ times: IncidentTracker.Times
    ) {
        self.rule = rule
        self.target = target
        self.failure = failure
        self.times = times
    }
}
