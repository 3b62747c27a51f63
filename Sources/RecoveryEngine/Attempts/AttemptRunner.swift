internal import FoundationEssentials
internal import JSON
package import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
package import Telemetry
package import Timekeeping

/// Runs one reserved attempt from its first request to its settlement in status.
///
/// The strategy runs as a child task; whichever comes first ends the attempt: its outcome, its deadline, or a request
/// to end. Then the fence closes, the strategy and its open requests are cancelled, and the outcome is written. A
/// strategy that ignores its cancellation is abandoned: its outcome is written, but `run` returns, and with it the
/// lock and the place become free, only after its task has returned.
package struct AttemptRunner: Sendable {
    /// What the runner needs from the engine.
    package struct Environment: Sendable {
        package var client: KubernetesClient
        package var members: Attempt.MemberClients
        package var writer: StatusWriter
        package var lock: TargetLock
        package var timeSource: any TimeSource
        package var logger: Logger
        package var mayLead: @Sendable () -> Bool
        package var retryBackoff: BackoffRule
        /// Where the controller itself lives.
        package var controllerNamespace: String
        /// The same as the placement controller has.
        package var turns: CopyTurns
        package var report: RecoveryReporter
        /// Opens the Recoveries of clusters and objects that others are handed over to.
        package var incidents: IncidentReporter
        /// Whether detection sees the target of a Recovery that it has opened failing now.
        package var isSeenFailing: @Sendable (Recovery) -> Bool
    }

    /// An attempt with everything it needs, ready to run.
    package struct Prepared: Sendable {
        package let attempt: Attempt
        package let strategy: any RecoveryStrategy
        package let journal: AttemptJournal
        package let fence: AttemptFence
        package let lock: LockKey?
    }

    let environment: Environment

    /// Makes a runner.
    package init(_ environment: Environment) {
        self.environment = environment
    }

    /// Prepares the last execution of a Recovery whose reservation was just written.
    package func prepare(_ recovery: Recovery, strategy: any RecoveryStrategy, isResumed: Bool) -> Prepared? {
        guard let status = recovery.status, let execution = status.executions?.last else { return nil }
        let fence = AttemptFence(mayLead: environment.mayLead)
        var left = execution.deadline.map { $0.timeIntervalSince(environment.timeSource.wallTime()) } ?? 0
        let asked = (try? StopReason.asked(by: recovery)) ?? nil
        let isOver = status.isTooLate(at: environment.timeSource.wallTime()) || asked != nil && asked != .suspended
        if execution.isHalfDone || isOver && execution.isUnsettled { left = max(left, Attempt.secondsToComplete) }
        let attempt = attempt(
            recovery,
            execution,
            isResumed: isResumed,
            fence,
            timeout: .milliseconds(Int64(max(0, min(left, 1e9)) * 1_000))
        )
        return Prepared(
            attempt: attempt,
            strategy: strategy,
            journal: attempt.journal,
            fence: fence,
            lock: status.target.flatMap(LockKey.init)
        )
    }

    /// An attempt at a Recovery whose last execution is `execution`.
    func attempt(
        _ recovery: Recovery,
        _ execution: RecoveryExecution,
        isResumed: Bool,
        _ fence: AttemptFence,
        timeout: Duration
    ) -> Attempt {
        Attempt(
            recovery: recovery,
            execution: execution,
            isResumed: isResumed,
            parameters: recovery.status?.currentRung?.parameters ?? [:],
            client: hubClient(recovery, fence: fence),
            placementFence: LivePlacementFence(
                hub: environment.client.guarded { try fence.check($0) },
                fence: PlacementFence(controllerNamespace: environment.controllerNamespace),
                turns: environment.turns
            ),
            timeSource: environment.timeSource,
            logger: environment.logger.with([
                "recovery": recovery.metadata.key.description,
                "strategy": execution.strategy,
                "attempt": String(execution.attempt),
            ]),
            clock: AttemptClock(deadline: environment.timeSource.now().advanced(by: timeout)),
            members: environment.members,
            fence: fence,
            journal: AttemptJournal(
                recovery: recovery,
                writer: environment.writer,
                timeSource: environment.timeSource
            )
        )
    }

    /// Runs the attempt and writes what came of it.
    ///
    /// Cancelling the task (shutdown, lost lease) ends the strategy and leaves the reservation as it is: the next
    /// leader goes on from there.
    package func run(_ prepared: Prepared) async {
        let ending = Promise<Ending>()
        let started = environment.timeSource.now()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { ending.fulfil(.success(await execute(prepared))) }
            group.addTask { await watchDeadline(prepared, ending) }
            group.addTask { await watchStop(prepared, ending) }
            if prepared.lock != nil { group.addTask { await keepLock(prepared) } }
            do {
                let result = try await ending.value()
                prepared.fence.close(result.reason)
                prepared.journal.close()
                group.cancelAll()
                let duration = started.duration(to: environment.timeSource.now())
                await settle(prepared, result, duration: duration)
            } catch {
                prepared.fence.close("the controller stops")
                prepared.journal.close()
                group.cancelAll()
            }
        }
    }

    private func hubClient(_ recovery: Recovery, fence: AttemptFence) -> KubernetesClient {
        guard let account = recovery.status?.effective?.serviceAccountName else {
            return environment.client.guarded { try fence.check($0) }
        }
        let namespace = recovery.metadata.namespace ?? ""
        return environment.client.impersonating(.serviceAccount(namespace: namespace, name: account))
            .guarded { try fence.check($0, as: .serviceAccount) }
    }

    private func watchDeadline(_ prepared: Prepared, _ ending: Promise<Ending>) async {
        do {
            try await prepared.attempt.clock.wait(environment.timeSource)
            let seconds = prepared.attempt.recovery.status?.currentRung?.timeoutSeconds ?? 0
            ending.fulfil(.success(Ending(.timedOut, message: "timed out after at most \(seconds) s")))
        } catch {
            // Cancelled: the attempt ended before its deadline.
        }
    }

    /// Ends the attempt at once, except for a suspension, and where there is something to take back: that waits for the
    /// strategy's next safe point.
    private func watchStop(_ prepared: Prepared, _ ending: Promise<Ending>) async {
        do {
            let reason = try await prepared.journal.endRequest()
            ending.fulfil(.success(Ending(.stopped(reason), message: reason.explanation)))
        } catch {
            // Cancelled: the attempt ended before anybody asked it to.
        }
    }

    private func keepLock(_ prepared: Prepared) async {
        guard let lock = prepared.lock else { return }
        do {
            while true {
                try await environment.timeSource.sleep(for: TargetLock.leaseDuration / 3)
                do {
                    try await environment.lock.renew(lock)
                } catch let error as ClientError {
                    prepared.attempt.logger.warning("cannot renew the target's lock", ["error": "\(error)"])
                }
            }
        } catch {
            // Cancelled: the attempt ended.
        }
    }
}
