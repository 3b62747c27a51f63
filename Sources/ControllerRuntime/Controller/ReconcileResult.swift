/// What a reconcile that did not fail wants to happen next.
public enum ReconcileResult: Sendable, Hashable {
    /// The object is as it should be; look again when something changes.
    case done
    /// Not finished, without an error: look again after the rate limiter's next delay for this key.
    case requeue
    /// Look again after this time; the rate limiter forgets the key.
    case requeueAfter(Duration)

    /// Look again after `delay`; zero or less means at once.
    public static func requeue(after delay: Duration) -> ReconcileResult {
        .requeueAfter(delay)
    }
}

/// Marks an error as one that trying again cannot help: the key is left alone until something changes.
public struct TerminalError: Error, CustomStringConvertible {
    /// What went wrong.
    public let cause: any Error

    /// Wraps an error that must not be retried.
    public init(_ cause: any Error) {
        self.cause = cause
    }

    /// The text of the cause.
    public var description: String { "terminal: \(cause)" }
}

/// Why a ``Controller`` could not work.
public enum ControllerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The caches did not fill in time; `kinds` names those that are still empty (often: RBAC forbids listing them).
    case cachesNotSynced(controller: String, kinds: [String], timeout: Duration)

    /// What happened and what to look at.
    public var description: String {
        switch self {
        case .cachesNotSynced(let controller, let kinds, let timeout):
            "controller \(controller): caches not synced within \(timeout): \(kinds.joined(separator: ", "));"
                + " is the API server reachable, do the kinds exist, and may this account list and watch them?"
        }
    }
}
