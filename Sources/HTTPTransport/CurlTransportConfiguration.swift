/// The settings of a ``CurlTransport``.
public struct CurlTransportConfiguration: Sendable, Hashable {
    /// How long a kept connection may lie unused before it is not used again; whole seconds.
    public var maxIdle: Duration
    /// How old a kept connection may become, so that load balancers can spread it anew; whole seconds.
    public var maxLifetime: Duration
    /// The most unused connections kept for one ``ConnectionSecurity`` and one host.
    public var maxKeptConnections: Int
    /// The most bytes of a stream that wait for its reader before the connection is no longer read.
    public var streamBufferBytes: Int

    /// Makes settings: 90 s idle, 10 minutes of life, 64 connections, 1 MiB for each stream.
    public init(
        maxIdle: Duration = .seconds(90),
        maxLifetime: Duration = .seconds(600),
        maxKeptConnections: Int = 64,
        streamBufferBytes: Int = 1 << 20
    ) {
        self.maxIdle = maxIdle
        self.maxLifetime = maxLifetime
        self.maxKeptConnections = maxKeptConnections
        self.streamBufferBytes = streamBufferBytes
    }
}
