package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// Targets that fail again soon after they were recovered: what was done holds for a moment only, and doing it again and
/// again repairs nothing.
///
/// Pure. The attempt that completed the former Recovery counts as one that failed: the next Recovery goes on at the same
/// rung of the ladder while that has attempts left, then at the next one, and escalates when there is none.
package enum FlappingRule {
    /// The Recovery that a failure comes back after: of those that an attempt has completed the last one, if its target has
    /// failed again before it was well for as long as the policy asks.
    ///
    /// - Parameters:
    ///   - failed: when the target failed again.
    ///   - recoveries: all with the same fingerprint.
    ///   - policy: the policy whose detection reports it.
    /// - Returns: nil when this is another incident.
    package static func former(
        failed: Date,
        among recoveries: [Recovery],
        policy: RecoveryPolicy
    ) -> Recovery? {
        let reset = Double(policy.spec.effectiveResetAfterHealthySeconds)
        let completed = recoveries.filter {
            $0.wasCompletedByAttempt && $0.spec.policyRef?.name == policy.metadata.name
        }
        let last = completed.max {
            ($0.status?.completionTime ?? .distantPast, $0.metadata.name ?? "")
                < ($1.status?.completionTime ?? .distantPast, $1.metadata.name ?? "")
        }
        guard let last, let time = last.status?.completionTime, failed < time.addingTimeInterval(reset) else {
            return nil
        }
        return last
    }
}

extension RecoveryStatus {
    /// Begins where the former Recovery of the same target stopped.
    ///
    /// Of a ladder that was changed meanwhile the first rung with the same strategy counts, and without one it begins anew.
    ///
    /// - Returns: how it ends at once; nil when an attempt is left.
    mutating func goOn(after former: Recovery, recovery: Recovery, now: Date) -> FinalVerdict? {
        guard former.wasCompletedByAttempt, let completed = former.status?.completionTime else { return nil }
        let known = former.status?.flapping
        let flapping = Flapping(count: min(max(0, known?.count ?? 0), 1_000_000) + 1, since: known?.since ?? completed)
        self.flapping = flapping
        let ladder = effective?.ladder ?? []
        let before = former.status?.currentRung.flatMap { rung in
            let index = former.status?.rung ?? 0
            let isSame = ladder.indices.contains(index) && ladder[index].name == rung.name
            return isSame ? index : ladder.firstIndex { $0.name == rung.name }
        }
        guard let before else { return nil }
        let most = ladder[before].maxAttempts ?? 1
        let spent = min(max(0, former.status?.rungAttempts ?? 0), most)
        (rung, rungAttempts) = spent < most ? (before, spent) : (before + 1, 0)
        if let next = currentRung {
            (strategy, priority) = (next.name, next.priority)
            return nil
        }
        // What it stands at has been tried.
        (rung, rungAttempts) = (before, spent)
        let seconds = Int(max(0, min(now.timeIntervalSince(flapping.since), 1e9)))
        return FinalVerdict(
            state: .failed,
            reason: ConditionReason.flapping,
            message:
                "the target failed again \(flapping.count) times within \(seconds) s, each time soon after an attempt had "
                + "recovered it (the last one: \(former.metadata.name ?? "")); the ladder has nothing else to try",
            level: EscalationRule.level(for: .exhausted, recovery: recovery, status: self),
            nextSteps: knownNextSteps(recovery)
        )
    }
}

extension Recovery {
    /// Whether it ended because an attempt repaired its target, and not by itself.
    fileprivate var wasCompletedByAttempt: Bool {
        state == .completed && status?.executions?.last?.state == .completed
    }
}
