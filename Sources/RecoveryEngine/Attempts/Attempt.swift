internal import FoundationEssentials
internal import HTTPTransport
package import JSON
package import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
internal import RecoveryDecision
package import Telemetry
package import Timekeeping

/// What a strategy sees of the world: one reserved try at one Recovery, until its deadline.
///
/// Its clients refuse every request once the attempt has ended, was cancelled, or this process is no longer sure to
/// lead; with `spec.serviceAccountName` they act as that ServiceAccount.
package struct Attempt: Sendable {
    /// Gives the clients of member clusters.
    package typealias MemberClients =
        @Sendable (_ cluster: String, _ fence: AttemptFence) async throws -> KubernetesClient

    /// The Recovery as it was reserved.
    package let recovery: Recovery
    /// This try.
    package let execution: RecoveryExecution
    /// Whether somebody began this try before: the outcome of what it did last is open.
    package let isResumed: Bool
    /// The rung's parameters, those of the Recovery on top.
    package let parameters: [String: JSONValue]
    /// The hub.
    package let client: KubernetesClient
    /// Whether a Placement may be on a member, by what the hub says now.
    let placementFence: LivePlacementFence
    /// Time for everything that waits.
    package let timeSource: any TimeSource
    /// Carries recovery, strategy and attempt on every line.
    package let logger: Logger

    let clock: AttemptClock
    let members: MemberClients
    let fence: AttemptFence
    let journal: AttemptJournal
    /// Set where the attempt is only gone through.
    var rehearsal: Rehearsal?

    /// When the attempt ends in any case.
    package var deadline: MonotonicInstant { clock.deadline }

    /// The failure.
    package var error: ReportedError { recovery.spec.error }

    /// What is to be repaired, as resolved at acceptance.
    package var target: ResolvedTarget? { recovery.status?.target }

    /// The client of a member cluster.
    ///
    /// - Throws: when there is no such MemberCluster or its kubeconfig cannot be used.
    package func member(_ cluster: String) async throws -> KubernetesClient {
        try await members(cluster, fence)
    }

    /// The client of wherever the target is: its member cluster, else the hub.
    package func targetClient() async throws -> KubernetesClient {
        guard let cluster = target?.cluster else { return client }
        return try await member(cluster)
    }

    /// What is recorded about an action: of this run, or of the one before a crash.
    package func recorded(_ action: String) -> ActionRecord? {
        journal.recorded(action)
    }

    /// Does something that changes nothing, and notes what came of it; status is written with the result.
    ///
    /// - Parameters:
    ///   - action: CamelCase name, such as `TestEndpointConnectivity`.
    ///   - body: the reading; returns the words for status.
    /// - Throws: what `body` throws; `AttemptStopped` at this safe point.
    package func read(_ action: String, _ body: () async throws -> String) async throws {
        if let rehearsal { return try await rehearsal.read(action, body) }
        try journal.checkStop()
        do {
            journal.note(action, .succeeded, try await body())
        } catch {
            journal.note(action, .failed, Self.describe(error))
            throw error
        }
    }

    /// Notes a reading that came to nothing without ending the attempt.
    package func note(_ action: String, _ result: ActionResult, _ message: String) {
        if rehearsal == nil { journal.note(action, result, message) }
    }

    /// Changes something, exactly once over all runs of this attempt.
    ///
    /// Started is written to status before, the outcome after. An action that is recorded as Succeeded is skipped; one
    /// that is recorded as Started was interrupted, and one recorded as Failed may have been done in part: `alreadyDone`
    /// looks at the live world, and only where it says no the action is done again.
    ///
    /// - Parameters:
    ///   - action: CamelCase name, unique within the attempt.
    ///   - inverse: what undoes the change, in the strategy's own terms and small: `RecoveryStrategy.undo` gets it back.
    ///   - facts: what is to be known after an interruption, when the world no longer tells; small, too.
    ///   - alreadyDone: whether the live world shows that the action was done.
    ///   - body: the change; returns the words for status.
    /// - Throws: what `body` throws; `AttemptStopped` at this safe point; `StatusWriteFailure` when the Recovery is
    ///   somebody else's now: then nothing was done.
    package func mutate(
        _ action: String,
        inverse: JSONValue? = nil,
        facts: JSONValue? = nil,
        alreadyDone: () async throws -> Bool = { false },
        _ body: () async throws -> String
    ) async throws {
        if let rehearsal { return try await rehearsal.mutate(action, body) }
        switch journal.recorded(action)?.result {
        case .succeeded: return
        // Failed as well: a body may have done its work before it threw.
        case .started, .failed:
            if try await alreadyDone() {
                journal.note(action, .succeeded, "found done after an interruption")
                return try await journal.flush()
            }
        default: break
        }
        try journal.checkStop()
        journal.note(action, .started, "", inverse: inverse, facts: facts)
        try await journal.flush()
        try journal.checkStop()
        do {
            journal.note(action, .succeeded, try await body())
        } catch {
            // Cancelled in the middle: whether it was done is open, so Started stays for whoever goes on.
            if error is CancellationError { throw error }
            if Self.isAmbiguous(error), try await alreadyDone() {
                journal.note(action, .succeeded, "done, although the reply was lost")
                return try await journal.flush()
            }
            journal.note(action, .failed, Self.describe(error))
            try await journal.flush()
            throw error
        }
        try await journal.flush()
    }

    /// Tells a plan of an object that is made again after a wait, which no rehearsal goes beyond.
    func foresee(_ action: String, creating object: JSONValue, _ target: TargetAccess) {
        rehearsal?.foresee(PlannedStep(creating: object, target.resource, target.key, action: action))
    }

    /// Begins what must not stay half done: nothing ends the attempt until `allowEnd()`, and there is time left for it.
    ///
    /// - Throws: `AttemptStopped` when it is to end already; then nothing may be begun.
    func putOffEnd() throws {
        try journal.putOffEnd()
        clock.extend(to: timeSource.now().advanced(by: .seconds(Self.secondsToComplete)))
    }

    /// Begins to take back what was changed, see `AttemptJournal.beginTakingBack()`; there is time left for it.
    ///
    /// - Throws: `AttemptStopped` when the attempt was suspended.
    func beginTakingBack() throws {
        try journal.beginTakingBack()
        clock.extend(to: timeSource.now().advanced(by: .seconds(Self.secondsToComplete)))
    }

    /// How much time there always is for what must not stay half done.
    static let secondsToComplete = 60.0

    /// What must not stay half done is done: requests to end count again.
    func allowEnd() {
        journal.allowEnd()
    }

    /// Waits, but not beyond a request to end.
    ///
    /// - Throws: `AttemptStopped`, `CancellationError`.
    package func pause(for duration: Duration) async throws {
        if rehearsal != nil { throw Rehearsal.Ended(next: "wait") }
        try journal.checkStop()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await timeSource.sleep(for: duration) }
            group.addTask { throw AttemptStopped(try await journal.stopRequest()) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Whether the server may have done what was asked although no answer arrived.
    private static func isAmbiguous(_ error: any Error) -> Bool {
        (error as? ClientError)?.transportError?.requestWasSent ?? false
    }

    static func describe(_ error: any Error) -> String {
        String(String(describing: error).prefix(RecoveryStatus.maxMessageLength))
    }
}
