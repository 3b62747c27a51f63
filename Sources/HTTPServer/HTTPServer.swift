import Synchronization
internal import Timekeeping

/// A small HTTP/1.1 server for metrics and health, and for the sandbox with its long answers.
///
/// Sockets live on a thread of its own; handlers run as child tasks of ``run()``, one for each request in work.
///
/// ```swift
/// let server = HTTPServer(address: ":8080") { request in .text("you asked for \(request.path)\n") }
/// let port = try server.start()
/// try await server.run()  // until cancelled or shut down
/// ```
public final class HTTPServer: Sendable {
    /// Answers one request; runs as a child task of ``run()``.
    public typealias Handler = @Sendable (HTTPServerRequest) async -> HTTPServerResponse

    /// Looks at a request whose body has not arrived yet, on the server's thread; an answer refuses it.
    ///
    /// The connection ends then, so that nobody fills the memory who has no business here. A handler must not rely on it: a
    /// request that arrives at once does not pass here.
    public typealias Gate = @Sendable (_ head: HTTPServerRequest) -> HTTPServerResponse?

    private enum State {
        case new
        case bound(ListeningSocket)
        case running(RequestChannel)
        case ended
    }

    private let address: String
    private let limits: HTTPServerLimits
    private let refusal: @Sendable (_ status: Int) -> HTTPServerResponse
    private let gate: Gate
    private let handler: Handler
    private let state = Mutex(State.new)

    /// Makes a server; nothing is bound before ``start()``.
    ///
    /// - Parameters:
    ///   - address: "host:port"; ":port" means all addresses, port 0 any free one; IPv6 addresses in brackets.
    ///   - limits: The bounds on what clients may send and how long they may take.
    ///   - refusal: The answer to a request that cannot be read, by its status: 400, 405, 408, 413, 431, 501 or 505.
    ///   - gate: Refuses requests before their body is read.
    ///   - handler: Answers the requests.
    public init(
        address: String,
        limits: HTTPServerLimits = HTTPServerLimits(),
        refusal: @escaping @Sendable (_ status: Int) -> HTTPServerResponse = HTTPServerResponse.plain,
        gate: @escaping Gate = { _ in nil },
        handler: @escaping Handler
    ) {
        self.address = address
        self.limits = limits
        self.refusal = refusal
        self.gate = gate
        self.handler = handler
    }

    /// Binds the address and returns the port.
    ///
    /// Connections wait until ``run()``. Calling it again changes nothing.
    ///
    /// - Throws: ``HTTPServerError`` when the address cannot be parsed or bound, or the server has run already.
    @discardableResult
    public func start() throws -> Int {
        try state.withLock { state in
            switch state {
            case .new:
                let socket = try ListeningSocket(address: address)
                state = .bound(socket)
                return socket.port
            case .bound(let socket):
                return socket.port
            case .running, .ended:
                throw HTTPServerError(function: "start", code: 0, message: "\(address): a server runs once")
            }
        }
    }

    /// Serves until ``shutdown()``, then returns; calls ``start()`` when that has not happened.
    ///
    /// Either way of ending stops accepting and lets the handlers finish; cancellation cancels them.
    ///
    /// - Throws: `CancellationError` when the task is cancelled; ``HTTPServerError`` as `start` does.
    public func run() async throws {
        try start()
        guard let (channel, thread) = try launch() else { return }
        defer {
            // When handlers are done only their answers are on the way out, for two seconds at most.
            channel.stop()
            channel.endAnswers()
            thread.join()
            state.withLock { $0 = .ended }
        }
        try await withThrowingDiscardingTaskGroup { group in
            do {
                while let exchanges = try await channel.nextExchanges() {
                    for exchange in exchanges {
                        group.addTask { [handler] in
                            channel.answer(exchange.connection, with: await handler(exchange.request))
                        }
                    }
                }
            } catch {
                channel.stop()
                throw error
            }
        }
    }

    /// Stops accepting, lets the requests in work be answered and ends ``run()``; without a run, closes the address.
    public func shutdown() {
        state.withLock { state in
            switch state {
            case .new, .bound: state = .ended
            case .running(let channel): channel.stop()
            case .ended: break
            }
        }
    }

    /// Starts the thread; nil when the server was shut down meanwhile.
    private func launch() throws -> (RequestChannel, OwnedThread)? {
        let channel = try RequestChannel()
        let bounds = ServerConnection.Bounds(limits: limits, refusal: refusal, gate: gate)
        // The thread takes the socket over, so that it can close it while its own closure is still alive.
        let handover = Mutex<ListeningSocket?>(nil)
        let isBound = state.withLock { state in
            guard case .bound(let socket) = state else { return false }
            handover.withLock { $0 = socket }
            state = .running(channel)
            return true
        }
        guard isBound else { return nil }
        do {
            let thread = try OwnedThread {
                guard let socket = handover.withLock({ $0.take() }) else { return }
                ServerLoop(listener: socket, channel: channel, bounds: bounds, time: SystemTimeSource()).run()
            }
            return (channel, thread)
        } catch {
            state.withLock { $0 = .ended }
            // The name only says what failed; the thread itself is OwnedThread's.
            throw HTTPServerError(function: "pthread_create", code: error.code, message: "\(address): no thread")
        }
    }
}

/// Why a server could not start.
public struct HTTPServerError: Error, Sendable, Hashable {
    /// The function that failed.
    public var function: String
    /// The errno, or 0.
    public var code: Int32
    /// What happened, for people.
    public var message: String
}

extension HTTPServerError: CustomStringConvertible {
    /// The function and what happened.
    public var description: String {
        "\(function): \(message)"
    }
}
