import FoundationEssentials
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// Every gate alone, and which one is named when several hold.
struct DecisionGateTests {
    /// A gate, and what makes it hold.
    struct GateCase: Sendable, CustomTestStringConvertible {
        var gate: RecoveryGate
        var change: @Sendable (inout Recovery, inout RecoveryFacts) throws -> Void

        var testDescription: String { gate.rawValue }
    }

    private static let policy = RecoveryPolicy.make { policy in
        policy.spec.limits = PolicyLimits()
        policy.spec.limits?.maxConcurrent = 1
        policy.spec.limits?.budget = ActionBudget(actions: 2, windowSeconds: 600)
        policy.status = RecoveryPolicyStatus()
    }

    /// Two actions on another target use the budget up, one on the Recovery's own makes it rest.
    private static func enter(_ actions: Int, on lock: LockKey?, _ facts: inout RecoveryFacts) {
        let entries = (0..<actions).map { number in
            RecentAction(time: at(-10), target: lock?.leaseName ?? "other", recovery: "other-\(number)")
        }
        let known = facts.policies[0].status?.recentActions ?? []
        facts.policies[0].status?.recentActions = known + entries
    }

    /// A storm in which no more action may start: one in three may be unhealthy.
    private static func storm(unhealthy: Int, _ facts: inout RecoveryFacts) {
        facts.policies[0].spec.detection = PolicyDetection()
        facts.policies[0].spec.limits?.maxUnhealthy = .percent(40)
        facts.policies[0].status?.storm = StormStatus(since: at(-60), actions: 1)
        facts.bases["policy-default"] = DetectionBase(matched: 3, unhealthy: unhealthy)
    }

    /// What the Recovery's target is locked by.
    private static func lock(_ recovery: Recovery) -> LockKey? {
        LockKey(
            ResolvedTarget(
                apiVersion: "apps/v1",
                kind: "Deployment",
                namespace: recovery.metadata.namespace,
                name: "web"
            )
        )
    }

    /// In the order in which an accepted Recovery is asked.
    static let gates = [
        GateCase(gate: .suspended) { recovery, _ in recovery.spec.suspend = true },
        GateCase(gate: .policySuspended) { _, facts in facts.policies[0].spec.suspend = true },
        GateCase(gate: .backingOff) { recovery, _ in
            recovery = recovery.settled(.transient(retryAfter: nil), at: start)
        },
        GateCase(gate: .warmingUp) { _, facts in facts.isWarmedUp = false },
        GateCase(gate: .observeOnly) { recovery, facts in
            recovery.metadata.labels = [MetadataName.fingerprint: "0123456789abcdef"]
            facts.policies[0].spec.mode = .known(.observe)
        },
        GateCase(gate: .awaitingApproval) { recovery, facts in
            recovery.metadata.labels = [MetadataName.fingerprint: "0123456789abcdef"]
            facts.policies[0].spec.mode = .known(.approve)
        },
        GateCase(gate: .tooManyUnhealthy) { _, facts in storm(unhealthy: 3, &facts) },
        GateCase(gate: .stormCooldown) { _, facts in storm(unhealthy: 1, &facts) },
        GateCase(gate: .budgetExhausted) { _, facts in enter(2, on: nil, &facts) },
        GateCase(gate: .coolingDown) { recovery, facts in enter(1, on: lock(recovery), &facts) },
        GateCase(gate: .breakerOpen) { _, facts in
            facts.policies[0].spec.circuitBreaker = CircuitBreakerSettings()
            facts.policies[0].spec.circuitBreaker?.force = .known(.open)
        },
        GateCase(gate: .targetLocked) { recovery, facts in
            facts.running.append(RunningRecovery(key: ObjectKey(namespace: "team", name: "b"), lock: lock(recovery)))
        },
        GateCase(gate: .policyConcurrency) { _, facts in
            facts.running.append(
                RunningRecovery(
                    key: ObjectKey(namespace: "team", name: "c"),
                    policy: ObjectKey(namespace: "team", name: "default")
                )
            )
        },
        GateCase(gate: .concurrency) { _, facts in facts.hasFreeSlot = false },
    ]

    /// A Recovery whose first attempt failed at the start and whose wait is over ten seconds later.
    private func retrying(_ facts: RecoveryFacts) throws -> Recovery {
        try Recovery.make { $0.spec.maxAttempts = 3 }.reserved(facts, at: at(-60))
    }

