import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// What follows each way an attempt can end.
struct AttemptSettlementTests {
    private func ladder(_ rungs: [StrategyRung], maxAttempts: Int? = nil) throws -> Recovery {
        try Recovery.make { $0.spec.maxAttempts = maxAttempts }.reserved(.make(policies: [.make(rungs: rungs)]))
    }

    @Test func successIsFinal() throws {
        let status = try Recovery.make().reserved().settled(.succeeded, at: at(7.8)).status
        #expect(status?.state == .completed)
        #expect(status?.completionTime == at(7))
        #expect(status?.message == "it broke")
        #expect(status?.executions?.last?.state == .completed)
        #expect(status?.executions?.last?.endTime == at(7))
        #expect(status?.executions?.last?.result?.success == true)
        #expect(status?.condition(ConditionType.succeeded) == "True Recovered")
        #expect(status?.condition(ConditionType.verified) == "True Verified")
        #expect(status?.condition(ConditionType.progressing) == "False Recovered")
        #expect(status?.condition(ConditionType.stalled) == "False Recovered")
        #expect(status?.escalation == nil)
    }

    @Test func aSuccessAtTheLastMomentIsASuccess() throws {
        #expect(try Recovery.make().reserved().settled(.succeeded, at: at(901)).state == .completed)
    }

    @Test("A transient failure waits longer each time, and stays InProgress while it waits")
    func transient() throws {
        var recovery = try Recovery.make().reserved()
        for (attempt, seconds) in [(1, 10.0), (2, 20.0)] {
            let time = try #require(recovery.lastExecution?.startTime).addingTimeInterval(5)
            let settlement = settle(recovery, .transient(retryAfter: nil), at: time)
            let status = settlement.status
            #expect(status.state == .inProgress)
            #expect(status.attempts == attempt)
            #expect(status.nextAttemptTime == time.addingTimeInterval(seconds))
            #expect(settlement.recheckAt == status.nextAttemptTime)
            #expect(status.executions?.last?.state == .failed)
            #expect(status.executions?.last?.result?.success == false)
            #expect(status.condition(ConditionType.progressing) == "True WaitingForRetry")
            #expect(status.message == "attempt \(attempt) failed: it broke")
            recovery = recovery.with(status)
            let waiting = try decide(recovery, at: time.addingTimeInterval(seconds - 1))
            #expect(waiting.verdict?.gate == .backingOff)
            #expect(waiting.status == status, "a wait is not written again")
            recovery = try recovery.reserved(at: time.addingTimeInterval(seconds))
            #expect(recovery.status?.nextAttemptTime == nil)
            #expect(recovery.status?.strategy == "Connect")
        }
        let last = recovery.settled(.transient(retryAfter: nil), at: at(60)).status
        #expect(last?.state == .failed)
        #expect(last?.attempts == 3)
        #expect(last?.nextAttemptTime == nil)
        #expect(last?.condition(ConditionType.succeeded) == "False AttemptsExhausted")
        #expect(last?.condition(ConditionType.stalled) == "True AttemptsExhausted")
        #expect(last?.message == "3 attempts were made, the last one failed: it broke")
    }

    @Test(
        "The server's wait counts when it is longer, and is never cut short by rounding",
        arguments: [
            (5.0, 0.0, 10.0), (30.0, 0.0, 30.0), (30.0, 0.9, 31.0), (10.0, 0.001, 11.0), (1e18, 0.0, 604_800.0),
        ]
    )
    func retryAfter(_ seconds: Double, _ fraction: Double, _ expected: Double) throws {
        let settlement = settle(
            try Recovery.make().reserved(),
            .transient(retryAfter: .seconds(seconds)),
            at: at(fraction)
        )
        #expect(settlement.status.nextAttemptTime == at(expected))
    }

    @Test("Every wait ends at the deadline (argo-rollouts #4128)")
    func waitBeyondTheDeadline() throws {
        let settlement = settle(try Recovery.make().reserved(), .transient(retryAfter: .seconds(3_600)), at: at(10))
        #expect(settlement.recheckAt == at(900))
        let recovery = Recovery.make().with(settlement.status)
        #expect(try decide(recovery, at: at(100)).recheckAt == at(900))
        let late = try decide(recovery, at: at(900))
        #expect(late.kind == "finish Timeout")
        #expect(late.status?.attempts == 1)
    }

