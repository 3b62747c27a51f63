public import HTTPTransport
public import JSON
import Synchronization

/// A transport without network: the test answers each request and looks at what was sent; mails get one same reply.
///
/// ```swift
/// let transport = ScriptedTransport([.json(["kind": "Pod"]), .status(503)])
/// let dynamic = ScriptedTransport { request in request.method == "GET" ? .json(pod) : .failure(.init(layer: .http, message: "reset")) }
/// let feed = StreamFeed()
/// let watch = ScriptedTransport([.stream(feed)])
/// ```
public final class ScriptedTransport: HTTPTransport, MailTransport {
    /// Answers one request; what it throws is what the request throws.
    public typealias Handler = @Sendable (HTTPRequest) async throws -> ScriptedAnswer

    private struct State {
        var requests: [HTTPRequest] = []
        var answers: ArraySlice<ScriptedAnswer> = []
        var idleCloses = 0
        var mails: [Mail] = []
        var mailReply = MailReply(status: 250, text: "taken")
    }

    private let state = Mutex(State())
    private let handler: Handler?

    /// Makes a transport that asks `handler` for every answer.
    public init(_ handler: @escaping Handler) {
        self.handler = handler
    }

    /// Makes a transport that gives these answers in order; a request beyond them fails.
    public init(_ answers: [ScriptedAnswer]) {
        handler = nil
        state.withLock { $0.answers = answers[...] }
    }

    /// Everything that was sent, in order.
    public var requests: [HTTPRequest] { state.withLock { $0.requests } }

    /// How often idle connections were closed.
    public var idleCloses: Int { state.withLock { $0.idleCloses } }

    /// Every mail that was sent, in order.
    public var mails: [Mail] { state.withLock { $0.mails } }

    /// What every mail is answered from now on; without this, 250.
    public func answerMails(_ reply: MailReply) {
        state.withLock { $0.mailReply = reply }
    }

    /// Keeps the mail.
    public func send(_ mail: Mail) async throws -> MailReply {
        try Task.checkCancellation()
        return state.withLock { state in
            state.mails.append(mail)
            return state.mailReply
        }
    }

    /// Answers with a whole body.
    public func perform(_ request: HTTPRequest) async throws -> HTTPResponse {
        let answer = try await answer(request)
        let body =
            switch answer.content {
            case .bytes(let bytes): bytes
            case .feed(let feed): try await HTTPBody(source: feed).collect(upTo: request.maxResponseBytes)
            }
        return HTTPResponse(status: answer.status, headers: answer.headers, body: body)
    }

    /// Answers with a body that arrives; bytes come as one chunk.
    public func stream(_ request: HTTPRequest) async throws -> HTTPStream {
        let answer = try await answer(request)
        let body =
            switch answer.content {
            case .bytes(let bytes): HTTPBody([bytes])
            case .feed(let feed): HTTPBody(source: feed)
            }
        return HTTPStream(status: answer.status, headers: answer.headers, body: body)
    }

    /// Counts the call.
    public func closeIdleConnections() async {
        state.withLock { $0.idleCloses += 1 }
    }

    private func answer(_ request: HTTPRequest) async throws -> ScriptedAnswer {
        try Task.checkCancellation()
        let scripted = state.withLock { state in
            state.requests.append(request)
            return state.answers.popFirst()
        }
        let answer = try await handler?(request) ?? scripted
        guard let answer else {
            throw HTTPTransportError(
                layer: .shutdown,
                message: "no answer scripted for \(request.method) \(request.url)"
            )
        }
        if let error = answer.error { throw error }
        return answer
    }
}

/// One answer of a ``ScriptedTransport``.
public struct ScriptedAnswer: Sendable {
    /// Where the body comes from.
    public enum Content: Sendable {
        /// It is there.
        case bytes([UInt8])
        /// The test sends it bit by bit.
        case feed(StreamFeed)
    }

    /// The status code.
    public var status: Int
    /// The headers.
    public var headers: [HTTPHeader]
    /// The body.
    public var content: Content
    /// When set, the request fails so and has no answer.
    public var error: HTTPTransportError?

    /// Makes an answer.
    public init(status: Int, headers: [HTTPHeader] = [], content: Content, error: HTTPTransportError? = nil) {
        self.status = status
        self.headers = headers
        self.content = content
        self.error = error
    }

    /// A JSON document.
    public static func json(_ value: JSONValue, status: Int = 200, headers: [String: String] = [:]) -> ScriptedAnswer {
        bytes(value.serialized(), status: status, headers: headers)
    }

    /// Any bytes.
    public static func bytes(_ bytes: [UInt8], status: Int = 200, headers: [String: String] = [:]) -> ScriptedAnswer {
        let lines = headers.sorted { $0.key < $1.key }.map { HTTPHeader(name: $0.key, value: $0.value) }
        return ScriptedAnswer(status: status, headers: lines, content: .bytes(bytes))
    }

    /// A `Status` of Kubernetes.
    public static func status(
        _ code: Int,
        reason: String = "",
        message: String = "",
        causes: [String] = [],
        headers: [String: String] = [:]
    ) -> ScriptedAnswer {
        let document: JSONValue = [
            "kind": "Status", "apiVersion": "v1", "status": .string(code < 300 ? "Success" : "Failure"),
            "reason": .string(reason), "message": .string(message), "code": .number(JSONNumber(Int64(code))),
            "details": ["causes": .array(causes.map { ["reason": .string($0)] })],
        ]
        return json(document, status: code, headers: headers)
    }

    /// A body that the test feeds.
    public static func stream(_ feed: StreamFeed, status: Int = 200) -> ScriptedAnswer {
        ScriptedAnswer(status: status, content: .feed(feed))
    }

    /// No answer but this error.
    public static func failure(_ error: HTTPTransportError) -> ScriptedAnswer {
        ScriptedAnswer(status: 0, content: .bytes([]), error: error)
    }
}
