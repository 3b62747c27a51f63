import FoundationEssentials
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// How far a policy lets the controller go with what detection has opened.
struct ModeTests {
    private static func policy(_ mode: PolicyMode) -> RecoveryPolicy {
        RecoveryPolicy.make(rungs: [.make("Ping", maxAttempts: 3, timeoutSeconds: 40)]) { $0.spec.mode = .known(mode) }
    }

    private static func opened(_ change: (inout Recovery) -> Void = { _ in }) -> Recovery {
        Recovery.make { recovery in
            recovery.metadata.labels = [MetadataName.fingerprint: "0123456789abcdef"]
            recovery.spec.timeoutSeconds = 600
            change(&recovery)
        }
    }

    private static func facts(_ mode: PolicyMode, version: String? = "generation 3") -> RecoveryFacts {
        .make(policies: [policy(mode)]) { $0.targetVersion = version }
    }

    private static func approval(
        _ hash: String?,
        _ decision: ApprovalDecision = .approve,
        name: String = "yes",
        uid: String = "uid-1"
    ) -> RecoveryApproval {
        RecoveryApproval(
            metadata: ObjectMeta(name: name, namespace: "team"),
            spec: RecoveryApprovalSpec(
                recoveryRef: RecoveryIdentity(name: "web", uid: uid),
                planHash: hash ?? "",
                decision: decision,
                reason: "looked at it"
            )
        )
    }

    @Test func `the mode governs only what detection has opened, and only where a policy does`() throws {
        for mode in PolicyMode.allCases {
            #expect(try decide(.make(), Self.facts(mode)).kind == "reserve", "people's own run at once")
        }
        #expect(try decide(Self.opened(), .make()).kind == "reserve", "no policy, no mode")
        #expect(try decide(Self.opened(), Self.facts(.auto)).kind == "reserve")
        #expect(try decide(Self.opened(), Self.facts(.observe)).kind == "hold ObserveOnly")
        #expect(try decide(Self.opened(), Self.facts(.approve)).kind == "hold AwaitingApproval")
        let silent = RecoveryFacts.make(policies: [.make()])
        #expect(try decide(Self.opened(), silent).kind == "hold ObserveOnly", "who says nothing only observes")
    }

    @Test(arguments: PolicyMode.allCases)
    func `what its detector hears nothing of any more is ended before anything starts`(_ mode: PolicyMode) throws {
        var facts = Self.facts(mode)
        facts.detection = .silent
        let recovery = Self.opened { recovery in
            recovery.metadata.labels?[MetadataName.policy] = facts.policies.first?.metadata.name
            recovery.spec.policyRef = NameReference(name: facts.policies.first?.metadata.name ?? "")
        }
        let decision = try decide(recovery, facts)
        #expect(decision.status?.state == .cancelled)
        let reason = decision.status?.conditions?[type: ConditionType.succeeded]?.reason
        #expect(reason == ConditionReason.noLongerWatched)
        #expect(decision.status?.message?.contains("has heard nothing of this failure for too long") == true)
    }

    @Test func `Observe writes what it would do, and after its time that nothing healed by itself`() throws {
        let first = try decide(Self.opened(), Self.facts(.observe))
        let plan = try #require(first.status?.plan)
        let words = "Ping acts on Deployment.apps/team/web (generation 3), for at most 40 s"
        #expect(plan.steps?.map(\.description) == [words, "what it writes cannot be said beforehand"])
        #expect(plan.strategy == "Ping" && plan.hash.count == 64)
        #expect(plan.steps?.first?.target?.name == "web" && plan.time == start && plan.outcome == nil)
        #expect(first.verdict?.message.contains(words) == true && first.recheckAt == at(600))
        #expect(first.status?.attempts == nil && first.status?.deadline == nil)
        let later = try decide(Self.opened().with(first.status), Self.facts(.observe), at: at(600))
        #expect(later.status?.plan?.outcome == "not healed by itself within 600 s" && later.recheckAt == nil)
        let again = try decide(Self.opened().with(later.status), Self.facts(.observe), at: at(9_000))
        #expect(again.status == later.status)
    }

