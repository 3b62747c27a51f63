import FoundationEssentials
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

struct PolicyLedgerTests {
    private static func policy(_ change: (inout RecoveryPolicySpec) -> Void = { _ in }) -> RecoveryPolicy {
        RecoveryPolicy.make { policy in
            policy.spec.limits = PolicyLimits()
            change(&policy.spec)
        }
    }

    /// The first attempt of a Recovery of that name under the policy, as it is about to start.
    private static func action(
        _ name: String,
        under policy: RecoveryPolicy,
        at seconds: Double = 0,
        target: String = "web",
        attempt: Int = 1,
        _ change: (inout Recovery) -> Void = { _ in }
    ) throws -> PolicyAction {
        let recovery = Recovery.make(name: name, uid: "uid-\(name)") { recovery in
            recovery.spec.targetRef?.name = target
            change(&recovery)
        }
        let facts = RecoveryFacts.make(policies: [policy])
        let status = try #require(try decide(recovery, facts).status)
        return try #require(PolicyAction(recovery, status: status, attempt: attempt, now: at(seconds)))
    }

    private static func ledger(_ policy: RecoveryPolicy, _ status: RecoveryPolicyStatus?) -> PolicyLedger {
        var policy = policy
        policy.status = status
        return PolicyLedger(policy)
    }

    private static func ended(_ seconds: Double, _ success: Bool? = true) -> ActionOutcome {
        .ended(at: at(seconds), success: success)
    }

    // MARK: Budget

    @Test func `as many actions start in a window as the budget allows, whoever acts and on whatever`() throws {
        let policy = Self.policy { $0.limits?.budget = ActionBudget(actions: 2, windowSeconds: 100) }
        var books = PolicyLedger(policy)
        #expect(books.admit(try Self.action("a", under: policy, target: "t1"), now: at(0)) == nil)
        #expect(books.admit(try Self.action("b", under: policy, at: 30, target: "t2"), now: at(30)) == nil)
        let third = try Self.action("c", under: policy, at: 40, target: "t3")
        let held = books.admit(third, now: at(40))
        let verdict = try #require(held)
        #expect(verdict.gate == .budgetExhausted && verdict.recheckAt == at(100))
        #expect(verdict.message.contains("2 actions in 100 s"))
        #expect(books.status.recentActions?.count == 2, "what is held is not entered")
        #expect(books.verdict(third, now: at(99))?.gate == .budgetExhausted)
        #expect(books.admit(try Self.action("c", under: policy, at: 100, target: "t3"), now: at(100)) == nil)
        #expect(books.verdict(try Self.action("d", under: policy, target: "t4"), now: at(101))?.recheckAt == at(130))
    }

    @Test func `each attempt is an action`() throws {
        let policy = Self.policy { $0.limits?.budget = ActionBudget(actions: 2, windowSeconds: 100) }
        var books = PolicyLedger(policy)
        for attempt in 1...2 {
            #expect(books.admit(try Self.action("a", under: policy, attempt: attempt), now: at(0)) == nil)
        }
        #expect(books.admit(try Self.action("a", under: policy, attempt: 3), now: at(0))?.gate == .budgetExhausted)
    }

    @Test func `an action that was entered and not started is entered anew, with its new time`() throws {
        let policy = Self.policy { $0.limits?.budget = ActionBudget(actions: 1, windowSeconds: 100) }
        var books = PolicyLedger(policy)
        #expect(books.admit(try Self.action("a", under: policy), now: at(0)) == nil)
        #expect(books.admit(try Self.action("a", under: policy, at: 60), now: at(60)) == nil)
        #expect(books.status.recentActions?.map(\.time) == [at(60)])
        #expect(books.verdict(try Self.action("b", under: policy, target: "t2"), now: at(120))?.recheckAt == at(160))
    }

    @Test(arguments: [0, -1, .min])
    func `a budget that allows nothing lets nothing start and ends nothing`(_ actions: Int) throws {
        let policy = Self.policy { $0.limits?.budget = ActionBudget(actions: actions, windowSeconds: 100) }
        let books = PolicyLedger(policy)
        #expect(books.verdict(try Self.action("a", under: policy), now: at(0))?.recheckAt == at(100))
    }

    // MARK: Cooldown

