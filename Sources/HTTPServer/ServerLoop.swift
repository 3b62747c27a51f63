import Glibc
internal import Timekeeping

/// What runs on the server's thread: accepts, reads, writes and times out; requests go to the channel.
final class ServerLoop {
    /// How long to wait when the process has no descriptor left for another connection.
    private static let acceptPause = Duration.milliseconds(100)

    private var listener: ListeningSocket?
    private let channel: RequestChannel
    private let bounds: ServerConnection.Bounds
    private let time: any TimeSource
    private var connections: [UInt64: ServerConnection] = [:]
    private var nextID: UInt64 = 0
    private var acceptsAgain: MonotonicInstant

    init(listener: ListeningSocket, channel: RequestChannel, bounds: ServerConnection.Bounds, time: any TimeSource) {
        self.listener = listener
        self.channel = channel
        self.bounds = bounds
        self.time = time
        acceptsAgain = time.now()
    }

    /// Serves until the channel says stop and the requests in work are answered.
    func run() {
        while true {
            obey(channel.takeOrders())
            dropClosed()
            if listener == nil, connections.isEmpty { break }
            waitAndWork()
            expire()
            dropClosed()
        }
        channel.finish()
    }

    private func obey(_ orders: RequestChannel.Orders) {
        for (id, response) in orders.answers {
            guard let connection = connections[id] else {
                response.stream?.close()
                continue
            }
            response.stream?.onReadable { [channel] in channel.announce(id) }
            submit(connection.answer(response), of: connection)
        }
        for id in orders.readable {
            guard let connection = connections[id] else { continue }
            submit(connection.streamIsReadable(), of: connection)
        }
        if orders.mustStop, listener != nil {
            listener = nil
            for connection in connections.values { connection.stop() }
        }
        if orders.areAnswersOver { for connection in connections.values { connection.giveUpAnswer() } }
    }

    private func dropClosed() {
        guard connections.values.contains(where: \.isClosed) else { return }
        connections = connections.filter { !$0.value.isClosed }
    }

    private func submit(_ request: HTTPServerRequest?, of connection: ServerConnection) {
        guard let request else { return }
        channel.submit(RequestChannel.Exchange(connection: connection.id, request: request))
    }

    // MARK: one round

    private func waitAndWork() {
        let polled = Array(connections.values)
        var entries = [pollfd(fd: channel.wakeUp.readEnd, events: Int16(POLLIN), revents: 0)]
        // A negative descriptor is one that poll leaves out.
        let listening = isAccepting ? listener?.descriptor ?? -1 : -1
        entries.append(pollfd(fd: listening, events: Int16(POLLIN), revents: 0))
        entries += polled.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
        // It fails only for a signal (all are blocked here) or for want of memory; the next round tries again.
        guard unsafe poll(&entries, nfds_t(entries.count), pollTime) > 0 else { return }
        if entries[0].revents != 0 { channel.wakeUp.drain() }
        for (connection, entry) in zip(polled, entries.dropFirst(2)) where entry.revents != 0 {
            submit(connection.perform(entry.revents), of: connection)
        }
        if entries[1].revents != 0 { accept() }
    }

    private var isAccepting: Bool {
        connections.count < bounds.limits.maxConnections && acceptsAgain <= time.now()
    }

    private var pollTime: Int32 {
        var deadlines = connections.values.map(\.deadline)
        if !isAccepting, connections.count < bounds.limits.maxConnections { deadlines.append(acceptsAgain) }
        guard let next = deadlines.min() else { return -1 }
        let (seconds, attoseconds) = time.now().duration(to: next).components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 3600 else { return 3_600_000 }
        // Rounded up, so as not to wake up just before the time.
        return Int32(seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }

    private func expire() {
        let now = time.now()
        for connection in connections.values where connection.deadline <= now { connection.expire() }
    }

    private func accept() {
        while let listener, connections.count < bounds.limits.maxConnections {
            let descriptor = Glibc.accept(listener.descriptor, nil, nil)
            guard descriptor >= 0 else {
                // Without a descriptor to accept with, the listener would stay readable and the loop would spin.
                if ![EAGAIN, EINTR, ECONNABORTED].contains(errno) {
                    acceptsAgain = time.now().advanced(by: Self.acceptPause)
                }
                return
            }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            keepAlive(descriptor)
            guard fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else {
                close(descriptor)
                continue
            }
            nextID += 1
            connections[nextID] = ServerConnection(id: nextID, descriptor: descriptor, bounds: bounds, time: time)
        }
    }
}
