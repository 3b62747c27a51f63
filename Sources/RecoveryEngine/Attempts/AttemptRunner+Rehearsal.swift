internal import KubernetesCore
package import RecoveryAPI
internal import RecoveryDecision
internal import Timekeeping

extension AttemptRunner {
    /// Finds out what the next attempt would write, as the identity that it would have, and without any effect.
    ///
    /// - Parameters:
    ///   - recovery: the Recovery as it was read.
    ///   - status: its status as it is decided about.
    ///   - strategy: of the current rung.
    /// - Returns: the writes, in order, and what ends them.
    /// - Throws: `ClientError` when the server does not answer, or not now; `CancellationError`.
    package func rehearse(
        _ recovery: Recovery,
        _ status: RecoveryStatus,
        _ strategy: any RecoveryStrategy
    ) async throws -> [PlannedStep] {
        var execution = RecoveryExecution(
            id: "plan",
            attempt: (status.attempts ?? 0) + 1,
            strategy: strategy.descriptor.name
        )
        execution.startTime = environment.timeSource.wallTime().wholeSecond
        var planned = recovery
        planned.status = status
        planned.status?.executions = [execution]
        let fence = AttemptFence(mayLead: environment.mayLead)
        defer { fence.close("the plan is made") }
        let attempt = attempt(planned, execution, isResumed: false, fence, timeout: .seconds(60))
        return try await Rehearsal.steps(of: strategy, attempt)
    }
}
