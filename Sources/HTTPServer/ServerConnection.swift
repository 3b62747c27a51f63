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
        /// All is said; what the client still sends is dropped, since closing now could make it lose the answer.
        case lingering
        case closed
    }

    private enum Next {
        case read
        case linger
    }

    /// How long a client may take to notice that the connection was closed.
    private static let lingerTime = Duration.seconds(2)

    let id: UInt64
    let descriptor: Int32
    private let limits: HTTPServerLimits
    private let time: any TimeSource
    private var parser: RequestParser
    private var state = State.reading
    private var output: ArraySlice<UInt8> = []
    private var isStopping = false
    /// When the connection is closed unless something happens.
    private(set) var deadline: MonotonicInstant

    init(id: UInt64, descriptor: Int32, limits: HTTPServerLimits, time: any TimeSource) {
        self.id = id
        self.descriptor = descriptor
        self.limits = limits
        self.time = time
        parser = RequestParser(limits: limits)
        deadline = time.now().advanced(by: limits.readHeaderTimeout)
    }

    deinit {
        close(descriptor)
    }

    var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    /// What poll waits for; while a handler works only that the connection breaks.
    var events: Int16 {
        switch state {
        case .reading, .lingering: Int16(POLLIN)
        case .writing: Int16(POLLOUT)
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
        guard case .handling(let isHead) = state else { return nil }
        return begin(response, isHead: isHead, keepsAlive: parser.keepsAlive && !isStopping)
    }

    /// Ends the connection as soon as nothing is in work.
    func stop() {
        isStopping = true
        if case .reading = state { state = .closed }
        limitFarewell()
    }

    /// The deadline has passed.
    func expire() {
        switch state {
        case .reading where parser.isInRequest:
            _ = begin(.plain(RequestRejection.timeout.status), isHead: false, keepsAlive: false)
        case .handling:
            // How long that takes is the handler's business.
            deadline = time.now().advanced(by: limits.transferTimeout)
        case .reading, .writing, .lingering, .closed:
            state = .closed
        }
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
            if parser.isInBody, !wasInBody {
                deadline = time.now().advanced(by: limits.transferTimeout)
            } else if parser.isInRequest, !wasInRequest {
                deadline = time.now().advanced(by: limits.readHeaderTimeout)
            }
            if parser.takeContinue() { writeAll(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
            return nil
        } catch {
            return begin(.plain(error.status), isHead: false, keepsAlive: false)
        }
    }

    // MARK: writing

    private func begin(_ response: HTTPServerResponse, isHead: Bool, keepsAlive: Bool) -> HTTPServerRequest? {
        output = response.encoded(date: time.wallTime(), keepsAlive: keepsAlive, isHead: isHead)[...]
        state = .writing(keepsAlive ? .read : .linger)
        deadline = time.now().advanced(by: limits.transferTimeout)
        limitFarewell()
        return send()
    }

    private func send() -> HTTPServerRequest? {
        guard case .writing(let next) = state else { return nil }
        while !output.isEmpty {
            let count = unsafe output.withUnsafeBytes { bytes in
                unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else {
                if !isTransient(errno) { state = .closed }
                return nil
            }
            output = output.dropFirst(count)
        }
        output = []
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
        guard isStopping, case .writing = state else { return }
        deadline = min(deadline, time.now().advanced(by: Self.lingerTime))
    }

    private func isTransient(_ code: Int32) -> Bool {
        code == EAGAIN || code == EINTR
    }
}
