internal import CCurl
internal import Timekeeping

/// The loop's idea of the present, read once a round: callbacks need no system call to note the time.
final class LoopClock {
    var now: MonotonicInstant

    init(now: MonotonicInstant) {
        self.now = now
    }
}

/// One transfer in the multi handle: takes what the callbacks deliver.
///
/// It lives on the loop's thread.
final class Transfer {
    /// Why a callback of ours ended the transfer.
    enum Refusal {
        case bodyTooLarge
        case headTooLarge
        case invalidHead
        case resend
        case abandoned
    }

    /// The most bytes of status line and headers.
    private static let maxHeadBytes = 256 << 10
    /// What is reserved at most on the word of a Content-Length.
    private static let maxReservedBytes = 4 << 20

    let job: TransferJob
    let easy: EasyHandle
    let pool: ConnectionPool
    private(set) var refusal: Refusal?
    /// An address that the request's rule has refused.
    private(set) var refusedAddress: String?
    /// How many times libcurl was about to send the request.
    private(set) var sendCount = 0
    private(set) var isPaused = false
    private(set) var head = ResponseHead()
    private(set) var body: [UInt8] = []
    private var headBytes = 0
    private(set) var isHeadComplete = false
    /// How much of a mail libcurl has, and whether it was told that this is all.
    private var mailBytesRead = 0
    private var isMailRead = false
    /// Whether the mail server's reply has further lines.
    private var isReplyOpen = false
    private var lastActivity: MonotonicInstant
    private let clock: LoopClock

    init(job: TransferJob, easy: EasyHandle, pool: ConnectionPool, clock: LoopClock) {
        self.job = job
        self.easy = easy
        self.pool = pool
        self.clock = clock
        lastActivity = clock.now
    }

    /// When the silence becomes too long; nil when it does not matter: not connected yet, or held up by the reader.
    var idleDeadline: MonotonicInstant? {
        guard let idle = job.request.timeouts.idle, sendCount > 0, !isPaused else { return nil }
        return lastActivity.advanced(by: idle)
    }

    /// Goes on after the reader has caught up.
    func resume() throws(HTTPTransportError) {
        guard isPaused else { return }
        isPaused = false
        lastActivity = clock.now
        try easy.resume()
    }

    /// Tells those who wait how it went; the handle is no longer needed for it.
    func complete(_ result: Result<HTTPTimings, any Error>) {
        switch result {
        case .failure(let error):
            job.fail(error)
        case .success where !isHeadComplete:
            job.fail(HTTPTransportError(layer: .http, message: "the answer has no header", requestWasSent: true))
        case .success(let timings):
            switch job.sink {
            case .whole(let answer):
                let response = HTTPResponse(status: head.status, headers: head.headers, body: body, timings: timings)
                answer.fulfil(.success(response))
            case .stream(_, let buffer):
                buffer.finish(.success(()))
            }
        }
    }

    // MARK: callbacks

    /// A connection is there; false refuses to send on it.
    func willSend() -> Bool {
        guard sendCount == 0 || job.request.allowsResend else {
            refusal = .resend
            return false
        }
        sendCount += 1
        lastActivity = clock.now
        return true
    }

    /// A connection to this address is about to be made; false refuses it, and the next address is tried.
    func mayConnect(_ address: String) -> Bool {
        guard let rule = job.request.mayConnect, !rule(address) else { return true }
        refusedAddress = address
        return false
    }

    /// One header line with its end; false ends the transfer.
    func receiveHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        lastActivity = clock.now
        headBytes += line.count
        guard headBytes <= Self.maxHeadBytes else {
            refusal = .headTooLarge
            return false
        }
        guard job.mail == nil else { return unsafe receiveReply(line) }
        // What comes after the body are trailers, which nothing here needs.
        guard !isHeadComplete else { return true }
        switch unsafe HeaderLine(line) {
        case .status(let status):
            head = ResponseHead(status: status)
        case .field(let header):
            head.headers.append(header)
        case .end where head.status >= 200:
            completeHead()
        case .end, .ignored:
            break
        case .invalid:
            refusal = .invalidHead
            return false
        }
        return true
    }

    /// One line of a mail server's reply; false ends the transfer, and so the session.
    ///
    /// A refusal is the last reply that counts, and so is the one to the whole mail; what follows is the answer to QUIT.
    private func receiveReply(_ line: UnsafeRawBufferPointer) -> Bool {
        guard !isHeadComplete else { return true }
        var text = unsafe String(decoding: line, as: UTF8.self)[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        guard let code = Int(text.prefix(3)), (200..<600).contains(code) else { return true }
        if !isReplyOpen { body = [] }
        isReplyOpen = text.dropFirst(3).first == "-"
        head.status = code
        body += Array((body.isEmpty ? "" : " ").utf8) + text.dropFirst(4).utf8
        guard !isReplyOpen, code >= 400 || isMailRead else { return true }
        isHeadComplete = true
        easy.hurryMail()
        return code < 400
    }

    /// Copies the next bytes of the mail.
    func readMail(into room: UnsafeMutableRawBufferPointer) -> Int {
        lastActivity = clock.now
        let next = (job.mail?.content ?? [])[mailBytesRead...].prefix(room.count)
        unsafe room.copyBytes(from: next)
        mailBytesRead += next.count
        isMailRead = next.isEmpty
        return next.count
    }

    /// Bytes of the body.
    func receive(_ bytes: UnsafeRawBufferPointer) -> CCurlWriteResult {
        lastActivity = clock.now
        switch job.sink {
        case .whole:
            guard bytes.count <= max(job.request.maxResponseBytes, 0) - body.count else {
                refusal = .bodyTooLarge
                return .abort
            }
            unsafe body.append(contentsOf: bytes)
            return .taken
        case .stream(_, let buffer):
            return unsafe hand(bytes, to: buffer)
        }
    }

    private func hand(_ bytes: UnsafeRawBufferPointer, to buffer: BodyBuffer) -> CCurlWriteResult {
        switch unsafe buffer.offer(bytes) {
        case .taken:
            return .taken
        case .full:
            isPaused = true
            return .pause
        case .abandoned:
            refusal = .abandoned
            return .abort
        }
    }

    private func completeHead() {
        isHeadComplete = true
        switch job.sink {
        case .whole:
            guard let text = head.headers.first(named: "Content-Length"), let count = Int(text), count > 0 else {
                return
            }
            body.reserveCapacity(min(count, Self.maxReservedBytes, max(job.request.maxResponseBytes, 0)))
        case .stream(let promise, _):
            promise.fulfil(.success(head))
        }
    }
}
