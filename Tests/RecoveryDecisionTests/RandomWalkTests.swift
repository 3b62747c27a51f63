import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// Random lives of one Recovery: decide, write, run, crash, suspend, cancel, clocks that step; invariants after each step.
///
/// A failing seed is the argument of its test case, and replays on its own.
struct RandomWalkTests {
    static let seeds: Range<UInt64> = 0..<240

    @Test(arguments: seeds)
    func invariantsHoldAfterEveryStep(_ seed: UInt64) throws {
        var walk = RandomWalk(seed: seed)
        for _ in 0..<60 where walk.problems.isEmpty {
            try walk.step()
        }
        try walk.settleDown()
        for problem in walk.problems {
            Issue.record("seed \(seed): \(problem)\n\(walk.history.joined(separator: "\n"))")
        }
    }

    @Test("The walks reach every kind of decision, every gate and every final state: they test what they should")
    func coverage() throws {
        var seen: Set<String> = []
        for seed in Self.seeds {
            var walk = RandomWalk(seed: seed)
            for _ in 0..<60 { try walk.step() }
            try walk.settleDown()
            seen.formUnion(walk.seen)
        }
        let gates = RecoveryGate.allCases.map { "hold \($0.rawValue)" }
        let ends = ["finish Timeout", "finish Cancelled"]
        let stops = ["stop CancelledByUser", "stop Suspended", "stop SpecChanged", "stop Deleted"]
        let settled = RecoveryState.allCases.map { "settled \($0.rawValue)" }
        let wanted = Set(gates + ends + stops + settled + ["ignore", "delete", "reserve", "resume"])
        #expect(wanted.subtracting(seen).sorted() == [])
    }
}

/// One Recovery, the world around it, and what is known to be wrong so far.
struct RandomWalk {
    private var random: SeededGenerator
    private var recovery: Recovery
    private var facts: RecoveryFacts
    private var now = start
    private var stopRequest: StopReason?

