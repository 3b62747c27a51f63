/// Cuts a byte stream into requests, without IO.
///
/// Bytes go in as they come; `next` gives a request as soon as it is whole. After a rejection the stream cannot be
/// followed any further. It accepts what RFC 9112 requires and refuses what has two readings (two lengths, folded or
/// blank-padded names), because that is how requests are smuggled.
struct RequestParser {
    /// What is to be read next.
    private enum State {
        case head
        /// A body of known length.
        case sized(HTTPServerRequest, count: Int)
        /// The size line of a chunk.
        case chunkSize(HTTPServerRequest)
        /// The bytes of a chunk and the line end after them.
        case chunk(HTTPServerRequest, count: Int)
        /// The lines after the last chunk, which are dropped.
        case trailers(HTTPServerRequest, bytes: Int)
        case failed(RequestRejection)
    }

    /// The longest line before a chunk, extensions included.
    private static let maxChunkLine = 1024

    private let limits: HTTPServerLimits
    private var state = State.head
    private var buffer: [UInt8] = []
    /// Where the unread bytes begin in `buffer`.
    private var start = 0
    /// How far the search for a line end got.
    private var searched = 0
    /// Whether the connection stays open after the request that was given last.
    private(set) var keepsAlive = true
    /// Whether that request's client knows chunked bodies, as all since HTTP/1.1 do.
    private(set) var allowsChunks = true
    private var mustContinue = false

    init(limits: HTTPServerLimits) {
        self.limits = limits
    }

    /// Whether bytes of an unfinished request are there.
    var isInRequest: Bool {
        if case .head = state { start < buffer.count } else { true }
    }

    /// Whether the header of the request is there and only its body is missing.
    var isInBody: Bool { unfinished != nil }

    /// The request whose body is missing, in whole or in part.
    var unfinished: HTTPServerRequest? {
        switch state {
        case .head, .failed: nil
        case .sized(let request, _), .chunkSize(let request), .chunk(let request, _), .trailers(let request, _): request
        }
    }

    /// Whether the client now waits for "100 Continue"; true once for each request.
    mutating func takeContinue() -> Bool {
        defer { mustContinue = false }
        return mustContinue && isInBody
    }

    /// Adds bytes that arrived.
    mutating func append(_ bytes: some Sequence<UInt8>) {
        if start > 0, start >= buffer.count / 2 {
            buffer.removeFirst(start)
            searched -= start
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole request; nil when more bytes are needed.
    mutating func next() throws(RequestRejection) -> HTTPServerRequest? {
        do {
            while true {
                switch try step() {
                case .request(let request): return request
                case .more: return nil
                case .again: continue
                }
            }
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private enum Step {
        case request(HTTPServerRequest)
        case more
        case again
    }

    private mutating func step() throws(RequestRejection) -> Step {
        switch state {
        case .failed(let rejection):
            throw rejection
        case .head:
            return try readHead()
        case .sized(var request, let count):
            guard let body = take(count) else { return .more }
            request.body = body
            return finish(request)
        case .chunkSize(let request):
            return try readChunkSize(request)
        case .chunk(var request, let count):
            guard let bytes = take(count + 2) else { return .more }
            guard bytes.suffix(2).elementsEqual([ASCII.carriageReturn, ASCII.lineFeed]) else { throw .badRequest }
            request.body.append(contentsOf: bytes.dropLast(2))
            state = .chunkSize(request)
            return .again
        case .trailers(let request, let bytes):
            guard let line = try takeLine(upTo: limits.maxHeaderBytes - bytes, else: .headerTooLarge) else {
                return .more
            }
            if line.isEmpty { return finish(request) }
            state = .trailers(request, bytes: bytes + line.count + 1)
            return .again
        }
    }

    private mutating func finish(_ request: HTTPServerRequest) -> Step {
        state = .head
        mustContinue = false
        return .request(request)
    }

    // MARK: head

    private mutating func readHead() throws(RequestRejection) -> Step {
        // A client may send an empty line after a body (RFC 9112, 2.2).
        while start < buffer.count, buffer[start] == ASCII.carriageReturn || buffer[start] == ASCII.lineFeed {
            start += 1
        }
        guard let end = headEnd() else {
            guard buffer.count - start <= limits.maxHeaderBytes else { throw .headerTooLarge }
            return .more
        }
        guard end - start <= limits.maxHeaderBytes else { throw .headerTooLarge }
        let head = try RequestHead(buffer[start..<end])
        start = end
        searched = end
        keepsAlive = head.keepsAlive
        allowsChunks = !head.isOld
        mustContinue = head.expectsContinue
        switch head.framing {
        case .none:
            return finish(head.request)
        case .sized(let count):
            guard count <= limits.maxBodyBytes else { throw .bodyTooLarge }
            state = .sized(head.request, count: count)
        case .chunked:
            state = .chunkSize(head.request)
        }
        return .again
    }

    /// The index after the empty line that ends the head.
    private mutating func headEnd() -> Int? {
        var index = max(searched, start)
        while index < buffer.count {
            if buffer[index] == ASCII.lineFeed {
                let before = buffer[start..<index]
                if before.last == ASCII.lineFeed
                    || before.suffix(2).elementsEqual([ASCII.lineFeed, ASCII.carriageReturn])
                {
                    return index + 1
                }
            }
            index += 1
        }
        searched = index
        return nil
    }

    // MARK: body

    private mutating func readChunkSize(_ request: HTTPServerRequest) throws(RequestRejection) -> Step {
        guard let line = try takeLine(upTo: Self.maxChunkLine, else: .badRequest) else { return .more }
        let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
        guard !digits.isEmpty, digits.count <= 15, digits.allSatisfy(ASCII.isHexDigit) else { throw .badRequest }
        guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16) else { throw .badRequest }
        guard size <= limits.maxBodyBytes - request.body.count else { throw .bodyTooLarge }
        state = size == 0 ? .trailers(request, bytes: 0) : .chunk(request, count: size)
        return .again
    }

    /// That many bytes, when they are there.
    private mutating func take(_ count: Int) -> [UInt8]? {
        guard buffer.count - start >= count else { return nil }
        defer {
            start += count
            searched = start
        }
        return Array(buffer[start..<(start + count)])
    }

    /// The bytes up to the next line end, without it.
    private mutating func takeLine(
        upTo limit: Int,
        else rejection: RequestRejection
    ) throws(RequestRejection) -> ArraySlice<UInt8>? {
        let unread = buffer[start...]
        guard let end = unread.firstIndex(of: ASCII.lineFeed) else {
            guard unread.count <= limit else { throw rejection }
            return nil
        }
        guard end - start <= limit else { throw rejection }
        let line = unread[..<end]
        start = end + 1
        searched = start
        return line.last == ASCII.carriageReturn ? line.dropLast() : line
    }
}

/// Why a request is refused; the connection closes after the answer.
enum RequestRejection: Error, Hashable {
    case badRequest
    case methodNotAllowed
    case timeout
    case bodyTooLarge
    case headerTooLarge
    case notImplemented
    case versionNotSupported

    /// The status to answer with.
    var status: Int {
        switch self {
        case .badRequest: 400
        case .methodNotAllowed: 405
        case .timeout: 408
        case .bodyTooLarge: 413
        case .headerTooLarge: 431
        case .notImplemented: 501
        case .versionNotSupported: 505
        }
    }
}