    @Test("The enumeration lists the gates in the order in which they are asked")
    func orderOfCases() {
        #expect(RecoveryGate.allCases == [.policyNotFound, .policyUnreadable] + Self.gates.map(\.gate))
    }

    @Test(arguments: gates)
    func everyGateAloneHoldsANewAttemptAndIsNamed(_ gate: GateCase) throws {
        var facts = RecoveryFacts.make(policies: [Self.policy])
        var recovery = try retrying(facts)
        // Its wait is over unless the gate is that very wait.
        if gate.gate != .backingOff { recovery = recovery.settled(.transient(retryAfter: nil), at: at(-30)) }
        #expect(try decide(recovery, facts).kind == (gate.gate == .backingOff ? "resume" : "reserve"))
        try gate.change(&recovery, &facts)

        let decision = try decide(recovery, facts)

        #expect(decision.verdict?.gate == gate.gate)
        #expect(decision.verdict?.message.isEmpty == false)
        #expect(decision.recheckAt == decision.verdict?.recheckAt)
        guard gate.gate != .backingOff else { return }
        #expect(decision.status?.state == .pending)
        #expect(decision.status?.message == decision.verdict?.message)
        #expect(decision.status?.condition(ConditionType.admitted) == "False \(gate.gate.rawValue)")
        #expect(decision.status?.condition(ConditionType.progressing) == "False \(gate.gate.rawValue)")
    }

    @Test("Of several gates that hold, the first one in order is named", arguments: gates.indices)
    func orderOfGates(_ first: Int) throws {
        var facts = RecoveryFacts.make(policies: [Self.policy])
        var recovery = try retrying(facts)
        let held = Self.gates[first...]
        // Backing off comes from an attempt that has ended, so it is made first.
        if !held.contains(where: { $0.gate == .backingOff }) {
            recovery = recovery.settled(.transient(retryAfter: nil), at: at(-30))
        }
        // From the last one on, as a policy has one mode only.
        for gate in held.reversed() { try gate.change(&recovery, &facts) }
        #expect(try decide(recovery, facts).verdict?.gate == Self.gates[first].gate)
    }

    @Test(arguments: [
        (RecoveryGate.warmingUp, nil), (.targetLocked, 30.0), (.policyConcurrency, 30), (.concurrency, nil),
        (.tooManyUnhealthy, 300), (.stormCooldown, 300), (.budgetExhausted, 590), (.coolingDown, 290),
        (.breakerOpen, nil),
    ])
    func gatesBeforeTheFirstReservationWaitForAChangeOrAMoment(_ gate: RecoveryGate, _ seconds: Double?) throws {
        var facts = RecoveryFacts.make(policies: [Self.policy])
        var recovery = Recovery.make()
        try Self.gates.first { $0.gate == gate }?.change(&recovery, &facts)
        let decision = try decide(recovery, facts)
        #expect(decision.verdict?.gate == gate)
        #expect(decision.recheckAt == seconds.map { at($0) })
        #expect(decision.status?.deadline == nil, "the clock starts with the first reservation")
    }

    @Test(arguments: [
        RecoveryGate.policySuspended, .warmingUp, .targetLocked, .policyConcurrency, .concurrency,
    ])
    func aHeldRecoveryIsLookedAtAgainAndTimesOutAtItsDeadline(_ gate: RecoveryGate) throws {
        var facts = RecoveryFacts.make(policies: [Self.policy])
        var recovery = try retrying(facts).settled(.transient(retryAfter: nil), at: at(-30))
        try Self.gates.first { $0.gate == gate }?.change(&recovery, &facts)
        let held = try decide(recovery, facts)
        let deadline = at(-60 + 900)
        #expect(held.recheckAt == ([.targetLocked, .policyConcurrency].contains(gate) ? at(30) : deadline))
        let waiting = recovery.with(held.status)
        #expect(try decide(waiting, facts, at: deadline.addingTimeInterval(-1)).verdict?.gate == gate)
        #expect(try decide(waiting, facts, at: deadline).kind == "finish Timeout")
    }

