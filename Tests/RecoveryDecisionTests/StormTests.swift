import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// More unhealthy targets than a policy allows: when a storm begins and ends, and what may start meanwhile.
struct StormTests {
    private static func policy(
        _ maxUnhealthy: CountOrPercent? = .percent(40),
        _ change: (inout PolicyLimits) -> Void = { _ in }
    ) -> RecoveryPolicy {
        RecoveryPolicy.make { policy in
            var limits = PolicyLimits()
            limits.maxUnhealthy = maxUnhealthy
            limits.cooldownSeconds = 0
            change(&limits)
            policy.spec.limits = limits
            policy.spec.detection = PolicyDetection()
        }
    }

    private static func action(_ name: String, under policy: RecoveryPolicy, attempt: Int = 1) throws -> PolicyAction {
        let recovery = Recovery.make(name: name, uid: "uid-\(name)") { $0.spec.targetRef?.name = name }
        // Accepted, whatever holds it.
        let status = try #require(try decide(recovery, RecoveryFacts.make(policies: [policy])).status)
        return try #require(PolicyAction(recovery, status: status, attempt: attempt, now: start))
    }

    private static func books(
        _ policy: RecoveryPolicy,
        _ unhealthy: Int?,
        of matched: Int = 40,
        _ storm: StormStatus? = nil
    ) -> PolicyLedger {
        var policy = policy
        policy.status = policy.status ?? RecoveryPolicyStatus()
        if let storm { policy.status?.storm = storm }
        return PolicyLedger(policy, base: unhealthy.map { DetectionBase(matched: matched, unhealthy: $0) })
    }

    /// The books as somebody else finds them, with another count of unhealthy targets.
    private static func reopened(_ books: PolicyLedger, _ policy: RecoveryPolicy, _ unhealthy: Int?) -> PolicyLedger {
        var policy = policy
        policy.status = books.status
        return Self.books(policy, unhealthy)
    }

    private static func storm(since: Double, actions: Int = 0, calmSince: Double? = nil) -> StormStatus {
        var storm = StormStatus(since: at(since), actions: actions)
        storm.calmSince = calmSince.map { at($0) }
        return storm
    }

    // MARK: Limit

    @Test(
        "fixed percentages break small groups: they round down, one of three with 40% is within the limit",
        arguments: [
            (CountOrPercent.percent(40), 3, 1, false), (.percent(40), 3, 2, true), (.percent(20), 3, 0, false),
            (.percent(20), 3, 1, true), (.percent(40), 40, 16, false), (.percent(40), 40, 17, true),
            (.percent(100), 7, 7, false), (.percent(0), 7, 1, true), (.count(2), 100, 2, false),
            (.count(2), 100, 3, true), (.count(0), 1, 0, false), (.count(5), 2, 2, false),
            (.percent(40), 0, 0, false), (.invalid("many"), 5, 1, true), (.count(-3), 5, 1, true),
            (.percent(40), Int.max, Int.max, true),
        ] as [(CountOrPercent, Int, Int, Bool)]
    )
    func limits(_ limit: CountOrPercent, _ matched: Int, _ unhealthy: Int, _ isStorm: Bool) {
        let rule = StormRule(Self.policy(limit).spec, base: DetectionBase(matched: matched, unhealthy: unhealthy))
        #expect(rule?.isExceeded == isStorm)
        #expect(rule?.current(nil, now: start) == (isStorm ? StormStatus(since: start) : nil))
    }

    @Test("without a limit, or without detection whose targets are counted, there are no storms")
    func noStorms() throws {
        let base = DetectionBase(matched: 2, unhealthy: 2)
        #expect(StormRule(Self.policy(nil).spec, base: base) == nil)
        var silent = Self.policy()
        silent.spec.detection = nil
        #expect(StormRule(silent.spec, base: base) == nil)
        silent.status = RecoveryPolicyStatus()
        silent.status?.storm = Self.storm(since: 0)
        var books = PolicyLedger(silent, base: nil)
        #expect(books.verdict(try Self.action("a", under: silent), now: start) == nil)
        books.tidy(resetAnnotation: nil, now: start)
        #expect(books.status.storm == nil, "a person has taken the limit away")
    }

    // MARK: Actions

    @Test("one of thirty starts, the others wait with the numbers and a time; each attempt counts")
    func allowsOne() throws {
        let policy = Self.policy()
        var books = Self.books(policy, 30)
        #expect(books.admit(try Self.action("a", under: policy), now: at(0)) == nil)
        #expect(books.status.storm == Self.storm(since: 0, actions: 1))
        #expect(books.status.recentActions?.first?.duringStorm == true)
        let held = books.admit(try Self.action("b", under: policy), now: at(5))
        let verdict = try #require(held)
        #expect(verdict.gate == .tooManyUnhealthy && verdict.recheckAt == at(305))
        #expect(verdict.message.contains("30 of 40 targets are unhealthy, more than 16 (limits.maxUnhealthy 40%)"))
        #expect(books.admit(try Self.action("a", under: policy, attempt: 2), now: at(6))?.gate == .tooManyUnhealthy)
        #expect(books.status.storm?.actions == 1 && books.status.recentActions?.count == 1)
    }

