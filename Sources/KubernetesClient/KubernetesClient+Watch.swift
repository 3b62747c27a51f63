import HTTPTransport
import JSON
public import KubernetesCore
import Telemetry

extension KubernetesClient {
    /// Follows a collection; all namespaces when `namespace` is nil.
    public func watch(
        _ resource: APIResource,
        namespace: String? = nil,
        options: WatchOptions = WatchOptions()
    ) async throws -> WatchSequence<Unstructured> {
        try await watch(resource, namespace: namespace, options: options) { try resource.item($0) }
    }

    /// Follows a collection with a way of one's own to read its objects.
    ///
    /// It returns when the server has accepted the watch, on a connection of its own. The stream ends when the server
    /// ends it, which is normal, when the client certificate is replaced, or with an error; then watch again.
    ///
    /// - Parameters:
    ///   - resource: what to watch.
    ///   - namespace: nil for all namespaces.
    ///   - options: selectors, the version to start after, the time after which the server ends it.
    ///   - accept: the media type; ``MediaType/metadataOnly`` for metadata alone.
    ///   - decode: makes an object of its JSON; runs in the task that reads the stream.
    /// - Returns: the events.
    /// - Throws: ``ClientError`` when the watch cannot be started.
    public func watch<Object: Sendable>(
        _ resource: APIResource,
        namespace: String? = nil,
        options: WatchOptions = WatchOptions(),
        accept: String = MediaType.json,
        decode: @escaping @Sendable (_ object: [UInt8]) throws -> Object
    ) async throws -> WatchSequence<Object> {
        var request = APIRequest.watch(resource, namespace: namespace, options: options)
        request.accept = accept
        let stream = try await stream(request)
        return WatchSequence(
            body: stream.body,
            session: session,
            rotations: session.rotations,
            request: RequestSummary(request),
            decode: decode
        )
    }
}

/// The events of one watch, in the server's order.
///
/// One reader at a time. Iterating throws ``ClientError``: `transport` when the connection breaks, `decoding` when an
/// event cannot be read, since skipping it could hide a change; and `CancellationError`. An event of an unknown type is
/// logged and skipped. Dropping the sequence and its iterators, or cancelling the reading task, closes the connection.
public struct WatchSequence<Object: Sendable>: AsyncSequence, Sendable {
    /// One event.
    public typealias Element = WatchEvent<Object>

    let body: HTTPBody
    let session: ClientSession
    /// The number of certificate changes when the watch began.
    let rotations: Int
    let request: RequestSummary
    let decode: @Sendable ([UInt8]) throws -> Object

    /// Starts reading.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(sequence: self, chunks: body.makeAsyncIterator())
    }

    /// Reads the events of one ``WatchSequence``.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let sequence: WatchSequence
        fileprivate var chunks: HTTPBody.AsyncIterator
        private var splitter = JSONSplitter()
        private var frames: ArraySlice<[UInt8]> = []
        private var isAtEnd = false

        fileprivate init(sequence: WatchSequence, chunks: HTTPBody.AsyncIterator) {
            self.sequence = sequence
            self.chunks = chunks
        }

        /// The next event; nil when the server has ended the watch.
        public mutating func next() async throws -> WatchEvent<Object>? {
            do {
                while true {
                    while let frame = frames.popFirst() {
                        if let event = try sequence.event(frame) { return event }
                    }
                    guard try await fill() else { return nil }
                }
            } catch let error as CancellationError {
                throw error
            } catch let error as HTTPTransportError {
                throw ClientError.transport(error, request: sequence.request)
            } catch {
                throw ClientError.decoding(error, request: sequence.request)
            }
        }

        /// The next event; nil when the server has ended the watch.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> WatchEvent<Object>? {
            try await next()
        }

        /// Reads one chunk; false at the end of the stream.
        private mutating func fill() async throws -> Bool {
            guard !isAtEnd else { return false }
            guard let chunk = try await chunks.next() else {
                isAtEnd = true
                try splitter.finish()
                return false
            }
            frames = try splitter.append(chunk)[...]
            // The connection still shows the old certificate; whoever watches opens one that shows the new.
            if sequence.session.rotations != sequence.rotations { isAtEnd = true }
            return true
        }
    }

    /// Reads one event; nil for one of an unknown type.
    fileprivate func event(_ frame: [UInt8]) throws -> WatchEvent<Object>? {
        let parts = try WatchFrame(frame)
        switch parts.type {
        case "ADDED": return .added(try decode(parts.object))
        case "MODIFIED": return .modified(try decode(parts.object))
        case "DELETED": return .deleted(try decode(parts.object))
        case "BOOKMARK", "ERROR":
            // Neither of them carries an object to decode.
            let event = try WatchEvent<Unstructured>(json: JSONValue(parsing: frame, projection: .kubernetes))
            return switch event {
            case .bookmark(let version, let ends): .bookmark(resourceVersion: version, initialEventsEnd: ends)
            case .error(let status): .error(status)
            case .added, .modified, .deleted: nil
            }
        default:
            session.logger.warning(
                "skipped a watch event of unknown type",
                ["type": String(parts.type.prefix(32)), "watch": "\(request)"]
            )
            return nil
        }
    }
}