    @Test(arguments: [RecoveryGate.warmingUp, .targetLocked, .policyConcurrency, .concurrency])
    func aGateAfterACrashKeepsTheAttemptResumable(_ gate: RecoveryGate) throws {
        var facts = RecoveryFacts.make(policies: [Self.policy])
        var recovery = try Recovery.make().reserved(facts)
        let id = try #require(recovery.lastExecution?.id)
        try Self.gates.first { $0.gate == gate }?.change(&recovery, &facts)
        let held = try decide(recovery, facts, at: at(5))
        #expect(held.status?.executions?.last?.state == .pending)

        let resumed = try decide(recovery.with(held.status), .make(policies: [Self.policy]), at: at(9))

        #expect(resumed.kind == "resume")
        #expect(resumed.status?.executions?.map(\.id) == [id])
        #expect(resumed.status?.attempts == 1)
        #expect(resumed.status?.state == .inProgress)
        #expect(resumed.status?.condition(ConditionType.admitted) == "True Admitted")
    }

    @Test(arguments: [RecoveryGate.policySuspended, .backingOff])
    func gatesOfNewAttemptsDoNotHoldAnAttemptThatGoesOn(_ gate: RecoveryGate) throws {
        var facts = RecoveryFacts.make(policies: [Self.policy])
        var recovery = try Recovery.make().reserved(facts)
        if gate == .policySuspended { facts.policies[0].spec.suspend = true }
        if gate == .backingOff { recovery.status?.nextAttemptTime = at(100) }
        #expect(try decide(recovery, facts, at: at(1)).kind == "resume")
    }

    @Test("Nothing is accepted before the policies are known: the wrong one would govern for good")
    func acceptanceWaitsForWarmUp() throws {
        let decision = try decide(.make(), .make { $0.isWarmedUp = false })
        #expect(decision.verdict?.gate == .warmingUp)
        #expect(decision.status?.effective == nil)
        #expect(decision.status?.specHash == nil)
        let later = try decide(Recovery.make().with(decision.status), .make(policies: [Self.policy]))
        #expect(later.status?.effective?.policy?.name == "default")
    }

    @Test func aMissingPolicyHoldsUntilItExistsAndIsNamed() throws {
        let recovery = Recovery.make { $0.spec.policyRef = NameReference(name: "strict") }
        let held = try decide(recovery, .make(policies: [.make("default")]))
        #expect(held.verdict?.gate == .policyNotFound)
        #expect(held.verdict?.message.contains("RecoveryPolicy strict does not exist in namespace team") == true)
        #expect(held.status?.effective == nil)
        let later = try decide(recovery.with(held.status), .make(policies: [.make("strict")]))
        #expect(later.status?.effective?.policy?.name == "strict")
        #expect(later.kind == "reserve")
    }

