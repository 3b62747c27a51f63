import FoundationEssentials
import Glibc
internal import Timekeeping

/// One accepted connection: reads a request, waits for its answer, writes that, and begins again.
///
/// It lives on the loop's thread, which polls for `events`, calls `perform` and closes at `deadline`.
final class ServerConnection {
    private enum State {
        /// Waiting for a request or the rest of one.
        case reading
        /// A handler works on the request.
        case handling(isHead: Bool)
        /// The answer is going out; what comes after it.
        case writing(Next)
        /// The head of the answer has gone out, or is going; the body comes from a stream.
        case streaming(HTTPServerStream, StreamFraming)
        /// All is said; what the client still sends is dropped, since closing now could make it lose the answer.
        case lingering
        case closed
    }

    private enum Next {
        case read
        case linger
    }

    private struct StreamFraming {
        /// Without chunks the end of the connection is the end of the body.
        var isChunked: Bool
        var next: Next
    }

    /// About how many bytes of a stream go out at once.
    private static let streamPortion = 64 << 10
    /// A peer that will send nothing more; Linux has it, Glibc's module does not.
    private static let peerHangUp: Int16 = 0x2000

    /// How long a client may take to notice that the connection was closed.
    private static let lingerTime = Duration.seconds(2)

    /// What clients may do, and what they are told when they do more.
    struct Bounds: Sendable {
        let limits: HTTPServerLimits
        let refusal: @Sendable (_ status: Int) -> HTTPServerResponse
        let gate: HTTPServer.Gate
    }

    let id: UInt64
    let descriptor: Int32
    private let bounds: Bounds
    private var limits: HTTPServerLimits { bounds.limits }
    private let time: any TimeSource
    private var parser: RequestParser
    private var state = State.reading
    private var output: ArraySlice<UInt8> = []
    private var isStopping = false
    /// When the connection is closed unless something happens.
    private(set) var deadline: MonotonicInstant

    init(id: UInt64, descriptor: Int32, bounds: Bounds, time: any TimeSource) {
        self.id = id
        self.descriptor = descriptor
        self.bounds = bounds
        self.time = time
        parser = RequestParser(limits: bounds.limits)
        deadline = time.now().advanced(by: bounds.limits.readHeaderTimeout)
    }

    deinit {
        Glibc.close(descriptor)
    }

    var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    /// What poll waits for; while a handler works only that the connection breaks.
    var events: Int16 {
        switch state {
        case .reading, .lingering: Int16(POLLIN)
        case .writing: Int16(POLLOUT)
        // A client that closes its half has stopped listening, as Go's server sees it, too.
        case .streaming: output.isEmpty ? Self.peerHangUp : Self.peerHangUp | Int16(POLLOUT)
        case .handling, .closed: 0
        }
    }

    /// Goes on after poll; returns the request that became whole.
    func perform(_ events: Int16) -> HTTPServerRequest? {
        switch state {
        case .reading where events & Int16(POLLIN | POLLHUP | POLLERR) != 0:
            return receive()
        case .writing where events & Int16(POLLOUT | POLLHUP | POLLERR) != 0:
            return send()
        case .streaming where events & (Self.peerHangUp | Int16(POLLHUP | POLLERR | POLLNVAL)) != 0:
            close()
        case .streaming where events & Int16(POLLOUT) != 0:
            return pump()
        case .lingering where events != 0:
            drop()
        case .handling where events & Int16(POLLHUP | POLLERR | POLLNVAL) != 0:
            state = .closed
        default:
            break
        }
        return nil
    }

    /// Sends the handler's answer; returns the next request when the client has sent it already.
    func answer(_ response: HTTPServerResponse) -> HTTPServerRequest? {
        guard case .handling(let isHead) = state else {
            response.stream?.close()
            return nil
        }
        return begin(response, isHead: isHead, keepsAlive: parser.keepsAlive && !isStopping)
    }

    /// Ends the connection as soon as nothing is in work.
    func stop() {
        isStopping = true
        if case .reading = state { state = .closed }
        if case .streaming(let stream, _) = state { stream.finishReading() }
        limitFarewell()
    }

    /// Nobody answers any more: one that waits for that ends.
    func giveUpAnswer() {
        if case .handling = state { state = .closed }
    }

    /// The stream has something to send; returns the next request when the body is complete and the client has sent it.
    func streamIsReadable() -> HTTPServerRequest? {
        guard case .streaming = state, output.isEmpty else { return nil }
        return pump()
    }

    /// The deadline has passed.
    func expire() {
        switch state {
        case .reading where parser.isInRequest:
            _ = begin(bounds.refusal(RequestRejection.timeout.status), isHead: false, keepsAlive: false)
        case .handling:
            // How long that takes is the handler's business.
            deadline = time.now().advanced(by: limits.transferTimeout)
        case .streaming, .reading, .writing, .lingering, .closed:
            close()
        }
    }

    private func close() {
        if case .streaming(let stream, _) = state { stream.close() }
        state = .closed
    }

    // MARK: reading

    private func receive() -> HTTPServerRequest? {
        var bytes = [UInt8](repeating: 0, count: 16384)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        guard count > 0 else {
            if count == 0 || !isTransient(errno) { state = .closed }
            return nil
        }
        let wasInRequest = parser.isInRequest
        parser.append(bytes[..<count])
        return parse(wasInRequest: wasInRequest)
    }

