import FoundationEssentials
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// An action that finished is not a target that is healthy.
struct VerificationTests {
    private static let rule = VerificationRule(VerifySettings(forSeconds: 30, timeoutSeconds: 100))

    /// What each look of a script comes to: `+` healthy, `-` unhealthy, `?` unknown, at the seconds given.
    private func looks(_ script: [(Double, Character)]) -> (verdicts: [String], check: Verification) {
        var check = Self.rule.begin(now: start)
        let verdicts = script.map { seconds, word in
            let health: TargetHealth =
                switch word {
                case "+": .healthy(since: nil)
                case "-": .unhealthy("no replica is ready")
                default: .unknown("the server does not answer")
                }
            switch Self.rule.look(health, &check, now: at(seconds)) {
            case .verified: return "verified"
            case .failed(let words): return "failed: \(words)"
            case .waiting(let next): return "look at \(Int(next.timeIntervalSince(start)))"
            }
        }
        return (verdicts, check)
    }

    @Test func `only a target that stayed healthy is verified`() {
        #expect(looks([(0, "+"), (10, "+"), (29, "+"), (30, "+")]).verdicts.last == "verified")
        #expect(looks([(0, "+"), (29.9, "+")]).verdicts.last == "look at 30")
        let broken = looks([(0, "+"), (20, "-"), (40, "+"), (69, "+"), (70, "+")])
        #expect(broken.verdicts.suffix(2) == ["look at 70", "verified"])
        #expect(broken.check.healthyTime == at(40))
    }

    @Test func `what nobody could see is neither proof nor failure`() {
        #expect(looks([(0, "+"), (30, "?"), (31, "+")]).verdicts.dropFirst() == ["look at 45", "verified"])
        let never = looks([(0, "?"), (99, "?"), (100, "?")]).verdicts.last
        let words = "failed: it did not stay healthy for 30 s within 100 s: the server does not answer"
        #expect(never == words)
    }

    @Test func `a break between two looks shows in the time since which it is healthy`() {
        var check = Self.rule.begin(now: start)
        _ = Self.rule.look(.healthy(since: at(-500)), &check, now: at(0))
        #expect(check.healthyTime == start, "what was before the action proves nothing")
        let verdict = Self.rule.look(.healthy(since: at(25)), &check, now: at(31))
        #expect(check.healthyTime == at(25) && verdict == .waiting(until: at(38.5)))
        #expect(Self.rule.look(.healthy(since: at(25)), &check, now: at(55)) != verdict)
        // A server whose clock goes ahead does not move the proof beyond now.
        _ = Self.rule.look(.healthy(since: at(9_000)), &check, now: at(60))
        #expect(check.healthyTime == at(60))
    }

    @Test func `a target that breaks off at the end has failed, and the reason is told`() {
        let verdicts = looks([(0, "-"), (80, "+"), (100, "-")]).verdicts
        #expect(verdicts.last?.hasSuffix("within 100 s: no replica is ready") == true)
        #expect(looks([(0, "-"), (80, "+"), (100, "+")]).verdicts.last?.hasPrefix("failed: ") == true)
        #expect(looks([(70, "+"), (100, "+")]).verdicts.last == "verified", "proof at the last moment counts")
    }

    @Test func `looks become rarer, but never miss the end of the proof or of the time`() {
        var check = Self.rule.begin(now: start)
        var now = start
        var times: [Double] = []
        while case .waiting(let next) = Self.rule.look(.unhealthy("x"), &check, now: now), times.count < 100 {
            #expect(next > now && next <= at(100))
            times.append(next.timeIntervalSince(now))
            now = next
        }
        #expect(now == at(100) && times.count < 20 && times.max() == 15)
        #expect(looks([(0, "+")]).verdicts == ["look at 7"], "a quarter of the proof")
    }

    // MARK: Status

    private static func verifying(_ change: (inout Recovery) -> Void = { _ in }) throws -> Recovery {
        let policy = RecoveryPolicy.make(rungs: [.make("Connect", timeoutSeconds: 40)]) { policy in
            policy.spec.verify = VerifySettings(forSeconds: 30, timeoutSeconds: 100)
        }
        let reserved = try Recovery.make {
            $0.spec.maxAttempts = 2
            change(&$0)
        }
        .reserved(.make(policies: [policy]))
        var result = ExecutionResult()
        result.message = "connected"
        let status = reserved.status?.beginningVerification(result, recovery: reserved, now: at(10))
        guard let status else { throw Unexpected() }
        return reserved.with(status)
    }

    @Test func `the check is written before its first look, with what the strategy did and a later deadline`() throws {
        let recovery = try Self.verifying()
        let status = try #require(recovery.status)
        #expect(status.verification == Verification(startTime: at(10), deadline: at(110)))
        #expect(status.condition(ConditionType.verified) == "False Verifying")
        #expect(status.condition(ConditionType.progressing) == "True Verifying")
        #expect(recovery.lastExecution?.deadline == at(150), "time to take back what was done is left")
        #expect(recovery.lastExecution?.result?.message == "connected" && recovery.lastExecution?.state == .inProgress)
        #expect(try StatusInvariants.violations(in: status, of: recovery) == [])
        let short = try Self.verifying { $0.spec.timeoutSeconds = 60 }
        #expect(short.lastExecution?.deadline == at(60), "the whole recovery's deadline still counts")
    }

    @Test func `another leader goes on with the check, not with the strategy's time`() throws {
        let recovery = try Self.verifying()
        let decision = try decide(recovery, at: at(100))
        #expect(decision.kind == "resume")
        #expect(decision.status?.verification == recovery.status?.verification)
        #expect(decision.status?.executions?.last?.deadline == at(150))
    }

    @Test func `a suspension moves the end of the check by its length`() throws {
        let recovery = try Self.verifying().settled(.stopped(.suspended), at: at(20))
        #expect(recovery.status?.verification?.deadline == at(110) && recovery.status?.state == .pending)
        let resumed = try decide(recovery, at: at(520))
        #expect(resumed.kind == "resume" && resumed.status?.verification?.deadline == at(610))
    }

    @Test func `success is told as health, failure fails the attempt, and the next one has a check of its own`() throws
    {
        let recovery = try Self.verifying()
        let done = recovery.settled(.succeeded, at: at(60))
        #expect(done.status?.condition(ConditionType.verified) == "True TargetHealthy")
        let failed = recovery.settled(.transient(retryAfter: nil), at: at(110))
        #expect(failed.status?.condition(ConditionType.verified) == "False TargetUnhealthy")
        #expect(failed.status?.verification == nil && failed.lastExecution?.state == .failed)
        let second = try decide(failed, at: at(300))
        #expect(second.kind == "reserve" && second.status?.executions?.last?.deadline == at(340))
    }

    @Test func `without settings or without anything to look at there is no check`() throws {
        let plain = try Recovery.make().reserved()
        #expect(plain.status?.beginningVerification(ExecutionResult(), recovery: plain, now: start) == nil)
        let policy = RecoveryPolicy.make { $0.spec.verify = VerifySettings() }
        let aimless = try Recovery.make { $0.spec.targetRef = nil }.reserved(.make(policies: [policy]))
        #expect(aimless.status?.verifySettings == nil)
        var rung = StrategyRung.make("Ping")
        rung.verify = VerifySettings(forSeconds: 1, timeoutSeconds: 2)
        let own = RecoveryPolicy.make(rungs: [rung]) { $0.spec.verify = VerifySettings() }
        #expect(try Recovery.make().reserved(.make(policies: [own])).status?.verifySettings?.forSeconds == 1)
    }
}
