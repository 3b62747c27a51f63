import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision

/// What must hold of the actions under a policy: no schedule breaks a budget, a cooldown or a breaker.
///
/// Counted by what the Recoveries show, deleted ones included, and not by the books that are to be checked.
struct PolicyInvariants {
    /// One attempt that began.
    private struct Start {
        var recovery: String
        var attempt: Int
        var strategy: String
        var policy: String
        var lock: String?
        var time: Date
        var end: Date?
    }

    private var starts: [Start] = []
    private var known: [ObjectKey: RecoveryPolicy] = [:]
    /// Policies that were deleted, by uid, as they were last.
    private var gone: [String: RecoveryPolicy] = [:]
    /// The uid of the one of a name that was deleted last.
    private var lastGone: [ObjectKey: String] = [:]
    private var problems: [String] = []
    /// From when to when targets were not healthy, by name; the last one may be open.
    private var outages: [String: [(from: Date, to: Date?)]] = [:]
    /// Recoveries, by uid, that a person has suspended: an attempt of theirs may stay reserved.
    private var suspended: Set<String> = []
    /// Attempts, by uid and number, that were in the books before the storm of their policy, by uid, began, and those that
    /// have begun since.
    private var storms: [String: (before: Set<String>, begun: Int)] = [:]

    /// What was found since the last time.
    mutating func takeProblems() -> [String] {
        defer { problems = [] }
        return problems
    }

    // MARK: Health

    /// Looks at a target as it was just written.
    mutating func applyTarget(_ key: ObjectKey, _ object: JSONValue?) {
        let condition = object?.value(at: ["status", "conditions"])?.arrayValue?.first
        guard let time = condition?["lastTransitionTime"]?.stringValue.flatMap(RFC3339.date(from:)) else { return }
        let last = outages[key.name]?.indices.last
        let isOut = last.map { outages[key.name]?[$0].to == nil } ?? false
        if condition?["status"]?.stringValue == "False" {
            if !isOut { outages[key.name, default: []].append((time, nil)) }
        } else if isOut, let last {
            outages[key.name]?[last].to = time
        }
    }

    /// What is completed by an attempt was healthy for as long as its policy asks.
    private mutating func checkHealth(_ recovery: Recovery) {
        guard recovery.state == .completed, let status = recovery.status, let settings = status.verifySettings,
            status.executions?.last?.state == .completed, let name = status.target?.name
        else { return }
        let who = recovery.metadata.key
        guard let from = status.verification?.healthyTime, let end = status.completionTime else {
            return problems.append("\(who) is completed without a proof of health")
        }
        let proof = from.addingTimeInterval(Double(settings.effectiveForSeconds))
        if proof > end.addingTimeInterval(1) { problems.append("\(who) is completed before the proof was long enough") }
        // Times are whole seconds.
        let broken = (outages[name] ?? []).contains { outage in
            outage.from.addingTimeInterval(1) < proof && (outage.to ?? .distantFuture) > from
        }
        if broken { problems.append("\(who) is completed although its target was not healthy all the time") }
    }

    // MARK: Attempts

    /// Looks at a Recovery as it was just written.
    mutating func apply(_ recovery: Recovery) {
        checkHealth(recovery)
        let uid = recovery.metadata.uid ?? ""
        if recovery.spec.isSuspended && !recovery.isFinal { suspended.insert(uid) } else { suspended.remove(uid) }
        guard let status = recovery.status, let snapshot = status.effective?.policy else { return }
        // One that was made again under the same name governs in place of the former one.
        let key = ObjectKey(namespace: recovery.metadata.namespace, name: snapshot.name)
        let policy = known[key]?.metadata.uid ?? lastGone[key] ?? snapshot.uid ?? ""
        for execution in status.executions ?? [] {
            let index = starts.firstIndex { $0.recovery == recovery.metadata.uid && $0.attempt == execution.attempt }
            if let index {
                starts[index].end = execution.endTime
                continue
            }
            let start = Start(
                recovery: recovery.metadata.uid ?? "",
                attempt: execution.attempt,
                strategy: execution.strategy,
                policy: policy,
                lock: status.target.flatMap(LockKey.init)?.leaseName,
                time: execution.startTime ?? .distantPast,
                end: execution.endTime
            )
            // What a person has made goes on without the policy, and without its books.
            if known[key] != nil || recovery.isOpenedByPolicy {
                check(start, status.effective?.limits, mayLackPolicy: !recovery.isOpenedByPolicy)
            }
            starts.append(start)
        }
    }

