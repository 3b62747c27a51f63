package import FoundationEssentials
package import JSON
package import RecoveryAPI
package import RecoveryDecision

/// One way to recover from a failure: the extension point of the engine.
///
/// A strategy is registered in code (`StrategyRegistry`). It sees nothing but its `Attempt`, and everything it changes
/// goes through `Attempt.mutate`, so that a crash at any moment can be resumed without doing anything twice:
///
/// ```swift
/// struct ClearQueue: RecoveryStrategy {
///     let descriptor = StrategyDescriptor(name: "ClearQueue", errorTypes: ["QueueStuck"], priority: 75, timeout: .seconds(60))
///     func execute(_ attempt: Attempt) async throws -> StrategyResult {
///         try await attempt.mutate("ClearQueue") { try await clear(attempt.client); return "queue cleared" }
///         return StrategyResult(message: "the queue is empty again")
///     }
/// }
/// ```
package protocol RecoveryStrategy: Sendable {
    /// Name, error types, priority, timeout and destructiveness.
    var descriptor: StrategyDescriptor { get }

    /// What is wrong with `spec.parameters`: unknown names, wrong types. Paths start with `spec.parameters`.
    func validate(parameters: [String: JSONValue]) -> [FieldViolation]

    /// After a crash, before anything is done again: whether the failure is gone already.
    func verify(_ attempt: Attempt) async throws -> Bool

    /// Recovers, and returns only when it has proof.
    ///
    /// - Throws: `StrategyFailure`; any other error is judged by its disposition, and unknown means permanent.
    ///   `CancellationError` and `AttemptStopped` pass through.
    func execute(_ attempt: Attempt) async throws -> StrategyResult

    /// Takes one of its own actions back, by the inverse that was recorded with it; see `Compensation`.
    ///
    /// - Returns: what was done, for status.
    /// - Throws: `StrategyFailure` where a person has changed the object since: then it is theirs.
    func undo(_ action: ActionRecord, _ attempt: Attempt) async throws -> String
}

extension RecoveryStrategy {
    /// Not known to be done: `execute` goes through its actions and skips those that are recorded.
    package func verify(_ attempt: Attempt) async throws -> Bool { false }

    /// Records no inverses.
    package func undo(_ action: ActionRecord, _ attempt: Attempt) async throws -> String {
        throw StrategyFailure.permanent("\(descriptor.name) does not know how to undo \(action.name)")
    }
}

/// What a strategy that succeeded has to tell.
package struct StrategyResult: Sendable, Hashable {
    /// What was recovered, in one sentence.
    package var message: String
    /// What a person may want to do nevertheless.
    package var nextSteps: [String]
    /// Measured values by name, for status.
    package var metrics: [String: String]
    /// Whether the strategy has seen all that there is to see: the object that was reported is gone, replaced or given
    /// up, so that its health would tell nothing more.
    package var isWholeProof: Bool

    /// Makes a result.
    package init(
        message: String,
        nextSteps: [String] = [],
        metrics: [String: String] = [:],
        isWholeProof: Bool = false
    ) {
        self.message = message
        self.nextSteps = nextSteps
        self.metrics = metrics
        self.isWholeProof = isWholeProof
    }
}

/// How a strategy says that it did not succeed.
package enum StrategyFailure: Error, Sendable, Hashable {
    /// A later attempt may succeed; not before `retryAfter` where that is known.
    case transient(String, nextSteps: [String] = [], retryAfter: Duration? = nil, metrics: [String: String] = [:])
    /// No further attempt of this strategy can succeed.
    case permanent(String, nextSteps: [String] = [], metrics: [String: String] = [:])
    /// Another kind of failure is behind it: that Recovery takes over.
    case superseded(SuccessorRequest, String)
}

extension StrategyFailure {
    /// A person has changed what the strategy was about to change, or takes it back: what they did counts.
    static func humanOverride(_ message: String) -> StrategyFailure {
        .permanent("\(message); it is left alone", metrics: ["reason": ConditionReason.humanOverride])
    }
}

extension StrategyFailure: CustomStringConvertible {
    /// What happened, in one sentence.
    package var description: String {
        switch self {
        case .transient(let message, _, _, _), .permanent(let message, _, _), .superseded(_, let message): message
        }
    }
}

/// The Recovery that is to take over.
package struct SuccessorRequest: Sendable, Hashable {
    /// What the successor is about.
    package enum Subject: Sendable, Hashable {
        /// What this Recovery is about.
        case same
        /// A member cluster as a whole, failing since then; its Recovery is in the controller's namespace, and is joined
        /// when it is there already.
        case cluster(String, since: Date)
        /// An object of the hub in this Recovery's namespace, failing since then; joined likewise.
        case object(TargetReference, since: Date)
    }

    /// The failure that was found behind the reported one.
    package var error: ReportedError
    /// What the successor is about.
    package var subject: Subject

    /// Asks for a successor.
    package init(error: ReportedError, subject: Subject = .same) {
        self.error = error
        self.subject = subject
    }
}

/// The attempt was told to end at a safe point; a strategy lets this pass through.
package struct AttemptStopped: Error, Sendable, Hashable {
    /// Why.
    package var reason: StopReason

    /// Makes the error.
    package init(_ reason: StopReason) {
        self.reason = reason
    }
}