    @Test("A permanent failure ends the rung, whatever attempts are left (NVSentinel #1805)")
    func permanent() throws {
        let alone = try Recovery.make().reserved().settled(.permanent, at: at(1)).status
        #expect(alone?.state == .failed)
        #expect(alone?.attempts == 1)
        #expect(alone?.condition(ConditionType.succeeded) == "False PermanentFailure")
        #expect(alone?.message == "cannot be recovered automatically: it broke")

        let rungs = [StrategyRung.make("Ping", maxAttempts: 5), .make("Connect", maxAttempts: 1)]
        let next = try ladder(rungs).settled(.permanent, at: at(1))
        #expect(next.state == .inProgress)
        #expect(next.status?.rung == 1)
        #expect(next.status?.rungAttempts == 0)
        #expect(next.status?.strategy == "Connect")
        #expect(next.status?.priority == 80)
        #expect(next.status?.message == "Ping failed: it broke; next is Connect")
        let second = try next.reserved(.make(), at: at(60))
        #expect(second.lastExecution?.strategy == "Connect")
        #expect(second.lastExecution?.deadline == at(360), "the rung's own timeout")
        #expect(second.status?.rungAttempts == 1)
        #expect(second.settled(.permanent, at: at(61)).state == .failed)
    }

    @Test(
        "The ladder: each rung as often as it says, all together no more than the Recovery says",
        arguments: [
            (nil, ["Ping", "Ping", "Connect", "Any", "Any"]), (100, ["Ping", "Ping", "Connect", "Any", "Any"]),
            (4, ["Ping", "Ping", "Connect", "Any"]), (1, ["Ping"]),
        ] as [(Int?, [String])]
    )
    func ladderAndCap(_ cap: Int?, _ expected: [String]) throws {
        var recovery = try ladder(
            [.make("Ping", maxAttempts: 2), .make("Connect"), .make("Any", maxAttempts: 2)],
            maxAttempts: cap
        )
        var time = start
        while true {
            recovery = recovery.settled(.transient(retryAfter: nil), at: time)
            guard !recovery.isFinal else { break }
            time = try #require(recovery.status?.nextAttemptTime)
            recovery = try recovery.reserved(.make(), at: time)
        }
        #expect(recovery.status?.executions?.map(\.strategy) == expected)
        #expect(recovery.status?.attempts == expected.count)
        #expect(recovery.state == .failed)
    }

    @Test func theBackoffOfARungCountsAndItsSpreadToo() throws {
        var backoff = BackoffSettings()
        backoff.initialSeconds = 40
        backoff.factorPercent = 300
        backoff.maxSeconds = 100
        backoff.jitterPercent = 0
        var recovery = try ladder([.make("Ping", maxAttempts: 9, backoff: backoff)])
        for wait in [40.0, 100.0, 100.0] {
            let time = try #require(recovery.lastExecution?.startTime)
            recovery = recovery.settled(.transient(retryAfter: nil), at: time)
            #expect(recovery.status?.nextAttemptTime == time.addingTimeInterval(wait))
            recovery = try recovery.reserved(.make(), at: time.addingTimeInterval(wait))
        }
    }

    // MARK: Time

    @Test("An attempt that times out is one attempt; the last one that does fails the Recovery")
    func attemptTimeout() throws {
        let first = try Recovery.make { $0.spec.maxAttempts = 2 }.reserved().settled(.timedOut, at: at(300))
        #expect(first.state == .inProgress)
        #expect(first.lastExecution?.state == .timeout)
        #expect(first.status?.nextAttemptTime == at(310))
        let last = try first.reserved(at: at(310)).settled(.timedOut, at: at(610))
        #expect(last.state == .failed, "Timeout is for the whole recovery's deadline")
        #expect(last.status?.message == "2 attempts were made, the last one timed out: it broke")
    }

