import Synchronization

/// The body of an answer that goes out while it is made, as a watch does.
///
/// Any thread may write; nothing blocks. Bytes wait in a bounded buffer until the client takes them, and arrays are
/// kept as they are, so that the same event in the buffers of many clients is in memory once.
///
/// ```swift
/// let stream = HTTPServerStream()
/// stream.onClose { watchers.remove(id) }
/// stream.write(event)          // false: the client is gone or was too slow
/// return HTTPServerResponse(status: 200, headers: [contentType], stream: stream)
/// ```
public final class HTTPServerStream: Sendable {
    private enum End {
        case finished
        /// Nobody reads any more, or nothing is to be sent any more.
        case closed
    }

    private struct State {
        var chunks: [[UInt8]] = []
        /// How many of `chunks` have gone out.
        var taken = 0
        var bufferedBytes = 0
        var end: End?
        /// Whether the reader was told of bytes that it has not taken yet.
        var isAnnounced = false
        /// Whether a writer waits for room.
        var isFull = false
        var onReadable: (@Sendable () -> Void)?
        var onClose: (@Sendable () -> Void)?
        var onRoom: (@Sendable () -> Void)?
    }

    /// The most bytes that may wait for the client.
    public let maxBufferedBytes: Int
    private let state = Mutex(State())

    /// Makes an open stream.
    ///
    /// - Parameter maxBufferedBytes: The most bytes that may wait for the client; a write beyond them closes the
    ///   connection, unless nothing else waits.
    public init(maxBufferedBytes: Int = 4 << 20) {
        self.maxBufferedBytes = maxBufferedBytes
    }

    /// Adds bytes to the body.
    ///
    /// - Returns: false when they were not taken: the client is gone, the stream has ended, or the client is so slow
    ///   that the buffer is full, which closes the connection.
    @discardableResult
    public func write(_ bytes: [UInt8]) -> Bool {
        guard !bytes.isEmpty else { return !isEnded }
        let (isTaken, announce) = state.withLock { state -> (Bool?, (@Sendable () -> Void)?) in
            guard state.end == nil else { return (false, nil) }
            // One event larger than the buffer is no fault of the client.
            guard state.bufferedBytes == 0 || bytes.count <= maxBufferedBytes - state.bufferedBytes else {
                return (nil, nil)
            }
            state.chunks.append(bytes)
            state.bufferedBytes += bytes.count
            return (true, Self.announcement(&state))
        }
        announce?()
        if isTaken == nil { close() }
        return isTaken ?? false
    }

    /// Ends the body; what is buffered still goes out, and the connection may serve another request.
    public func finish() {
        let announce = state.withLock { state -> (@Sendable () -> Void)? in
            guard state.end == nil else { return nil }
            state.end = .finished
            state.onClose = nil
            state.onRoom = nil
            return Self.announcement(&state)
        }
        announce?()
    }

    /// The reader wants no more: the body ends with what is buffered, and the writer hears of it.
    func finishReading() {
        let onClose = state.withLock { $0.onClose.take() }
        finish()
        onClose?()
    }

    /// Ends the body at once and closes the connection in the middle of it; what is buffered is dropped.
    public func close() {
        let calls = state.withLock { state -> [(@Sendable () -> Void)?] in
            guard state.end != .closed else { return [] }
            state.end = .closed
            state.chunks = []
            state.taken = 0
            state.bufferedBytes = 0
            defer {
                state.onClose = nil
                state.onRoom = nil
            }
            return [Self.announcement(&state), state.onClose]
        }
        for call in calls { call?() }
    }

    /// Calls `handler` once when the connection is closed, or the server stops, before the writer has ended the body.
    ///
    /// It is called on whatever thread notices, at once when that has happened, and has to be short.
    public func onClose(_ handler: @escaping @Sendable () -> Void) {
        let isClosed = state.withLock { state in
            if state.end == .closed { return true }
            state.onClose = handler
            return false
        }
        if isClosed { handler() }
    }

    /// Calls `handler` whenever ``hasRoom`` was false and the client has taken half of what was too much.
    ///
    /// For writers who have much to say and would otherwise be too fast.
    public func onRoom(_ handler: @escaping @Sendable () -> Void) {
        state.withLock { $0.onRoom = handler }
    }

    /// Whether so little is buffered that more can be written without a thought; after false, ``onRoom(_:)`` is called.
    public var hasRoom: Bool {
        state.withLock { state in
            state.isFull = state.bufferedBytes > ampleBytes
            return !state.isFull
        }
    }

    /// Whether nothing can be written any more.
    public var isEnded: Bool { state.withLock { $0.end != nil } }

    /// Whether the connection is closed or about to be, before the body was complete.
    public var isClosed: Bool { state.withLock { $0.end == .closed } }

    /// Enough to keep a connection busy, and far from the limit.
    private var ampleBytes: Int { min(maxBufferedBytes / 2, 256 << 10) }

    private static func announcement(_ state: inout State) -> (@Sendable () -> Void)? {
        guard !state.isAnnounced else { return nil }
        state.isAnnounced = true
        return state.onReadable
    }
}

extension HTTPServerStream {
    /// What the reader finds.
    public enum Reading: Sendable, Equatable {
        /// The next bytes.
        case bytes([[UInt8]])
        /// There are none yet.
        case nothing
        /// The body is complete.
        case finished
        /// The body has broken off.
        case closed
    }

    /// Calls `handler` when there is something to read after a reader found nothing; for the server, and for tests
    /// of handlers, which read in its place.
    public func onReadable(_ handler: @escaping @Sendable () -> Void) {
        let isReadable = state.withLock { state in
            state.onReadable = handler
            return state.isAnnounced
        }
        if isReadable { handler() }
    }

    /// Takes buffered bytes, at least one write's and about `count` at most.
    public func read(upTo count: Int = .max) -> Reading {
        let (reading, makeRoom) = state.withLock { state -> (Reading, (@Sendable () -> Void)?) in
            guard state.taken < state.chunks.count else {
                state.isAnnounced = false
                return (state.end.map { $0 == .closed ? .closed : .finished } ?? .nothing, nil)
            }
            let chunks = Self.take(&state, upTo: count)
            guard state.isFull, state.bufferedBytes <= ampleBytes / 2 else { return (.bytes(chunks), nil) }
            state.isFull = false
            return (.bytes(chunks), state.onRoom)
        }
        makeRoom?()
        return reading
    }

    private static func take(_ state: inout State, upTo count: Int) -> [[UInt8]] {
        var end = state.taken
        var bytes = 0
        repeat {
            bytes += state.chunks[end].count
            end += 1
        } while end < state.chunks.count && bytes < count
        let chunks = Array(state.chunks[state.taken..<end])
        for index in state.taken..<end { state.chunks[index] = [] }
        state.bufferedBytes -= bytes
        state.taken = end
        // Moving the rest only when half is gone keeps the cost of a write constant.
        if end > state.chunks.count / 2 {
            state.chunks.removeFirst(end)
            state.taken = 0
        }
        return chunks
    }
}
