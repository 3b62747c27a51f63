package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// Storms: more of a policy's targets are unhealthy than `limits.maxUnhealthy` allows, so that something else than the
/// targets is likely broken, or detection itself.
///
/// Pure; what has to be remembered is in the policy's `status.storm`. While nobody knows how many targets are unhealthy,
/// no storm begins or ends and no action starts: after a restart that lasts until detection has seen all of them.
///
/// ```
/// none --too many unhealthy--> storm --within the limit for stormCooldownSeconds--> none
/// ```
package struct StormRule: Sendable, Hashable {
    private let limits: PolicyLimits
    private let maxUnhealthy: CountOrPercent
    private let base: DetectionBase?

    /// Reads a policy; nil when it has no storms.
    ///
    /// - Parameters:
    ///   - spec: of the policy as it is now.
    ///   - base: how many targets its detection sees; nil while that does not see them all.
    package init?(_ spec: RecoveryPolicySpec, base: DetectionBase?) {
        guard spec.detection != nil, let limits = spec.limits, let maxUnhealthy = limits.maxUnhealthy else {
            return nil
        }
        self.limits = limits
        self.maxUnhealthy = maxUnhealthy
        self.base = base
    }

    /// `limits.maxUnhealthy` as an absolute number; nil while the targets are not known.
    package var limit: Int? { base.map { maxUnhealthy.resolved(base: $0.matched) } }

    /// Whether more targets are unhealthy than may be; nil while the targets are not known.
    package var isExceeded: Bool? {
        guard let base, let limit else { return nil }
        return base.unhealthy > limit
    }

    /// Whether every failure is a storm in which nothing may start.
    var allowsNothing: Bool {
        let matched = base?.matched ?? 0
        return allowed == 0 && maxUnhealthy.resolved(base: matched > 0 ? matched : 1_000_000) == 0
    }

    private var cooldown: Double { Double(max(0, limits.effectiveStormCooldownSeconds)) }
    private var allowed: Int { max(0, limits.effectiveAlwaysAllow) }

    // MARK: Begin and end

    /// The storm as it is now, after the one that is stored.
    package func current(_ stored: StormStatus?, now: Date) -> StormStatus? {
        guard let isExceeded else { return stored }
        guard var storm = stored else { return isExceeded ? StormStatus(since: now) : nil }
        storm.calmSince = isExceeded ? nil : storm.calmSince ?? now
        return end(of: storm).map { $0 <= now } ?? false ? nil : storm
    }

    /// When a storm ends if the number stays within the limit; nil while it is not, and while nobody can tell.
    package func end(of storm: StormStatus) -> Date? {
        isExceeded == false ? storm.calmSince?.addingTimeInterval(cooldown) : nil
    }

    // MARK: Gate

    /// What holds one more action.
    ///
    /// - Parameters:
    ///   - storm: the storm that goes on now.
    ///   - actions: how many others have started in it.
    ///   - now: the wall clock.
    /// - Returns: nil when nothing does.
    package func verdict(_ storm: StormStatus?, actions: Int, now: Date) -> GateVerdict? {
        guard let base, let limit else {
            return GateVerdict(
                .warmingUp,
                "how many targets of the policy are unhealthy, which limits.maxUnhealthy is about, is not known; the "
                    + "policy's condition Detecting says what is not seen"
            )
        }
        guard let storm, actions >= allowed else { return nil }
        let used = "\(actions) of the actions that may start in one storm (limits.alwaysAllow \(allowed)) have started"
        if let end = end(of: storm) {
            return GateVerdict(
                .stormCooldown,
                "a storm that began at \(storm.since.text) ends at \(end.text) if no more than \(words(limit)) targets are "
                    + "unhealthy until then; \(used)",
                recheckAt: end
            )
        }
        return GateVerdict(
            .tooManyUnhealthy,
            "\(base.unhealthy) of \(base.matched) targets are unhealthy, more than \(words(limit)); \(used); the storm ends "
                + "\(Int(cooldown)) s after no more than that are",
            recheckAt: now.addingTimeInterval(max(1, cooldown))
        )
    }

    /// The limit as it was written, and what it comes to.
    private func words(_ limit: Int) -> String {
        switch maxUnhealthy {
        case .count: "\(limit) (limits.maxUnhealthy)"
        case .percent(let share): "\(limit) (limits.maxUnhealthy \(share)%)"
        case .invalid(let text): "\(limit) (limits.maxUnhealthy '\(text)' is no number)"
        }
    }

    // MARK: Condition

    /// The condition `Storming` of the policy.
    func condition(_ storm: StormStatus?) -> Condition {
        let type = ConditionType.storming
        guard let base, let limit else {
            let status: Condition.Status = storm == nil ? .unknown : .true
            let message = storm.map {
                "the storm that began at \($0.since.text) goes on until all targets are seen again"
            }
            return Condition(
                type: type,
                status: status,
                reason: ConditionReason.warmingUp,
                message: message ?? "how many targets are unhealthy is not known; see the condition Detecting"
            )
        }
        let numbers = "\(base.unhealthy) of \(base.matched) targets are unhealthy; allowed are \(words(limit))"
        guard let storm else {
            return Condition(type: type, status: .false, reason: "WithinLimit", message: numbers)
        }
        let started = "\(storm.actions) of \(allowed) actions have started since \(storm.since.text)"
        guard let end = end(of: storm) else {
            let reason = ConditionReason.tooManyUnhealthy
            return Condition(type: type, status: .true, reason: reason, message: "\(numbers); \(started)")
        }
        return Condition(
            type: type,
            status: .true,
            reason: ConditionReason.stormCooldown,
            message: "\(numbers); \(started); the storm ends at \(end.text)"
        )
    }
}