    private mutating func check(_ start: Start, _ limits: PolicyLimits?, mayLackPolicy: Bool) {
        let others = starts.filter { $0.policy == start.policy }
        let who = "\(start.recovery) attempt \(start.attempt)"
        if let budget = limits?.budget {
            let window = Double(budget.effectiveWindowSeconds)
            let count = others.count { $0.time.addingTimeInterval(window) > start.time }
            if count >= budget.actions { problems.append("\(who) is one more than the budget of \(budget.actions)") }
        }
        let cooldown = Double(limits?.effectiveCooldownSeconds ?? 0)
        let hot = others.filter { other in
            other.recovery != start.recovery && other.lock == start.lock && start.lock != nil
                && (other.end ?? other.time).addingTimeInterval(cooldown) > start.time
        }
        if let other = hot.first, cooldown > 0 {
            problems.append("\(who) begins in the cooldown after \(other.recovery)")
        }
        let live = known.values.first { $0.metadata.uid == start.policy }
        // What was entered before its policy was deleted may begin a moment later; what people have asked for, always.
        guard let policy = live ?? (mayLackPolicy ? nil : gone[start.policy]) else { return }
        if live != nil { checkStorm(start, policy) }
        let isEntered = policy.status?.recentActions?.contains {
            $0.recoveryUID == start.recovery && $0.attempt == start.attempt
        }
        let isCounted = policy.spec.circuitBreaker != nil || limits?.budget != nil
        if isCounted, isEntered != true { problems.append("\(who) begins without an entry in the policy's books") }
    }

    /// No more attempts begin in one storm than the policy allows, whichever leader counts them.
    private mutating func checkStorm(_ start: Start, _ policy: RecoveryPolicy) {
        guard let storm = storms[start.policy], !storm.before.contains("\(start.recovery) \(start.attempt)") else {
            return
        }
        storms[start.policy]?.begun += 1
        let allowed = policy.spec.limits?.effectiveAlwaysAllow ?? 0
        if storm.begun >= allowed {
            problems.append("\(start.recovery) is one more than may start in a storm: \(allowed)")
        }
    }

    /// A storm ends only when the count was within the limit for long enough.
    private mutating func followStorm(_ policy: RecoveryPolicy, _ before: RecoveryPolicyStatus?) {
        let uid = policy.metadata.uid ?? ""
        switch (before?.storm, policy.status?.storm) {
        case (nil, .some):
            let entered = (before?.recentActions ?? []).map { "\($0.recoveryUID ?? "") \($0.attempt ?? 0)" }
            storms[uid] = (Set(entered), 0)
        case (let storm?, nil):
            storms[uid] = nil
            if storm.calmSince == nil, policy.spec.limits?.effectiveStormCooldownSeconds != 0 {
                problems.append("the storm of \(policy.metadata.name ?? "") ended at once")
            }
        default: break
        }
    }

    // MARK: Books

    /// Looks at a policy as it was just written.
    ///
    /// - Returns: Lines for the trace.
    mutating func apply(_ key: ObjectKey, _ policy: RecoveryPolicy?) -> [String] {
        let before = known[key]?.status
        if policy == nil, let former = known[key], let uid = former.metadata.uid {
            gone[uid] = former
            lastGone[key] = uid
        }
        known[key] = policy
        if let policy { followStorm(policy, before) }
        guard let status = policy?.status else { return [] }
        let old = before?.recentActions ?? []
        for entry in status.recentActions ?? [] {
            let earlier = old.first { $0.recoveryUID == entry.recoveryUID && $0.attempt == entry.attempt }
            if earlier == nil || earlier?.time != entry.time { checkAdmission(entry, status) }
            if let end = earlier?.endTime, end != entry.endTime { problems.append("an outcome was changed: \(entry)") }
        }
        for entry in old where entry.endTime != nil && status.recentActions?.contains(entry) != true {
            problems.append("an action was forgotten: \(entry)")
        }
        for breaker in status.breakers ?? [] where (breaker.state == .halfOpen) != (breaker.probe != nil) {
            problems.append(
                "\(breaker.key) is \(breaker.state.rawValue) with the probe \(String(describing: breaker.probe))"
            )
        }
        let breakers = (status.breakers ?? []).map { "\($0.key)=\($0.state.rawValue)" }.joined(separator: " ")
        let open = (status.recentActions ?? []).count { $0.endTime == nil }
        return ["\(key) \(status.recentActions?.count ?? 0) actions, \(open) open, \(breakers)"]
    }

    /// An action is entered only where its breaker lets it pass.
    private mutating func checkAdmission(_ entry: RecentAction, _ status: RecoveryPolicyStatus) {
        let breaker = status.breakers?.first { $0.scope.value == entry.breaker?.scope && $0.key == entry.breaker?.key }
        guard let breaker, breaker.state != .closed else { return }
        let isProbe = breaker.probe?.recoveryUID == entry.recoveryUID && breaker.probe?.attempt == entry.attempt
        if !isProbe { problems.append("\(entry.recovery ?? "") is let through an \(breaker.state.rawValue) breaker") }
    }

    /// Actions whose outcome is open although nothing runs any more, and counts that do not fit that.
    func openBooks() -> [String] {
        known.values.flatMap { policy in
            let open = (policy.status?.recentActions ?? []).filter {
                $0.endTime == nil && !suspended.contains($0.recoveryUID ?? "")
            }
            let running = policy.status?.inFlight ?? 0
            return open.map { "the outcome of \($0.recovery ?? "") attempt \($0.attempt ?? 0) is open" }
                + (running > 0 ? ["\(running) are said to run"] : [])
        }.sorted()
    }
}
