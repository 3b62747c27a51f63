import HTTPTransport

/// Something that goes wrong with a request on its way to or from the ``FakeAPIServer``.
public enum FakeFault: Sendable {
    /// No connection: the request never arrives.
    case refuse
    /// The request is done, and the answer never arrives.
    case loseReply
    /// The server answers this instead of doing the request.
    case answer(FakeReply)
    /// The request arrives this much later.
    case delay(Duration)
    /// The request is done at once, and the answer arrives this much later.
    case delayReply(Duration)
    /// The request never arrives and nobody says so; only a cancellation ends it.
    case hang
    /// The request is done, and its answer never arrives and nobody says so.
    case hangAfterApplying

    /// An error answer like a real server's.
    public static func status(_ status: Int, _ reason: String, retryAfterSeconds: Int? = nil) -> FakeFault {
        .answer(.failure(status, reason, retryAfterSeconds: retryAfterSeconds))
    }

    static let refused = HTTPTransportError(
        layer: .tcp,
        code: 7,
        function: "fake",
        message: "connection refused",
        requestWasSent: false
    )

    static let lost = HTTPTransportError(
        layer: .http,
        code: 52,
        function: "fake",
        message: "connection closed without an answer",
        requestWasSent: true
    )
}

/// A line of the ``FakeAPIServer``'s log.
public struct FakeLogEntry: Sendable {
    /// What was asked.
    public let request: FakeRequest
    /// What the server answered; nil when the request never got to it.
    ///
    /// The client may not have seen this answer.
    public internal(set) var status: Int?
    /// Whether the client got the answer.
    public internal(set) var wasAnswered = false
}
