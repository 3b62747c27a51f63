import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// What one look leads to in every state of a Recovery.
struct DecisionTransitionTests {
    @Test func acceptanceAndTheFirstReservationAreOneStatus() throws {
        let recovery = Recovery.make { $0.metadata.generation = 4 }
        let decision = try decide(recovery, .make(policies: [.make()]), at: at(0.9))
        guard case .reserve(let execution, let status) = decision.action else {
            Issue.record("\(decision.kind)")
            return
        }
        #expect(status.observedGeneration == 4)
        #expect(status.specHash == (try recovery.spec.immutableHash()))
        #expect(
            status.target == ResolvedTarget(apiVersion: "apps/v1", kind: "Deployment", namespace: "team", name: "web")
        )
        #expect(status.effective?.policy?.name == "default")
        #expect(status.effective?.policy?.uid == "policy-default")
        #expect(status.effective?.policy?.hash?.count == 64)
        #expect(status.state == .inProgress)
        #expect(status.attempts == 1)
        #expect(status.rung == 0)
        #expect(status.rungAttempts == 1)
        #expect(status.strategy == "Connect")
        #expect(status.priority == 80)
        #expect(status.startTime == start, "times are whole seconds")
        #expect(status.deadline == at(900))
        #expect(status.executions == [execution])
        #expect(execution.id == "ClusterUnreachable-1800000000-1")
        #expect(execution.attempt == 1)
        #expect(execution.strategy == "Connect")
        #expect(execution.state == .inProgress)
        #expect(execution.holder == "controller-a")
        #expect(execution.fencingToken == 7)
        #expect(execution.startTime == start)
        #expect(execution.deadline == at(300))
        #expect(decision.recheckAt == at(300))
        #expect(status.condition(ConditionType.accepted) == "True Accepted")
        #expect(status.condition(ConditionType.admitted) == "True Admitted")
        #expect(status.condition(ConditionType.progressing) == "True AttemptRunning")
        #expect(status.conditions?.allSatisfy { $0.observedGeneration == 4 } == true)
    }

    @Test("No deadline of an attempt reaches beyond the whole recovery's", arguments: [(60, 60), (3_000, 300)])
    func attemptDeadline(_ whole: Int, _ expected: Int) throws {
        let recovery = try Recovery.make { $0.spec.timeoutSeconds = whole }.reserved()
        #expect(recovery.lastExecution?.deadline == at(Double(expected)))
        #expect(recovery.status?.deadline == at(Double(whole)))
    }

    @Test func anAttemptThatRunsHereIsLeftAlone() throws {
        let recovery = try Recovery.make().reserved()
        let decision = try decide(recovery, .make { $0.isRunningHere = true }, at: at(10))
        #expect(decision == RecoveryDecision(.ignore))
    }

    @Test(
        "An attempt that was interrupted half done goes on, whatever was asked meanwhile; one that is done does not",
        arguments: [false, true],
        [false, true]
    )
    func halfDone(isDone: Bool, isCancelled: Bool) throws {
        var recovery = try Recovery.make { $0.spec.timeoutSeconds = 400 }.reserved()
        var begun = ActionRecord("DeleteTarget", .started)
        begun.facts = ["completedBy": "CreateTarget"]
        recovery.status?.executions?[0].result = ExecutionResult()
        recovery.status?.executions?[0].result?.actions =
            [begun] + (isDone ? [ActionRecord("CreateTarget", .succeeded)] : [])
        recovery.spec.cancel = isCancelled
        let decision = try decide(recovery, .make(), at: at(isCancelled ? 50 : 500))
        #expect(isDone ? decision.kind.hasPrefix("finish") : decision.kind == "resume", "\(decision.kind)")
        // Held, it is not looked at without a pause because its deadline has passed.
        let held = try decide(recovery, .make { $0.hasFreeSlot = false }, at: at(500))
        #expect(isCancelled || held.recheckAt ?? at(530) >= at(530))
        // After an attempt that left it so, too, a target that is gone is not well.
        recovery.status?.executions?[0].state = .failed
        recovery.spec.cancel = false
        let healed = try decide(recovery, .make { $0.detection = .healed }, at: at(60))
        #expect((healed.kind == "finish Completed") == isDone, "\(healed.kind)")
    }

    @Test(
        "Past the deadline, an attempt is looked at once more if it has left changes that it did not take back"
    )
    func overdueChanges() throws {
        var recovery = try Recovery.make { $0.spec.timeoutSeconds = 400 }.reserved()
        var change = ActionRecord("Scale", .started)
        change.inverse = ["from": 1]
        recovery.status?.executions?[0].result = ExecutionResult()
        recovery.status?.executions?[0].result?.actions = [change]
        #expect(try decide(recovery, at: at(500)).kind == "resume")
        let held = try decide(recovery, .make { $0.hasFreeSlot = false }, at: at(500))
        #expect(held.kind == "hold ConcurrencyLimit" && held.recheckAt == at(530))
        recovery.status?.executions?[0].result?.actions?.append(ActionRecord("UndoScale", .started))
        #expect(try decide(recovery, at: at(500)).kind == "resume", "taken back in part")
        recovery.status?.executions?[0].result?.actions?[1].result = .succeeded
        #expect(try decide(recovery, at: at(500)).kind == "finish Timeout")
    }

    @Test("An attempt is begun as long as the time that is left is worth one")
    func enoughTime() throws {
        let waiting = try Recovery.make().reserved().settled(.transient(retryAfter: nil), at: at(10))
        #expect(try decide(waiting, at: at(898)).kind == "reserve")
    }

    @Test("With less, the Recovery ends in Timeout, says so, and counts no attempt")
    func tooLittleTime() throws {
        let waiting = try Recovery.make().reserved().settled(.transient(retryAfter: nil), at: at(10))
        let late = try decide(waiting, at: at(899.7))
        #expect(late.kind == "finish Timeout")
        #expect(
            late.status?.message
                == "not recovered within 900 s and 1 attempts; with 1 s left there is no time for another attempt"
        )
        #expect(late.status?.attempts == 1 && late.status?.executions?.count == 1)
        // Who asks for a second has it.
        let hasty = Recovery.make { $0.spec.timeoutSeconds = 1 }
        #expect(try decide(hasty).kind == "reserve")
    }

    @Test("After a crash the same attempt goes on under a new holder with a fresh deadline")
    func resume() throws {
        var recovery = try Recovery.make { $0.spec.timeoutSeconds = 400 }.reserved()
        recovery.status?.executions?[0].result = ExecutionResult()
        recovery.status?.executions?[0].result?.actions = [ActionRecord("Step", .started)]
        let next = RecoveryFacts.make { $0.identity = ControllerIdentity(holder: "controller-b", fencingToken: 8) }
        let decision = try decide(recovery, next, at: at(50))
        guard case .resume(let execution, let status) = decision.action else {
            Issue.record("\(decision.kind)")
            return
        }
        #expect(execution.id == recovery.lastExecution?.id)
        #expect(execution.attempt == 1)
        #expect(execution.startTime == start)
        #expect(execution.holder == "controller-b")
        #expect(execution.fencingToken == 8)
        #expect(execution.deadline == at(350))
        #expect(execution.result?.actions == [ActionRecord("Step", .started)], "what was done is remembered")
        #expect(status.executions == [execution])
        #expect(status.attempts == 1)
        #expect(status.rungAttempts == 1)
        #expect(status.deadline == at(400), "the whole recovery's clock does not start again")
        let late = try decide(recovery, next, at: at(390))
        #expect(late.status?.executions?.last?.deadline == at(400))
        #expect(try decide(recovery, next, at: at(400)).kind == "finish Timeout")
    }

    // MARK: Suspension

    @Test func suspendingARunningRecoveryAsksItsAttemptToEnd() throws {
        let recovery = try Recovery.make().reserved().with { $0.spec.suspend = true }
        #expect(try decide(recovery, .make { $0.isRunningHere = true }).kind == "stop Suspended")
    }

    @Test("The clock stands still while suspended; then the same attempt goes on with what was left")
    func suspendAndResume() throws {
        let running = try Recovery.make().reserved()
        let stopped = running.settled(.stopped(.suspended), at: at(100)).with { $0.spec.suspend = true }
        #expect(stopped.state == .pending)
        #expect(stopped.status?.pausedTime == at(100))
        #expect(stopped.lastExecution?.state == .pending)
        #expect(stopped.lastExecution?.endTime == nil)

        let held = try decide(stopped, at: at(5_000))
        #expect(held.verdict?.gate == .suspended)
        #expect(held.recheckAt == nil, "only a change opens this gate")
        #expect(held.status == stopped.status, "looking again writes nothing")

        let resumed = try decide(stopped.with { $0.spec.suspend = false }, at: at(10_100))
        #expect(resumed.kind == "resume")
        #expect(resumed.status?.deadline == at(10_900))
        #expect(resumed.status?.pausedTime == nil)
        #expect(resumed.status?.attempts == 1)
        #expect(resumed.status?.executions?.count == 1)
        #expect(resumed.status?.executions?.first?.id == running.lastExecution?.id)
        #expect(resumed.status?.executions?.first?.deadline == at(10_400), "a fresh attempt deadline")
    }

    @Test func anAttemptThatGoesOnAfterSuspensionIsBoundedByWhatIsLeft() throws {
        let stopped = try Recovery.make().reserved().settled(.stopped(.suspended), at: at(850))
        let resumed = try decide(stopped, at: at(2_000))
        #expect(resumed.status?.deadline == at(2_050))
        #expect(resumed.status?.executions?.last?.deadline == at(2_050))
    }

    @Test func suspendingBeforeTheFirstReservationStopsNoClock() throws {
        let recovery = Recovery.make { $0.spec.suspend = true }
        let held = try decide(recovery)
        #expect(held.verdict?.gate == .suspended)
        #expect(held.status?.effective != nil, "accepted already")
        #expect(held.status?.pausedTime == nil)
        let begun = try decide(recovery.with(held.status).with { $0.spec.suspend = false }, at: at(99_999))
        #expect(begun.kind == "reserve")
        #expect(begun.status?.deadline == at(99_999 + 900))
    }

    @Test func suspendingAfterACrashKeepsTheAttempt() throws {
        let crashed = try Recovery.make().reserved().with { $0.spec.suspend = true }
        let held = try decide(crashed, at: at(30))
        #expect(held.verdict?.gate == .suspended)
        #expect(held.status?.pausedTime == at(30))
        #expect(held.status?.executions?.last?.state == .pending)
        #expect(try decide(crashed.with(held.status).with { $0.spec.suspend = nil }, at: at(60)).kind == "resume")
    }

    @Test("A suspension that ends during the wait for a retry leaves the wait, and says so")
    func suspensionDuringBackoff() throws {
        let waiting = try Recovery.make().reserved().settled(.transient(retryAfter: .seconds(100)), at: at(10))
        #expect(waiting.status?.nextAttemptTime == at(110))
        let suspended = waiting.with { $0.spec.suspend = true }
        let paused = suspended.with(try decide(suspended, at: at(20)).status)
        #expect(paused.state == .pending)
        let open = try decide(paused.with { $0.spec.suspend = false }, at: at(50))
        #expect(open.verdict?.gate == .backingOff)
        #expect(open.recheckAt == at(110))
        #expect(open.status?.deadline == at(930))
        #expect(open.status?.pausedTime == nil)
        #expect(open.status?.state == .inProgress)
        #expect(open.status?.condition(ConditionType.admitted) == "True Admitted")
        #expect(open.status?.condition(ConditionType.progressing) == "True WaitingForRetry")
        #expect(open.status?.message?.contains("suspend") == false)
        let again = try decide(paused.with(open.status).with { $0.spec.suspend = false }, at: at(60))
        #expect(again.status == open.status, "written once")
    }

    @Test func aClockThatWasSetBackNeverShortensTheDeadline() throws {
        let stopped = try Recovery.make().reserved().settled(.stopped(.suspended), at: at(100))
        #expect(try decide(stopped, at: at(-5_000)).status?.deadline == at(900))
    }

    // MARK: Ends

    /// Every way to end a Recovery before its strategy does.
    struct EndCase: Sendable, CustomTestStringConvertible {
        var reason: StopReason
        var change: @Sendable (inout Recovery) -> Void

        var testDescription: String { reason.rawValue }
    }

    static let ends = [
        EndCase(reason: .deleted) { $0.metadata.deletionTimestamp = start },
        EndCase(reason: .cancelled) { $0.spec.cancel = true },
        EndCase(reason: .specChanged) { recovery in
            recovery.spec.targetRef?.name = "other"
            // As every server does for a change of the spec.
            recovery.metadata.generation = (recovery.metadata.generation ?? 0) + 1
        },
    ]

    @Test(arguments: ends)
    func anEndReachesTheAttemptThatRuns(_ end: EndCase) throws {
        let recovery = try Recovery.make().reserved().with(end.change).with { $0.spec.suspend = true }
        #expect(try decide(recovery, .make { $0.isRunningHere = true }).action == .stop(end.reason))
    }

    @Test(arguments: ends.dropFirst(), [true, false])
    func anEndClosesAnAttemptThatNobodyRuns(_ end: EndCase, _ isHeld: Bool) throws {
        var recovery = try Recovery.make().reserved()
        if isHeld { recovery = recovery.settled(.stopped(.suspended), at: at(1)) }
        let decision = try decide(recovery.with(end.change), .make { $0.isWarmedUp = false }, at: at(5))
        #expect(decision.kind == "finish Cancelled")
        let status = try #require(decision.status)
        #expect(status.completionTime == at(5))
        #expect(status.pausedTime == nil)
        #expect(status.executions?.map(\.state) == [.cancelled])
        #expect(status.executions?.last?.endTime == at(5))
        #expect(status.executions?.last?.result?.success == false)
        #expect(status.condition(ConditionType.succeeded) == "False \(end.reason.rawValue)")
        #expect(status.condition(ConditionType.progressing) == "False \(end.reason.rawValue)")
        #expect(status.condition(ConditionType.stalled) == "False \(end.reason.rawValue)", "nobody has to act")
        #expect(status.escalation == nil)
    }

    @Test func cancellingComesBeforeEverythingElse() throws {
        let never = try decide(.make { $0.spec.cancel = true })
        #expect(never.kind == "finish Cancelled")
        #expect(never.status?.attempts == nil)
        #expect(try decide(.make(type: "not a type") { $0.spec.cancel = true }).kind == "finish Cancelled")
    }

    @Test func aDeletedRecoveryIsLeftToItsFinalizersOnceItsAttemptIsOver() throws {
        let recovery = try Recovery.make().reserved().with { $0.metadata.deletionTimestamp = start }
        #expect(try decide(recovery).kind == "finish Cancelled", "nobody runs it any more")
        #expect(try decide(.make { $0.metadata.deletionTimestamp = start }).kind == "ignore")
        let failed = try Recovery.make().reserved().settled(.transient(retryAfter: nil), at: at(10))
        #expect(try decide(failed.with { $0.metadata.deletionTimestamp = start }).kind == "ignore")
    }

    @Test("Fields that may change do not count as a change of spec")
    func mutableFields() throws {
        let recovery = try Recovery.make().reserved().with { recovery in
            recovery.spec.ttlSecondsAfterFinished = 5
            recovery.spec.parameters = ["a": 1]
            recovery.spec.targetRef?.namespace = ""
            recovery.metadata.generation = 2
        }
        let decision = try decide(recovery, at: at(1))
        #expect(decision.kind == "resume")
        #expect(decision.status?.observedGeneration == 2)
    }

    @Test func aPolicyThatChangesOrGoesDoesNotTouchAnAcceptedRecovery() throws {
        let policy = RecoveryPolicy.make(rungs: [.make("Ping"), .make("Connect")])
        let waiting = try Recovery.make().reserved(.make(policies: [policy]))
            .settled(.transient(retryAfter: nil), at: at(1))
        let next = try decide(waiting, .make(policies: []), at: at(100))
        #expect(next.kind == "reserve")
        #expect(next.status?.strategy == "Connect")
        #expect(next.status?.effective == waiting.status?.effective)
    }

    // MARK: Final states

    private func final(_ state: RecoveryState, ttl: Int? = nil) -> Recovery {
        var status = RecoveryStatus()
        status.state = state
        status.completionTime = start
        return Recovery.make { $0.spec.ttlSecondsAfterFinished = ttl }.with(status)
    }

    @Test(arguments: [RecoveryState.completed, .failed, .timeout, .cancelled])
    func aFinalRecoveryIsDeletedAtItsTimeAndNotBefore(_ state: RecoveryState) throws {
        let recovery = final(state, ttl: 60)
        let early = try decide(recovery, at: at(59.99))
        #expect(early == RecoveryDecision(.ignore, recheckAt: at(60)))
        #expect(try decide(recovery, at: at(60)) == RecoveryDecision(.delete))
        let byDefault = try decide(final(state), at: at(1))
        #expect(byDefault.recheckAt == at(86_400))
        #expect(try decide(final(state, ttl: 0)).kind == "delete")
    }

    @Test(arguments: ends)
    func nothingChangesAFinalState(_ end: EndCase) throws {
        let recovery = final(.completed).with(end.change).with { recovery in
            recovery.spec.suspend = true
            recovery.status?.specHash = "another"
        }
        let facts = RecoveryFacts.make { $0.isWarmedUp = false }
        #expect(try decide(recovery, facts).kind == "ignore")
    }

    @Test func aFinalRecoveryThatIsBeingDeletedIsNotDeletedAgain() throws {
        let recovery = final(.failed, ttl: 0).with { $0.metadata.deletionTimestamp = start }
        #expect(try decide(recovery, at: at(9)) == RecoveryDecision(.ignore))
        let timeless = final(.failed).with { $0.status?.completionTime = nil }
        #expect(try decide(timeless, at: at(1e9)) == RecoveryDecision(.ignore))
    }

    // MARK: Statuses that no decision writes

    @Test(arguments: [nil, 1, -1, Int.max, Int.min] as [Int?])
    func aRungThatDoesNotExistEndsInAPersonsHands(_ rung: Int?) throws {
        var recovery = try Recovery.make().reserved()
        if rung == nil { recovery.status?.effective?.ladder = [] }
        recovery.status?.rung = rung
        let unfinished = try decide(recovery, at: at(1))
        #expect(unfinished.kind == "finish Failed")
        #expect(unfinished.status?.executions?.allSatisfy(\.state.isFinal) == true, "it would hold its lock for ever")
        recovery.status?.executions?[0].state = .failed
        let next = try decide(recovery, at: at(1))
        #expect(next.kind == "finish Failed")
        #expect(next.status?.escalation?.level == .manual)
        #expect(next.status?.escalation?.nextSteps?.isEmpty == false)
        let settlement = settle(try Recovery.make().reserved().with { $0.status?.rung = rung }, .permanent, at: at(1))
        #expect(settlement.status.state != nil)
    }

    @Test("Counters at the ends of their range neither trap nor allow one attempt more", arguments: [3, Int.max])
    func hugeCounters(_ limit: Int) throws {
        var recovery = try Recovery.make().reserved()
        recovery.status?.executions?[0].state = .failed
        recovery.status?.effective?.maxAttempts = limit
        recovery.status?.attempts = Int.max
        recovery.status?.rungAttempts = Int.max
        #expect(try decide(recovery, at: at(1)).kind == "finish Failed")
        recovery.status?.attempts = 2
        #expect(try decide(recovery, at: at(1)).status?.attempts == 3)
    }

    @Test func withoutAKnownLimitNoAttemptIsMade() throws {
        var recovery = try Recovery.make().reserved()
        recovery.status?.executions?[0].state = .failed
        recovery.status?.effective?.maxAttempts = nil
        #expect(try decide(recovery, at: at(1)).kind == "finish Failed")
    }

    @Test("An exhausted status escalates like an attempt that exhausts it")
    func exhaustion() throws {
        var recovery = try Recovery.make { $0.spec.error.severity = .known(.critical) }.reserved()
        recovery.status?.executions?[0].state = .failed
        recovery.status?.attempts = 3
        let decision = try decide(recovery, at: at(1))
        #expect(decision.kind == "finish Failed")
        #expect(decision.status?.condition(ConditionType.succeeded) == "False AttemptsExhausted")
        #expect(decision.status?.escalation?.level == .emergency)
        #expect(decision.status?.escalation?.nextSteps?.isEmpty == false)
    }

    @Test(arguments: [-1e15, -1e9, 1e12, 1e300, .infinity, -.infinity, .nan])
    func timesFarAwayDoNotTrap(_ seconds: Double) throws {
        let time = Date(timeIntervalSinceReferenceDate: seconds)
        _ = try decide(.make { $0.spec.timeoutSeconds = 604_800 }, at: time)
        let recovery = try Recovery.make { $0.spec.ttlSecondsAfterFinished = 2_147_483_647 }.reserved()
        _ = try decide(recovery, at: time)
        for outcome in [AttemptOutcome.succeeded, .transient(retryAfter: .seconds(Int64.max)), .stopped(.suspended)] {
            let ended = recovery.settled(outcome, at: time)
            _ = try decide(ended, at: start)
            _ = try decide(ended, at: time)
        }
        _ = try decide(final(.failed, ttl: .max), at: time)
    }

    @Test func aReportWhoseTimeHasNoTextIsAnErrorNotATrap() {
        let recovery = Recovery.make { $0.spec.error.time = Date(timeIntervalSinceReferenceDate: 1e300) }
        #expect(throws: (any Error).self) { try decide(recovery) }
    }

    @Test func aRecoveryWithoutUIDWorks() throws {
        let waiting = try Recovery.make(uid: nil).reserved().settled(.transient(retryAfter: nil), at: at(1))
        #expect(waiting.status?.nextAttemptTime == at(11))
    }

    @Test func onlyTheNewestExecutionsAreKept() throws {
        var recovery = try Recovery.make { $0.spec.maxAttempts = 100 }.reserved()
        var time = start
        for _ in 1..<30 {
            recovery = recovery.settled(.transient(retryAfter: nil), at: time)
            time = try #require(recovery.status?.nextAttemptTime)
            recovery.status?.deadline = time.addingTimeInterval(900)
            recovery = try recovery.reserved(at: time)
        }
        #expect(recovery.status?.attempts == 30)
        #expect(recovery.status?.executions?.map(\.attempt) == Array(11...30))
    }
}
