package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// How the target of a recovery looks at one moment.
package enum TargetHealth: Sendable, Hashable {
    /// It is well; `since` when it says so itself, which shows a break between two looks.
    case healthy(since: Date?)
    /// It is not, for this reason.
    case unhealthy(String)
    /// Nobody could tell, for this reason: neither proof nor failure.
    case unknown(String)
}

/// Decides whether a target has stayed healthy for as long as its policy asks; an action that finished is not a target that
/// is healthy.
///
/// Pure: all it remembers is the `Verification` in status, so another leader goes on with it.
package struct VerificationRule: Sendable, Hashable {
    /// What a look has come to.
    package enum Verdict: Sendable, Hashable {
        /// It stayed healthy for as long as asked.
        case verified(String)
        /// The time is over, and it was not.
        case failed(String)
        /// Look again then.
        case waiting(until: Date)
    }

    private let settings: VerifySettings
    /// The longest time between two looks, in seconds.
    private static let longestPause = 15.0

    /// Makes the rule of a rung.
    package init(_ settings: VerifySettings) {
        self.settings = settings
    }

    /// The check that begins now.
    package func begin(now: Date) -> Verification {
        let start = now.wholeSecond
        return Verification(
            startTime: start,
            deadline: start.addingTimeInterval(Double(max(1, settings.effectiveTimeoutSeconds)))
        )
    }

    /// Enters a look at the target.
    ///
    /// - Parameters:
    ///   - health: what it showed.
    ///   - verification: the check; changed when the target became healthy, or is no longer.
    ///   - now: the wall clock.
    /// - Returns: what follows.
    package func look(_ health: TargetHealth, _ verification: inout Verification, now: Date) -> Verdict {
        switch health {
        case .healthy(let since):
            // Rounded up: the proof is never shorter than asked.
            let first = verification.healthyTime ?? now.roundedUp
            verification.healthyTime = max(first, since.map { min($0, now).roundedUp } ?? first)
        case .unhealthy: verification.healthyTime = nil
        case .unknown: break
        }
        let proof = verification.healthyTime?.addingTimeInterval(Double(max(0, settings.effectiveForSeconds)))
        if case .healthy = health, let proof, proof.wholeSecond <= now {
            return .verified("it has been healthy for \(settings.effectiveForSeconds) s")
        }
        let deadline = verification.deadline ?? now
        guard now < deadline else { return .failed(failure(health)) }
        return .waiting(until: min(deadline, nextLook(proof, verification, now: now)))
    }

    private func failure(_ health: TargetHealth) -> String {
        let reason =
            switch health {
            case .healthy(let since): "it is healthy only since \((since ?? .distantPast).text)"
            case .unhealthy(let reason), .unknown(let reason): reason
            }
        return "it did not stay healthy for \(settings.effectiveForSeconds) s within "
            + "\(settings.effectiveTimeoutSeconds) s: \(reason)"
    }

    /// While it is healthy, some looks within the time of the proof; before, less and less often.
    private func nextLook(_ proof: Date?, _ verification: Verification, now: Date) -> Date {
        if let proof, proof > now {
            let part = Double(settings.effectiveForSeconds) / 4
            return min(proof, now.addingTimeInterval(max(1, min(part, Self.longestPause))))
        }
        let waited = now.timeIntervalSince(verification.startTime ?? now)
        return now.addingTimeInterval(max(1, min(waited / 2, Self.longestPause)))
    }
}

extension RecoveryStatus {
    /// How the health of the target is proven after the current rung; nil when nobody asks for that, or nothing can be
    /// looked at.
    package var verifySettings: VerifySettings? {
        guard let target, target.name != nil || target.cluster != nil else { return nil }
        return currentRung?.verify ?? effective?.verify
    }

    /// Writes how far the check of the target is.
    ///
    /// - Parameters:
    ///   - verification: the check.
    ///   - recovery: the Recovery, for the conditions.
    ///   - now: the wall clock.
    package mutating func verify(_ verification: Verification, recovery: Recovery, now: Date) {
        self.verification = verification
        let seconds = verifySettings?.effectiveForSeconds ?? 0
        let words =
            verification.healthyTime.map {
                "the target is healthy since \($0.text); it has to stay so for \(seconds) s"
            }
            ?? "the target is not healthy yet; it has to be so for \(seconds) s, at the latest from "
            + (verification.deadline?.addingTimeInterval(-Double(seconds)).text ?? "now") + " on"
        message = words
        let reason = ConditionReason.verifying
        set(ConditionType.verified, .false, reason: reason, message: words, recovery: recovery, now: now)
        set(ConditionType.progressing, .true, reason: reason, message: words, recovery: recovery, now: now)
    }

    /// Until when an attempt may go on whose check ends at `deadline`: the strategy's own time is left afterwards to take
    /// back what it did; never beyond the whole recovery's deadline.
    func attemptDeadline(verifyingUntil checkEnd: Date, rung: StrategyRung, now: Date) -> Date {
        let end = max(checkEnd, now).addingTimeInterval(Double(rung.timeoutSeconds ?? 120))
        return deadline.map { min($0, end) } ?? end
    }

    /// The status with which the check of the target begins: written before the first look, with what the strategy did.
    ///
    /// - Parameters:
    ///   - result: what the strategy has to tell.
    ///   - recovery: the Recovery, for the conditions.
    ///   - now: the wall clock.
    /// - Returns: the status; nil when there is nothing to verify.
    package func beginningVerification(
        _ result: ExecutionResult,
        recovery: Recovery,
        now: Date
    ) -> RecoveryStatus? {
        guard let settings = verifySettings, let rung = currentRung, let last = executions?.indices.last else {
            return nil
        }
        var status = self
        let check = VerificationRule(settings).begin(now: now)
        status.executions?[last].result = result
        status.executions?[last].deadline =
            attemptDeadline(verifyingUntil: check.deadline ?? now, rung: rung, now: now).wholeSecond
        status.verify(check, recovery: recovery, now: now.wholeSecond)
        return status
    }
}

extension Date {
    /// The next whole second, or this one.
    fileprivate var roundedUp: Date {
        Date(timeIntervalSinceReferenceDate: timeIntervalSinceReferenceDate.rounded(.up))
    }
}
