/// Where the chunks of an ``HTTPBody`` come from.
public protocol HTTPBodySource: AnyObject, Sendable {
    /// The next bytes, never empty; nil at the end.
    ///
    /// - Throws: ``HTTPTransportError`` when the transfer failed, `CancellationError` when the task was cancelled.
    func next() async throws -> [UInt8]?
    /// Ends the transfer; may be called more than once, from any thread.
    func cancel()
}

/// The arriving body of a stream: chunks as they come off the line, cut anywhere.
///
/// One reader at a time. Bytes wait in a bounded buffer; when it is full, the connection is no longer read until the
/// reader has caught up. The transfer ends when the last copy of the body and its iterators are gone, or when the
/// reading task is cancelled.
public struct HTTPBody: AsyncSequence, Sendable {
    /// A piece of the body.
    public typealias Element = [UInt8]

    private let owner: Owner

    /// Makes a body of whatever `source` gives; `source` is cancelled when the body is dropped.
    public init(source: any HTTPBodySource) {
        owner = Owner(source: source)
    }

    /// Makes a body of chunks that are there already; fakes use it.
    public init(_ chunks: [[UInt8]]) {
        self.init(source: ReadyChunks(chunks))
    }

    /// Starts reading.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(owner: owner)
    }

    /// Reads to the end.
    ///
    /// - Throws: what the transfer threw; ``HTTPTransportError`` with layer `tooLarge` above `limit` bytes.
    public func collect(upTo limit: Int) async throws -> [UInt8] {
        var all: [UInt8] = []
        for try await chunk in self {
            guard chunk.count <= limit - all.count else {
                throw HTTPTransportError(
                    layer: .tooLarge,
                    message: "the body is larger than \(limit) bytes",
                    requestWasSent: true
                )
            }
            all.append(contentsOf: chunk)
        }
        return all
    }

    /// Reads the body of one ``HTTPBody``.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let owner: Owner

        /// The next bytes, never empty; nil at the end.
        public mutating func next() async throws -> [UInt8]? {
            try await owner.source.next()
        }

        /// The next bytes, never empty; nil at the end.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> [UInt8]? {
            try await owner.source.next()
        }
    }

    /// Ties the transfer to the life of the body's copies.
    fileprivate final class Owner: Sendable {
        let source: any HTTPBodySource

        init(source: any HTTPBodySource) {
            self.source = source
        }

        deinit {
            source.cancel()
        }
    }
}
