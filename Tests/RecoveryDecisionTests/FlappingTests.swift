import FoundationEssentials
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// Targets that fail again soon after they were recovered.
struct FlappingTests {
    private static let policy = RecoveryPolicy.make(
        rungs: [.make("Ping", maxAttempts: 2), .make("Connect", maxAttempts: 1)]
    ) { $0.spec.mode = .known(.auto) }

    private static func facts(_ former: Recovery? = nil, policy: RecoveryPolicy = policy) -> RecoveryFacts {
        .make(policies: [policy]) { facts in
            facts.detection = .confirmed
            facts.former = former
        }
    }

    /// Opened by the policy's detection, after the Recovery `former` if there is one.
    private static func found(_ name: String, after former: Recovery? = nil) -> Recovery {
        .make(name: name, uid: "uid-\(name)") { recovery in
            recovery.metadata.labels = [MetadataName.fingerprint: "0123456789abcdef", MetadataName.policy: "default"]
            recovery.spec.policyRef = NameReference(name: "default")
            recovery.spec.parentRef = former?.metadata.name.map { NameReference(name: $0) }
        }
    }

    /// One that its next attempt completes.
    private static func completed(_ name: String, after former: Recovery? = nil, at seconds: Double) throws -> Recovery
    {
        try found(name, after: former).reserved(facts(former), at: at(seconds)).settled(.succeeded, at: at(seconds + 5))
    }

    @Test func `a retry is counted by failure, not by Recovery: the ladder goes on, and ends (cluster-api #12553)`()
        throws
    {
        let first = try Self.completed("a", at: 0)
        #expect(first.status?.strategy == "Ping" && first.status?.flapping == nil)
        let second = try Self.completed("b", after: first, at: 100)
        #expect(second.status?.strategy == "Ping" && second.status?.rungAttempts == 2, "the last one of this rung")
        let third = try Self.completed("c", after: second, at: 200)
        #expect(third.status?.strategy == "Connect" && third.status?.rung == 1 && third.status?.attempts == 1)
        #expect(third.status?.flapping == Flapping(count: 2, since: at(5)))
        let last = try decide(Self.found("d", after: third), Self.facts(third), at: at(305))
        #expect(last.kind == "finish Failed" && last.status?.attempts == nil)
        #expect(last.status?.condition(ConditionType.succeeded) == "False Flapping")
        #expect(last.status?.message?.hasPrefix("the target failed again 3 times within 300 s") == true)
        #expect(last.status?.escalation.map { $0.level >= .guided && $0.nextSteps?.isEmpty == false } == true)
    }

    @Test func `an attempt that fails after a flap uses up what is left of its rung`() throws {
        let first = try Self.completed("a", at: 0)
        let second = try Self.found("b", after: first).reserved(Self.facts(first), at: at(100))
        let failed = second.settled(.transient(retryAfter: nil), at: at(110))
        #expect(failed.status?.strategy == "Connect")
    }

    @Test func `another ladder begins anew, and so does what nobody remembers`() throws {
        let first = try Self.completed("a", at: 0)
        let other = RecoveryPolicy.make(rungs: [.make("Connect"), .make("Any")]) { $0.spec.mode = .known(.auto) }
        let second = Self.found("b", after: first)
        #expect(try decide(second, Self.facts(first, policy: other)).status?.strategy == "Connect")
        #expect(try decide(second, Self.facts()).status?.strategy == "Ping")
        let moved = RecoveryPolicy.make(rungs: [.make("Any"), .make("Ping")]) { $0.spec.mode = .known(.auto) }
        #expect(
            try decide(second, Self.facts(first, policy: moved)).kind == "finish Failed",
            "its rung is the last one"
        )
    }

    @Test func `only what an attempt has completed, under this policy and not long ago, is gone on after`() throws {
        let first = try Self.completed("a", at: 0)
        let second = try Self.completed("b", after: first, at: 100)
        func former(_ seconds: Double, _ recoveries: [Recovery], reset: Int? = nil) -> String? {
            var policy = Self.policy
            policy.spec.resetAfterHealthySeconds = reset
            return FlappingRule.former(failed: at(seconds), among: recoveries, policy: policy)?.metadata.name
        }
        #expect(former(110, [second, first]) == "b" && former(110, [first, second]) == "b")
        #expect(former(704, [second]) == "b" && former(705, [second]) == nil, "600 s")
        #expect(former(114, [second], reset: 10) == "b" && former(115, [second], reset: 10) == nil)
        #expect(former(105, [second], reset: 0) == nil)
        let healed = Self.found("c").with(
            try decide(Self.found("c"), Self.facts().with { $0.detection = .healed }).status
        )
        #expect(healed.state == .completed && former(10, [healed]) == nil, "nothing was done")
        #expect(former(110, [second.with { $0.spec.policyRef = NameReference(name: "other") }]) == nil)
        #expect(former(110, [try Self.found("d").reserved(Self.facts())]) == nil)
    }

    @Test func `a target that flaps rests all the same`() throws {
        var policy = Self.policy
        policy.spec.limits = PolicyLimits()
        let first = try Self.completed("a", at: 0)
        let lock = first.status?.target.flatMap(LockKey.init)?.leaseName
        var entry = RecentAction(time: at(0), target: lock, recovery: "a")
        entry.recoveryUID = "uid-a"
        entry.endTime = at(5)
        policy.status = RecoveryPolicyStatus()
        policy.status?.recentActions = [entry]
        let held = try decide(Self.found("b", after: first), Self.facts(first, policy: policy), at: at(100))
        #expect(held.kind == "hold CoolingDown" && held.recheckAt == at(305))
    }
}
