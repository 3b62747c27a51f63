package import FoundationEssentials
internal import RecoveryAPI
package import Timekeeping

/// Follows one target for one detector: when a failure has lasted, when it comes back, when it is over.
///
/// All durations count from what this process has seen itself, by the monotonic clock: a new leader reports nothing on
/// its predecessor's word, and a clock that is set changes nothing. Wall times only tell incidents apart.
///
/// ```
/// unseen -> failing -(patience)-> reported -> healthy -(convalescence)-> over -> failing ...
/// ```
package struct IncidentTracker: Sendable, Hashable {
    /// What tells an incident apart from others.
    package struct Times: Sendable, Hashable {
        /// When it began; nil when that was before this process looked and the target does not say.
        package var began: Date?
        /// When the target failed again after a time of health that was too short to end it; else as `began`.
        package var latest: Date?

        /// Describes an incident.
        package init(began: Date?, latest: Date?) {
            self.began = began
            self.latest = latest
        }
    }

    private enum Standing: Sendable, Hashable {
        case unseen
        case failing(since: MonotonicInstant)
        case healthy(since: MonotonicInstant)
    }

    /// How often a lasting failure is reported again, so that a Recovery which somebody has deleted comes back.
    private static let reminder = Duration.seconds(300)

    private let patience: Duration
    private let convalescence: Duration
    private var standing = Standing.unseen
    /// The incident that is not over; nil while there is none.
    private var incident: Times?
    /// Whether it was reported since it last came back.
    private var lastReport: MonotonicInstant?
    /// Whether the target was well for long enough since this process looks at it.
    private var wasHealthy = false
    private var bestProgress: Int?
    /// What was wrong at the last look; nil while nothing was.
    package private(set) var failure: TargetFailure?

    /// Begins to follow a target that nothing is known about.
    package init(_ rule: DetectionRule) {
        patience = rule.patience
        convalescence = rule.convalescence
    }

    /// Takes in how the target looks now.
    ///
    /// - Parameters:
    ///   - verdict: how it looks; nil when it is gone, which is as good as being well.
    ///   - now: the monotonic time of this look, never before that of an earlier one.
    ///   - wall: the date of this look.
    /// - Returns: the incident to be reported, when the failure has lasted long enough, for the first time or since it
    ///   came back, or a reminder of it is due.
    package mutating func look(_ verdict: TargetVerdict?, now: MonotonicInstant, wall: Date) -> Times? {
        healIfDue(now: now)
        if case .failing(let failure) = verdict {
            fail(failure, now: now, wall: wall)
            return report(now: now)
        }
        (failure, lastReport) = (nil, nil)
        if verdict == .unknown {
            standing = .unseen
        } else if !isHealthy {
            standing = .healthy(since: now)
            healIfDue(now: now)
        }
        return nil
    }

    private var isHealthy: Bool {
        if case .healthy = standing { true } else { false }
    }

    private mutating func fail(_ failure: TargetFailure, now: MonotonicInstant, wall: Date) {
        let wasWell = isHealthy
        self.failure = failure
        if case .failing = standing {
            if let progress = failure.progress, progress > bestProgress ?? .min, lastReport == nil {
                standing = .failing(since: now)
                bestProgress = progress
            }
            return
        }
        standing = .failing(since: now)
        bestProgress = failure.progress
        var start = failure.since
        if wasWell { start = max(failure.since ?? .distantPast, wall.wholeSecond) }
        if incident == nil {
            incident = Times(began: wasHealthy ? start : failure.since, latest: start)
        } else {
            incident?.latest = start
        }
    }

    private mutating func report(now: MonotonicInstant) -> Times? {
        guard case .failing(let since) = standing, since.duration(to: now) >= patience else { return nil }
        if let lastReport, lastReport.duration(to: now) < Self.reminder { return nil }
        lastReport = now
        return incident
    }

    /// Ends the incident when the target has been well for long enough.
    private mutating func healIfDue(now: MonotonicInstant) {
        guard case .healthy(let since) = standing, since.duration(to: now) >= convalescence else { return }
        wasHealthy = true
        incident = nil
    }

    /// A report could not be delivered: the next look makes it again.
    package mutating func reportFailed() {
        lastReport = nil
    }

    /// What the tracker says about the failure.
    package func finding(now: MonotonicInstant) -> DetectionFinding {
        switch standing {
        case .unseen: .unseen
        case .failing(let since): since.duration(to: now) >= patience ? .confirmed : .suspected
        case .healthy(let since): since.duration(to: now) >= convalescence ? .healed : .convalescent
        }
    }

    /// When something happens although the target does not change; nil when nothing does.
    package var nextLook: MonotonicInstant? {
        switch standing {
        case .unseen: nil
        case .failing(let since): lastReport?.advanced(by: Self.reminder) ?? since.advanced(by: patience)
        case .healthy(let since):
            incident != nil || !wasHealthy ? since.advanced(by: convalescence) : nil
        }
    }
}
