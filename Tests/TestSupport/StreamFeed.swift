public import HTTPTransport
public import JSON
import Synchronization
import Timekeeping

/// A response body that a test sends chunk by chunk.
public final class StreamFeed: HTTPBodySource {
    private struct State {
        var chunks: ArraySlice<[UInt8]> = []
        /// Set once the stream has ended; the failure is thrown after the chunks.
        var end: Result<Void, any Error>?
        var reader: Promise<Void>?
    }

    private let state = Mutex(State())
    private let cancelled = Latch()

    /// Makes a body without any bytes yet.
    public init() {}

    /// Whether the reader has let go of the body.
    public var isCancelled: Bool { cancelled.isOpen }

    /// Suspends until the reader has let go of the body.
    ///
    /// - Throws: `CancellationError` when the waiting task is cancelled.
    public func waitUntilCancelled() async throws {
        try await cancelled.wait()
    }

    /// Sends a chunk.
    public func send(_ chunk: [UInt8]) {
        if !chunk.isEmpty { change { $0.chunks.append(chunk) } }
    }

    /// Sends a text as one chunk.
    public func send(_ text: String) {
        send(Array(text.utf8))
    }

    /// Sends one watch event as an API server writes it.
    public func send(event type: String, _ object: JSONValue) {
        send(#"{"type":"\#(type)","object":\#(object.text)}"# + "\n")
    }

    /// Ends the body; with an error it breaks off.
    public func finish(throwing error: (any Error)? = nil) {
        change { state in
            state.end = state.end ?? (error.map { .failure($0) } ?? .success(()))
        }
    }

    /// The next chunk; waits for the test to send it.
    public func next() async throws -> [UInt8]? {
        while true {
            try Task.checkCancellation()
            let waiting: (chunk: [UInt8]?, promise: Promise<Void>?) = try state.withLock { state in
                if let chunk = state.chunks.popFirst() { return (chunk, nil) }
                if let end = state.end {
                    try end.get()
                    return (nil, nil)
                }
                let promise = Promise<Void>()
                state.reader = promise
                return (nil, promise)
            }
            guard let promise = waiting.promise else { return waiting.chunk }
            try await promise.value()
        }
    }

    /// Notes that the reader has let go.
    public func cancel() {
        change { state in
            state.chunks = []
            state.end = state.end ?? .failure(HTTPTransportError(layer: .cancelled, message: "the body was dropped"))
        }
        cancelled.open()
    }

    private func change(_ body: (inout State) -> Void) {
        let reader = state.withLock { state in
            body(&state)
            let reader = state.reader
            state.reader = nil
            return reader
        }
        reader?.fulfil()
    }
}