    @Test("The lock is held against every way of naming the same target, and no other")
    func lockByName() throws {
        let byUID = Recovery.make { $0.spec.targetRef?.uid = "u-1" }
        func running(_ target: ResolvedTarget) -> RecoveryFacts {
            .make { $0.running = [RunningRecovery(key: ObjectKey(namespace: "x", name: "y"), lock: LockKey(target))] }
        }
        let web = ResolvedTarget(apiVersion: "apps/v1", kind: "Deployment", namespace: "team", name: "web")
        #expect(try decide(byUID, running(web)).verdict?.gate == .targetLocked, "whoever knows the uid or not")
        var api = web
        api.name = "api"
        #expect(try decide(byUID, running(api)).kind == "reserve")
        let other = ResolvedTarget(apiVersion: "apps/v2", kind: "Deployment", namespace: "team", name: "web")
        #expect(
            try decide(.make(), running(other)).verdict?.gate == .targetLocked,
            "versions of one group are one object"
        )
        let nothing = Recovery.make { $0.spec.targetRef = nil }
        #expect(
            try decide(nothing, .make { $0.running = [RunningRecovery(key: ObjectKey(name: "y"))] }).kind == "reserve"
        )
    }

    @Test func theHolderNamedDoesNotDependOnTheOrderOfTheFacts() throws {
        let lock = Self.lock(.make())
        let holders = ["b", "a", "c"].map { RunningRecovery(key: ObjectKey(namespace: "team", name: $0), lock: lock) }
        let one = try decide(.make(), .make { $0.running = holders })
        let two = try decide(.make(), .make { $0.running = holders.reversed() })
        #expect(one == two)
        #expect(one.verdict?.message == "Recovery team/a works on the same target")
    }

    @Test(arguments: [
        (nil, 1, "hold PolicyConcurrencyLimit"), (2, 1, "reserve"), (2, 2, "hold PolicyConcurrencyLimit"),
    ])
    func aPolicyWithLimitsAllowsOneAtATimeUnlessItSaysMore(_ limit: Int?, _ running: Int, _ kind: String) throws {
        let policy = RecoveryPolicy.make { policy in
            policy.spec.limits = PolicyLimits()
            policy.spec.limits?.maxConcurrent = limit
        }
        let facts = RecoveryFacts.make(policies: [policy]) { facts in
            facts.running = (0..<running).map { number in
                RunningRecovery(
                    key: ObjectKey(name: "r\(number)"),
                    policy: ObjectKey(namespace: "team", name: "default")
                )
            }
            // Under other policies, or under none: not counted.
            facts.running += [
                RunningRecovery(key: ObjectKey(name: "x"), policy: ObjectKey(namespace: "team", name: "other"))
            ]
            facts.running += [RunningRecovery(key: ObjectKey(name: "z"))]
        }
        #expect(try decide(.make(), facts).kind == kind)
    }

    @Test func `the books of the policy hold the next attempt, and it looks again when they open`() throws {
        var policy = RecoveryPolicy.make { policy in
            policy.spec.limits = PolicyLimits()
            policy.spec.limits?.budget = ActionBudget(actions: 1, windowSeconds: 600)
        }
        let recovery = Recovery.make { $0.spec.timeoutSeconds = 300 }
        let reserved = try recovery.reserved(.make(policies: [policy]))
        policy.status = RecoveryPolicyStatus()
        policy.status?.recentActions = [RecentAction(time: at(-10), recovery: "other")]
        let facts = RecoveryFacts.make(policies: [policy])
        let fresh = try decide(recovery, facts)
        #expect(fresh.kind == "hold BudgetExhausted" && fresh.recheckAt == at(590))
        #expect(fresh.status?.condition(ConditionType.admitted) == "False BudgetExhausted")
        #expect(fresh.status?.startTime == nil, "its clock does not run")
        let again = try decide(reserved.settled(.transient(retryAfter: nil), at: at(1)), facts, at: at(60))
        #expect(again.kind == "hold BudgetExhausted" && again.recheckAt == at(590), "its clock stands still")
        #expect(try decide(reserved, facts, at: at(60)).kind == "resume", "what has begun goes on")
        #expect(try decide(recovery, facts, at: at(590)).kind == "reserve")
        #expect(try decide(recovery, facts.with { $0.isWarmedUp = false }).kind == "hold WarmingUp")
    }

    @Test func `a policy that is made again under its name bounds what the former one governed`() throws {
        var policy = RecoveryPolicy.make { policy in
            policy.spec.limits = PolicyLimits()
            policy.spec.limits?.budget = ActionBudget(actions: 1, windowSeconds: 600)
        }
        let failed = try Recovery.make().reserved(.make(policies: [policy]))
            .settled(.transient(retryAfter: nil), at: at(1))
        policy.metadata.uid = "another"
        let fresh = try decide(failed, .make(policies: [policy]), at: at(60))
        #expect(fresh.kind == "reserve", "books of its own")
        policy.status = RecoveryPolicyStatus()
        policy.status?.recentActions = [RecentAction(time: at(-10), recovery: "other")]
        let held = try decide(failed, .make(policies: [policy]), at: at(60))
        #expect(held.kind == "hold BudgetExhausted")
        policy.spec.suspend = true
        #expect(try decide(failed, .make(policies: [policy]), at: at(60)).kind == "hold PolicySuspended")
        #expect(try decide(failed, .make(), at: at(60)).kind == "reserve", "what people have asked for needs no policy")
        let unreadable = RecoveryFacts.make { $0.unreadablePolicies = ["default": "spec.mode: not a string"] }
        #expect(try decide(failed, unreadable, at: at(60)).kind == "hold PolicyUnreadable")
    }

    // MARK: The clock while the books hold

    private static let booksGates: [RecoveryGate] = [
        .tooManyUnhealthy, .stormCooldown, .budgetExhausted, .coolingDown, .breakerOpen,
    ]

    @Test(arguments: booksGates)
    func `no target is given up for a time in which the policy's books let nothing start`(
        _ gate: RecoveryGate
    ) throws {
        let open = RecoveryFacts.make(policies: [Self.policy])
        var (facts, recovery) = (open, try retrying(open).settled(.transient(retryAfter: nil), at: at(-30)))
        try Self.gates.first { $0.gate == gate }?.change(&recovery, &facts)
        let held = try decide(recovery, facts)
        #expect(held.verdict?.gate == gate && held.status?.pausedTime == start)
        let end = at(86_400)
        #expect(held.verdict?.message.hasSuffix("at the longest until \(end.text)") == true)
        #expect(held.recheckAt.map { $0 <= end } == true)
        let waiting = recovery.with(held.status)
        // Long after the deadline of 900 s.
        let on = try decide(waiting, open, at: at(5_000))
        #expect(on.kind == "reserve" && on.status?.deadline == at(-60 + 900 + 5_000) && on.status?.pausedTime == nil)
    }

    @Test func `the books hold a Recovery that has begun for a day at most, counted from when they began to`() throws {
        let open = RecoveryFacts.make(policies: [Self.policy])
        var (facts, recovery) = (open, try retrying(open).settled(.transient(retryAfter: nil), at: at(-30)))
        try Self.gates.first { $0.gate == .breakerOpen }?.change(&recovery, &facts)
        recovery.spec.suspend = true
        let suspended = recovery.with(try decide(recovery, facts).status).with { $0.spec.suspend = false }
        let held = try decide(suspended, facts, at: at(200_000))
        #expect(held.kind == "hold BreakerOpen" && held.status?.pausedTime == at(200_000))
        let waiting = suspended.with(held.status)
        let same = try decide(waiting, facts, at: at(250_000))
        #expect(same.status == held.status, "looking again writes nothing")
        #expect(try decide(waiting, facts, at: at(286_399)).kind == "hold BreakerOpen")
        let ended = try decide(waiting, facts, at: at(286_400))
        #expect(ended.kind == "finish Failed")
        #expect(ended.status?.condition(ConditionType.succeeded) == "False HeldTooLong")
        #expect(ended.status?.escalation?.nextSteps?.isEmpty == false)
    }

    @Test func `while it is not known how many targets are unhealthy, the clock stands still as well`() throws {
        let open = RecoveryFacts.make(policies: [Self.policy])
        var (facts, recovery) = (open, try retrying(open).settled(.transient(retryAfter: nil), at: at(-30)))
        Self.storm(unhealthy: 1, &facts)
        facts.bases = [:]
        let held = try decide(recovery, facts)
        #expect(held.kind == "hold WarmingUp" && held.status?.pausedTime == start)
        recovery.status = held.status
        #expect(try decide(recovery, facts, at: at(9_000)).status == held.status)
    }

    @Test func policiesWithoutUIDAreNotMistakenForEachOther() throws {
        let governing = RecoveryPolicy.make { $0.metadata.uid = nil }
        let recovery = try Recovery.make().reserved(.make(policies: [governing]))
            .settled(.transient(retryAfter: nil), at: at(1))
        let other = RecoveryPolicy.make("other") { policy in
            policy.metadata.uid = nil
            policy.spec.suspend = true
        }
        let facts = RecoveryFacts.make(policies: [other]) { facts in
            facts.running = [RunningRecovery(key: ObjectKey(name: "ungoverned"))]
        }
        #expect(try decide(recovery, facts, at: at(60)).kind == "reserve")
    }

    @Test(arguments: [DetectionFinding.unseen, .suspected, .convalescent])
    func `who waits for detection between two attempts is looked at again when its time is over`(
        _ finding: DetectionFinding
    ) throws {
        let facts = RecoveryFacts.make(policies: [Self.policy])
        let recovery = try retrying(facts).settled(.transient(retryAfter: nil), at: at(-30))
        let waiting = facts.with { $0.detection = finding }
        let held = try decide(recovery, waiting)
        let deadline = at(-60 + 900)
        #expect(held.verdict?.gate == .warmingUp && held.recheckAt == deadline)
        #expect(try decide(recovery.with(held.status), waiting, at: deadline).kind == "finish Timeout")
        #expect(try decide(.make(), waiting).recheckAt == nil, "without an attempt there is no time to be over")
    }

    @Test func `only gates that open soon keep a target from others`() {
        let short: Set<RecoveryGate> = [.backingOff, .targetLocked, .policyConcurrency, .concurrency]
        for gate in RecoveryGate.allCases { #expect(gate.isLasting != short.contains(gate)) }
    }
}