    @Test(
        "The whole recovery's deadline ends in Timeout",
        arguments: [
            AttemptOutcome.timedOut, .transient(retryAfter: nil), .permanent,
        ]
    )
    func wholeDeadline(_ outcome: AttemptOutcome) throws {
        let recovery = try Recovery.make { $0.spec.timeoutSeconds = 100 }.reserved().settled(outcome, at: at(100))
        #expect(recovery.state == .timeout)
        #expect(recovery.status?.completionTime == at(100))
        #expect(recovery.status?.condition(ConditionType.succeeded) == "False DeadlineExceeded")
        #expect(recovery.status?.condition(ConditionType.stalled) == "True DeadlineExceeded")
        #expect(recovery.status?.message == "not recovered within 100 s and 1 attempts")
        #expect(recovery.lastExecution?.state == (outcome == .timedOut ? .timeout : .failed))
        #expect(recovery.status?.escalation?.nextSteps?.isEmpty == false)
    }

    @Test("A timer that fires a moment early does not turn Timeout into Failed")
    func earlyTimer() throws {
        let recovery = try Recovery.make { recovery in
            recovery.spec.timeoutSeconds = 100
            recovery.spec.maxAttempts = 1
        }.reserved()
        #expect(recovery.settled(.timedOut, at: at(99.999)).state == .timeout)
        let longer = try Recovery.make { $0.spec.maxAttempts = 1 }.reserved()
        #expect(longer.settled(.timedOut, at: at(299.999)).state == .failed)
    }

    @Test func aDeadlineThatPassesWhileNothingRunsClosesTheAttempt() throws {
        let crashed = try decide(try Recovery.make().reserved(), at: at(900))
        #expect(crashed.kind == "finish Timeout")
        #expect(crashed.status?.executions?.last?.state == .timeout)
        #expect(crashed.status?.executions?.last?.endTime == at(900))
        #expect(crashed.status?.escalation?.level == .manual)
    }

    // MARK: Told to end

    @Test func suspensionReservesTheAttemptAndNamesItsGate() throws {
        let settlement = settle(try Recovery.make().reserved(), .stopped(.suspended), at: at(9))
        let status = settlement.status
        #expect(settlement.recheckAt == nil)
        #expect(status.state == .pending)
        #expect(status.pausedTime == at(9))
        #expect(status.executions?.last?.state == .pending)
        #expect(status.condition(ConditionType.admitted) == "False Suspended")
        #expect(status.completionTime == nil)
    }

    @Test(arguments: [StopReason.cancelled, .specChanged, .deleted])
    func otherReasonsToStopAreFinal(_ reason: StopReason) throws {
        let recovery = try Recovery.make().reserved().settled(.stopped(reason), at: at(9))
        #expect(recovery.state == .cancelled)
        #expect(recovery.lastExecution?.state == .cancelled)
        #expect(recovery.status?.condition(ConditionType.succeeded) == "False \(reason.rawValue)")
        #expect(recovery.status?.escalation == nil)
    }

    @Test func aSuccessorIsNamed() throws {
        let recovery = try Recovery.make().reserved().settled(
            .superseded(by: RecoveryReference(name: "web-auth")),
            at: at(9)
        )
        #expect(recovery.state == .cancelled)
        #expect(recovery.status?.supersededBy == RecoveryReference(name: "web-auth"))
        #expect(recovery.status?.condition(ConditionType.succeeded) == "False Superseded")
        #expect(recovery.status?.message == "Recovery web-auth took over: it broke")
    }

    // MARK: Outcomes that come too late

    static let outcomes: [AttemptOutcome] = [
        .succeeded, .transient(retryAfter: .seconds(9)), .permanent, .timedOut, .stopped(.suspended),
        .stopped(.cancelled), .superseded(by: RecoveryReference(name: "other")),
    ]

    @Test(arguments: outcomes)
    func aFinalStateNeverChanges(_ outcome: AttemptOutcome) throws {
        var recovery = try Recovery.make().reserved()
        recovery.status?.state = .cancelled
        let settlement = settle(recovery, outcome, at: at(5))
        #expect(settlement.status == recovery.status)
        #expect(settlement.recheckAt == nil)
    }