    @Test func `a target rests after the action of another Recovery, counted from its end`() throws {
        let policy = Self.policy { $0.limits?.cooldownSeconds = 60 }
        var books = PolicyLedger(policy)
        #expect(books.admit(try Self.action("a", under: policy), now: at(0)) == nil)
        #expect(books.verdict(try Self.action("b", under: policy), now: at(10))?.recheckAt == at(60))
        books.settle(now: at(20)) { _ in Self.ended(20) }
        let verdict = books.verdict(try Self.action("b", under: policy), now: at(70))
        #expect(verdict?.gate == .coolingDown && verdict?.recheckAt == at(80))
        #expect(verdict?.message.contains("Recovery a has acted on the same target") == true)
        #expect(books.verdict(try Self.action("b", under: policy), now: at(80)) == nil)
        #expect(books.verdict(try Self.action("b", under: policy, target: "other"), now: at(21)) == nil)
    }

    @Test func `neither its own attempts nor the Recovery that it continues make a target rest`() throws {
        let policy = Self.policy { $0.limits?.cooldownSeconds = 60 }
        var books = PolicyLedger(policy)
        _ = books.admit(try Self.action("a", under: policy), now: at(0))
        books.settle(now: at(1)) { _ in Self.ended(1) }
        #expect(books.verdict(try Self.action("a", under: policy, attempt: 2), now: at(2)) == nil)
        let heir = try Self.action("b", under: policy) { $0.spec.parentRef = NameReference(name: "a") }
        #expect(books.verdict(heir, now: at(2)) == nil)
        let namesake = try Self.action("a", under: policy) { $0.metadata.uid = "another" }
        #expect(books.verdict(namesake, now: at(2))?.gate == .coolingDown)
    }

    @Test func `nothing is entered where nothing counts`() throws {
        let none = RecoveryPolicy.make()
        #expect(!PolicyLedger.concerns(try Self.action("a", under: none), policy: none))
        let free = Self.policy { $0.limits?.cooldownSeconds = 0 }
        #expect(!PolicyLedger.concerns(try Self.action("a", under: free), policy: free))
        let standard = Self.policy()
        #expect(PolicyLedger.concerns(try Self.action("a", under: standard), policy: standard), "300 s by default")
        let breaking = RecoveryPolicy.make { $0.spec.circuitBreaker = CircuitBreakerSettings() }
        #expect(PolicyLedger.concerns(try Self.action("a", under: breaking), policy: breaking))
    }

    // MARK: Room

    /// Books with as many actions as they keep, on targets t0, t1 and so on, each of which ended after a second.
    private static func full(_ policy: RecoveryPolicy) throws -> PolicyLedger {
        var books = PolicyLedger(policy)
        for number in 0..<RecoveryPolicyStatus.maxRecentActions {
            let time = Double(number)
            let action = try action("r\(number)", under: policy, at: time, target: "t\(number)")
            #expect(books.admit(action, now: at(time)) == nil)
            books.settle(now: at(time + 1)) { _ in Self.ended(time + 1) }
        }
        return books
    }

