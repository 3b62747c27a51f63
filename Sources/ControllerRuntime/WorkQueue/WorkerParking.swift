public import Timekeeping

/// The workers of a queue that have nothing to do.
///
/// At most one of them, the timekeeper, sleeps until the next delayed key; the others only wait to be woken. A wake-up
/// is sent to one worker at a time: the woken one wakes the next when there is more to do, which saves a wake-up for
/// each key that a busy worker takes anyway.
@usableFromInline
struct WorkerParking: Sendable {
    /// The workers to be resumed once the lock is free.
    @usableFromInline
    struct Wake: Sendable {
        var worker: Promise<Void>?
        var timekeeper: Promise<Void>?

        @usableFromInline
        init() {}

        @usableFromInline
        func fulfil() {
            worker?.fulfil()
            timekeeper?.fulfil()
        }

        /// Adds wake-ups that were decided later; at most one of the two has a worker, and one a timekeeper.
        @usableFromInline
        mutating func merge(_ later: Wake) {
            worker = later.worker ?? worker
            timekeeper = later.timekeeper ?? timekeeper
        }
    }

    private var parked: [Promise<Void>] = []
    private var timekeeper: (worker: Promise<Void>, deadline: MonotonicInstant)?
    /// Workers that were sent a wake-up and did not come back to the queue yet.
    private var onTheirWay = 0

    @usableFromInline
    init() {}

    /// Whether somebody waits and nobody is on the way to the queue.
    @usableFromInline var hasIdle: Bool { onTheirWay == 0 && (timekeeper != nil || !parked.isEmpty) }

    /// Adds a worker; the first one to find a delayed key becomes the timekeeper and gets its deadline.
    @usableFromInline
    mutating func park(nextReadyAt: MonotonicInstant?) -> (Promise<Void>, MonotonicInstant?) {
        let worker = Promise<Void>()
        if let nextReadyAt, timekeeper == nil {
            timekeeper = (worker, nextReadyAt)
            return (worker, nextReadyAt)
        }
        parked.append(worker)
        return (worker, nil)
    }

    /// Removes a worker that gave up waiting; false when a wake-up was sent to it before.
    @usableFromInline
    mutating func leave(_ worker: Promise<Void>) -> Bool {
        if timekeeper?.worker === worker {
            timekeeper = nil
            return true
        }
        guard let index = parked.firstIndex(where: { $0 === worker }) else { return false }
        parked.remove(at: index)
        return true
    }

    /// A woken worker is back.
    @usableFromInline
    mutating func arrived() {
        onTheirWay -= 1
    }

    /// Whom to wake after the keys have changed.
    @usableFromInline
    mutating func toWake(_ keys: borrowing SlotQueue) -> Wake {
        var wake = Wake()
        if keys.depth > 0, onTheirWay == 0 {
            wake.worker = parked.popLast() ?? timekeeper?.worker
            if wake.worker != nil {
                onTheirWay += 1
                if wake.worker === timekeeper?.worker { timekeeper = nil }
            }
        }
        guard let nextReadyAt = keys.nextReadyAt else { return wake }
        if let current = timekeeper {
            // A key with an earlier time came: the timekeeper looks again.
            guard nextReadyAt < current.deadline else { return wake }
            timekeeper = nil
            wake.timekeeper = current.worker
            onTheirWay += 1
        } else if wake.worker == nil, onTheirWay == 0, let worker = parked.popLast() {
            // Nobody looks at the clock: the woken worker will become the timekeeper.
            wake.timekeeper = worker
            onTheirWay += 1
        }
        return wake
    }

    /// All workers, each of which counts as woken.
    @usableFromInline
    mutating func removeAll() -> [Promise<Void>] {
        let all = parked + [timekeeper?.worker].compactMap { $0 }
        parked = []
        timekeeper = nil
        onTheirWay += all.count
        return all
    }
}
