package import KubernetesCore
internal import Synchronization
package import Timekeeping

/// Who may run an attempt now, and who waits for a place: at most `limit` at one time.
///
/// A place that becomes free belongs at once to the waiter with the highest priority, so nobody overtakes. Waiting
/// raises the priority by one a second, so nothing starves; as all waiters age alike, their order never changes and a
/// heap can hold them.
///
/// Nobody may have all of them, however much there is to do: attempts that mostly wait for a cluster to answer
/// (``Kind/patient``) take no more than three quarters, so that what can be repaired at once finds a place; and so does
/// each namespace but the controller's own, which is left an eighth by all others together, so that no tenant stops the
/// recovery of the fleet. Below four places, namespaces are not told apart.
package final class SlotTable: Sendable {
    /// What a place is wanted for.
    package enum Kind: Sendable, Hashable {
        /// Work that goes on as fast as it can.
        case busy
        /// Waiting, for minutes, for a cluster that may never answer.
        case patient
    }

    /// Who waits in one line, as one limit holds for all of them.
    private struct Lane: Hashable {
        var kind: Kind
        /// Nil for the controller's own.
        var guest: String?
    }

    private struct Waiter {
        var since: MonotonicInstant
        var ticket: UInt64
    }

    private struct State {
        var owners: [ObjectKey: Lane] = [:]
        var patient = 0
        /// Places by namespace other than the controller's.
        var guests: [String: Int] = [:]
        var allGuests = 0
        var waiters: [ObjectKey: Waiter] = [:]
        var order: [Lane: WaiterHeap] = [:]
        var tickets: UInt64 = 0

        mutating func give(_ key: ObjectKey, _ lane: Lane) {
            owners[key] = lane
            waiters[key] = nil
            count(lane, 1)
        }

        /// False when it has none.
        mutating func take(_ key: ObjectKey) -> Bool {
            guard let lane = owners.removeValue(forKey: key) else { return false }
            count(lane, -1)
            return true
        }

        private mutating func count(_ lane: Lane, _ change: Int) {
            if lane.kind == .patient { patient += change }
            guard let guest = lane.guest else { return }
            allGuests += change
            let places = guests[guest, default: 0] + change
            guests[guest] = places == 0 ? nil : places
        }

        /// Takes away the entries, up to the first that counts, of those who wait no longer.
        mutating func dropOutdated(_ lane: Lane) {
            while let entry = order[lane]?.first, waiters[entry.key]?.ticket != entry.ticket {
                _ = order[lane]?.removeFirst()
            }
            if order[lane]?.first == nil { order[lane] = nil }
        }
    }

    private let limit: Int
    private let patientLimit: Int
    private let guestLimit: Int
    private let allGuestsLimit: Int
    private let home: String
    private let timeSource: any TimeSource
    private let state = Mutex(State())

    /// Makes a table with `limit` places.
    ///
    /// - Parameters:
    ///   - limit: at least 1.
    ///   - home: the controller's own namespace.
    ///   - timeSource: says who has waited for how long.
    package init(limit: Int, home: String, timeSource: any TimeSource) {
        let limit = max(1, limit)
        self.limit = limit
        patientLimit = max(1, limit - max(1, limit / 4))
        guestLimit = limit - limit / 4
        allGuestsLimit = limit < 4 ? limit : limit - max(1, limit / 8)
        self.home = home
        self.timeSource = timeSource
    }

    /// How many places are taken.
    package var taken: Int { state.withLock { $0.owners.count } }

    /// How many wait.
    package var waiting: Int { state.withLock { $0.waiters.count } }

    /// Takes a place for `key`, or puts it among the waiters.
    ///
    /// - Parameters:
    ///   - key: the Recovery.
    ///   - priority: decides among waiters; what it was when the waiting began counts.
    ///   - kind: what the place is wanted for.
    /// - Returns: nil when `key` has a place; else how long it has been waiting.
    package func acquire(_ key: ObjectKey, priority: Int, kind: Kind = .busy) -> Duration? {
        let now = timeSource.now()
        let lane = Lane(kind: kind, guest: key.namespace == home ? nil : key.namespace)
        return state.withLock { state in
            if state.owners[key] != nil { return nil }
            if hasPlace(for: lane, in: state) {
                state.give(key, lane)
                return nil
            }
            if let waiter = state.waiters[key] { return waiter.since.duration(to: now) }
            state.tickets += 1
            state.waiters[key] = Waiter(since: now, ticket: state.tickets)
            let rank = Double(priority) - Double(now.nanoseconds) / 1e9
            state.order[lane, default: WaiterHeap()].insert(
                WaiterHeap.Entry(rank: rank, ticket: state.tickets, key: key)
            )
            return .zero
        }
    }

    /// Gives the place of `key` back, or takes it from the waiters.
    ///
    /// - Returns: the waiter that has the place now; it is to be reconciled.
    package func release(_ key: ObjectKey) -> ObjectKey? {
        state.withLock { state in
            state.waiters[key] = nil
            guard state.take(key) else { return nil }
            for lane in Array(state.order.keys) { state.dropOutdated(lane) }
            let first = state.order.compactMap { lane, heap in
                hasPlace(for: lane, in: state) ? heap.first.map { (lane, $0) } : nil
            }.min { $0.1.goesBefore($1.1) }
            guard let (lane, entry) = first else { return nil }
            _ = state.order[lane]?.removeFirst()
            state.give(entry.key, lane)
            return entry.key
        }
    }

    private func hasPlace(for lane: Lane, in state: borrowing State) -> Bool {
        guard state.owners.count < limit else { return false }
        if lane.kind == .patient, state.patient >= patientLimit { return false }
        guard let guest = lane.guest else { return true }
        return state.guests[guest, default: 0] < guestLimit && state.allGuests < allGuestsLimit
    }
}

/// Waiters, highest rank first, then first come first served; entries that no longer count are skipped by the owner.
private struct WaiterHeap {
    struct Entry {
        var rank: Double
        var ticket: UInt64
        var key: ObjectKey

        func goesBefore(_ other: Entry) -> Bool {
            rank != other.rank ? rank > other.rank : ticket < other.ticket
        }
    }

    private var entries: [Entry] = []

    var first: Entry? { entries.first }

    mutating func insert(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0, entries[child].goesBefore(entries[(child - 1) / 2]) {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() -> Entry? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return first }
        entries[0] = last
        var parent = 0
        while true {
            let children = (2 * parent + 1)..<min(2 * parent + 3, max(entries.count, 2 * parent + 1))
            guard let child = children.min(by: { entries[$0].goesBefore(entries[$1]) }) else { return first }
            guard entries[child].goesBefore(entries[parent]) else { return first }
            entries.swapAt(child, parent)
            parent = child
        }
    }
}
