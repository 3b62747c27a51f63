package import FoundationEssentials
package import JSON

/// One attempt of a recovery, written before it starts.
package struct RecoveryExecution: Codable, Hashable, Sendable {
    /// `<error type>-<unix seconds>-<attempt>`.
    package var id: String
    /// Number of the attempt, from 1, over all rungs.
    package var attempt: Int
    /// The strategy that is tried.
    package var strategy: String
    /// Where the attempt stands.
    package var state: RecoveryState
    /// Identity of the controller that runs it.
    package var holder: String?
    /// Lease transitions at the reservation: a higher number fences a lower one off.
    package var fencingToken: Int?
    /// When the attempt was reserved.
    package var startTime: Date?
    /// When it counts as timed out.
    package var deadline: Date?
    /// When it ended.
    package var endTime: Date?
    /// What came of it; while it runs, the actions so far.
    package var result: ExecutionResult?

    /// Makes a reservation.
    package init(id: String, attempt: Int, strategy: String, state: RecoveryState = .inProgress) {
        self.id = id
        self.attempt = attempt
        self.strategy = strategy
        self.state = state
    }
}

/// What an attempt did and what came of it.
package struct ExecutionResult: Codable, Hashable, Sendable {
    /// Whether the strategy succeeded; absent while it runs.
    package var success: Bool?
    /// The outcome in words.
    package var message: String?
    /// The actions, in order, at most 32.
    package var actions: [ActionRecord]?
    /// What a person should do.
    package var nextSteps: [String]?
    /// The error that ended the attempt.
    package var error: String?
    /// Measured values by name.
    package var metrics: [String: String]?

    /// Makes an empty result.
    package init() {}

    /// How many actions are kept.
    package static let maxActions = 32
}

/// One action of a strategy.
package struct ActionRecord: Codable, Hashable, Sendable {
    /// CamelCase name, such as `TestEndpointConnectivity`.
    package var name: String
    /// What became of it.
    package var result: ActionResult
    /// The outcome in words.
    package var message: String?
    /// When the result was written.
    package var time: Date?
    /// What undoes the action, in the strategy's own terms.
    package var inverse: JSONValue?
    /// What the action is about, in the strategy's own terms, for whoever goes on after an interruption.
    package var facts: JSONValue?

    /// Makes a record.
    package init(_ name: String, _ result: ActionResult, message: String? = nil, time: Date? = nil) {
        self.name = name
        self.result = result
        self.message = message
        self.time = time
    }
}
