import HTTPTransport
import KubernetesCore
import Synchronization
import Telemetry
import Timekeeping

/// What all copies of a client share: the server, the way to it, the credentials and the caches.
final class ClientSession: Sendable {
    let configuration: ClientConfiguration
    let transport: any HTTPTransport
    let timeSource: any TimeSource
    let metrics: ClientMetrics?
    let logger: Logger
    let warnings: WarningLog
    let discovery: DiscoveryCache
    let userAgent: String
    /// The server's host and port, for metrics.
    let host: String
    /// Whether to ask for compressed answers; not worth it on the same machine or network.
    let compresses: Bool
    /// Gives numbers from 0 up to 1; spreads repetitions.
    let jitter: @Sendable () -> Double

    private let credentials: any CredentialProvider
    private let tls: TLSMaterial
    private let inUse = Mutex(Identity())

    /// The connection security used last, how often its client certificate has changed, and when a connection last failed.
    private struct Identity {
        var security: ConnectionSecurity?
        var rotations = 0
        var lastFailure: MonotonicInstant?
    }

    init(
        configuration: ClientConfiguration,
        transport: any HTTPTransport,
        context: CredentialContext,
        userAgent: String?,
        jitter: @escaping @Sendable () -> Double
    ) {
        self.configuration = configuration
        self.transport = transport
        timeSource = context.timeSource
        metrics = context.metrics
        logger = context.logger
        warnings = WarningLog(logger: context.logger)
        discovery = DiscoveryCache()
        self.userAgent = userAgent ?? configuration.userAgent ?? UserAgent.standard
        host = ServerAddress.hostAndPort(of: configuration.server)
        compresses = !configuration.disableCompression && !ServerAddress.isLoopback(configuration.server)
        self.jitter = jitter
        credentials = context.provider(for: configuration)
        tls = TLSMaterial(configuration: configuration, context: context)
        for warning in configuration.warnings { context.logger.warning("client configuration", ["warning": warning]) }
    }

    /// The number of times that the client certificate has changed; streams opened before the last change end.
    var rotations: Int { inUse.withLock { $0.rotations } }

    /// What a request sent now shows to the server.
    func identify() async throws -> (credential: RequestCredential, security: ConnectionSecurity) {
        do {
            let credential = try await credentials.current()
            var security = try tls.current()
            if let pair = credential.certificate?.value {
                security.clientCertificate = pair.certificate
                security.clientKey = pair.key
            }
            await retireConnections(replacedBy: security)
            return (credential, security)
        } catch let error as CredentialError {
            throw ClientError.credentials(error)
        }
    }

    /// Gets other credentials after the server has rejected `credential`.
    func renew(rejected credential: RequestCredential) async throws -> Bool {
        do {
            return try await credentials.renew(rejected: credential)
        } catch let error as CredentialError {
            throw ClientError.credentials(error)
        }
    }

    /// Notes what a failed connection tells about the certificates and the server.
    func note(_ error: HTTPTransportError) {
        if error.layer == .tls { tls.noteHandshakeFailure() }
        inUse.withLock { $0.lastFailure = timeSource.now() }
    }

    /// Whether the server could not be reached a moment ago: it may answer before it knows who may do what.
    var mayBeStarting: Bool {
        guard let failure = inUse.withLock({ $0.lastFailure }) else { return false }
        return failure.duration(to: timeSource.now()) < RetryPolicy.startingTime
    }

    /// Closes connections that were opened with other certificates, which would hide the change.
    private func retireConnections(replacedBy security: ConnectionSecurity) async {
        let hasChanged = inUse.withLock { state in
            guard let old = state.security else {
                state.security = security
                return false
            }
            if old == security { return false }
            state.security = security
            if old.clientCertificate != security.clientCertificate || old.clientKey != security.clientKey {
                state.rotations += 1
            }
            return true
        }
        if hasChanged { await transport.closeIdleConnections() }
    }
}

/// Reads the parts of a server's base URL that the client needs.
enum ServerAddress {
    /// `host:port` as written, without scheme, user and path.
    static func hostAndPort(of server: String) -> String {
        var rest = Substring(server)
        if let colon = rest.firstIndex(of: ":"), rest[colon...].hasPrefix("://") { rest = rest[colon...].dropFirst(3) }
        rest = rest.prefix { $0 != "/" && $0 != "?" }
        if let user = rest.lastIndex(of: "@") { rest = rest[rest.index(after: user)...] }
        return String(rest)
    }

    /// The host alone, without the brackets of an IPv6 address.
    static func host(of server: String) -> String {
        let address = hostAndPort(of: server)
        if address.hasPrefix("[") { return String(address.dropFirst().prefix { $0 != "]" }) }
        return String(address.prefix { $0 != ":" })
    }

    static func isLoopback(_ server: String) -> Bool {
        let host = host(of: server)
        return host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}
