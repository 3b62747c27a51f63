package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// The books of a policy: which actions were started under it and what came of them, kept in its status.
///
/// Pure. Budget, cooldown and breakers are decided by what is stored, so neither a restart nor the deletion of a Recovery
/// makes anybody forget an action. The shell writes an action here before it reserves the attempt.
package struct PolicyLedger: Sendable, Hashable {
    /// What is stored, as far as it was changed.
    package private(set) var status: RecoveryPolicyStatus
    private let spec: RecoveryPolicySpec
    private let storms: StormRule?

    /// Opens the books of a policy as it is now.
    ///
    /// - Parameters:
    ///   - policy: the policy.
    ///   - base: how many targets its detection sees; nil while that does not see them all.
    package init(_ policy: RecoveryPolicy, base: DetectionBase? = nil) {
        status = policy.status ?? RecoveryPolicyStatus()
        spec = policy.spec
        storms = StormRule(policy.spec, base: base)
    }

    /// Whether an action has to be entered at all.
    package static func concerns(_ action: PolicyAction, policy: RecoveryPolicy) -> Bool {
        if policy.spec.circuitBreaker != nil || action.limits?.budget != nil { return true }
        if StormRule(policy.spec, base: nil) != nil { return true }
        return action.lock != nil && (action.limits?.effectiveCooldownSeconds ?? 0) > 0
    }

    // MARK: Starting

    /// What keeps an action from starting; nil when nothing does.
    package func verdict(_ action: PolicyAction, now: Date) -> GateVerdict? {
        stormVerdict(action, now: now) ?? budgetVerdict(action, now: now) ?? cooldownVerdict(action, now: now)
            ?? roomVerdict(action, now: now) ?? breakerVerdict(action, now: now)
    }

    /// Enters an action that starts now, unless something holds it.
    ///
    /// An action that was entered before, and not started since, is entered anew.
    ///
    /// - Returns: what holds it.
    package mutating func admit(_ action: PolicyAction, now: Date) -> GateVerdict? {
        watchStorm(now: now)
        if let verdict = verdict(action, now: now) { return verdict }
        let identity = spec.circuitBreaker.map { action.breaker($0.effectiveScope) }
        if let identity, let settings = spec.circuitBreaker {
            var breaker = CircuitBreaker(stored(identity), settings: settings)
            breaker.begin(action.attempt, now: now)
            store(breaker.status)
        }
        let others = (status.recentActions ?? []).filter { !$0.identity.isSame(as: action.attempt) }
        var entry = action.entry(breaker: identity)
        if status.storm != nil {
            let started = otherActionsInStorm(than: action) + 1
            status.storm?.actions = started
            entry.duringStorm = true
        }
        status.recentActions = withRoom(others, for: action, now: now) + [entry]
        return nil
    }

    // MARK: Room

    /// Until when an entry is needed: while its outcome is open, it makes its target rest, or is in the budget's window.
    private func end(of entry: RecentAction, for action: PolicyAction) -> Date {
        guard let ended = entry.endTime else { return .distantFuture }
        let cooldowns = [spec.limits, action.limits].map { $0?.effectiveCooldownSeconds ?? 0 }
        let windows = [spec.limits, action.limits].map { $0?.budget?.effectiveWindowSeconds ?? 0 }
        let rest = entry.target == nil ? 0 : Double(cooldowns.max() ?? 0)
        return max(ended.addingTimeInterval(rest), entry.time.addingTimeInterval(Double(windows.max() ?? 0)))
    }

    /// Holds when one more entry would push one out that is still needed: limits that forget are none.
    private func roomVerdict(_ action: PolicyAction, now: Date) -> GateVerdict? {
        let ends = (status.recentActions ?? []).filter { !$0.identity.isSame(as: action.attempt) }
            .map { end(of: $0, for: action) }.filter { $0 > now }
        let most = RecoveryPolicyStatus.maxRecentActions
        guard ends.count >= most else { return nil }
        return GateVerdict(
            .budgetExhausted,
            "the policy's books have room for \(most) actions, and as many are under way or still count for its cooldown or "
                + "its budget (status.recentActions)",
            // What is under way can end at any moment.
            recheckAt: ends.contains(.distantFuture) ? now.addingTimeInterval(30) : ends.min()
        )
    }

    /// The entries without the oldest ones that nothing needs, as far as there has to be room for another one.
    private func withRoom(_ entries: [RecentAction], for action: PolicyAction, now: Date) -> [RecentAction] {
        var excess = entries.count + 1 - RecoveryPolicyStatus.maxRecentActions
        return entries.filter { entry in
            guard excess > 0, end(of: entry, for: action) <= now else { return true }
            excess -= 1
            return false
        }
    }

    private func stormVerdict(_ action: PolicyAction, now: Date) -> GateVerdict? {
        guard let storms else { return nil }
        let storm = storms.current(status.storm, now: now)
        return storms.verdict(storm, actions: otherActionsInStorm(than: action), now: now)
    }

    /// How many actions have started in the storm, one left out that was entered before and not started since.
    private func otherActionsInStorm(than action: PolicyAction) -> Int {
        let isEntered = (status.recentActions ?? []).contains {
            $0.duringStorm == true && $0.endTime == nil && $0.identity.isSame(as: action.attempt)
        }
        return max(0, min(status.storm?.actions ?? 0, Self.most) - (isEntered ? 1 : 0))
    }

    /// Counters end here, whatever somebody may have written into the status.
    private static let most = 1_000_000

    private func budgetVerdict(_ action: PolicyAction, now: Date) -> GateVerdict? {
        guard let budget = action.limits?.budget else { return nil }
        let times = times(within: budget, besides: action.attempt, now: now)
        guard times.count >= budget.actions else { return nil }
        // One more may start when so many have left the window that one is missing.
        let position = max(0, times.count - max(1, budget.actions))
        let free = (times.dropFirst(position).first ?? now).addingTimeInterval(
            Double(budget.effectiveWindowSeconds)
        )
        return GateVerdict(
            .budgetExhausted,
            "the policy's budget of \(budget.actions) actions in \(budget.effectiveWindowSeconds) s is used up; "
                + "the next one may start at \(free.text)",
            recheckAt: free
        )
    }

    /// When the actions in the budget's window began, the oldest first.
    private func times(within budget: ActionBudget, besides attempt: BreakerProbe?, now: Date) -> [Date] {
        let window = Double(budget.effectiveWindowSeconds)
        let others = (status.recentActions ?? []).filter { entry in
            attempt.map { !entry.identity.isSame(as: $0) } ?? true
        }
        return others.map(\.time).filter { $0.addingTimeInterval(window) > now }.sorted()
    }

    /// How many more actions the policy's budget allows now; nil without a budget.
    package func budgetLeft(now: Date) -> Int? {
        spec.limits?.budget.map { max(0, $0.actions - times(within: $0, besides: nil, now: now).count) }
    }

    private func cooldownVerdict(_ action: PolicyAction, now: Date) -> GateVerdict? {
        let seconds = action.limits?.effectiveCooldownSeconds ?? 0
        guard seconds > 0, let lock = action.lock else { return nil }
        let last = (status.recentActions ?? [])
            .filter { $0.target == lock && $0.recoveryUID != action.attempt.recoveryUID && !isParent($0, of: action) }
            .max { ($0.endTime ?? $0.time) < ($1.endTime ?? $1.time) }
        guard let last else { return nil }
        let end = (last.endTime ?? last.time).addingTimeInterval(Double(seconds))
        guard end > now else { return nil }
        return GateVerdict(
            .coolingDown,
            "Recovery \(last.recovery ?? "") has acted on the same target; the policy's cooldown of \(seconds) s ends at "
                + end.text,
            recheckAt: end
        )
    }

    private func isParent(_ entry: RecentAction, of action: PolicyAction) -> Bool {
        action.parent != nil && entry.recovery == action.parent
    }

    private func breakerVerdict(_ action: PolicyAction, now: Date) -> GateVerdict? {
        guard let settings = spec.circuitBreaker else { return nil }
        let identity = action.breaker(settings.effectiveScope)
        switch settings.effectiveForce {
        case .closed: return nil
        case .open:
            return GateVerdict(.breakerOpen, "the policy's circuit breakers are forced open (circuitBreaker.force)")
        case .unforced: break
        }
        if isFull(for: identity) {
            let next = (status.breakers ?? []).compactMap(\.nextProbeTime).min()
            let count = RecoveryPolicyStatus.maxBreakers
            return GateVerdict(.breakerOpen, "\(count) circuit breakers of the policy are open", recheckAt: next)
        }
        switch CircuitBreaker(stored(identity), settings: settings).gate(for: action.attempt, now: now) {
        case .passes, .probes: return nil
        case .holds(let message, let recheckAt):
            return GateVerdict(.breakerOpen, message, recheckAt: recheckAt)
        }
    }

    // MARK: Ending

    /// Enters what became of open actions.
    ///
    /// - Parameters:
    ///   - now: the wall clock.
    ///   - outcome: what is known about one.
    package mutating func settle(now: Date, _ outcome: (RecentAction) -> ActionOutcome) {
        var kept: [RecentAction] = []
        for var entry in status.recentActions ?? [] {
            guard entry.endTime == nil else {
                kept.append(entry)
                continue
            }
            switch outcome(entry) {
            case .open: kept.append(entry)
            case .neverStarted: withdraw(entry, now: now)
            case .ended(let time, let success):
                entry.endTime = time ?? now
                entry.success = success
                kept.append(entry)
                count(entry, now: now)
            }
        }
        if status.recentActions != nil { status.recentActions = kept }
    }

    private mutating func withdraw(_ entry: RecentAction, now: Date) {
        if entry.duringStorm == true, entry.endTime == nil, let actions = status.storm?.actions {
            status.storm?.actions = max(0, min(actions, Self.most) - 1)
        }
        guard var breaker = breaker(of: entry) else { return }
        breaker.forget(entry.identity, now: now)
        store(breaker.status)
    }

    private mutating func count(_ entry: RecentAction, now: Date) {
        guard let success = entry.success, let end = entry.endTime else { return withdraw(entry, now: now) }
        guard var breaker = breaker(of: entry) else { return }
        let seconds = Int(max(0, min(end.timeIntervalSince(entry.time), 1e9)))
        breaker.record(
            BreakerCall(time: end, success: success, seconds: seconds),
            by: entry.identity,
            isRedeployment: [StrategyName.placement, StrategyName.migration].contains(entry.strategy ?? "")
        )
        store(breaker.status)
    }

    // MARK: Time and people

    /// Does what time and people ask for: probes that take too long, storms, the reset, what nobody needs any more.
    ///
    /// - Parameters:
    ///   - resetAnnotation: the policy's annotation; a value that was not carried out yet closes all breakers.
    ///   - now: the wall clock.
    package mutating func tidy(resetAnnotation: String?, now: Date) {
        tidyBreakers(now: now)
        watchStorm(now: now)
        if let resetAnnotation, resetAnnotation != status.breakerReset {
            status.breakerReset = resetAnnotation
            changeBreakers { $0.reset(now: now) }
        }
        let needed = max(
            Double(spec.limits?.budget?.effectiveWindowSeconds ?? 0),
            Double(spec.limits?.effectiveCooldownSeconds ?? 0),
            Self.shortestMemory
        )
        status.recentActions = status.recentActions?.filter {
            $0.endTime.map { $0.addingTimeInterval(needed) > now } ?? true
        }
        if status.recentActions?.isEmpty == true { status.recentActions = nil }
    }

    /// Seconds for which an action is kept although the policy asks for less: Recoveries may be under way that were
    /// accepted under an older version of it, with longer limits.
    private static let shortestMemory = 3_600.0

    /// Begins or ends a storm by what detection sees now.
    package mutating func watchStorm(now: Date) {
        let before = status.storm
        status.storm = storms.flatMap { $0.current(before, now: now) }
        guard before != nil, status.storm == nil else { return }
        // What was entered and has not started yet would be an action of the next storm.
        for index in status.recentActions?.indices ?? 0..<0 where status.recentActions?[index].endTime == nil {
            status.recentActions?[index].duringStorm = nil
        }
    }

    private mutating func tidyBreakers(now: Date) {
        guard let settings = spec.circuitBreaker else {
            status.breakers = nil
            return
        }
        status.breakers = status.breakers?.filter { $0.scope.value == settings.effectiveScope }
        changeBreakers { $0.expireProbe(now: now) }
        if status.breakers?.isEmpty == true { status.breakers = nil }
    }

    /// When the books change by themselves.
    package var nextChange: Date? {
        let end = status.storm.flatMap { storms?.end(of: $0) }
        guard let settings = spec.circuitBreaker else { return end }
        let changes = (status.breakers ?? []).map { CircuitBreaker($0, settings: settings).nextChange }
        return (changes + [end]).compactMap(\.self).min()
    }

    // MARK: Breakers

    private func breaker(of entry: RecentAction) -> CircuitBreaker? {
        guard let settings = spec.circuitBreaker, let identity = entry.breaker,
            identity.scope == settings.effectiveScope
        else { return nil }
        return CircuitBreaker(stored(identity), settings: settings)
    }

    private func stored(_ identity: BreakerIdentity) -> BreakerStatus {
        status.breakers?.first { $0.identity == identity } ?? BreakerStatus(scope: identity.scope, key: identity.key)
    }

    /// Whether there is no place for another breaker because all that are kept are open.
    private func isFull(for identity: BreakerIdentity) -> Bool {
        let breakers = status.breakers ?? []
        return breakers.count >= RecoveryPolicyStatus.maxBreakers
            && !breakers.contains { $0.identity == identity || $0.state == .closed }
    }

    private mutating func store(_ breaker: BreakerStatus) {
        var breakers = status.breakers ?? []
        if let index = breakers.firstIndex(where: { $0.identity == breaker.identity }) {
            breakers[index] = breaker
        } else {
            if breakers.count >= RecoveryPolicyStatus.maxBreakers {
                // The closed one that has counted nothing for the longest time.
                let idle = breakers.indices.filter { breakers[$0].state == .closed }
                    .min { breakers[$0].lastCall < breakers[$1].lastCall }
                guard let idle else { return }
                breakers.remove(at: idle)
            }
            breakers.append(breaker)
        }
        status.breakers = breakers
    }

    private mutating func changeBreakers(_ change: (inout CircuitBreaker) -> Void) {
        guard let settings = spec.circuitBreaker else { return }
        status.breakers = status.breakers?.map { stored in
            var breaker = CircuitBreaker(stored, settings: settings)
            change(&breaker)
            return breaker.status
        }
    }
}

extension BreakerStatus {
    /// Which of a policy's breakers; nil for a scope that this version does not know.
    var identity: BreakerIdentity? { scope.value.map { BreakerIdentity(scope: $0, key: key) } }

    fileprivate var lastCall: Date { calls?.last?.time ?? since ?? .distantPast }
}
