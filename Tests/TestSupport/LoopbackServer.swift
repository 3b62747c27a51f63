import Glibc
import Synchronization
internal import Timekeeping

/// A scripted HTTP peer on a free loopback port: each connection runs the test's script on a thread of its own.
///
/// The script reads and writes raw bytes, so a test can cut an answer anywhere, go silent, reset, or speak nonsense:
///
/// ```swift
/// let server = try LoopbackServer { connection in
///     while connection.readRequest() != nil { connection.answer("hello") }
/// }
/// defer { server.stop() }
/// ```
public final class LoopbackServer: Sendable {
    /// What the server does with one connection; the connection is closed when it returns.
    public typealias Script = @Sendable (LoopbackConnection) -> Void

    private struct State {
        var connections: [LoopbackConnection] = []
        var threads: [OwnedThread] = []
        var isStopped = false
    }

    /// The port on 127.0.0.1.
    public let port: Int
    private let listener: Int32
    private let tls: LoopbackTLS?
    private let isSecureFromStart: Bool
    private let script: Script
    private let state = Mutex(State())
    private let stopGate = Gate()
    private let acceptor = Mutex<OwnedThread?>(nil)

    /// Starts listening.
    ///
    /// - Parameters:
    ///   - identity: The certificate to speak TLS with; nil speaks plain text.
    ///   - clientAuthority: PEM of the authority for client certificates, which are then asked for but not required.
    ///   - isSecureFromStart: False leaves it to the script when TLS begins.
    ///   - backlog: How many connections the kernel completes before the script gets them.
    ///   - isAccepting: False leaves every connection in the backlog.
    ///   - script: What to do with one connection.
    /// - Throws: ``LoopbackError`` when there is no socket or the certificate is refused.
    public init(
        identity: TestIdentity? = nil,
        clientAuthority: [UInt8]? = nil,
        isSecureFromStart: Bool = true,
        backlog: Int32 = 128,
        isAccepting: Bool = true,
        script: @escaping Script
    ) throws {
        tls = try identity.map { try LoopbackTLS(identity: $0, clientAuthority: clientAuthority) }
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        self.isSecureFromStart = isSecureFromStart
        self.script = script
        port = try Self.bindLoopback(listener, backlog: backlog)
        guard isAccepting else { return }
        let thread = try OwnedThread { [weak self] in
            while let self, self.acceptOne() {}
        }
        acceptor.withLock { $0 = thread }
    }

    deinit {
        stop()
    }

    /// "http://127.0.0.1:port" or "https://127.0.0.1:port".
    public var url: String {
        "\(tls == nil ? "http" : "https")://127.0.0.1:\(port)"
    }

    /// The connections so far, in order of acceptance.
    public var connections: [LoopbackConnection] {
        state.withLock { $0.connections }
    }

    /// The requests so far, of all connections, in order of connection.
    public var requests: [LoopbackRequest] {
        connections.flatMap(\.requests)
    }

    /// Suspends until that many connections were accepted.
    public func waitForConnections(_ count: Int) async throws {
        while connections.count < count {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    /// Closes everything and joins all threads.
    public func stop() {
        let isFirst = state.withLock { state in
            defer { state.isStopped = true }
            return !state.isStopped
        }
        guard isFirst else { return }
        stopGate.open()
        shutdown(listener, Int32(SHUT_RDWR))
        acceptor.withLock { $0.take() }?.join()
        for connection in connections { connection.interrupt() }
        for thread in state.withLock({ $0.threads }) { thread.join() }
        close(listener)
    }

    private func acceptOne() -> Bool {
        let descriptor = accept(listener, nil, nil)
        guard descriptor >= 0 else { return errno == EINTR || errno == ECONNABORTED }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return state.withLock { state in
            guard !state.isStopped else {
                close(descriptor)
                return false
            }
            let connection = LoopbackConnection(
                index: state.connections.count,
                descriptor: descriptor,
                tls: tls,
                stopGate: stopGate
            )
            do {
                let thread = try OwnedThread { [script, isSecureFromStart] in
                    connection.run(script, isSecureFromStart: isSecureFromStart)
                }
                state.connections.append(connection)
                state.threads.append(thread)
                return true
            } catch {
                close(descriptor)
                return false
            }
        }
    }

    private static func bindLoopback(_ listener: Int32, backlog: Int32) throws -> Int {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(listener, pointer, length) == 0 && listen(listener, backlog) == 0
                    && getsockname(listener, pointer, &length) == 0
            }
        }
        guard listener >= 0, code else { throw LoopbackError(message: "no loopback socket: errno \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

/// Why a test peer could not be set up.
public struct LoopbackError: Error {
    /// What happened.
    public var message: String
}

/// A request as the scripted peer read it.
public struct LoopbackRequest: Sendable {
    /// The connection it came on.
    public var connection: Int
    /// The method.
    public var method: String
    /// The target as sent.
    public var target: String
    /// The header lines as sent.
    public var headers: [(name: String, value: String)]
    /// The body, when a Content-Length announced one.
    public var body: [UInt8]

    /// The first header of that name, whatever its case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
