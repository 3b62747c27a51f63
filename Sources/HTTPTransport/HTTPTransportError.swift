/// Why a request has no (whole) answer.
///
/// The description holds neither headers nor bodies nor TLS material; the URL only as far as libcurl names its host.
public struct HTTPTransportError: Error, Sendable, Hashable {
    /// A step on the way to an answer.
    public enum Phase: String, Sendable, Hashable, CaseIterable {
        /// Resolving the name.
        case dns
        /// Connecting.
        case tcp
        /// Agreeing with the proxy.
        case proxy
        /// The TLS handshake.
        case tls
        /// Sending the request and receiving the answer.
        case http
    }

    /// What failed.
    public enum Layer: Sendable, Hashable {
        /// The request itself cannot be sent: URL, method or header.
        case url
        /// The proxy could not be reached or refused.
        case proxy
        /// The name does not resolve.
        case dns
        /// No TCP connection: refused, reset, no route.
        case tcp
        /// No TLS: the certificate does not verify, or the handshake failed.
        case tls
        /// Connected, but no whole and valid answer.
        case http
        /// A deadline passed in the named phase.
        case timeout(Phase)
        /// The body's owner ended the transfer; a cancelled task gets `CancellationError` instead.
        case cancelled
        /// The answer is larger than the request allows.
        case tooLarge
        /// The transport was shut down.
        case shutdown
        /// This machine could not do it: memory, descriptors, a rejected option.
        case local
    }

    /// What failed.
    public var layer: Layer
    /// libcurl's code, or 0.
    public var code: Int32
    /// The function that reported it.
    public var function: String
    /// What happened, for people.
    public var message: String
    /// Whether bytes of the request may have reached the server.
    public var requestWasSent: Bool
    /// The errno behind the failure (ECONNREFUSED, EHOSTUNREACH, ...), or 0.
    public var systemCode: Int32

    /// Makes an error; fakes use it.
    public init(
        layer: Layer,
        code: Int32 = 0,
        function: String = "",
        message: String,
        requestWasSent: Bool = false,
        systemCode: Int32 = 0
    ) {
        self.layer = layer
        self.code = code
        self.function = function
        self.message = message
        self.requestWasSent = requestWasSent
        self.systemCode = systemCode
    }

    /// The network phase that failed, by a timeout or otherwise; nil when none did.
    public var phase: Phase? {
        switch layer {
        case .dns: .dns
        case .tcp: .tcp
        case .proxy: .proxy
        case .tls: .tls
        case .http: .http
        case .timeout(let phase): phase
        case .url, .cancelled, .tooLarge, .shutdown, .local: nil
        }
    }

    /// Whether a deadline passed.
    public var isTimeout: Bool {
        if case .timeout = layer { true } else { false }
    }
}

extension HTTPTransportError: CustomStringConvertible {
    /// Layer and message, and libcurl's code when there is one.
    public var description: String {
        let name =
            switch layer {
            case .timeout(let phase): "timeout (\(phase.rawValue))"
            default: "\(layer)"
            }
        return code == 0 ? "\(name): \(message)" : "\(name): \(message) (\(function) \(code))"
    }
}
