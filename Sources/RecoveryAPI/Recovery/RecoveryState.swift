/// Where a recovery, or one attempt of it, stands.
///
/// Failed means attempts exhausted (the last one timed out included), permanent, refused, or escalated past Automatic.
/// Timeout means the whole recovery's deadline only. Cancelled means by a person, by a spec change, or superseded.
package enum RecoveryState: String, CaseIterable, Codable, Hashable {
    case pending = "Pending"
    case inProgress = "InProgress"
    case completed = "Completed"
    case failed = "Failed"
    case timeout = "Timeout"
    case cancelled = "Cancelled"

    /// Whether no other state follows.
    package var isFinal: Bool {
        switch self {
        case .pending, .inProgress: false
        case .completed, .failed, .timeout, .cancelled: true
        }
    }
}

/// What became of one action of a strategy.
package enum ActionResult: String, CaseIterable, Codable, Hashable {
    /// Written before the action: after a crash its outcome is ambiguous.
    case started = "Started"
    case succeeded = "Succeeded"
    case failed = "Failed"
    case skipped = "Skipped"
}