    @Test func `what is observed can heal by itself, and the plan says so`() throws {
        let incident = Recovery.make(namespace: "team") { recovery in
            recovery.metadata.labels = [MetadataName.fingerprint: "0123456789abcdef"]
            recovery.metadata.namespace = "tmc-recovery-system"
            recovery.metadata.creationTimestamp = start
            recovery.spec.targetRef = nil
            recovery.spec.clusterRef = NameReference(name: "edge")
        }
        let policy = Self.policy(.observe).with { $0.metadata.namespace = "tmc-recovery-system" }
        let facts = RecoveryFacts.make(policies: [policy])
        let held = try decide(incident, facts)
        #expect(held.kind == "hold ObserveOnly")
        var reachable = Condition(type: ConditionType.reachable, status: .true, reason: "Reachable", message: "")
        reachable.lastTransitionTime = at(50)
        let healed = try decide(
            incident.with(held.status),
            facts.with { $0.clusterConditions = [reachable] },
            at: at(60)
        )
        #expect(healed.kind == "finish Completed" && healed.status?.plan?.outcome == "healed by itself")
    }

    @Test func `Approve goes on with an approval of exactly this plan of exactly this Recovery`() throws {
        let held = try decide(Self.opened(), Self.facts(.approve))
        let hash = try #require(held.status?.plan?.hash)
        let recovery = Self.opened().with(held.status)
        func kind(_ approvals: [RecoveryApproval]) throws -> String {
            try decide(recovery, Self.facts(.approve).with { $0.approvals = approvals }, at: at(60)).kind
        }
        #expect(try kind([]) == "hold AwaitingApproval")
        #expect(try kind([Self.approval(hash)]) == "reserve")
        #expect(try kind([Self.approval("another")]) == "hold AwaitingApproval")
        #expect(try kind([Self.approval(hash, uid: "a later one")]) == "hold AwaitingApproval")
        #expect(try kind([Self.approval(hash), Self.approval(hash, .reject, name: "no")]) == "finish Cancelled")
        var refused = Self.approval(hash)
        refused.status = RecoveryApprovalStatus()
        refused.status?.result = .refused
        #expect(try kind([refused]) == "hold AwaitingApproval", "once refused it stays so")
        let approved = try decide(recovery, Self.facts(.approve).with { $0.approvals = [Self.approval(hash)] })
        #expect(approved.status?.plan?.approval == "yes")
    }

    @Test func `another target makes another plan, which needs an approval of its own`() throws {
        let held = try decide(Self.opened(), Self.facts(.approve))
        let old = Self.approval(held.status?.plan?.hash)
        let facts = Self.facts(.approve, version: "generation 4").with { $0.approvals = [old] }
        let changed = try decide(Self.opened().with(held.status), facts, at: at(60))
        let plan = try #require(changed.status?.plan)
        #expect(changed.kind == "hold AwaitingApproval" && plan.hash != held.status?.plan?.hash)
        #expect(plan.time == at(60) && plan.waitingSince == start, "a new plan starts no new wait")
        let recovery = Self.opened().with(changed.status)
        let verdict = ApprovalVerdict.judge(old, recovery: recovery)
        #expect(verdict?.result == .refused && verdict?.message.contains(plan.hash) == true)
        let status = verdict?.status(of: old, now: at(61))
        #expect(status?.result == .refused && status?.conditions?[type: ConditionType.accepted]?.status == .false)
    }

