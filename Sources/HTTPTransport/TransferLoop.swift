import Glibc
internal import Timekeeping

/// What runs on a transport's thread: takes commands, drives the transfers, wakes those who wait.
///
/// It sleeps in poll until libcurl, a command or a deadline has work for it; idle, it does not wake up at all.
final class TransferLoop {
    /// How long to leave a machine without memory or descriptors alone.
    private static let recoveryMicroseconds: UInt32 = 100_000

    private let queue: TransferQueue
    private let multi: MultiHandle
    private let configuration: CurlTransportConfiguration
    private let time = SystemTimeSource()
    private let clock: LoopClock
    private var pools: [ConnectionPool.Key: ConnectionPool] = [:]
    private var active: [EasyHandle.ID: Transfer] = [:]
    /// The earliest time at which a silent line or an unused pool may be over; nil when there is none.
    private var nextCheck: MonotonicInstant?

    init(queue: TransferQueue, multi: MultiHandle, configuration: CurlTransportConfiguration) {
        self.queue = queue
        self.multi = multi
        self.configuration = configuration
        clock = LoopClock(now: time.now())
    }

    /// Works until the stop command, then ends everything.
    func run() {
        while handleCommands() {
            do {
                try multi.perform()
                finishDone()
                checkDeadlines()
                try multi.poll(milliseconds: pollTime)
            } catch {
                // Only for want of memory or descriptors, and it concerns all transfers: none can go on.
                endAll(error)
                // Nobody waits for anything now, and trying again at once would burn the processor.
                usleep(Self.recoveryMicroseconds)
            }
            clock.now = time.now()
        }
        let error = HTTPTransportError(layer: .shutdown, message: "the transport was shut down")
        let late = queue.close()
        endAll(error)
        for command in late { refuse(command, error) }
    }

    // MARK: commands

    /// Does what waits in the queue; false when one of them was to stop.
    private func handleCommands() -> Bool {
        var goesOn = true
        let stopped = HTTPTransportError(layer: .shutdown, message: "the transport was shut down")
        for command in queue.take() {
            guard goesOn else {
                refuse(command, stopped)
                continue
            }
            switch command {
            case .start(let job): start(job)
            case .cancel(let job): cancel(job)
            case .resume(let job): resume(job)
            case .closeIdle(let done):
                for pool in pools.values { pool.retire() }
                pools = [:]
                done.fulfil()
            case .stop: goesOn = false
            }
        }
        return goesOn
    }

    private func refuse(_ command: TransferQueue.Command, _ error: HTTPTransportError) {
        switch command {
        case .start(let job): job.fail(error)
        case .closeIdle(let done): done.fulfil()
        case .cancel, .resume, .stop: break
        }
    }

    private func start(_ job: TransferJob) {
        guard !job.isCancelled else { return }
        do {
            let pool = pool(for: job.request)
            let easy = try pool.take(job.request.reuse)
            let transfer = Transfer(job: job, easy: easy, pool: pool, clock: clock)
            do {
                if let mail = job.mail {
                    try easy.prepare(mail)
                } else {
                    try easy.prepare(job.request, keeping: configuration)
                }
                easy.transfer = transfer
                try multi.add(easy)
            } catch {
                putBack(transfer, isWarm: false)
                throw error
            }
            active[easy.id] = transfer
            if let idle = job.request.timeouts.idle { check(by: clock.now.advanced(by: idle)) }
        } catch {
            job.fail(error)
        }
    }

    private func pool(for request: HTTPRequest) -> ConnectionPool {
        let key = ConnectionPool.Key(request)
        if let pool = pools[key] { return pool }
        let pool = ConnectionPool(security: request.security, configuration: configuration, now: clock.now)
        pools[key] = pool
        check(by: pool.expiry)
        return pool
    }

    private func cancel(_ job: TransferJob) {
        guard let transfer = active.values.first(where: { $0.job === job }) else { return }
        end(transfer, with: .failure(CancellationError()))
    }

    private func resume(_ job: TransferJob) {
        guard let transfer = active.values.first(where: { $0.job === job }) else { return }
        do {
            try transfer.resume()
        } catch {
            end(transfer, with: .failure(error))
        }
    }

    // MARK: ends

    private func finishDone() {
        while let (id, code) = multi.nextDone() {
            guard let transfer = active[id] else { continue }
            // A refusal is an answer, though libcurl calls the end of the session a failure.
            let isAnswered = code == 0 || transfer.job.mail != nil && transfer.isHeadComplete
            end(transfer, with: isAnswered ? .success(transfer.timings) : .failure(transfer.error(code: code)))
        }
    }

    /// Takes a transfer out; libcurl closes its connection unless the answer was complete.
    private func end(_ transfer: Transfer, with result: Result<HTTPTimings, any Error>) {
        active[transfer.easy.id] = nil
        do {
            if transfer.job.mail != nil { try transfer.easy.abandonMail() }
            try multi.remove(transfer.easy)
            let isComplete = if case .success = result { true } else { false }
            let isKept = isComplete && transfer.job.request.reuse != .dedicated
            putBack(transfer, isWarm: isKept)
        } catch {
            // It fails only for handles that are not in the multi handle; freeing, as happens now, removes it for sure.
            transfer.easy.transfer = nil
        }
        check(by: transfer.pool.expiry)
        transfer.complete(result)
    }

    private func putBack(_ transfer: Transfer, isWarm: Bool) {
        guard transfer.job.mail == nil else {
            // A handle that has been made for a mail is freed.
            transfer.easy.transfer = nil
            return transfer.pool.drop(now: clock.now)
        }
        transfer.pool.giveBack(transfer.easy, isWarm: isWarm, now: clock.now)
    }

    private func endAll(_ error: HTTPTransportError) {
        for transfer in Array(active.values) { end(transfer, with: .failure(transfer.completed(error))) }
        pools = [:]
    }

    // MARK: deadlines

    private var pollTime: Int32 {
        guard let nextCheck else { return Int32.max }
        return clock.now.duration(to: nextCheck).wholeMilliseconds
    }

    /// Makes sure that deadlines are looked at by `time`; nil changes nothing.
    private func check(by time: MonotonicInstant?) {
        guard let time else { return }
        nextCheck = min(nextCheck ?? time, time)
    }

    /// Ends silent transfers and closes unused connections when the earliest of their times has come; looks at none before.
    private func checkDeadlines() {
        guard let due = nextCheck, due <= clock.now else { return }
        nextCheck = nil
        for transfer in Array(active.values) {
            guard let idle = transfer.job.request.timeouts.idle else { continue }
            let deadline = transfer.idleDeadline ?? clock.now.advanced(by: idle)
            if deadline <= clock.now {
                end(transfer, with: .failure(transfer.idleError))
            } else {
                check(by: deadline)
            }
        }
        for (key, pool) in pools {
            if pool.expire(now: clock.now) { pools[key] = nil } else { check(by: pool.expiry) }
        }
    }
}
