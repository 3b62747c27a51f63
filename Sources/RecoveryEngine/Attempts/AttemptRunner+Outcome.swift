internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Telemetry
internal import Timekeeping

extension AttemptRunner {
    /// How an attempt ended, with what there is to tell.
    struct Ending: Sendable {
        var outcome: AttemptOutcome
        var message: String
        var nextSteps: [String] = []
        var metrics: [String: String] = [:]
        var error: String?
        var successor: SuccessorRequest?
        /// Whether the health of the target proves nothing more.
        var isProven = false
        /// Nothing is written: the reservation stays for whoever leads next.
        var staysOpen = false
        /// Whether the strategy did not reach what it wanted, and was not merely interrupted.
        var isFailure: Bool { error != nil && !staysOpen && successor == nil }

        init(_ outcome: AttemptOutcome, message: String) {
            self.outcome = outcome
            self.message = message
        }

        /// For the fence.
        var reason: String { message }
    }

    /// Runs the strategy: after a crash it first looks whether the failure is gone already.
    ///
    /// What an attempt that failed has changed is taken back before its end is written.
    func execute(_ prepared: Prepared) async -> Ending {
        defer { prepared.journal.allowEnd() }
        let compensation = Compensation(prepared.attempt, prepared.strategy)
        if let ending = endStopped(prepared) { return await compensated(ending, compensation) }
        if let ending = await endOverdue(prepared) {
            return ending.isFailure ? await compensated(ending, compensation) : ending
        }
        if compensation.hasBegun {
            let ending = Ending(.transient(retryAfter: nil), message: "the attempt had failed before an interruption")
            return await compensated(ending, compensation)
        }
        let ending = await verified(await carryOut(prepared), prepared)
        switch ending.outcome {
        case .transient where ending.isFailure, .permanent: return await compensated(ending, compensation)
        case .stopped(let reason) where reason != .suspended && compensation.hasWork:
            return await compensated(ending, compensation)
        default: return ending
        }
    }

    /// How an attempt ends that was interrupted with changes and is to end: by taking them back; nil when it may go on.
    private func endStopped(_ prepared: Prepared) -> Ending? {
        guard prepared.attempt.isResumed, prepared.attempt.execution.isUnsettled else { return nil }
        do {
            let asked = try StopReason.asked(by: prepared.attempt.recovery)
            guard let asked, asked != .suspended else { return nil }
            return Ending(.stopped(asked), message: asked.explanation)
        } catch {
            return Self.judge(error)
        }
    }

    /// How an attempt ends that was interrupted and has no time left to go on; nil when it has time, or changed nothing.
    ///
    /// What it changed stays where one look shows the target well, and is a failure to be taken back otherwise: that nobody
    /// can tell is no proof either. What is half done, or taken back in part, does not stay in any case.
    private func endOverdue(_ prepared: Prepared) async -> Ending? {
        let (attempt, execution) = (prepared.attempt, prepared.attempt.execution)
        guard attempt.isResumed, execution.isUnsettled,
            attempt.recovery.status?.isTooLate(at: environment.timeSource.wallTime()) == true
        else { return nil }
        var ending = Ending(.transient(retryAfter: nil), message: "its time was over when it was resumed")
        ending.error = ending.message
        guard !execution.isHalfDone, !Compensation(attempt, prepared.strategy).hasBegun else { return ending }
        do {
            guard case .healthy = try await attempt.targetHealth(), !environment.isSeenFailing(attempt.recovery) else {
                return ending
            }
        } catch {
            let judged = Self.judge(error)
            return judged.isFailure ? ending : judged
        }
        ending.message += "; its target is healthy, so what it changed stays"
        ending.error = nil
        return ending
    }

    private func compensated(_ ending: Ending, _ compensation: Compensation) async -> Ending {
        var ending = ending
        do {
            try compensation.attempt.beginTakingBack()
            let undone = try await compensation.run()
            if !undone.isEmpty { ending.message += "; taken back: \(undone)" }
        } catch let failure where Self.judge(failure).isFailure {
            ending.message += "; not taken back: \(Attempt.describe(failure))"
            ending.nextSteps += Self.judge(failure).nextSteps.filter { !ending.nextSteps.contains($0) }
        } catch {
            // Stopped or interrupted in the middle: whoever goes on with the attempt finds what was begun.
            return Self.judge(error)
        }
        ending.error = ending.message
        return ending
    }

    private func carryOut(_ prepared: Prepared) async -> Ending {
        if let before = resumedVerification(prepared) { return before }
        do {
            if prepared.attempt.isResumed, try await prepared.strategy.verify(prepared.attempt) {
                return Ending(.succeeded, message: "found recovered when the attempt was resumed")
            }
            let result = try await prepared.strategy.execute(prepared.attempt)
            var ending = Ending(.succeeded, message: result.message)
            ending.nextSteps = result.nextSteps
            ending.metrics = result.metrics
            ending.isProven = result.isWholeProof
            return ending
        } catch {
            var ending = Self.judge(error)
            if let refusal = (error as? ClientError)?.apiError, ending.nextSteps.isEmpty {
                ending.nextSteps = MissingRights.nextSteps(
                    for: refusal,
                    recovery: prepared.attempt.recovery,
                    controllerNamespace: environment.controllerNamespace
                )
            }
            return ending
        }
    }

