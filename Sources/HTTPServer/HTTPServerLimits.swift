/// The bounds on what clients may send and how long they may take.
public struct HTTPServerLimits: Sendable, Hashable {
    /// The most bytes of request line and headers; more is answered 431.
    public var maxHeaderBytes: Int
    /// The most bytes of body; more is answered 413.
    public var maxBodyBytes: Int
    /// How long the header may take to arrive; then 408.
    public var readHeaderTimeout: Duration
    /// How long a body may take to arrive, and an answer to be taken; then the connection is closed.
    public var transferTimeout: Duration
    /// How long a kept connection may be silent between requests.
    public var idleTimeout: Duration
    /// The most connections at a time; more wait unaccepted.
    public var maxConnections: Int

    /// Makes limits: 64 KiB header, 1 MiB body, 32 s for the header, 60 s a transfer, 90 s idle, 256 connections.
    public init(
        maxHeaderBytes: Int = 64 << 10,
        maxBodyBytes: Int = 1 << 20,
        readHeaderTimeout: Duration = .seconds(32),
        transferTimeout: Duration = .seconds(60),
        idleTimeout: Duration = .seconds(90),
        maxConnections: Int = 256
    ) {
        self.maxHeaderBytes = maxHeaderBytes
        self.maxBodyBytes = maxBodyBytes
        self.readHeaderTimeout = readHeaderTimeout
        self.transferTimeout = transferTimeout
        self.idleTimeout = idleTimeout
        self.maxConnections = maxConnections
    }

    /// For servers that only answer questions: 16 KiB header, no body, 10 s for the header, 64 connections.
    ///
    /// Whoever can reach such a server can make it keep about a mebibyte.
    public static let withoutBodies = HTTPServerLimits(
        maxHeaderBytes: 16 << 10,
        maxBodyBytes: 0,
        readHeaderTimeout: .seconds(10),
        maxConnections: 64
    )
}
