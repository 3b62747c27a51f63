package import RecoveryAPI

/// What the requests of one HTTP probe have shown: it changes its mind after as many equal results in a row as the
/// probe's thresholds say.
package struct ProbeRecord: Sendable, Hashable {
    /// How the target looks; unknown before a threshold was reached.
    package private(set) var verdict = TargetVerdict.unknown
    /// Whether there is any result.
    package private(set) var isSeen = false
    /// Why nothing is known, for people; nil when that has no reason but time.
    package private(set) var problem: String?
    private var failures = 0
    private var successes = 0

    /// Begins with nothing known.
    package init() {}

    /// Whether the last request failed, which is not a failure yet before the threshold.
    package var isSuspect: Bool { failures > 0 }

    /// Notes one request.
    ///
    /// - Parameters:
    ///   - failure: what was wrong; nil when nothing was.
    ///   - probe: its thresholds.
    package mutating func note(_ failure: TargetFailure?, _ probe: HTTPProbe) {
        isSeen = true
        problem = nil
        failures = failure == nil ? 0 : min(failures, 1_000) + 1
        successes = failure == nil ? min(successes, 1_000) + 1 : 0
        if let failure {
            // One that has failed before goes on to, with the words of the latest answer.
            if failures >= max(1, probe.effectiveFailureThreshold) { verdict = .failing(failure) }
        } else if successes >= max(1, probe.effectiveSuccessThreshold) {
            verdict = .healthy
        }
    }

    /// A request was not sent for a reason that lies here: what is not known is neither a failure nor health.
    package mutating func noteGap(_ problem: String) {
        self = ProbeRecord()
        self.problem = problem
    }
}