    @Test func `no target is acted on in its cooldown because so many others were`() throws {
        let policy = Self.policy { $0.limits?.cooldownSeconds = 604_800 }
        var books = try Self.full(policy)
        let more = try Self.action("more", under: policy, at: 200, target: "more")
        let held = try #require(books.verdict(more, now: at(200)))
        #expect(held.gate == .budgetExhausted && held.recheckAt == at(604_801))
        #expect(held.message.contains("room for 100 actions"))
        #expect(books.admit(more, now: at(200)) != nil)
        let first = try Self.action("again", under: policy, at: 300, target: "t0")
        #expect(books.verdict(first, now: at(300))?.gate == .coolingDown)
        #expect(books.admit(more, now: at(604_801)) == nil, "the first one rests no longer")
        #expect(books.status.recentActions?.count == 100)
        #expect(
            books.status.recentActions?.first?.recovery == "r1" && books.status.recentActions?.last?.recovery == "more"
        )
    }

    @Test func `what nothing needs makes room before what is needed, and what is under way never does`() throws {
        let policy = RecoveryPolicy.make { policy in
            policy.spec.circuitBreaker = CircuitBreakerSettings()
            policy.spec.circuitBreaker?.failureThreshold = 1
        }
        var books = PolicyLedger(policy)
        for number in 0..<100 {
            _ = books.admit(try Self.action("r\(number)", under: policy, target: "t\(number)"), now: at(0))
        }
        let more = try Self.action("more", under: policy, at: 10, target: "more")
        let verdict = books.admit(more, now: at(10))
        let held = try #require(verdict)
        #expect(held.gate == .budgetExhausted && held.recheckAt == at(40))
        books.settle(now: at(20)) { $0.recovery == "r50" ? Self.ended(20) : .open }
        #expect(books.admit(more, now: at(20)) == nil)
        #expect(books.status.recentActions?.contains { $0.recovery == "r50" } == false)
        books.settle(now: at(30)) { $0.recovery == "r0" ? Self.ended(30, false) : .open }
        #expect(books.status.breakers?.first?.state == .open, "the breaker counts the oldest of them")
    }

    // MARK: Outcomes

    @Test func `what became of an attempt is read from its Recovery`() throws {
        let fresh = try Recovery.make().reserved()
        #expect(ActionOutcome(attempt: 1, of: fresh) == .open)
        #expect(ActionOutcome(attempt: 2, of: fresh) == .open, "not reserved yet")
        #expect(ActionOutcome(attempt: 1, of: fresh.settled(.succeeded, at: at(9))) == Self.ended(9))
        #expect(ActionOutcome(attempt: 1, of: fresh.settled(.timedOut, at: at(9))) == Self.ended(9, false))
        let retrying = fresh.settled(.transient(retryAfter: nil), at: at(9))
        #expect(ActionOutcome(attempt: 1, of: retrying) == Self.ended(9, false))
        let cancelled = fresh.settled(.stopped(.cancelled), at: at(9))
        #expect(ActionOutcome(attempt: 1, of: cancelled) == Self.ended(9, nil))
        #expect(ActionOutcome(attempt: 2, of: cancelled) == .neverStarted)
        #expect(ActionOutcome(attempt: 1, of: nil) == .ended(at: nil, success: nil), "deleted")
        let long = cancelled.with { $0.status?.executions?[0].attempt = 5 }
        #expect(ActionOutcome(attempt: 1, of: long) == .ended(at: nil, success: nil), "no longer listed")
    }

    @Test func `an action that never started is taken back, and its probe with it`() throws {
        let policy = Self.policy { spec in
            spec.limits?.budget = ActionBudget(actions: 1, windowSeconds: 100)
            spec.circuitBreaker = CircuitBreakerSettings()
            spec.circuitBreaker?.openSeconds = 10
        }
        var stored = BreakerStatus(scope: .strategy, key: "Connect")
        stored.state = .open
        stored.nextProbeTime = at(5)
        var status = RecoveryPolicyStatus()
        status.breakers = [stored]
        var books = Self.ledger(policy, status)
        #expect(books.verdict(try Self.action("a", under: policy), now: at(4))?.gate == .breakerOpen)
        #expect(books.admit(try Self.action("a", under: policy, at: 5), now: at(5)) == nil)
        #expect(books.status.breakers?.first?.state == .halfOpen)
        books.settle(now: at(6)) { _ in .neverStarted }
        #expect(books.status.recentActions == [])
        #expect(books.status.breakers?.first?.state == .open)
        #expect(books.admit(try Self.action("b", under: policy, at: 6), now: at(6)) == nil)
    }

    // MARK: Breakers

    @Test(arguments: [BreakerScope.strategy, .target, .cluster])
    func `each scope has breakers of its own`(_ scope: BreakerScope) throws {
        let policy = RecoveryPolicy.make { policy in
            policy.spec.circuitBreaker = CircuitBreakerSettings()
            policy.spec.circuitBreaker?.scope = .known(scope)
            policy.spec.circuitBreaker?.failureThreshold = 2
        }
        var books = PolicyLedger(policy)
        for (number, target) in ["t1", "t1", "t2"].enumerated() {
            let action = try Self.action("r\(number)", under: policy, target: target)
            if number < 2 || scope == .target {
                #expect(books.admit(action, now: at(Double(number))) == nil)
            } else {
                #expect(books.admit(action, now: at(Double(number)))?.gate == .breakerOpen)
            }
            books.settle(now: at(Double(number))) { _ in Self.ended(Double(number), false) }
        }
        let keys = books.status.breakers?.map(\.key)
        switch scope {
        case .strategy: #expect(keys == ["Connect"])
        case .target: #expect(keys == ["Deployment.apps/team/t1", "Deployment.apps/team/t2"])
        case .cluster: #expect(keys == ["hub"])
        }
        #expect(books.status.breakers?.first?.state == .open)
    }

    @Test func `forced open holds everything, forced closed holds nothing`() throws {
        var policy = RecoveryPolicy.make { $0.spec.circuitBreaker = CircuitBreakerSettings() }
        policy.spec.circuitBreaker?.force = .known(.open)
        let action = try Self.action("a", under: policy)
        let verdict = PolicyLedger(policy).verdict(action, now: at(0))
        #expect(verdict?.gate == .breakerOpen && verdict?.recheckAt == nil)
        policy.spec.circuitBreaker?.force = .known(.closed)
        var open = BreakerStatus(scope: .strategy, key: "Connect")
        open.state = .open
        open.nextProbeTime = at(1_000)
        var status = RecoveryPolicyStatus()
        status.breakers = [open]
        #expect(Self.ledger(policy, status).verdict(action, now: at(0)) == nil)
    }

    @Test func `cancelled and lost actions say nothing about the target`() throws {
        let policy = RecoveryPolicy.make { policy in
            policy.spec.circuitBreaker = CircuitBreakerSettings()
            policy.spec.circuitBreaker?.failureThreshold = 1
        }
        var books = PolicyLedger(policy)
        _ = books.admit(try Self.action("a", under: policy), now: at(0))
        books.settle(now: at(1)) { _ in Self.ended(1, nil) }
        #expect(books.status.recentActions?.first?.endTime == at(1))
        #expect(books.status.breakers?.first?.state == .closed)
        books.settle(now: at(2)) { _ in Self.ended(2, false) }
        #expect(books.status.breakers?.first?.calls == nil, "counted once only")
    }

    @Test func `a new value of the annotation closes all breakers, once`() throws {
        let policy = RecoveryPolicy.make { policy in
            policy.spec.circuitBreaker = CircuitBreakerSettings()
            policy.spec.circuitBreaker?.reset = .known(.manual)
        }
        var open = BreakerStatus(scope: .strategy, key: "Connect")
        open.state = .open
        var status = RecoveryPolicyStatus()
        status.breakers = [open]
        var books = Self.ledger(policy, status)
        books.tidy(resetAnnotation: nil, now: at(5))
        #expect(books.status == status)
        books.tidy(resetAnnotation: "now", now: at(5))
        #expect(books.status.breakers?.first?.state == .closed && books.status.breakerReset == "now")
        var again = books.status
        again.breakers = [open]
        var later = Self.ledger(policy, again)
        later.tidy(resetAnnotation: "now", now: at(6))
        #expect(later.status.breakers?.first?.state == .open, "the same value is no new wish")
    }

    @Test func `breakers stay bounded: the closed one that is idle for longest makes room, open ones never`() throws {
        let policy = RecoveryPolicy.make { policy in
            policy.spec.circuitBreaker = CircuitBreakerSettings()
            policy.spec.circuitBreaker?.scope = .known(.target)
            policy.spec.circuitBreaker?.failureThreshold = 1
        }
        let limit = RecoveryPolicyStatus.maxBreakers
        var books = PolicyLedger(policy)
        for number in 0..<limit {
            let time = Double(number)
            _ = books.admit(try Self.action("r\(number)", under: policy, target: "t\(number)"), now: at(time))
            books.settle(now: at(time)) { _ in Self.ended(time, number != 3 ? false : true) }
        }
        #expect(books.admit(try Self.action("x", under: policy, target: "x"), now: at(100)) == nil)
        #expect(books.status.breakers?.count == limit)
        #expect(books.status.breakers?.contains { $0.key.hasSuffix("/t3") } == false)
        books.settle(now: at(101)) { _ in Self.ended(101, false) }
        let verdict = books.verdict(try Self.action("y", under: policy, target: "y"), now: at(102))
        #expect(verdict?.gate == .breakerOpen && verdict?.recheckAt == at(300))
    }

    @Test func `old actions are forgotten once no limit needs them, open ones never`() throws {
        let policy = Self.policy { $0.limits?.budget = ActionBudget(actions: 9, windowSeconds: 7_200) }
        var books = PolicyLedger(policy)
        _ = books.admit(try Self.action("a", under: policy, target: "t1"), now: at(0))
        books.settle(now: at(10)) { _ in Self.ended(10) }
        _ = books.admit(try Self.action("b", under: policy, at: 20, target: "t2"), now: at(20))
        books.tidy(resetAnnotation: nil, now: at(7_209))
        #expect(books.status.recentActions?.map(\.recovery) == ["a", "b"])
        books.tidy(resetAnnotation: nil, now: at(7_210))
        #expect(books.status.recentActions?.map(\.recovery) == ["b"])
        books.tidy(resetAnnotation: nil, now: at(1_000_000))
        #expect(books.status.recentActions?.map(\.recovery) == ["b"])
        for number in 0..<150 {
            _ = books.admit(try Self.action("n\(number)", under: Self.policy(), target: "n\(number)"), now: at(0))
        }
        #expect(books.status.recentActions?.count == RecoveryPolicyStatus.maxRecentActions)
    }
}