    private func parse(wasInRequest: Bool) -> HTTPServerRequest? {
        do {
            let wasInBody = parser.isInBody
            if let request = try parser.next() {
                state = .handling(isHead: request.method == "HEAD")
                deadline = time.now().advanced(by: limits.transferTimeout)
                return request
            }
            state = .reading
            if !wasInBody, let request = parser.unfinished {
                if let refusal = bounds.gate(request) { return begin(refusal, isHead: false, keepsAlive: false) }
                deadline = time.now().advanced(by: limits.transferTimeout)
            } else if parser.isInRequest, !wasInRequest {
                deadline = time.now().advanced(by: limits.readHeaderTimeout)
            }
            if parser.takeContinue() { writeAll(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
            return nil
        } catch {
            return begin(bounds.refusal(error.status), isHead: false, keepsAlive: false)
        }
    }

    // MARK: writing

    private func begin(_ response: HTTPServerResponse, isHead: Bool, keepsAlive: Bool) -> HTTPServerRequest? {
        if let stream = response.stream {
            return begin(response, stream, isHead: isHead, keepsAlive: keepsAlive)
        }
        output = response.encoded(date: time.wallTime(), keepsAlive: keepsAlive, isHead: isHead)[...]
        state = .writing(keepsAlive ? .read : .linger)
        deadline = time.now().advanced(by: limits.transferTimeout)
        limitFarewell()
        return send()
    }

    private func begin(
        _ response: HTTPServerResponse,
        _ stream: HTTPServerStream,
        isHead: Bool,
        keepsAlive: Bool
    ) -> HTTPServerRequest? {
        guard !stream.isClosed else {
            resetOnClose(descriptor)
            state = .closed
            return nil
        }
        let isChunked = parser.allowsChunks
        let keepsAlive = keepsAlive && isChunked
        output =
            response.encoded(
                date: time.wallTime(),
                keepsAlive: keepsAlive,
                isHead: isHead,
                isChunked: isChunked
            )[...]
        let next = keepsAlive ? Next.read : .linger
        deadline = time.now().advanced(by: limits.transferTimeout)
        if isHead {
            stream.close()
            state = .writing(next)
            limitFarewell()
            return send()
        }
        state = .streaming(stream, StreamFraming(isChunked: isChunked, next: next))
        if isStopping { stream.finishReading() }
        limitFarewell()
        return pump()
    }

    /// Sends what the stream has until the client or the stream is to be waited for.
    private func pump() -> HTTPServerRequest? {
        while case .streaming(let stream, let framing) = state {
            guard output.isEmpty || flush() else { return nil }
            switch stream.read(upTo: Self.streamPortion) {
            case .bytes(let chunks):
                output = Self.framed(chunks, framing)
                if !isStopping { deadline = time.now().advanced(by: limits.transferTimeout) }
            case .nothing:
                if !isStopping { deadline = .never }
                return nil
            case .finished:
                if framing.isChunked { output = ArraySlice("0\r\n\r\n".utf8) }
                state = .writing(isStopping ? .linger : framing.next)
                return send()
            case .closed:
                state = .closed
            }
        }
        return nil
    }

    private static func framed(_ chunks: [[UInt8]], _ framing: StreamFraming) -> ArraySlice<UInt8> {
        guard framing.isChunked else { return ArraySlice(chunks.joined()) }
        let count = chunks.reduce(0) { $0 + $1.count }
        var bytes = Array("\(String(count, radix: 16))\r\n".utf8)
        bytes.reserveCapacity(bytes.count + count + 2)
        for chunk in chunks { bytes += chunk }
        bytes += [ASCII.carriageReturn, ASCII.lineFeed]
        return bytes[...]
    }

    private func send() -> HTTPServerRequest? {
        guard case .writing(let next) = state, flush() else { return nil }
        switch next {
        case .read:
            deadline = time.now().advanced(by: limits.idleTimeout)
            // The client may have sent the next request already; poll would not tell.
            return parse(wasInRequest: false)
        case .linger:
            shutdown(descriptor, Int32(SHUT_WR))
            state = .lingering
            deadline = time.now().advanced(by: Self.lingerTime)
            return nil
        }
    }

    /// Whether all of the output went out; a client that takes some of a stream has more time for the rest.
    private func flush() -> Bool {
        while !output.isEmpty {
            let count = unsafe output.withUnsafeBytes { bytes in
                unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else {
                if !isTransient(errno) { close() }
                return false
            }
            output = output.dropFirst(count)
            if case .streaming = state, !isStopping { deadline = time.now().advanced(by: limits.transferTimeout) }
        }
        output = []
        return true
    }

    /// Writes a few bytes that fit into any socket buffer that is not stuck; a stuck one runs into the deadline.
    private func writeAll(_ bytes: [UInt8]) {
        _ = unsafe bytes.withUnsafeBytes { bytes in
            unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
    }

    private func drop() {
        var bytes = [UInt8](repeating: 0, count: 16384)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        if count == 0 || (count < 0 && !isTransient(errno)) { state = .closed }
    }

    /// While the server stops, nobody gets long to take an answer.
    private func limitFarewell() {
        guard isStopping else { return }
        switch state {
        case .writing, .streaming: break
        case .reading, .handling, .lingering, .closed: return
        }
        deadline = min(deadline, time.now().advanced(by: Self.lingerTime))
    }

    private func isTransient(_ code: Int32) -> Bool {
        code == EAGAIN || code == EINTR
    }
}

extension MonotonicInstant {
    /// Later than any other.
    fileprivate static let never = MonotonicInstant(nanoseconds: .max)
}