    /// What was done, for the report of a failure.
    private(set) var history: [String] = []
    /// Which decisions and settlements came up.
    private(set) var seen: Set<String> = []
    /// What is wrong.
    private(set) var problems: [String] = []

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        facts = .make()
        facts.policies = Self.policies(&random)
        facts.bases["policy-default"] = DetectionBase(matched: 5, unhealthy: random.oneIn(3) ? 5 : 0)
        recovery = .make { recovery in
            if random.oneIn(3) { recovery.spec.maxAttempts = Int.random(in: 1...30, using: &random) }
            if random.oneIn(2) { recovery.spec.timeoutSeconds = Int.random(in: 1...20_000, using: &random) }
            if random.oneIn(4) { recovery.spec.policyRef = NameReference(name: "late") }
            if random.oneIn(4) { recovery.spec.error.severity = .known(.critical) }
            if random.oneIn(8) { recovery.spec.targetRef = nil }
            if random.oneIn(2) { recovery.metadata.labels = [MetadataName.fingerprint: "0123456789abcdef"] }
            recovery.spec.ttlSecondsAfterFinished = Int.random(in: 0...5_000, using: &random)
        }
        self.random = random
    }

    private static func policies(_ random: inout SeededGenerator) -> [RecoveryPolicy] {
        guard !random.oneIn(3) else { return [] }
        // What does harm comes last: other ladders are refused.
        let harmless = ["Ping", "Connect", "Any"].shuffled(using: &random)
        let names = (harmless.prefix(Int.random(in: 1...3, using: &random)) + ["Wipe"])
            .dropLast(Int.random(in: 0...1, using: &random))
        let rungs = names.map { name in
            StrategyRung.make(name, maxAttempts: random.oneIn(2) ? Int.random(in: 1...9, using: &random) : nil)
        }
        return [
            .make(rungs: rungs) { policy in
                policy.spec.mode =
                    random.oneIn(2)
                    ? .known(.auto)
                    : PolicyMode.allCases.randomElement(using: &random)
                        .map(Open.known)
                policy.spec.limits = limits(&random)
                policy.spec.detection = PolicyDetection()
                policy.spec.circuitBreaker = random.oneIn(2) ? breaker(&random) : nil
                policy.spec.escalation = EscalationSettings(
                    level: EscalationLevel.allCases.randomElement(using: &random)
                )
            }
        ]
    }

    private static func limits(_ random: inout SeededGenerator) -> PolicyLimits {
        var limits = PolicyLimits()
        limits.cooldownSeconds = Int.random(in: 0...200, using: &random)
        if random.oneIn(2) {
            limits.maxUnhealthy = .percent(40)
            limits.alwaysAllow = Int.random(in: 0...1, using: &random)
            limits.stormCooldownSeconds = Int.random(in: 0...200, using: &random)
        }
        guard random.oneIn(2) else { return limits }
        limits.budget = ActionBudget(
            actions: Int.random(in: 1...4, using: &random),
            windowSeconds: Int.random(in: 10...400, using: &random)
        )
        return limits
    }

    private static func breaker(_ random: inout SeededGenerator) -> CircuitBreakerSettings {
        var settings = CircuitBreakerSettings()
        settings.failureThreshold = Int.random(in: 1...4, using: &random)
        settings.openSeconds = Int.random(in: 1...200, using: &random)
        settings.halfOpenMaxSeconds = Int.random(in: 1...200, using: &random)
        return settings
    }

    // MARK: Steps

    /// The world changes, then the controller looks.
    mutating func step() throws {
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<4: moveClock()
        case 4, 5: try endAttempt()
        case 6: changeSpec()
        case 7: crash()
        default: changeFacts()
        }
        try look()
    }

    /// Everything that holds the Recovery goes away; then it has to end by itself, led only by its own recheck times.
    mutating func settleDown() throws {
        recovery.spec.suspend = false
        recovery.metadata.deletionTimestamp = nil
        facts.isWarmedUp = true
        facts.hasFreeSlot = true
        facts.running = []
        facts.unreadablePolicies = [:]
        facts.policies = facts.policies.map { policy in
            var policy = policy
            policy.spec.suspend = false
            return policy
        }
        addLatePolicy()
        facts.bases["policy-default"] = DetectionBase(matched: 5)
        for index in facts.policies.indices { facts.policies[index].spec.mode = .known(.auto) }
        crash()
        for _ in 0..<200 where problems.isEmpty && !recovery.isFinal {
            let recheckAt = try look()
            if facts.isRunningHere {
                now = now.addingTimeInterval(1)
                try endAttempt()
            } else if let recheckAt, recheckAt > now {
                now = recheckAt
            }
        }
        require(recovery.isFinal, "it comes to an end once nothing holds it: \(recovery.status?.message ?? "")")
    }

    private mutating func moveClock() {
        let seconds: Double =
            switch Int.random(in: 0..<10, using: &random) {
            case 0: -Double.random(in: 0...100, using: &random)
            case 1: Double.random(in: 0...3_000, using: &random)
            case 2..<5: Double.random(in: 0...1, using: &random)
            default: Double.random(in: 0...120, using: &random)
            }
        now = now.addingTimeInterval(seconds)
        note("clock \(now.timeIntervalSince(start))")
    }

    private mutating func changeSpec() {
        switch Int.random(in: 0..<16, using: &random) {
        case 0: recovery.spec.cancel = true
        case 1: recovery.spec.targetRef = TargetReference(apiVersion: "v1", kind: "Pod", name: "other")
        case 2, 3: recovery.metadata.deletionTimestamp = now.wholeSecond
        case 4..<6: recovery.spec.ttlSecondsAfterFinished = Int.random(in: 0...100, using: &random)
        default: recovery.spec.suspend = !recovery.spec.isSuspended
        }
        recovery.metadata.generation = (recovery.metadata.generation ?? 0) + 1
        note("suspend \(recovery.spec.isSuspended), cancel \(recovery.spec.isCancelled)")
    }

    private mutating func changeFacts() {
        switch Int.random(in: 0..<15, using: &random) {
        case 13, 14:
            let unhealthy = Int.random(in: 0...5, using: &random)
            facts.bases["policy-default"] = random.oneIn(6) ? nil : DetectionBase(matched: 5, unhealthy: unhealthy)
        case 9, 10: answerPlan()
        case 11: facts.targetVersion = "generation \(Int.random(in: 1...3, using: &random))"
        case 12 where !facts.policies.isEmpty:
            facts.policies[0].spec.mode = PolicyMode.allCases.randomElement(using: &random).map(Open.known)
        case 6, 7: enterForeignAction()
        case 8: facts.unreadablePolicies = random.oneIn(2) ? ["broken": "spec: not an object"] : [:]
        case 0: facts.isWarmedUp = !random.oneIn(3)
        case 1: facts.hasFreeSlot = !random.oneIn(3)
        case 2:
            facts.policies = facts.policies.map { policy in
                var policy = policy
                policy.spec.suspend = !policy.spec.isSuspended
                return policy
            }
        case 3: addLatePolicy()
        default:
            let target = ResolvedTarget(apiVersion: "apps/v1", kind: "Deployment", namespace: "team", name: "web")
            let other = RunningRecovery(
                key: ObjectKey(namespace: "team", name: "other"),
                lock: random.oneIn(2) ? LockKey(target) : nil,
                policy: random.oneIn(2) ? ObjectKey(namespace: "team", name: "default") : nil
            )
            facts.running = random.oneIn(2) ? [other] : []
        }
    }

    /// A person says yes, seldom no, to the plan as it was last written.
    private mutating func answerPlan() {
        guard let hash = recovery.status?.plan?.hash else { return }
        let spec = RecoveryApprovalSpec(
            recoveryRef: RecoveryIdentity(name: "web", uid: "uid-1"),
            planHash: hash,
            decision: random.oneIn(12) ? .reject : .approve
        )
        facts.approvals = [RecoveryApproval(metadata: ObjectMeta(name: "answer", namespace: "team"), spec: spec)]
        note("a person says \(spec.decision.rawValue)")
    }

    /// What the detection of a policy does with its storm, at each change of what it sees.
    private mutating func watchStorms() {
        for index in facts.policies.indices {
            var books = PolicyLedger(facts.policies[index], base: facts.bases[facts.policies[index].metadata.uid ?? ""])
            books.watchStorm(now: now.wholeSecond)
            facts.policies[index].status = books.status
        }
    }

    /// Another Recovery acts under the policy, on the same target now and then.
    private mutating func enterForeignAction() {
        guard !facts.policies.isEmpty else { return }
        let target = ResolvedTarget(apiVersion: "apps/v1", kind: "Deployment", namespace: "team", name: "web")
        var action = RecentAction(time: now.wholeSecond, recovery: "other-\(history.count)", strategy: "Any")
        action.target = random.oneIn(2) ? LockKey(target)?.leaseName : "another"
        action.endTime = random.oneIn(2) ? now.wholeSecond : nil
        var status = facts.policies[0].status ?? RecoveryPolicyStatus()
        status.recentActions = (status.recentActions ?? []) + [action]
        facts.policies[0].status = status
        note("another action under the policy")
    }

    /// What the shell does with the books of the governing policy.
    private mutating func updateBooks(
        _ status: RecoveryStatus?,
        _ change: (inout PolicyLedger) -> GateVerdict? = { _ in nil }
    ) {
        let uid = status?.effective?.policy?.uid
        guard let index = facts.policies.firstIndex(where: { $0.metadata.uid == uid }) else { return }
        var books = PolicyLedger(facts.policies[index], base: facts.bases[uid ?? ""])
        let (live, time) = (recovery, now.wholeSecond)
        books.settle(now: time) { entry in
            entry.recoveryUID == live.metadata.uid ? ActionOutcome(attempt: entry.attempt ?? 0, of: live) : .open
        }
        books.tidy(resetAnnotation: nil, now: time)
        let verdict = change(&books)
        require(verdict == nil, "what the core lets pass the books let pass: \(verdict?.message ?? "")")
        facts.policies[index].status = books.status
    }

    /// Enters the attempt that is about to begin.
    private mutating func enter(_ status: RecoveryStatus) {
        let time = now.wholeSecond
        guard let action = PolicyAction(recovery, status: status, attempt: status.attempts ?? 0, now: time) else {
            return
        }
        updateBooks(status) { $0.admit(action, now: time) }
    }

    private mutating func addLatePolicy() {
        guard !facts.policies.contains(where: { $0.metadata.name == "late" }) else { return }
        facts.policies.append(.make("late") { $0.spec.match = PolicyMatch() })
        facts.policies[facts.policies.count - 1].spec.match?.errorTypes = ["None"]
    }

    /// The controller is gone, and with it the attempt; what it has written stays.
    private mutating func crash() {
        note("crash")
        facts.isRunningHere = false
        stopRequest = nil
    }

    private mutating func endAttempt() throws {
        guard facts.isRunningHere else { return }
        let outcome = randomOutcome()
        let settlement = settle(recovery, outcome, at: now)
        note("outcome \(outcome)")
        require(settlement == settle(recovery, outcome, at: now), "settling is deterministic")
        crash()
        // The write of the outcome is lost now and then; the attempt is then resumed like after a crash.
        guard !random.oneIn(6) else { return }
        seen.insert("settled \(settlement.status.state?.rawValue ?? "")")
        require(settlement.recheckAt == settlement.status.nextLook, "the wait ends when it should")
        try write(settlement.status)
        updateBooks(recovery.status)
        let again = settle(recovery, outcome, at: now)
        require(again.status == recovery.status, "an attempt is settled once")
    }

    private mutating func randomOutcome() -> AttemptOutcome {
        if let stopRequest, random.oneIn(2) { return .stopped(stopRequest) }
        if let deadline = recovery.lastExecution?.deadline, deadline <= now { return .timedOut }
        switch Int.random(in: 0..<16, using: &random) {
        case 0: return .succeeded
        case 1: return .permanent
        case 2: return .timedOut
        case 3: return .superseded(by: RecoveryReference(name: "web-2"))
        case 4: return .transient(retryAfter: .seconds(Int.random(in: 0...5_000, using: &random)))
        default: return .transient(retryAfter: nil)
        }
    }

    // MARK: Looks

    /// Decides, checks the decision, writes what it says (unless that write is lost) and looks again.
    @discardableResult
    private mutating func look() throws -> Date? {
        watchStorms()
        let decision = try decide(recovery, facts, at: now)
        note(decision.kind)
        seen.insert(decision.kind)
        require(decision == (try decide(recovery, facts, at: now)), "deciding is deterministic")
        checkGates(decision)
        checkWait(decision)
        if case .stop(let reason) = decision.action { stopRequest = stopRequest ?? reason }
        guard let status = decision.status, status != recovery.status, !random.oneIn(10) else {
            return decision.recheckAt
        }
        require(status.observedGeneration == recovery.metadata.generation, "it says which generation was looked at")
        if case .reserve = decision.action { enter(status) }
        try write(status)
        switch decision.action {
        case .reserve, .resume: facts.isRunningHere = true
        default: break
        }
        let again = try decide(recovery, facts, at: now)
        require(again.status.map { $0 == recovery.status } ?? true, "looking again writes nothing: \(again.kind)")
        return again.recheckAt
    }

    /// No action starts past a gate.
    private mutating func checkGates(_ decision: RecoveryDecision) {
        let isNew: Bool
        switch decision.action {
        case .reserve: isNew = true
        case .resume: isNew = false
        default: return
        }
        let lock = decision.status?.target.flatMap(LockKey.init)
        require(!recovery.isFinal, "nothing starts once final")
        require(!recovery.spec.isSuspended && !recovery.spec.isCancelled, "nothing starts while suspended or cancelled")
        require(!recovery.metadata.isBeingDeleted, "nothing starts while it is being deleted")
        require(facts.isWarmedUp && facts.hasFreeSlot, "nothing starts before its time or without a place")
        require(!facts.isRunningHere, "nothing starts beside itself")
        require(lock == nil || !facts.running.contains { $0.lock == lock }, "nothing starts on a locked target")
        require(decision.status?.deadline.map { $0 > now.wholeSecond } ?? false, "nothing starts after the deadline")
        require(!isNew || (recovery.status?.nextAttemptTime ?? now) <= now, "no attempt before its time")
        checkMode(decision.status, isNew: isNew)
        require(
            !isNew
                || decision.status?.effective?.policy?.uid.map { uid in
                    !facts.policies.contains { $0.metadata.uid == uid && $0.spec.isSuspended }
                } ?? true,
            "no new attempt under a suspended policy"
        )
    }

    /// What detection has opened starts only as far as the policy's mode lets it.
    private mutating func checkMode(_ status: RecoveryStatus?, isNew: Bool) {
        let uid = status?.effective?.policy?.uid
        guard isNew, recovery.isOpenedByDetection, let policy = facts.policies.first(where: { $0.metadata.uid == uid })
        else { return }
        require(policy.spec.effectiveMode != .observe, "nothing starts that is only to be observed")
        let isApproved = facts.approvals.contains { $0.spec.planHash == status?.plan?.hash }
        require(policy.spec.effectiveMode == .auto || isApproved, "nothing starts that nobody has approved")
    }

    /// Every wait ends: by time, by a change that can be named, or by the attempt that runs; and never at once.
    private mutating func checkWait(_ decision: RecoveryDecision) {
        if let recheckAt = decision.recheckAt {
            require(recheckAt > now.wholeSecond, "looking again is never due at once")
        }
        guard case .hold(let verdict, let status) = decision.action else { return }
        let opensByChange =
            [.suspended, .policyNotFound, .observeOnly].contains(verdict.gate) || status.deadline == nil
        require(decision.recheckAt != nil || opensByChange, "a wait that only time ends has a time: \(verdict.gate)")
        if let deadline = status.deadline, status.pausedTime == nil {
            require(decision.recheckAt.map { $0 <= deadline } ?? false, "no wait is longer than the deadline")
        }
    }

    private mutating func write(_ status: RecoveryStatus) throws {
        problems += StatusInvariants.violations(from: recovery.status, to: status)
        problems += try StatusInvariants.violations(in: status, of: recovery)
        recovery.status = status
    }

    private mutating func require(_ holds: Bool, _ rule: String) {
        if !holds { problems.append(rule) }
    }

    private mutating func note(_ event: String) {
        history.append(event)
    }
}
