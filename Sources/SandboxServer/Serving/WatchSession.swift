internal import HTTPServer
internal import Synchronization
internal import Timekeeping

/// One watch: first sends what its source has, as fast as the client takes it, then every change as it comes.
///
/// The live changes arrive on the store's publishing thread, in order; ``feed()`` runs on one thread at a time,
/// bookmarks and the end come from the hub's timer.
final class WatchSession: Sendable {
    private enum Phase {
        /// Some thread sends from the source; whether it is to look again before it stops.
        case feeding(again: Bool)
        /// The source waits for room in the client's buffer.
        case waiting(WatchSource)
        /// Changes go out as they come.
        case live
        /// Nothing goes out any more.
        case ended
    }

    private struct State {
        var phase: Phase
        /// Live changes that came before their turn.
        var backlog: [[UInt8]] = []
        var backlogBytes = 0
        var isFirst = true
        /// Whether the watch ends when all that is known by now has gone out.
        var isLast = false
        var sentEvents = 0
        /// The revision of the last change that was sent or is in the backlog.
        var revision: UInt64
        /// The revision of the last bookmark.
        var bookmarked: UInt64?
        /// The revision that has to be reached for the bookmark that ends the initial events; nil when none is due.
        var initialEnd: UInt64?
        var timers: WatchTimers
    }

    /// Beyond this a client that is slow, and not merely hit by a burst, is cut.
    private static let maxBacklogBytes = 64 << 20

    let id: UInt64
    let request: WatchRequest
    let stream: HTTPServerStream
    /// Changes up to this revision are not for the live part.
    private let start: UInt64
    private let state: Mutex<State>

    init(
        id: UInt64,
        request: WatchRequest,
        stream: HTTPServerStream,
        beginning: WatchBeginning,
        timers: WatchTimers
    ) {
        self.id = id
        self.request = request
        self.stream = stream
        start = beginning.revision
        state = Mutex(
            State(
                phase: .waiting(beginning.source),
                revision: beginning.revision,
                initialEnd: beginning.initialEnd,
                timers: timers
            )
        )
    }

    // MARK: changes

    /// Sends a live change, when it is one for this watch.
    func deliver(_ event: inout WatchEvent) {
        guard event.change.revision > start, let kind = event.kind(for: request.options) else { return }
        let isFirst = state.withLock { state in
            defer { state.isFirst = false }
            return state.isFirst && request.representation.encodeFirst != nil
        }
        let line: [UInt8]
        do {
            line = try event.line(kind, request.representation, isFirst: isFirst)
        } catch {
            fail(error)
            return
        }
        let isTooSlow = state.withLock { state in
            state.revision = event.change.revision
            if case .live = state.phase, stream.hasRoom {
                send(line, &state)
                return false
            }
            return !queue(line, &state)
        }
        if isTooSlow { stream.close() }
    }

    /// Keeps a line for later; false when there are too many.
    private func queue(_ line: [UInt8], _ state: inout State) -> Bool {
        switch state.phase {
        case .ended: return true
        case .live: state.phase = .waiting(WatchSource(lines: []))
        case .feeding, .waiting: break
        }
        guard line.count <= Self.maxBacklogBytes - state.backlogBytes else {
            state.phase = .ended
            return false
        }
        state.backlog.append(line)
        state.backlogBytes += line.count
        return true
    }

    private func send(_ line: [UInt8], _ state: inout State) {
        stream.write(line)
        count(&state)
    }

    /// Sends from the source until the client's buffer is full, or nothing is left and the watch is live.
    func feed() {
        guard var source = takeSource() else { return }
        while true {
            guard stream.hasRoom else {
                guard put(source) else { return }
                continue
            }
            do {
                let isFirst = state.withLock { $0.isFirst }
                if let line = try source.next(for: request, isFirst: isFirst) {
                    state.withLock { state in
                        state.isFirst = false
                        guard case .feeding = state.phase else { return }
                        send(line, &state)
                    }
                    if isEnded { return }
                } else if let more = takeBacklog() {
                    source = more
                } else {
                    return
                }
            } catch {
                fail(error)
                return
            }
        }
    }

    private var isEnded: Bool {
        state.withLock { state in
            if case .ended = state.phase { return true }
            return stream.isEnded
        }
    }

