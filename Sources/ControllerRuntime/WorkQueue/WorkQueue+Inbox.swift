public import Synchronization
public import Timekeeping

/// Keys that were added and not sorted in yet.
///
/// Producers and workers would otherwise fight for one lock at every key. Sorting in waits for a worker, or for the
/// producer that makes the inbox full; only when a worker is idle does every producer sort in at once.
@usableFromInline
struct WorkQueueInbox<Key: Hashable & Sendable>: Sendable {
    /// One call of `add`.
    @usableFromInline
    struct Add: Sendable {
        @usableFromInline let key: Key
        @usableFromInline let priority: Int
        @usableFromInline let delay: Duration
        @usableFromInline let now: MonotonicInstant

        @inlinable
        init(key: Key, priority: Int, delay: Duration, now: MonotonicInstant) {
            self.key = key
            self.priority = priority
            self.delay = delay
            self.now = now
        }
    }

    /// A full inbox is sorted in by the producer; bounds its memory.
    @usableFromInline static var limit: Int { 512 }

    @usableFromInline var adds: [Add] = []
    /// Whether somebody waits for a key and was not woken yet.
    @usableFromInline var hasIdleWorkers = false

    @inlinable
    init() {}
}

extension WorkQueue {
    /// Sorts in what was added, changes the state, and wakes whom the change concerns after the lock is free.
    @inlinable
    @discardableResult
    func change<Outcome: Sendable>(_ body: (inout State) -> Outcome) -> Outcome {
        let (outcome, wake) = state.withLock { state in
            sortIn(&state)
            let outcome = body(&state)
            return (outcome, wakeUps(&state))
        }
        wake.fulfil()
        return outcome
    }

    @inlinable
    func sortIn(_ state: inout State) {
        guard inboxCount.load(ordering: .acquiring) > 0 else { return }
        inbox.withLock { inbox in
            swap(&inbox.adds, &state.incoming)
            inboxCount.store(0, ordering: .releasing)
        }
        for add in state.incoming {
            if add.delay > .zero { state.retries += 1 }
            state.keys.add(add.key, priority: add.priority, delay: add.delay, now: add.now)
        }
        state.incoming.removeAll(keepingCapacity: true)
    }

    /// Whom to wake, and tells the inbox whether there are idle workers.
    ///
    /// That an inbox holds keys while a worker falls asleep must not go unnoticed: either the producer sees the idle
    /// worker under the inbox's lock, or the keys are seen here under the same lock.
    @inlinable
    func wakeUps(_ state: inout State) -> WorkerParking.Wake {
        var wake = state.workers.toWake(state.keys.slots)
        while state.workers.hasIdle != state.announcesIdleWorkers {
            let hasIdle = state.workers.hasIdle
            let isAnnounced = inbox.withLock { inbox in
                guard !hasIdle || inbox.adds.isEmpty else { return false }
                inbox.hasIdleWorkers = hasIdle
                return true
            }
            if isAnnounced {
                state.announcesIdleWorkers = hasIdle
            } else {
                sortIn(&state)
                wake.merge(state.workers.toWake(state.keys.slots))
            }
        }
        return wake
    }
}
