import Synchronization
internal import Timekeeping

/// The bytes of a stream between the loop's thread and the reader.
final class BodyBuffer: Sendable {
    /// What became of bytes that were offered.
    enum Offer {
        /// They were copied.
        case taken
        /// None was copied: offer them again after a `resume`.
        case full
        /// Nobody reads any more.
        case abandoned
    }

    /// What a reader gets.
    enum Reading {
        /// All bytes that were there, and whether the transfer waits to be resumed.
        case bytes([UInt8], mustResume: Bool)
        /// Nothing yet; read again when the promise is fulfilled.
        case wait(Promise<Void>)
        /// The end of the body.
        case end
        /// The body will not be whole.
        case failed(any Error)
    }

    private struct State {
        var bytes: [UInt8] = []
        var isPaused = false
        var isAbandoned = false
        var end: Result<Void, any Error>?
        var reader: Promise<Void>?
    }

    private let state = Mutex(State())
    private let limit: Int

    /// Makes a buffer that takes bytes as long as it holds fewer than `limit`.
    init(limit: Int) {
        self.limit = limit
    }

    /// Copies bytes in, or says why not.
    func offer(_ bytes: UnsafeRawBufferPointer) -> Offer {
        let (offer, reader): (Offer, Promise<Void>?) = state.withLock { state in
            guard !state.isAbandoned else { return (.abandoned, nil) }
            guard state.bytes.count < limit else {
                state.isPaused = true
                return (.full, nil)
            }
            unsafe state.bytes.append(contentsOf: bytes)
            return (.taken, state.reader.take())
        }
        reader?.fulfil()
        return offer
    }

    /// Notes how the transfer ended; bytes that wait are still read first.
    func finish(_ result: Result<Void, any Error>) {
        let reader = state.withLock { state in
            if state.end == nil { state.end = result }
            return state.reader.take()
        }
        reader?.fulfil()
    }

    /// What there is to read now.
    func read() -> Reading {
        state.withLock { state in
            if !state.bytes.isEmpty {
                defer {
                    state.bytes = []
                    state.isPaused = false
                }
                return .bytes(state.bytes, mustResume: state.isPaused)
            }
            switch state.end {
            case .success: return .end
            case .failure(let error): return .failed(error)
            case nil: break
            }
            guard state.reader?.isFulfilled ?? true else {
                return .failed(HTTPTransportError(layer: .local, message: "a body has one reader at a time"))
            }
            let reader = Promise<Void>()
            state.reader = reader
            return .wait(reader)
        }
    }

    /// Notes that nobody reads any more.
    ///
    /// - Returns: whether a transfer is still to be ended.
    func abandon() -> Bool {
        state.withLock { state in
            guard !state.isAbandoned, state.end == nil else { return false }
            state.isAbandoned = true
            state.bytes = []
            state.end = .failure(
                HTTPTransportError(layer: .cancelled, message: "the reader ended the transfer", requestWasSent: true)
            )
            return true
        }
    }
}

/// A stream's body as its reader sees it.
final class StreamSource: HTTPBodySource {
    private let job: TransferJob
    private let buffer: BodyBuffer
    private let queue: TransferQueue

    init(job: TransferJob, buffer: BodyBuffer, queue: TransferQueue) {
        self.job = job
        self.buffer = buffer
        self.queue = queue
    }

    func next() async throws -> [UInt8]? {
        while true {
            guard !Task.isCancelled else {
                cancel()
                throw CancellationError()
            }
            switch buffer.read() {
            case .bytes(let bytes, let mustResume):
                if mustResume { queue.submit(.resume(job)) }
                return bytes
            case .end:
                return nil
            case .failed(let error):
                throw error
            case .wait(let arrival):
                try await withTaskCancellationHandler {
                    try await arrival.value()
                } onCancel: {
                    cancel()
                }
            }
        }
    }

    func cancel() {
        guard buffer.abandon() else { return }
        job.markCancelled()
        queue.submit(.cancel(job))
    }
}
