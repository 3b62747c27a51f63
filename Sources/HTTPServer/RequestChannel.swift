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
        /// The connections whose streams have something to send.
        var readable: [UInt64] = []
        var mustStop = false
        /// Whether no more answers come: whoever waits for one waits in vain.
        var areAnswersOver = false
    }

    private struct State {
        var exchanges: [Exchange] = []
        var orders = Orders()
        /// Whether the loop was woken for orders that it has not taken yet.
        var isAwake = false
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
        let isTooLate = state.withLock { $0.isFinished }
        guard !isTooLate else {
            response.stream?.close()
            return
        }
        order { $0.answers.append((connection, response)) }
    }

    /// Tells the loop that a connection's stream has something to send.
    func announce(_ connection: UInt64) {
        order { $0.readable.append(connection) }
    }

    /// Tells the loop to accept no more and to end when the requests in work are answered.
    func stop() {
        order { $0.mustStop = true }
    }

    /// Tells the loop that there are no handlers any more: requests that none of them has taken get no answer.
    func endAnswers() {
        order { $0.areAnswersOver = true }
    }

    /// Only the first of several orders needs to wake the loop, which takes them all at once.
    private func order(_ add: (inout Orders) -> Void) {
        let isFirst = state.withLock { state in
            defer {
                add(&state.orders)
                state.isAwake = true
            }
            return !state.isAwake
        }
        if isFirst { wakeUp.wake() }
    }

    // MARK: the loop's side

    func submit(_ exchange: Exchange) {
        state.withLock { $0.exchanges.append(exchange) }
        arrival.send()
    }

    func takeOrders() -> Orders {
        state.withLock { state in
            defer {
                state.orders.answers = []
                state.orders.readable = []
                state.isAwake = false
            }
            return state.orders
        }
    }

    /// Notes that the loop has ended.
    func finish() {
        let unheard = state.withLock { state in
            state.isFinished = true
            defer { state.orders.answers = [] }
            return state.orders.answers
        }
        for (_, response) in unheard { response.stream?.close() }
        arrival.send()
    }
}