    @Test("An attempt is settled once", arguments: outcomes)
    func secondOutcome(_ outcome: AttemptOutcome) throws {
        let waiting = try Recovery.make().reserved().settled(.transient(retryAfter: nil), at: at(5))
        let again = settle(waiting, outcome, at: at(6))
        #expect(again.status == waiting.status)
        #expect(again.recheckAt == at(15))
        let untouched = Recovery.make()
        #expect(settle(untouched, outcome, at: at(6)).status == RecoveryStatus())
    }

    // MARK: Escalation

    @Test(
        "Who has to act",
        arguments: [
            (.permanent, ["Do this"], nil, .high, .guided), (.permanent, nil, nil, .high, .manual),
            (.permanent, nil, nil, .critical, .emergency), (.permanent, ["Do this"], nil, .critical, .guided),
            (.transient(retryAfter: nil), nil, nil, .medium, .manual),
            (.transient(retryAfter: nil), nil, .guided, .critical, .guided),
            (.transient(retryAfter: nil), nil, .manual, .critical, .emergency),
            (.transient(retryAfter: nil), nil, .emergency, .low, .emergency),
            (.transient(retryAfter: nil), nil, .automatic, .low, .guided),
            (.timedOut, nil, nil, .medium, .manual),
        ] as [(AttemptOutcome, [String]?, EscalationLevel?, Severity, EscalationLevel)]
    )
    func escalation(
        _ outcome: AttemptOutcome,
        _ steps: [String]?,
        _ level: EscalationLevel?,
        _ severity: Severity,
        _ expected: EscalationLevel
    ) throws {
        let policy = RecoveryPolicy.make { policy in
            policy.spec.escalation = level.map { EscalationSettings(level: $0) }
        }
        let recovery = try Recovery.make { recovery in
            recovery.spec.error.severity = .known(severity)
            recovery.spec.maxAttempts = 1
        }.reserved(.make(policies: [policy])).settled(outcome, at: at(5), nextSteps: steps)
        #expect(recovery.state == .failed)
        #expect(recovery.status?.escalation?.level == expected)
        #expect(recovery.status?.escalation?.time == at(5))
        #expect(recovery.status?.escalation?.nextSteps?.isEmpty == false)
        if let steps { #expect(recovery.status?.escalation?.nextSteps == steps) }
    }

    @Test(
        "Every error type has something that a person can do",
        arguments: ErrorType.allCases.map(\.rawValue) + ["Own"]
    )
    func nextSteps(_ type: String) throws {
        let recovery = try Recovery.make(type: type) { recovery in
            recovery.spec.error.retryable = true
            recovery.spec.maxAttempts = 1
            recovery.spec.targetRef = nil
        }.reserved().settled(.transient(retryAfter: nil), at: at(1))
        #expect((recovery.status?.escalation?.nextSteps?.count ?? 0) >= 2)
    }

    @Test func theNewestAdviceCounts() throws {
        let first = try Recovery.make { $0.spec.maxAttempts = 2 }.reserved()
            .settled(.transient(retryAfter: nil), at: at(1), nextSteps: ["Old"])
        let last = try first.reserved(at: at(60)).settled(.transient(retryAfter: nil), at: at(61))
        #expect(last.status?.escalation?.nextSteps == ["Old"])
        let newer = try first.reserved(at: at(60)).settled(.permanent, at: at(61), nextSteps: ["New"])
        #expect(newer.status?.escalation?.nextSteps == ["New"])
    }

    @Test func messagesAreCut() throws {
        var result = ExecutionResult()
        result.message = String(repeating: "x", count: 5_000)
        for outcome in Self.outcomes {
            let status = AttemptSettlement.settle(
                try Recovery.make().reserved(),
                outcome: outcome,
                result: result,
                retryBackoff: BackoffRule(),
                now: start
            ).status
            #expect((status.message?.count ?? 0) <= RecoveryStatus.maxMessageLength)
            #expect(status.conditions?.allSatisfy { $0.message.count <= RecoveryStatus.maxMessageLength } == true)
        }
    }
}