    private func takeSource() -> WatchSource? {
        state.withLock { state in
            switch state.phase {
            case .waiting(let source):
                state.phase = .feeding(again: false)
                return source
            case .feeding:
                state.phase = .feeding(again: true)
                return nil
            case .live, .ended:
                return nil
            }
        }
    }

    /// Puts the source back until there is room; true when there is room again already.
    private func put(_ source: WatchSource) -> Bool {
        state.withLock { state in
            guard case .feeding(let again) = state.phase else { return false }
            state.phase = again ? .feeding(again: false) : .waiting(source)
            return again
        }
    }

    /// What came meanwhile; nil when nothing did, and the watch is live from here on.
    private func takeBacklog() -> WatchSource? {
        state.withLock { state in
            guard case .feeding = state.phase else { return nil }
            guard state.backlog.isEmpty else {
                defer {
                    state.backlog = []
                    state.backlogBytes = 0
                }
                return WatchSource(lines: state.backlog)
            }
            if state.isLast {
                state.phase = .ended
                stream.finish()
            } else {
                state.phase = .live
            }
            return nil
        }
    }

    // MARK: bookmarks and the end

    /// Ends the watch when everything that has happened so far is sent.
    ///
    /// - Returns: whether it has ended.
    func finish() -> Bool {
        state.withLock { state in
            switch state.phase {
            case .ended: return true
            case .live:
                state.phase = .ended
                stream.finish()
                return true
            case .feeding, .waiting:
                state.isLast = true
                return false
            }
        }
    }

    /// Sends the bookmark that ends the initial events, once they are out and the wanted revision is reached.
    ///
    /// - Parameter delivered: The revision up to which all changes have been delivered.
    /// - Returns: whether it is still due.
    func endInitialEvents(delivered: UInt64) -> Bool {
        state.withLock { state in
            guard let wanted = state.initialEnd else { return false }
            guard case .live = state.phase, max(state.revision, delivered) >= wanted else { return true }
            state.initialEnd = nil
            sendBookmark(delivered: delivered, endsInitialEvents: true, &state)
            return false
        }
    }

    /// Does what is due now; returns when it wants to be called next, nil when the watch has ended.
    func tick(now: MonotonicInstant, delivered: UInt64) -> MonotonicInstant? {
        state.withLock { state in
            if case .ended = state.phase { return nil }
            for due in state.timers.take(now: now) {
                switch due {
                case .bookmark(let isLast):
                    guard case .live = state.phase, state.initialEnd == nil else { continue }
                    // Before the end it only helps when it says something new.
                    guard !isLast || state.bookmarked != max(state.revision, delivered) else { continue }
                    sendBookmark(delivered: delivered, endsInitialEvents: false, &state)
                case .fault:
                    strike(&state)
                case .end:
                    state.phase = .ended
                    stream.finish()
                }
            }
            if case .ended = state.phase { return nil }
            return state.timers.next
        }
    }

    private func sendBookmark(delivered: UInt64, endsInitialEvents: Bool, _ state: inout State) {
        let revision = max(state.revision, delivered)
        let bookmark = request.bookmark(at: revision, endsInitialEvents: endsInitialEvents)
        state.bookmarked = revision
        do {
            let line = try WatchEvent.line(.bookmark, bookmark, request.representation, isFirst: state.isFirst)
            state.isFirst = false
            stream.write(line)
        } catch {
            fail(error, &state)
        }
    }

    private func fail(_ error: any Error) {
        state.withLock { fail(error, &$0) }
    }

    /// An object that cannot be shown ends the watch, as a real server does it.
    private func fail(_ error: any Error, _ state: inout State) {
        state.phase = .ended
        stream.write(WatchEvent.line(error as? APIFailure ?? .internalError("\(error)")))
        stream.finish()
    }

    // MARK: faults

    private func count(_ state: inout State) {
        state.sentEvents += 1
        if let limit = request.fault.afterEvents, state.sentEvents >= limit { strike(&state) }
    }

    private func strike(_ state: inout State) {
        guard let kind = request.fault.kind else { return }
        state.phase = .ended
        state.backlog = []
        // A silent one leaves the connection open for as long as the client stays.
        if kind == .cut { stream.close() }
    }
}
