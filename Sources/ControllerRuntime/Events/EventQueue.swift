import KubernetesCore
import Synchronization
import Timekeeping

/// A bounded queue in several lanes: events of one object share a lane and keep their order.
final class EventQueue: Sendable {
    private struct State {
        /// Oldest last, so that taking one is cheap; new ones wait in `incoming`.
        var outgoing: [[RecordedEvent]]
        var incoming: [[RecordedEvent]]
        var count = 0
        var isClosed = false
    }

    /// Whether an event was taken in.
    enum Admission {
        case accepted
        case full
        case closed
    }

    private let limit: Int
    private let state: Mutex<State>
    private let signals: [Signal]

    init(lanes: Int, limit: Int) {
        let lanes = max(1, lanes)
        self.limit = limit
        state = Mutex(State(outgoing: Array(repeating: [], count: lanes), incoming: Array(repeating: [], count: lanes)))
        signals = (0..<lanes).map { _ in Signal() }
    }

    /// The lanes, each for one worker.
    var lanes: Range<Int> { signals.indices }

    /// The number of events that wait.
    var count: Int { state.withLock { $0.count } }

    /// Takes an event in; never waits.
    func add(_ event: RecordedEvent) -> Admission {
        let lane = lane(of: event)
        let admission: Admission = state.withLock { state in
            if state.isClosed { return .closed }
            if state.count >= limit { return .full }
            state.incoming[lane].append(event)
            state.count += 1
            return .accepted
        }
        if case .accepted = admission { signals[lane].send() }
        return admission
    }

    /// The next event of a lane, as soon as there is one; nil when the queue is closed and the lane is empty.
    ///
    /// - Throws: `CancellationError`.
    func next(in lane: Int) async throws -> RecordedEvent? {
        while true {
            let (event, isClosed) = state.withLock { state in
                if state.outgoing[lane].isEmpty {
                    state.outgoing[lane] = state.incoming[lane].reversed()
                    state.incoming[lane] = []
                }
                let event = state.outgoing[lane].popLast()
                if event != nil { state.count -= 1 }
                return (event, state.isClosed)
            }
            if let event { return event }
            if isClosed { return nil }
            try await signals[lane].wait()
        }
    }

    /// Refuses new events; those inside can still be taken.
    func close() {
        state.withLock { $0.isClosed = true }
        for signal in signals { signal.send() }
    }

    /// FNV-1a of the object, so that the lane does not depend on the process's hash seed.
    private func lane(of event: RecordedEvent) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for part in [event.about.kind, event.about.namespace, event.about.name] {
            for byte in (part ?? "").utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        return Int(hash % UInt64(signals.count))
    }
}
