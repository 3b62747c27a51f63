package import KubernetesCore
internal import Synchronization
package import Timekeeping

/// Who may run an attempt now, and who waits for a place: at most `limit` at one time.
///
/// A place that becomes free belongs at once to the waiter with the highest priority, so nobody overtakes. Waiting
/// raises the priority by one a second, so nothing starves; as all waiters age alike, their order never changes and a
/// heap can hold them.
///
/// Attempts that mostly wait for a cluster to answer (``Kind/patient``) may take no more than three quarters of the
/// places: however many clusters are gone, what can be repaired at once finds a place.
package final class SlotTable: Sendable {
    /// What a place is wanted for.
    package enum Kind: Sendable, Hashable {
        /// Work that goes on as fast as it can.
        case busy
        /// Waiting, for minutes, for a cluster that may never answer.
        case patient
    }

    private struct Waiter {
        var since: MonotonicInstant
        var ticket: UInt64
    }

    private struct State {
        var owners: [ObjectKey: Kind] = [:]
        var waiters: [ObjectKey: Waiter] = [:]
        var order: [Kind: WaiterHeap] = [:]
        var tickets: UInt64 = 0
    }

    private let limit: Int
    private let patientLimit: Int
    private let timeSource: any TimeSource
    private let state = Mutex(State())

    /// Makes a table with `limit` places.
    package init(limit: Int, timeSource: any TimeSource) {
        self.limit = max(1, limit)
        patientLimit = max(1, self.limit - max(1, self.limit / 4))
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
        return state.withLock { state in
            if state.owners[key] != nil { return nil }
            if hasPlace(for: kind, in: state) {
                state.owners[key] = kind
                state.waiters[key] = nil
                return nil
            }
            if let waiter = state.waiters[key] { return waiter.since.duration(to: now) }
            state.tickets += 1
            state.waiters[key] = Waiter(since: now, ticket: state.tickets)
            let rank = Double(priority) - Double(now.nanoseconds) / 1e9
            state.order[kind, default: WaiterHeap()].insert(
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
            guard state.owners.removeValue(forKey: key) != nil else { return nil }
            for kind in [Kind.busy, .patient] { Self.dropOutdated(kind, &state) }
            let first = [Kind.busy, .patient].compactMap { kind in
                hasPlace(for: kind, in: state) ? state.order[kind]?.first.map { (kind, $0) } : nil
            }.min { $0.1.goesBefore($1.1) }
            guard let (kind, entry) = first else { return nil }
            _ = state.order[kind]?.removeFirst()
            state.waiters[entry.key] = nil
            state.owners[entry.key] = kind
            return entry.key
        }
    }

    private func hasPlace(for kind: Kind, in state: borrowing State) -> Bool {
        guard state.owners.count < limit else { return false }
        return kind == .busy || state.owners.values.count { $0 == .patient } < patientLimit
    }

    /// Takes away the entries, up to the first that counts, of those who wait no longer.
    private static func dropOutdated(_ kind: Kind, _ state: inout State) {
        while let entry = state.order[kind]?.first, state.waiters[entry.key]?.ticket != entry.ticket {
            _ = state.order[kind]?.removeFirst()
        }
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
