import FoundationEssentials
public import HTTPTransport
public import KubernetesCore
public import Telemetry
public import Timekeeping

/// A client of one Kubernetes API server.
///
/// ```swift
/// let configuration = try KubernetesClient.loadConfiguration()
/// let client = KubernetesClient(configuration: configuration, transport: try CurlTransport())
/// let pod = try await client.get(.pods, ObjectKey(namespace: "default", name: "web"))
/// for try await event in try await client.watch(.pods, namespace: "default") {
///     print(event)
/// }
/// ```
///
/// Objects are dynamic (``Unstructured``) or typed (``KubernetesObject``). Copies are cheap and share connections,
/// credentials and caches. Every call throws ``ClientError``, and `CancellationError` as soon as its task is cancelled.
/// Nothing runs between calls.
public struct KubernetesClient: Sendable {
    /// Is asked before each try of each request; what it throws refuses the request.
    public typealias Gate = @Sendable (APIRequest) throws -> Void

    let session: ClientSession
    var gates: [Gate] = []
    var impersonation: Impersonation?
    /// Set in a client whose writes are only tried out.
    var rehearsal: RehearsalNote?

    /// The most time for one try of a request, watches and streamed lists excepted; nil waits for ever.
    ///
    /// The server is told, so that it gives up too.
    public var requestTimeout: Duration? = .seconds(60)

    /// The most time to reach the server: name resolution, TCP and TLS together.
    public var connectTimeout: Duration = .seconds(30)

    /// How requests are repeated.
    public var retryPolicy = RetryPolicy.standard

    /// Makes a client; nothing is read or sent yet.
    ///
    /// - Parameters:
    ///   - configuration: the server and the credentials.
    ///   - transport: sends the requests; several clients can share one.
    ///   - timeSource: what waits are measured with.
    ///   - logger: gets the server's warnings and what is wrong with credential files.
    ///   - metrics: the `rest_client_*` metrics; nil for none.
    ///   - userAgent: see ``UserAgent``; nil takes the configuration's, or the program's name.
    public init(
        configuration: ClientConfiguration,
        transport: any HTTPTransport,
        timeSource: any TimeSource = SystemTimeSource(),
        logger: Logger = .disabled,
        metrics: ClientMetrics? = nil,
        userAgent: String? = nil
    ) {
        self.init(
            configuration: configuration,
            transport: transport,
            context: CredentialContext(timeSource: timeSource, logger: logger, metrics: metrics),
            userAgent: userAgent
        )
    }

    /// Makes a client whose random numbers a simulation can choose.
    package init(
        configuration: ClientConfiguration,
        transport: any HTTPTransport,
        timeSource: any TimeSource,
        logger: Logger,
        metrics: ClientMetrics?,
        jitter: @escaping @Sendable () -> Double
    ) {
        self.init(
            configuration: configuration,
            transport: transport,
            context: CredentialContext(timeSource: timeSource, logger: logger, metrics: metrics),
            jitter: jitter
        )
    }

    /// Makes a client whose files, programs and random numbers a test can choose.
    init(
        configuration: ClientConfiguration,
        transport: any HTTPTransport,
        context: CredentialContext,
        userAgent: String? = nil,
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) {
        session = ClientSession(
            configuration: configuration,
            transport: transport,
            context: context,
            userAgent: userAgent,
            jitter: jitter
        )
        impersonation = configuration.impersonation
    }

    /// The configuration the client was made with.
    public var configuration: ClientConfiguration { session.configuration }

    /// What the server serves; the cache is shared by all copies of the client.
    public var discovery: Discovery { Discovery(client: self, cache: session.discovery) }

    /// A client that acts as somebody else, who must have the rights; nil acts as oneself again.
    public func impersonating(_ identity: Impersonation?) -> KubernetesClient {
        var copy = self
        copy.impersonation = identity
        return copy
    }

    /// A client that asks `gate` right before every request, and again before every repetition of one.
    ///
    /// What the gate throws refuses the call, as ``ClientError/refused(_:request:)``. Gates add up.
    public func guarded(by gate: @escaping Gate) -> KubernetesClient {
        var copy = self
        copy.gates.append(gate)
        return copy
    }

    /// A client with other patience.
    public func with(
        requestTimeout: Duration?,
        connectTimeout: Duration = .seconds(30),
        retryPolicy: RetryPolicy = .standard
    ) -> KubernetesClient {
        var copy = self
        copy.requestTimeout = requestTimeout
        copy.connectTimeout = connectTimeout
        copy.retryPolicy = retryPolicy
        return copy
    }

    /// Closes kept connections that carry nothing, so that the next request opens a new one.
    public func closeIdleConnections() async {
        await session.transport.closeIdleConnections()
    }
}