    @Test("alwaysAllow says how many may start in one storm", arguments: [0, 1, 3, -1, .min])
    func allowance(_ allowed: Int) throws {
        let policy = Self.policy { $0.alwaysAllow = allowed }
        var books = Self.books(policy, 30)
        for number in 0..<5 {
            let verdict = books.admit(try Self.action("r\(number)", under: policy), now: at(Double(number)))
            #expect((verdict == nil) == (number < allowed))
        }
        #expect(books.status.storm?.actions == max(0, allowed))
    }

    @Test("an action that was entered and not started since is entered anew, and counted once")
    func entersAnew() throws {
        let policy = Self.policy()
        var books = Self.books(policy, 30)
        for seconds in [0.0, 10, 20] {
            books = Self.reopened(books, policy, 30)
            #expect(books.admit(try Self.action("a", under: policy), now: at(seconds)) == nil)
            #expect(books.status.storm?.actions == 1)
        }
    }

    @Test("an action that never started makes room for another one; one that ended does not")
    func withdraws() throws {
        let policy = Self.policy()
        var books = Self.books(policy, 30)
        _ = books.admit(try Self.action("a", under: policy), now: at(0))
        books.settle(now: at(1)) { _ in .neverStarted }
        #expect(books.status.storm?.actions == 0)
        #expect(books.admit(try Self.action("b", under: policy), now: at(2)) == nil)
        for outcome in [true, false, nil] {
            books.settle(now: at(3)) { _ in .ended(at: at(3), success: outcome) }
            #expect(books.status.storm?.actions == 1)
        }
        #expect(books.verdict(try Self.action("c", under: policy), now: at(4))?.gate == .tooManyUnhealthy)
    }

    @Test("what was entered before the storm is not one of its actions")
    func before() throws {
        let policy = Self.policy()
        var books = Self.books(policy, 2)
        #expect(books.admit(try Self.action("a", under: policy), now: at(0)) == nil)
        #expect(books.status.storm == nil && books.status.recentActions?.first?.duringStorm == nil)
        books = Self.reopened(books, policy, 30)
        #expect(books.admit(try Self.action("b", under: policy), now: at(1)) == nil)
        books.settle(now: at(2)) { $0.recovery == "a" ? .neverStarted : .open }
        #expect(books.status.storm?.actions == 1)
    }

    @Test("what a person has written into the status holds, and nothing overflows", arguments: [-5, 0, 1, .max, .min])
    func strangeCounts(_ actions: Int) throws {
        let policy = Self.policy()
        var books = Self.books(policy, 30, Self.storm(since: 0, actions: actions))
        let verdict = books.admit(try Self.action("a", under: policy), now: at(1))
        #expect((verdict == nil) == (actions < 1))
        books.settle(now: at(2)) { _ in .neverStarted }
        #expect(books.status.storm?.actions == (actions < 1 ? 0 : actions))
    }

    // MARK: End

    @Test("a storm ends by time alone when the count was within the limit for long enough, and not before")
    func ends() throws {
        let policy = Self.policy { $0.stormCooldownSeconds = 100 }
        var books = Self.books(policy, 30)
        _ = books.admit(try Self.action("a", under: policy), now: at(0))
        #expect(books.nextChange == nil, "nobody knows when it ends")
        books = Self.reopened(books, policy, 16)
        books.watchStorm(now: at(50))
        #expect(books.status.storm == Self.storm(since: 0, actions: 1, calmSince: 50))
        #expect(books.nextChange == at(150))
        let waiting = try Self.action("b", under: policy)
        let verdict = try #require(books.verdict(waiting, now: at(149)))
        #expect(verdict.gate == .stormCooldown && verdict.recheckAt == at(150))
        #expect(verdict.message.contains("ends at \(at(150).text)"))
        #expect(books.verdict(waiting, now: at(150)) == nil)
        books.watchStorm(now: at(150))
        #expect(books.status.storm == nil && books.nextChange == nil)
        #expect(books.admit(waiting, now: at(150)) == nil)
        #expect(books.status.recentActions?.last?.duringStorm == nil)
    }

