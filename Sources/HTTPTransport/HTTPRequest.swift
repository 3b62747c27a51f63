/// One header line of a request or an answer.
public struct HTTPHeader: Sendable, Hashable {
    /// The name as written; HTTP compares names without regard to case.
    public var name: String
    /// The value without surrounding blanks.
    public var value: String

    /// Makes a header line.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A request as it goes to an ``HTTPTransport``.
///
/// ```swift
/// let request = HTTPRequest(url: "https://127.0.0.1:6443/readyz", security: ConnectionSecurity(certificateAuthority: ca))
/// let answer = try await transport.perform(request)
/// ```
public struct HTTPRequest: Sendable {
    /// The method, in capitals; sent as written.
    public var method: String
    /// The absolute http or https URL; the path is sent as written ("..", "//" and escapes stay).
    public var url: String
    /// Sent in order; a name or value with control characters is refused.
    public var headers: [HTTPHeader]
    /// The body; nil sends none (POST, PUT and PATCH then send `Content-Length: 0`).
    public var body: [UInt8]?
    /// Trust, client identity and proxy; a connection is shared only by requests with equal values.
    public var security: ConnectionSecurity
    /// The deadlines.
    public var timeouts: HTTPTimeouts
    /// Which connection may carry the request.
    public var reuse: ConnectionReuse
    /// Whether the request may be sent a second time when a kept connection dies before any byte of the answer.
    ///
    /// libcurl does that by itself, for writes too. When false, the transport refuses the second sending and reports an
    /// error with `requestWasSent` set; the default is true only for GET, HEAD and OPTIONS.
    public var allowsResend: Bool
    /// The most bytes of (decompressed) body that ``HTTPTransport/perform(_:)`` accepts; a stream is not limited.
    public var maxResponseBytes: Int
    /// Whether to ask for a compressed answer, which is decompressed on arrival.
    public var acceptsCompression: Bool

    /// Asked before a connection is made to an address, once for each that the host's name has; nil allows all.
    ///
    /// For URLs from others: what a name leads to is known only now. The address is numeric and without port. Such a
    /// request has a connection of its own. With a proxy it is the proxy's address.
    public var mayConnect: (@Sendable (_ address: String) -> Bool)?

    /// The default of `maxResponseBytes`: 256 MiB.
    public static let standardMaxResponseBytes = 256 << 20

    /// Makes a request; everything but the URL has a default.
    public init(
        method: String = "GET",
        url: String,
        headers: [HTTPHeader] = [],
        body: [UInt8]? = nil,
        security: ConnectionSecurity = ConnectionSecurity(),
        timeouts: HTTPTimeouts = HTTPTimeouts(),
        reuse: ConnectionReuse = .pooled,
        allowsResend: Bool? = nil,
        maxResponseBytes: Int = HTTPRequest.standardMaxResponseBytes,
        acceptsCompression: Bool = false
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.security = security
        self.timeouts = timeouts
        self.reuse = reuse
        self.allowsResend = allowsResend ?? ["GET", "HEAD", "OPTIONS"].contains(method)
        self.maxResponseBytes = maxResponseBytes
        self.acceptsCompression = acceptsCompression
    }
}

/// Which connection may carry a request.
public enum ConnectionReuse: Sendable, Hashable {
    /// A kept connection when there is one, else a new one, which is kept.
    case pooled
    /// A new connection, which is kept afterwards.
    case fresh
    /// A connection of its own, closed afterwards: watches.
    case dedicated
}

/// The deadlines of one request.
public struct HTTPTimeouts: Sendable, Hashable {
    /// For name resolution, TCP connect and TLS handshake together.
    public var connect: Duration
    /// For everything, from the call to the last byte; nil is unlimited (watches).
    public var total: Duration?
    /// How long the line may be silent once connected; time for which the reader itself held the stream up does not count.
    public var idle: Duration?

    /// Makes a set of deadlines; 30 s to connect and 60 s in total unless told otherwise.
    public init(connect: Duration = .seconds(30), total: Duration? = .seconds(60), idle: Duration? = nil) {
        self.connect = connect
        self.total = total
        self.idle = idle
    }
}

/// Trust, client identity and route of a connection.
///
/// All material is PEM from memory; `description` never shows it.
public struct ConnectionSecurity: Sendable {
    /// The only certificates trusted; nil trusts the system's.
    public var certificateAuthority: [UInt8]?
    /// The client's certificate chain.
    public var clientCertificate: [UInt8]?
    /// The key of the client certificate, not encrypted.
    public var clientKey: [UInt8]?
    /// Whether the server's certificate and name are checked.
    public var verifiesPeer: Bool
    /// The name to expect in the server's certificate and to send as SNI, instead of the URL's host.
    public var serverName: String?
    /// An http, https, socks5 or socks5h URL, user and password included; nil is a direct connection (the environment is not asked).
    public var proxyURL: String?

    /// Makes a security description; without arguments, system trust, no client identity, no proxy.
    public init(
        certificateAuthority: [UInt8]? = nil,
        clientCertificate: [UInt8]? = nil,
        clientKey: [UInt8]? = nil,
        verifiesPeer: Bool = true,
        serverName: String? = nil,
        proxyURL: String? = nil
    ) {
        self.certificateAuthority = certificateAuthority
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
        self.verifiesPeer = verifiesPeer
        self.serverName = serverName
        self.proxyURL = proxyURL
    }
}

extension ConnectionSecurity: Hashable {
    /// Hashes sizes and names only: the material is kilobytes, and every request looks its connections up by this value.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(certificateAuthority?.count)
        hasher.combine(clientCertificate?.count)
        hasher.combine(clientKey?.count)
        hasher.combine(verifiesPeer)
        hasher.combine(serverName)
        hasher.combine(proxyURL)
    }
}

extension ConnectionSecurity: CustomStringConvertible {
    /// What is set, without any material.
    public var description: String {
        let authority = certificateAuthority == nil ? "system" : "own"
        let identity = clientCertificate == nil ? "none" : "certificate"
        let route = proxyURL == nil ? "direct" : "proxy"
        return
            "ConnectionSecurity(trust: \(authority), identity: \(identity), verifies: \(verifiesPeer), route: \(route))"
    }
}
