import Glibc
import Synchronization
public import Timekeeping

/// One accepted connection of a ``LoopbackServer``; its methods block, on the connection's own thread.
public final class LoopbackConnection: Sendable {
    /// How many connections were accepted before.
    public let index: Int
    /// Opens when the peer has closed or reset the connection, as seen by a read of the script.
    public let peerClosed = Latch()
    /// Opens when the first request has been read.
    public let requestRead = Latch()

    private let descriptor: Int32
    private let tls: LoopbackTLS?
    private let stopGate: Gate
    private let isOpen = Mutex(true)
    private let session = Mutex<LoopbackTLS.Session?>(nil)
    private let read = Mutex<[LoopbackRequest]>([])
    private let buffer = Mutex<[UInt8]>([])

    init(index: Int, descriptor: Int32, tls: LoopbackTLS?, stopGate: Gate) {
        self.index = index
        self.descriptor = descriptor
        self.tls = tls
        self.stopGate = stopGate
    }

    /// The requests read so far.
    public var requests: [LoopbackRequest] {
        read.withLock { $0 }
    }

    /// The subject of the client's certificate; nil without one.
    public var clientSubject: String? {
        session.withLock { $0?.clientSubject }
    }

    /// The name that the client asked for by SNI.
    public var serverName: String? {
        session.withLock { $0?.serverName }
    }

    /// Reads one request with its body; nil when the peer closed instead.
    public func readRequest() -> LoopbackRequest? {
        guard let head = read(until: "\r\n\r\n") else { return nil }
        let lines = head.split(separator: "\r\n", omittingEmptySubsequences: true)
        let words = (lines.first ?? "").split(separator: " ")
        guard words.count >= 2 else { return nil }
        let headers = lines.dropFirst().map { line in
            let name = line.prefix { $0 != ":" }
            return (name: String(name), value: String(line.dropFirst(name.count + 1).drop { $0 == " " }))
        }
        var request = LoopbackRequest(
            connection: index,
            method: String(words[0]),
            target: String(words[1]),
            headers: headers,
            body: []
        )
        guard let body = readBytes(request.header("Content-Length").flatMap(Int.init) ?? 0) else { return nil }
        request.body = body
        read.withLock { $0.append(request) }
        requestRead.open()
        return request
    }

    /// Writes text as it is.
    public func write(_ text: String) {
        write(Array(text.utf8))
    }

    /// Writes bytes as they are; an error of the socket ends it silently.
    public func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = send(rest)
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Writes a whole answer.
    public func answer(_ body: String, status: Int = 200, headers: [String] = []) {
        let lines = ["HTTP/1.1 \(status) Scripted", "Content-Length: \(body.utf8.count)"] + headers
        write(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
    }

    /// Blocks until the gate is open or the server stops.
    public func wait(_ gate: Gate) {
        gate.wait(or: stopGate)
    }

    /// Blocks until the peer closes; what it sends meanwhile is dropped.
    public func waitForClose() {
        while receive() != nil {}
    }

    /// Sends FIN; reading goes on.
    public func closeWriting() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Makes the close that follows a reset.
    public func resetOnClose() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    /// Ends all reads and writes of the script.
    func interrupt() {
        // A closed descriptor's number may belong to somebody else already.
        isOpen.withLock { isOpen in
            if isOpen { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    private func closeDescriptor() {
        isOpen.withLock { isOpen in
            isOpen = false
            close(descriptor)
        }
    }

    func run(_ script: LoopbackServer.Script, isSecureFromStart: Bool) {
        defer { closeDescriptor() }
        if tls != nil, isSecureFromStart {
            guard startTLS() else { return }
        }
        script(self)
        session.withLock { $0?.close() }
    }

    /// Waits for the client's handshake; false when it fails, or the server has no certificate.
    public func startTLS() -> Bool {
        guard let session = tls?.accept(descriptor) else { return false }
        self.session.withLock { $0 = session }
        return true
    }

    // MARK: bytes

    /// Reads one line, which ends with CR and LF; nil when the peer closed instead.
    public func readLine() -> String? {
        read(until: "\r\n")
    }

    private func read(until terminator: String) -> String? {
        let end = Array(terminator.utf8)
        while true {
            let head: String? = buffer.withLock { buffer in
                guard let start = buffer.indices.first(where: { buffer[$0...].starts(with: end) }) else { return nil }
                defer { buffer.removeFirst(start + end.count) }
                return String(decoding: buffer[..<start], as: UTF8.self)
            }
            if let head { return head }
            guard let more = receive() else { return nil }
            buffer.withLock { $0.append(contentsOf: more) }
        }
    }

    /// Reads that many bytes; nil when the peer closes before.
    public func readBytes(_ count: Int) -> [UInt8]? {
        while buffer.withLock({ $0.count }) < count {
            guard let more = receive() else { return nil }
            buffer.withLock { $0.append(contentsOf: more) }
        }
        return buffer.withLock { buffer in
            defer { buffer.removeFirst(count) }
            return Array(buffer.prefix(count))
        }
    }

    /// The next bytes; nil when the peer has closed.
    private func receive() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16384)
        var count = 0
        repeat {
            // Not under the lock: the test may ask for the client's certificate meanwhile.
            let session = session.withLock { $0 }
            count = if let session { session.read(&bytes) } else { unsafe Glibc.read(descriptor, &bytes, bytes.count) }
        } while count < 0 && errno == EINTR
        guard count > 0 else {
            peerClosed.open()
            return nil
        }
        return Array(bytes.prefix(count))
    }

    private func send(_ bytes: ArraySlice<UInt8>) -> Int {
        if let session = session.withLock({ $0 }) { return session.write(Array(bytes)) }
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
    }
}
