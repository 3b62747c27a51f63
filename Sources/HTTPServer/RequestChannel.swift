import Synchronization
internal import Timekeeping

/// Carries requests from the loop's thread to the handlers, and answers back.
///
/// It is bounded by the number of connections, because each has one request in work at most.
final class RequestChannel: Sendable {
    /// A request and the connection that waits for its answer.
    struct Exchange: Sendable {
        let connection: UInt64
        let request: HTTPServerRequest
    }

    /// What the loop is to do.
    struct Orders {
        var answers: [(connection: UInt64, response: HTTPServerResponse)] = []
        var mustStop = false
    }

    private struct State {
        var exchanges: [Exchange] = []
        var orders = Orders()
        var isFinished = false
    }

    private let state = Mutex(State())
    private let arrival = Signal()
    let wakeUp: WakePipe

    init() throws(HTTPServerError) {
        wakeUp = try WakePipe()
    }

    // MARK: the handlers' side

    /// The requests that have arrived, at least one; nil when the loop has ended.
    func nextExchanges() async throws -> [Exchange]? {
        while true {
            let (exchanges, isFinished) = state.withLock { state in
                defer { state.exchanges = [] }
                return (state.exchanges, state.isFinished)
            }
            if !exchanges.isEmpty { return exchanges }
            if isFinished { return nil }
            try await arrival.wait()
        }
    }

    func answer(_ connection: UInt64, with response: HTTPServerResponse) {
        state.withLock { $0.orders.answers.append((connection, response)) }
        wakeUp.wake()
    }

    /// Tells the loop to accept no more and to end when the requests in work are answered.
    func stop() {
        state.withLock { $0.orders.mustStop = true }
        wakeUp.wake()
    }

    // MARK: the loop's side

    func submit(_ exchange: Exchange) {
        state.withLock { $0.exchanges.append(exchange) }
        arrival.send()
    }

    func takeOrders() -> Orders {
        state.withLock { state in
            defer { state.orders.answers = [] }
            return state.orders
        }
    }

    /// Notes that the loop has ended.
    func finish() {
        state.withLock { $0.isFinished = true }
        arrival.send()
    }
}