    @Test func `after a day without an answer it ends, and a person has to act`() throws {
        let held = try decide(Self.opened(), Self.facts(.approve))
        #expect(held.recheckAt == at(86_400))
        let recovery = Self.opened().with(held.status)
        #expect(try decide(recovery, Self.facts(.approve), at: at(86_399)).kind == "hold AwaitingApproval")
        let ended = try decide(recovery, Self.facts(.approve), at: at(86_400))
        #expect(
            ended.kind == "finish Failed" && ended.status?.condition(ConditionType.succeeded) == "False ApprovalExpired"
        )
        #expect(ended.status?.escalation?.level == .manual && ended.status?.escalation?.nextSteps?.isEmpty == false)
    }

    @Test func `the clock of a recovery that has begun stands still while it waits for an approval`() throws {
        let first = try decide(Self.opened(), Self.facts(.approve))
        let yes = Self.approval(first.status?.plan?.hash)
        let approving = Self.facts(.approve).with { $0.approvals = [yes] }
        let running = try decide(Self.opened().with(first.status), approving, at: at(10))
        let failed = Self.opened().with(running.status).settled(.transient(retryAfter: nil), at: at(20))
        #expect(try decide(failed, approving, at: at(100)).kind == "reserve", "the same plan is approved already")
        let other = Self.facts(.approve, version: "generation 9")
        let waiting = try decide(failed, other, at: at(100))
        #expect(waiting.kind == "hold AwaitingApproval" && waiting.status?.pausedTime == at(100))
        let still = Self.opened().with(waiting.status)
        #expect(try decide(still, other, at: at(5_000)).status == waiting.status, "looking again writes nothing")
        let second = Self.approval(waiting.status?.plan?.hash, name: "second")
        let on = try decide(still, other.with { $0.approvals = [second] }, at: at(5_000))
        #expect(on.kind == "reserve" && on.status?.deadline == at(10 + 600 + 4_900))
    }

    @Test func `the live policy's mode counts: Observe holds at once, Auto lets go`() throws {
        let held = try decide(Self.opened(), Self.facts(.observe))
        #expect(try decide(Self.opened().with(held.status), Self.facts(.auto)).kind == "reserve")
        let running = try decide(Self.opened(), Self.facts(.auto))
        #expect(
            try decide(Self.opened().with(running.status), Self.facts(.observe)).kind == "resume",
            "what runs goes on"
        )
        let failed = Self.opened().with(running.status).settled(.transient(retryAfter: nil), at: at(1))
        #expect(try decide(failed, Self.facts(.observe), at: at(60)).kind == "hold ObserveOnly")
    }

    // MARK: Policies that are gone or look elsewhere

    /// Opened by the detection of the policy `default`.
    private static func found() -> Recovery {
        opened { recovery in
            recovery.metadata.labels?[MetadataName.policy] = "default"
            recovery.spec.policyRef = NameReference(name: "default")
        }
    }

    private static func watching(_ mode: PolicyMode) -> RecoveryFacts { facts(mode).with { $0.detection = .confirmed } }

    @Test(arguments: PolicyMode.allCases)
    func `what has had no attempt ends when its policy is gone, or does not look for its failure any more`(
        _ mode: PolicyMode
    ) throws {
        // A policy that holds it, as in a storm.
        let held = Self.watching(mode).with { facts in
            facts.policies[0].spec.circuitBreaker = CircuitBreakerSettings()
            facts.policies[0].spec.circuitBreaker?.force = .known(.open)
        }
        let waiting = Self.found().with(try decide(Self.found(), held).status)
        #expect(waiting.state == .pending && waiting.status?.attempts == nil)
        for facts in [RecoveryFacts.make(), Self.facts(mode)] {
            let ended = try decide(waiting, facts, at: at(60))
            #expect(ended.kind == "finish Cancelled")
            #expect(ended.status?.condition(ConditionType.succeeded) == "False NoLongerWatched")
        }
        #expect(try decide(waiting, Self.facts(mode).with { $0.isWarmedUp = false }).kind == "hold WarmingUp")
        let suspended = Self.facts(mode).with { $0.policies[0].spec.suspend = true }
        #expect(try decide(waiting, suspended).kind == "hold PolicySuspended", "that looks at nothing for a while")
    }

    @Test func `made again under its name the policy holds what the former one held`() throws {
        let storm = Self.watching(.auto).with { facts in
            facts.policies[0].metadata.uid = "another"
            facts.policies[0].spec.detection = PolicyDetection()
            facts.policies[0].spec.limits = PolicyLimits()
            facts.policies[0].spec.limits?.maxUnhealthy = .percent(40)
            facts.policies[0].spec.limits?.alwaysAllow = 0
            facts.bases["another"] = DetectionBase(matched: 40, unhealthy: 30)
        }
        let accepted = try decide(Self.found(), Self.watching(.auto).with { $0.hasFreeSlot = false }).status
        let held = try decide(Self.found().with(accepted), storm, at: at(60))
        #expect(held.kind == "hold TooManyUnhealthy")
    }

    @Test func `what has begun goes on under a policy that looks elsewhere, and without one begins nothing more`()
        throws
    {
        let running = Self.found().with(try decide(Self.found(), Self.watching(.auto)).status)
        #expect(try decide(running, .make(), at: at(5)).kind == "resume", "to its safe end")
        let failed = running.settled(.transient(retryAfter: nil), at: at(10))
        #expect(try decide(failed, Self.facts(.auto), at: at(100)).kind == "reserve")
        #expect(try decide(failed, Self.facts(.observe), at: at(100)).kind == "finish Cancelled")
        let ended = try decide(failed, .make(), at: at(100))
        #expect(ended.status?.condition(ConditionType.succeeded) == "False NoLongerWatched")
    }

    @Test func `what a detected failure was handed over to is nobody's to look for`() throws {
        let successor = Self.opened { recovery in
            recovery.metadata.labels?[MetadataName.policy] = "default"
            recovery.spec.parentRef = NameReference(name: "before")
        }
        #expect(try decide(successor, Self.facts(.auto)).kind == "reserve")
        #expect(try decide(successor, Self.facts(.approve)).kind == "hold AwaitingApproval")
    }

    // MARK: Rehearsals

    /// Facts with a strategy that can be gone through; with what that has shown, if it was done just now.
    private static func rehearsed(
        _ mode: PolicyMode,
        version: String = "generation 3",
        _ writes: [String]? = nil
    ) -> RecoveryFacts {
        facts(mode, version: version).with { facts in
            facts.catalogue = StrategyCatalogue([
                StrategyDescriptor(
                    name: "Ping",
                    errorTypes: [],
                    priority: 40,
                    timeout: .seconds(30),
                    canBeRehearsed: true
                )
            ])
            facts.targetState = "resourceVersion 17"
            facts.rehearsal = writes?.map { PlannedStep(description: $0, patch: "{}") }
        }
    }

    @Test func `a strategy that can be rehearsed is, once for each plan, and what it would write is in the plan`()
        throws
    {
        #expect(try decide(Self.opened(), Self.rehearsed(.auto)).kind == "reserve", "nobody waits for that plan")
        #expect(try decide(Self.opened(), Self.rehearsed(.observe)).kind == "rehearse")
        let held = try decide(Self.opened(), Self.rehearsed(.observe, ["patch web"]))
        let words = "Ping acts on Deployment.apps/team/web (generation 3), for at most 40 s"
        #expect(held.status?.plan?.steps?.map(\.description) == [words, "patch web"])
        let recovery = Self.opened().with(held.status)
        let later = try decide(
            recovery,
            Self.rehearsed(.observe).with { $0.targetState = "resourceVersion 18" },
            at: at(60)
        )
        #expect(later.kind == "hold ObserveOnly" && later.status == held.status, "only its state was reported anew")
        #expect(try decide(recovery, Self.rehearsed(.observe, version: "generation 4"), at: at(60)).kind == "rehearse")
    }

    /// A plan with an eviction of these pods.
    private static func evicting(_ pods: String, of owners: [String], by words: String = "cordon") -> RecoveryFacts {
        rehearsed(.approve, [words]).with { facts in
            var eviction = PlannedStep(description: "evict pods: \(pods)")
            eviction.podsOf = owners
            if !owners.isEmpty { facts.rehearsal?.append(eviction) }
            facts.rehearsal?.append(PlannedStep(description: "then: wait"))
        }
    }

    @Test func `an approval counts for other pods of the same owners, and for none of others`() throws {
        let held = try decide(Self.opened(), Self.evicting("web-1, db-1", of: ["web", "db"]))
        let recovery = Self.opened().with(held.status)
        let yes = [Self.approval(held.status?.plan?.hash)]
        for (facts, expected) in [
            (Self.evicting("web-2", of: ["web"]), "reserve"), (Self.evicting("", of: []), "reserve"),
            (Self.evicting("web-1, api-1", of: ["web", "api"]), "hold AwaitingApproval"),
            (Self.evicting("web-1", of: ["web"], by: "cordon otherwise"), "hold AwaitingApproval"),
        ] {
            let decision = try decide(recovery, facts.with { $0.approvals = yes }, at: at(60))
            #expect(decision.kind == expected)
            let isKept = decision.status?.plan?.hash == held.status?.plan?.hash
            #expect(isKept == (expected == "reserve"))
        }
    }

    @Test func `an approval counts only when a rehearsal right before shows the same writes`() throws {
        let held = try decide(Self.opened(), Self.rehearsed(.approve, ["patch web"]))
        let recovery = Self.opened().with(held.status)
        let yes = [Self.approval(held.status?.plan?.hash)]
        #expect(try decide(recovery, Self.rehearsed(.approve), at: at(60)).kind == "hold AwaitingApproval")
        #expect(
            try decide(recovery, Self.rehearsed(.approve).with { $0.approvals = yes }, at: at(60)).kind == "rehearse"
        )
        let same = Self.rehearsed(.approve, ["patch web"]).with { $0.approvals = yes }
        #expect(try decide(recovery, same, at: at(60)).kind == "reserve")
        let other = Self.rehearsed(.approve, ["patch web otherwise"]).with { $0.approvals = yes }
        let changed = try decide(recovery, other, at: at(60))
        #expect(changed.kind == "hold AwaitingApproval")
        let hash = try #require(changed.status?.plan?.hash)
        #expect(hash != held.status?.plan?.hash)
        #expect(ApprovalVerdict.judge(yes[0], recovery: recovery.with(changed.status))?.result == .refused)
        let again = Self.rehearsed(.approve).with { $0.approvals = [Self.approval("elsewhere")] }
        #expect(try decide(recovery, again, at: at(60)).kind == "hold AwaitingApproval", "of another plan")
    }

    @Test func `a time in which nobody was asked is no time in which nobody has answered`() throws {
        let observed = try decide(Self.opened(), Self.facts(.observe))
        let later = try decide(Self.opened().with(observed.status), Self.facts(.observe), at: at(200_000))
        #expect(later.status?.plan?.outcome != nil)
        // The mode becomes Approve after more than a day: now the day of the approval begins.
        let asked = try decide(Self.opened().with(later.status), Self.facts(.approve), at: at(200_000))
        #expect(asked.kind == "hold AwaitingApproval" && asked.recheckAt == at(286_400))
        #expect(asked.status?.plan?.waitingSince == at(200_000) && asked.status?.plan?.outcome == nil)
        let asking = Self.opened().with(asked.status)
        #expect(try decide(asking, Self.facts(.approve), at: at(286_400)).kind == "finish Failed")
        // An attempt that was approved fails, and the target has changed when the next one is due.
        let yes = Self.approval(asked.status?.plan?.hash)
        let approving = Self.facts(.approve).with { $0.approvals = [yes] }
        let running = try decide(asking, approving, at: at(280_000))
        let failed = Self.opened().with(running.status).settled(.transient(retryAfter: nil), at: at(280_001))
        let again = try decide(failed, Self.facts(.approve, version: "generation 9"), at: at(280_100))
        #expect(again.kind == "hold AwaitingApproval" && again.recheckAt == at(280_100 + 86_400))
    }

    // MARK: Verdicts on approvals

    @Test func `every approval gets an answer as soon as there is one`() throws {
        let held = try decide(Self.opened(), Self.facts(.approve))
        let hash = held.status?.plan?.hash
        let waiting = Self.opened().with(held.status)
        func result(_ approval: RecoveryApproval, _ recovery: Recovery?) -> ApprovalResult? {
            ApprovalVerdict.judge(approval, recovery: recovery)?.result
        }
        #expect(result(Self.approval(hash), waiting) == nil, "not decided yet")
        #expect(result(Self.approval(hash), nil) == .refused)
        #expect(result(Self.approval(hash, uid: "older"), waiting) == .refused)
        #expect(result(Self.approval(hash), Self.opened()) == nil, "not looked at yet")
        let auto = Self.opened().with(try decide(Self.opened(), Self.facts(.auto)).status)
        #expect(result(Self.approval(hash), auto) == .refused)
        var odd = Self.approval(hash)
        odd.spec.decision = Open(rawValue: "Perhaps")
        #expect(result(odd, waiting) == .refused)
        let approving = Self.facts(.approve).with { $0.approvals = [Self.approval(hash)] }
        let running = waiting.with(try decide(waiting, approving).status)
        #expect(result(Self.approval(hash), running) == .applied)
        #expect(result(Self.approval(hash, name: "late"), running) == .applied)
        let cancelled = waiting.with { $0.spec.cancel = true }
        let ended = cancelled.with(try decide(cancelled, Self.facts(.approve)).status)
        #expect(result(Self.approval(hash), ended) == .refused)
        let rejecting = Self.facts(.approve).with { $0.approvals = [Self.approval(hash, .reject)] }
        let rejected = try decide(waiting, rejecting)
        #expect(rejected.status?.condition(ConditionType.succeeded) == "False Rejected")
        #expect(rejected.status?.message == "RecoveryApproval yes rejects the plan: looked at it")
        #expect(result(Self.approval(hash, .reject), waiting.with(rejected.status)) == .applied)
    }
}

extension RecoveryPolicy {
    /// The policy with changes.
    fileprivate func with(_ change: (inout RecoveryPolicy) -> Void) -> RecoveryPolicy {
        var copy = self
        change(&copy)
        return copy
    }
}