    @Test("a count above the limit in between starts the wait again; the storm stays the same one")
    func relapses() throws {
        let policy = Self.policy { $0.stormCooldownSeconds = 100 }
        var books = Self.books(policy, 16, Self.storm(since: 0, actions: 1))
        books.watchStorm(now: at(10))
        books = Self.reopened(books, policy, 17)
        books.watchStorm(now: at(109))
        #expect(books.status.storm == Self.storm(since: 0, actions: 1))
        books = Self.reopened(books, policy, 0)
        books.watchStorm(now: at(120))
        books.watchStorm(now: at(219))
        #expect(books.status.storm?.calmSince == at(120))
        books.watchStorm(now: at(220))
        #expect(books.status.storm == nil)
    }

    @Test("the next storm has actions of its own; what was entered for the last one and never ran takes none away")
    func next() throws {
        let policy = Self.policy { $0.stormCooldownSeconds = 0 }
        var books = Self.books(policy, 30)
        _ = books.admit(try Self.action("a", under: policy), now: at(0))
        books = Self.reopened(books, policy, 1)
        books.watchStorm(now: at(10))
        #expect(books.status.storm == nil, "no cooldown")
        books = Self.reopened(books, policy, 30)
        #expect(books.admit(try Self.action("b", under: policy), now: at(10)) == nil)
        books.settle(now: at(11)) { $0.recovery == "a" ? .neverStarted : .open }
        #expect(books.status.storm == Self.storm(since: 10, actions: 1))
    }

    // MARK: Restart

    @Test("a new leader goes on with the storm and its times, and does nothing before it sees all targets")
    func restart() throws {
        let policy = Self.policy { $0.stormCooldownSeconds = 100 }
        let action = try Self.action("a", under: policy)
        for storm in [nil, Self.storm(since: 0, actions: 0), Self.storm(since: 0, actions: 1, calmSince: 10)] {
            var blind = Self.books(policy, nil, storm)
            let verdict = blind.verdict(action, now: at(5_000))
            #expect(verdict?.gate == .warmingUp && verdict?.message.contains("Detecting") == true)
            #expect(blind.admit(action, now: at(5_000))?.gate == .warmingUp)
            blind.tidy(resetAnnotation: nil, now: at(5_000))
            #expect(blind.status.storm == storm, "what is not seen neither begins nor ends a storm")
            #expect(blind.nextChange == nil)
        }
        var seeing = Self.books(policy, 3, Self.storm(since: 0, actions: 1, calmSince: 10))
        #expect(seeing.verdict(action, now: at(60))?.recheckAt == at(110), "the time before the restart counts")
        seeing.watchStorm(now: at(110))
        #expect(seeing.status.storm == nil)
    }

    @Test("the storm survives being written and read")
    func coding() throws {
        let storm = Self.storm(since: 0, actions: 2, calmSince: 10)
        #expect(try JSONValue(encoding: storm).decode(StormStatus.self) == storm)
    }

    // MARK: Condition

    @Test(
        "the condition Storming says how many are unhealthy, how many may be, and when the storm ends",
        arguments: [
            (nil, nil, "Unknown WarmingUp", "not known"),
            (nil, storm(since: 0), "True WarmingUp", "goes on until all targets are seen"),
            (3, nil, "False WithinLimit", "3 of 40 targets are unhealthy; allowed are 16 (limits.maxUnhealthy 40%)"),
            (30, storm(since: 0, actions: 1), "True TooManyUnhealthy", "1 of 1 actions have started since"),
            (3, storm(since: 0, actions: 1, calmSince: 5), "True StormCooldown", "ends at \(at(305).text)"),
        ] as [(Int?, StormStatus?, String, String)]
    )
    func condition(_ unhealthy: Int?, _ storm: StormStatus?, _ expected: String, _ words: String) throws {
        var outlook = PolicyOutlook(
            ServiceAccountRule(catalogue: .sample, isMandatory: false, controllerNamespace: "tmc-recovery-system")
        )
        outlook.base = unhealthy.map { DetectionBase(matched: 40, unhealthy: $0) }
        var books = RecoveryPolicyStatus()
        books.storm = storm
        let status = outlook.status(of: Self.policy(), books: books, now: start)
        let condition = try #require(status.conditions?[type: ConditionType.storming])
        #expect("\(condition.status.rawValue) \(condition.reason)" == expected)
        #expect(condition.message.contains(words), "\(condition.message)")
    }

    @Test("a limit whose targets nobody counts is said to limit nothing")
    func limitsNothing() throws {
        let outlook = PolicyOutlook(
            ServiceAccountRule(catalogue: .sample, isMandatory: false, controllerNamespace: "tmc-recovery-system")
        )
        var policy = Self.policy()
        policy.spec.detection = nil
        let status = outlook.status(of: policy, books: RecoveryPolicyStatus(), now: start)
        let condition = status.conditions?[type: ConditionType.storming]
        #expect(condition?.reason == "NoLimit" && condition?.message.contains("limits nothing") == true)
    }
}
