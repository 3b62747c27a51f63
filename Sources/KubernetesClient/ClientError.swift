public import HTTPTransport
public import KubernetesCore

/// Why a call to the API server has no result.
///
/// A cancelled task gets `CancellationError` instead, untouched.
public enum ClientError: Error, Sendable {
    /// The server has answered with an error.
    case api(APIError)
    /// There is no (whole) answer; whether a write took effect is unknown when the error says `requestWasSent`.
    case transport(HTTPTransportError, request: RequestSummary)
    /// There are no credentials to send.
    case credentials(CredentialError)
    /// The server's answer is not what it should be.
    case decoding(any Error, request: RequestSummary)
    /// The client's configuration cannot be used.
    case configuration(KubeconfigError)
    /// The request makes no sense and was not sent: it lacks a name or a namespace.
    case invalidRequest(String, request: RequestSummary)
    /// The gate of ``KubernetesClient/guarded(by:)`` has refused the request; it was not sent (again).
    case refused(any Error, request: RequestSummary)
    /// The server serves no such kind.
    case noMatch(group: String, version: String?, kind: String)

    /// What to do about it.
    public var disposition: Disposition {
        switch self {
        case .api(let error): error.disposition
        case .transport(let error, _):
            switch error.layer {
            case .url, .tooLarge, .shutdown: .terminal
            case .proxy, .dns, .tcp, .tls, .http, .timeout, .cancelled, .local: .retry
            }
        case .credentials: .retry
        case .decoding, .configuration, .invalidRequest, .refused, .noMatch: .terminal
        }
    }

    /// The server's answer, when there is one.
    public var apiError: APIError? {
        if case .api(let error) = self { error } else { nil }
    }

    /// The failure of the connection, when it was one.
    public var transportError: HTTPTransportError? {
        if case .transport(let error, _) = self { error } else { nil }
    }
}

extension ClientError: CustomStringConvertible {
    /// Verb, resource and cause; never holds tokens or the content of Secrets.
    public var description: String {
        switch self {
        case .api(let error): "\(error)"
        case .transport(let error, let request): "\(request): \(error)"
        case .credentials(let error): "\(error)"
        case .decoding(let error, let request):
            request.isSensitive ? "\(request): unreadable answer" : "\(request): unreadable answer: \(error)"
        case .configuration(let error): "\(error)"
        case .invalidRequest(let problem, let request): "\(request): \(problem)"
        case .refused(let error, let request): "\(request): not sent: \(error)"
        case .noMatch(let group, let version, let kind):
            "the server has no kind \(kind) in \(group.isEmpty ? "the core group" : group)"
                + (version.map { ", version \($0)" } ?? "")
        }
    }
}

/// Which request an error is about.
public struct RequestSummary: Sendable, Hashable, CustomStringConvertible {
    /// What was to be done.
    public let verb: APIVerb
    /// `resource/subresource`, or the path of a raw request.
    public let resource: String
    /// To which object; nil for collections and raw paths.
    public let key: ObjectKey?
    /// Whether request or answer hold secrets.
    let isSensitive: Bool

    /// Sums up a request.
    public init(_ request: APIRequest) {
        verb = request.verb
        resource = request.resource == nil ? request.path : request.resourceDescription
        key = request.key
        isSensitive = request.isSensitive
    }

    /// `verb resource object`.
    public var description: String {
        "\(verb.rawValue) \(resource)" + (key.map { " \($0)" } ?? "")
    }
}
