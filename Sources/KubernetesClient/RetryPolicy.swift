import HTTPTransport
import KubernetesCore

/// How often, and how patiently, a client repeats a request by itself.
public struct RetryPolicy: Sendable, Hashable {
    /// The most times that one request is repeated.
    public var maxRetries: Int
    /// The longest wait that is done here; when the server asks for more, the error goes to the caller, whose queue
    /// can plan it.
    public var maxWait: Duration
    /// The wait after a lost connection.
    public var connectionWait: Duration
    /// The most times that a request is repeated after 403 from a server that may be starting.
    ///
    /// An API server answers before its authorizer knows the roles, and then refuses what is permitted.
    public var maxRefusals: Int

    /// How long after a failed connection a server may be starting.
    static let startingTime = Duration.seconds(20)
    /// The wait after a refusal by a server that may be starting.
    static let startingWait = Duration.seconds(2)

    /// Ten repetitions, waits up to 30 s, 1 s after a lost connection: what client-go does, with a bound on the wait.
    public static let standard = RetryPolicy()
    /// No repetition: for callers that want to see the first failure.
    public static let none = RetryPolicy(maxRetries: 0, maxRefusals: 0)

    /// Makes a policy.
    public init(
        maxRetries: Int = 10,
        maxWait: Duration = .seconds(30),
        connectionWait: Duration = .seconds(1),
        maxRefusals: Int = 10
    ) {
        self.maxRetries = maxRetries
        self.maxWait = maxWait
        self.connectionWait = connectionWait
        self.maxRefusals = maxRefusals
    }
}

/// What to do after one failed try of a request.
enum RetryDecision: Sendable, Hashable {
    /// The failure goes to the caller.
    case giveUp
    /// Repeat after this wait.
    case wait(Duration)
    /// Get other credentials; repeat at once if there are any.
    case renewCredentials
}

/// Follows the tries of one request.
struct RetryState: Sendable {
    private let policy: RetryPolicy
    private let verb: APIVerb
    private let safety: ResendSafety
    private let isRead: Bool
    private var retries = 0
    private var refusals = 0
    private var hasRenewed = false

    init(_ request: APIRequest, safety: ResendSafety, policy: RetryPolicy) {
        self.policy = policy
        verb = request.verb
        self.safety = safety
        isRead = request.isIdempotent
    }

    /// Decides after an answer that is an error.
    ///
    /// - Parameters:
    ///   - error: the answer.
    ///   - headers: its headers: only a `Retry-After` header asks for a repetition.
    ///   - jitter: a number from 0 up to 1; the wait is the one asked for plus up to a fifth of it.
    ///   - mayBeStarting: whether the server could not be reached a moment ago.
    /// - Returns: what to do.
    mutating func decide(
        after error: APIError,
        headers: [HTTPHeader],
        jitter: Double,
        mayBeStarting: Bool
    ) -> RetryDecision {
        if error.isUnauthorized, !hasRenewed {
            hasRenewed = true
            return .renewCredentials
        }
        if error.isForbidden, mayBeStarting, refusals < policy.maxRefusals {
            refusals += 1
            return .wait(RetryPolicy.startingWait)
        }
        guard mayRepeat(error), let wait = Self.retryAfter(headers), wait <= policy.maxWait else { return .giveUp }
        return spend(wait + wait * (jitter / 5))
    }

    /// Decides after a lost connection: only what reads is repeated, and a watch is its reader's to restart.
    mutating func decide(after error: HTTPTransportError) -> RetryDecision {
        guard isRead, verb != .watch, error.layer == .http else { return .giveUp }
        return spend(policy.connectionWait)
    }

    private mutating func spend(_ wait: Duration) -> RetryDecision {
        guard retries < policy.maxRetries else { return .giveUp }
        retries += 1
        return .wait(wait)
    }

    private func mayRepeat(_ error: APIError) -> Bool {
        // Waiting makes neither the version known nor the budget larger within seconds; both are their caller's.
        if error.isTooLargeResourceVersion || error.isDisruptionBudget { return false }
        switch error.status {
        // The server has refused to start on it.
        case 429, 503: return true
        // It may have done it.
        case 500...599: return safety != .unsafe
        default: return false
        }
    }

    /// The seconds of a `Retry-After` header; a date is ignored, as client-go does.
    private static func retryAfter(_ headers: [HTTPHeader]) -> Duration? {
        guard let value = headers.first(named: "Retry-After"),
            value.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let seconds = Int64(value)
        else { return nil }
        return .seconds(seconds)
    }
}
