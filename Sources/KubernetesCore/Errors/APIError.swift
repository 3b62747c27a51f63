import JSON

/// The API server, or something in front of it, has refused a request.
///
/// ```swift
/// do {
///     try await client.delete(.pods, key)
/// } catch let error as APIError where error.isNotFound {
///     // somebody else was faster
/// }
/// ```
public struct APIError: Error, Sendable, Hashable {
    /// What was asked.
    public let verb: APIVerb
    /// The resource with subresource, such as `deployments.apps/status`; the path for raw requests.
    public let resource: String
    /// The object; nil for collections.
    public let key: ObjectKey?
    /// The HTTP status.
    public let status: Int
    /// The server's own words; nil when the body was no Status, as from proxies.
    public let kubernetesStatus: KubernetesStatus?
    /// The start of a body that was no Status, at most 2048 bytes; empty for requests that carry secrets.
    public let excerpt: String
    /// How long the server asks to wait.
    public let retryAfter: Duration?

    /// The longest excerpt, in bytes.
    static let maxExcerptBytes = 2048

    /// The longest wait that is believed; beyond it the answer is a mistake or an attack.
    static let maxRetryAfterSeconds = 86_400

    /// Reads an answer that is not a success.
    ///
    /// - Parameters:
    ///   - request: what was asked.
    ///   - status: the HTTP status.
    ///   - headers: name and value pairs; names in any case.
    ///   - body: anything; need not be JSON.
    public init(request: APIRequest, status: Int, headers: [(String, String)], body: [UInt8]) {
        let parsed = Self.parseStatus(body)
        verb = request.verb
        resource = request.resource == nil ? request.path : request.resourceDescription
        key = request.key
        self.status = status
        kubernetesStatus = request.isSensitive ? parsed.map { Self.withoutContent($0, status: status) } : parsed
        excerpt = parsed == nil && !request.isSensitive ? Self.excerpt(of: body) : ""
        retryAfter = Self.retryAfter(headers: headers, details: parsed?.details)
    }

    /// The reason for programs: the server's, else the one that belongs to the HTTP status.
    public var reason: String {
        if let reason = kubernetesStatus?.reason, !reason.isEmpty { return reason }
        return Self.reasons[status] ?? "Unknown"
    }

    /// What went wrong, for people: the server's message, else the excerpt, else the reason.
    public var message: String {
        if let message = kubernetesStatus?.message, !message.isEmpty { return message }
        return excerpt.isEmpty ? reason : excerpt
    }

    private static let reasons: [Int: String] = [
        400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed",
        406: "NotAcceptable", 408: "Timeout", 409: "Conflict", 410: "Gone", 413: "RequestEntityTooLarge",
        415: "UnsupportedMediaType", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError",
        503: "ServiceUnavailable", 504: "Timeout",
    ]
}

extension APIError: CustomStringConvertible {
    /// `get pods ns/name: 404 NotFound: message`.
    public var description: String {
        let object = key.map { " \($0)" } ?? ""
        let detail = message == reason ? "" : ": \(message)"
        return "\(verb.rawValue) \(resource)\(object): \(status) \(reason)\(detail)"
    }
}