    /// What an error thrown by a strategy means; unknown means permanent.
    static func judge(_ error: any Error) -> Ending {
        switch error {
        case let failure as StrategyFailure: return judge(failure)
        case let stopped as AttemptStopped:
            return Ending(.stopped(stopped.reason), message: stopped.reason.explanation)
        case is CancellationError:
            return Ending(.transient(retryAfter: nil), message: "the strategy was cancelled")
        case let overtaken as StatusWriteFailure:
            return Ending(.transient(retryAfter: nil), message: "status was written by somebody else: \(overtaken)")
        case let error as ClientError: return judge(error)
        default:
            var ending = Ending(.permanent, message: Attempt.describe(error))
            ending.error = Attempt.describe(error)
            return ending
        }
    }

    private static func judge(_ failure: StrategyFailure) -> Ending {
        var ending: Ending
        switch failure {
        case .transient(let message, let nextSteps, let retryAfter, let metrics):
            ending = Ending(.transient(retryAfter: retryAfter), message: message)
            ending.nextSteps = nextSteps
            ending.metrics = metrics
        case .permanent(let message, let nextSteps, let metrics):
            ending = Ending(.permanent, message: message)
            ending.nextSteps = nextSteps
            ending.metrics = metrics
        case .superseded(let successor, let message):
            ending = Ending(.transient(retryAfter: nil), message: message)
            ending.successor = successor
        }
        ending.error = ending.message
        return ending
    }

    private static func judge(_ error: ClientError) -> Ending {
        let message = Attempt.describe(error)
        var ending: Ending
        if case .refused(let refusal as AttemptFence.Refusal, _) = error, refusal.isAboutLeadership {
            ending = Ending(.transient(retryAfter: nil), message: message)
            ending.staysOpen = true
            return ending
        }
        switch error.disposition {
        case .retry, .conflict, .gone: ending = Ending(.transient(retryAfter: nil), message: message)
        case .retryAfter(let delay): ending = Ending(.transient(retryAfter: delay), message: message)
        case .terminal: ending = Ending(.permanent, message: message)
        }
        ending.error = message
        return ending
    }

    /// How long a server that does not take the outcome is asked again: about as long as an upgrade of a control plane.
    private static let settlingTime = Duration.seconds(300)

    /// Writes the outcome, until it is written or somebody else has the Recovery; then tells about it.
    ///
    /// What cannot be written for too long is not worth a place: the reservation stays, and is resumed like one that a
    /// crash has left behind.
    func settle(_ prepared: Prepared, _ ending: Ending, duration: Duration) async {
        guard !ending.staysOpen else { return }
        var ending = ending
        var delay = Duration.milliseconds(500)
        let end = environment.timeSource.now().advanced(by: Self.settlingTime)
        while true {
            do {
                if let successor = ending.successor { try await handOver(to: successor, from: prepared, &ending) }
                try await write(prepared, ending, duration: duration)
                return
            } catch StatusWriteFailure.overtaken(let live) where prepared.journal.adopt(live) {
                prepared.attempt.logger.debug(
                    "a write of the attempt was under way when it ended; settled on top of it"
                )
            } catch let failure as StatusWriteFailure {
                prepared.attempt.logger.warning("the outcome belongs to somebody else now", ["reason": "\(failure)"])
                return
            } catch is CancellationError {
                return
            } catch {
                let hasTime = environment.timeSource.now() < end
                prepared.attempt.logger.warning(
                    hasTime ? "cannot write the outcome yet" : "cannot write the outcome; the attempt is to be resumed",
                    ["error": Attempt.describe(error), "outcome": ending.message]
                )
            }
            guard environment.timeSource.now() < end else { return }
            do {
                try await environment.timeSource.sleep(for: delay)
            } catch {
                return
            }
            delay = min(delay * 2, .seconds(15))
        }
    }

    /// What an ending has to tell, with the actions so far.
    func result(_ prepared: Prepared, _ ending: Ending) -> ExecutionResult {
        var result = prepared.journal.recovery.status?.executions?.last?.result ?? ExecutionResult()
        result.message = String(ending.message.prefix(RecoveryStatus.maxMessageLength))
        result.actions = prepared.journal.actions.isEmpty ? nil : prepared.journal.actions
        result.nextSteps = ending.nextSteps.isEmpty ? nil : ending.nextSteps
        result.metrics = ending.metrics.isEmpty ? nil : ending.metrics
        result.error = ending.error
        return result
    }

    private func write(_ prepared: Prepared, _ ending: Ending, duration: Duration) async throws {
        let before = prepared.journal.recovery
        let result = result(prepared, ending)
        let settlement = AttemptSettlement.settle(
            before,
            outcome: ending.outcome,
            result: result,
            retryBackoff: environment.retryBackoff,
            now: environment.timeSource.wallTime()
        )
        try await prepared.journal.write(settlement.status)
        environment.report.attemptEnded(
            prepared.journal.recovery,
            strategy: prepared.attempt.execution.strategy,
            outcome: ending.outcome,
            duration: duration
        )
    }
}
