public import Timekeeping

/// All decisions of a ``WorkQueue`` about the slots of its keys: what state each is in and which is served next.
///
/// Time comes in as a parameter, nothing is awaited and nobody is woken here. A used slot is in one of these states:
/// - ready: in `ready` and in the age list;
/// - waiting: in `waiting`, becomes ready at its time;
/// - processing: handed out, not `done` yet; a processing slot may also be dirty (ready again as soon as it is done) or
///   waiting. It is never dirty and waiting: the earlier of the two wins, so that it is handed out once.
@usableFromInline
struct SlotQueue: Sendable {
    private struct Entry: Sendable {
        var priority = 0
        var isProcessing = false
        var isDirty = false
        /// Whether the slot is in any state.
        var isUsed = false
        /// When the slot became ready or dirty; the start of its time in the queue.
        var queuedAt = MonotonicInstant(nanoseconds: 0)
        var startedAt = MonotonicInstant(nanoseconds: 0)
        /// The neighbours in the age list of ready slots, or -1.
        var older: Int32 = -1
        var younger: Int32 = -1
    }

    /// A slot that is handed to a worker.
    @usableFromInline
    struct Item: Sendable {
        @usableFromInline let slot: Int32
        @usableFromInline let priority: Int
        /// How long the slot was ready.
        @usableFromInline let queued: Duration
    }

    /// Every this many items the oldest ready slot is served whatever its priority, so that nothing starves.
    static let ageingInterval = 8
    /// Longer delays are cut to this one: half a year.
    static let maximumDelay = Duration.seconds(180 * 86_400)

    private var entries: [Entry] = []
    private var ready = SlotHeap()
    private var waiting = SlotHeap()
    @usableFromInline private(set) var processing: [Int32] = []
    private var oldest: Int32 = -1
    private var youngest: Int32 = -1
    private var nextCounter: UInt64 = 0
    private var servedByPriority = 0
    /// How many adds were not duplicates of a ready or dirty slot.
    @usableFromInline private(set) var adds = 0

    @usableFromInline
    init() {}

    /// The number of ready slots.
    @usableFromInline var depth: Int { ready.count }
    /// The number of slots that wait for their time.
    @usableFromInline var waitingCount: Int { waiting.count }
    /// The number of slots that were handed out and are not done.
    @usableFromInline var processingCount: Int { processing.count }
    /// When the next waiting slot becomes ready.
    @usableFromInline var nextReadyAt: MonotonicInstant? {
        waiting.firstRank.map { MonotonicInstant(nanoseconds: $0.major) }
    }

    /// The ready slots by priority; walks over all of them.
    @usableFromInline var depthByPriority: [Int: Int] {
        var depths: [Int: Int] = [:]
        for slot in ready.slots { depths[entries[Int(slot)].priority, default: 0] += 1 }
        return depths
    }

    /// For how long each processing slot has been processed.
    @usableFromInline
    func processingTimes(now: MonotonicInstant) -> [Duration] {
        processing.map { entries[Int($0)].startedAt.duration(to: now) }
    }

    /// Makes a slot usable that is in no state yet; new slots are numbered without gaps.
    @usableFromInline
    mutating func open(_ slot: Int32) {
        if Int(slot) == entries.count { entries.append(Entry()) } else { entries[Int(slot)] = Entry() }
    }

    /// Adds a slot; one that is there already keeps the higher priority and the earlier time.
    @usableFromInline
    mutating func add(_ slot: Int32, priority: Int, delay: Duration, now: MonotonicInstant) {
        let index = Int(slot)
        if entries[index].isDirty || ready.contains(slot) {
            if priority > entries[index].priority { raise(slot, to: priority) }
            return
        }
        entries[index].isUsed = true
        let known = waiting.rank(of: slot)
        // A processing slot's own priority says nothing about the run after it.
        entries[index].priority = known == nil ? priority : max(priority, entries[index].priority)
        guard delay > .zero else {
            waiting.remove(slot)
            becomeReady(slot, now: now)
            return
        }
        let readyAt = now.advanced(by: min(delay, Self.maximumDelay)).nanoseconds
        if let known, known.major <= readyAt { return }
        waiting.set(slot, rank: SlotHeap.Rank(major: readyAt, counter: takeCounter()))
    }

    /// Moves the slots whose time has come to the ready ones.
    @usableFromInline
    mutating func promote(now: MonotonicInstant) {
        while let rank = waiting.firstRank, rank.major <= now.nanoseconds, let slot = waiting.first {
            waiting.remove(slot)
            becomeReady(slot, now: now)
        }
    }

    /// Hands out the next ready slot, or nil.
    @usableFromInline
    mutating func take(now: MonotonicInstant) -> Item? {
        guard let best = ready.first else { return nil }
        let isOldestTurn = servedByPriority >= Self.ageingInterval - 1
        servedByPriority = isOldestTurn ? 0 : servedByPriority + 1
        let slot = isOldestTurn ? oldest : best
        ready.remove(slot)
        unlinkAge(slot)
        processing.append(slot)
        let index = Int(slot)
        entries[index].isProcessing = true
        entries[index].startedAt = now
        return Item(slot: slot, priority: entries[index].priority, queued: entries[index].queuedAt.duration(to: now))
    }

    /// Ends the processing of a slot; returns how long it took, or nil when it was not being processed.
    ///
    /// The slot is unused afterwards unless ``isUsed(_:)``.
    @usableFromInline
    mutating func done(_ slot: Int32, now: MonotonicInstant) -> Duration? {
        let index = Int(slot)
        guard entries[index].isProcessing else { return nil }
        entries[index].isProcessing = false
        if let position = processing.firstIndex(of: slot) {
            processing.swapAt(position, processing.count - 1)
            processing.removeLast()
        }
        if entries[index].isDirty {
            entries[index].isDirty = false
            enqueue(slot)
        } else {
            entries[index].isUsed = waiting.contains(slot)
        }
        return entries[index].startedAt.duration(to: now)
    }

    /// Whether a slot is in any state.
    @usableFromInline
    func isUsed(_ slot: Int32) -> Bool {
        entries[Int(slot)].isUsed
    }

    /// Forgets what waits for its time and, on demand, what is ready; returns how many slots are unused now.
    @usableFromInline
    mutating func clear(ready clearsReady: Bool) -> Int {
        var unused = 0
        func drop(_ slot: Int32) {
            entries[Int(slot)].isUsed = entries[Int(slot)].isProcessing
            if !entries[Int(slot)].isUsed { unused += 1 }
        }
        while let slot = waiting.first {
            waiting.remove(slot)
            drop(slot)
        }
        while clearsReady, let slot = ready.first {
            ready.remove(slot)
            unlinkAge(slot)
            drop(slot)
        }
        for slot in processing where clearsReady { entries[Int(slot)].isDirty = false }
        return unused
    }

    /// Gives back the memory of all slots, none of which is used.
    @usableFromInline
    mutating func releaseMemory() {
        entries = []
        ready.removeAll()
        waiting.removeAll()
    }
}

extension SlotQueue {
    private mutating func takeCounter() -> UInt64 {
        nextCounter &+= 1
        return nextCounter
    }

    /// A slot that was added: queued now, or as soon as its worker is done with it.
    private mutating func becomeReady(_ slot: Int32, now: MonotonicInstant) {
        adds &+= 1
        entries[Int(slot)].queuedAt = now
        if entries[Int(slot)].isProcessing {
            entries[Int(slot)].isDirty = true
        } else {
            enqueue(slot)
        }
    }

    private mutating func enqueue(_ slot: Int32) {
        ready.set(slot, rank: Self.rank(priority: entries[Int(slot)].priority, counter: takeCounter()))
        entries[Int(slot)].older = youngest
        entries[Int(slot)].younger = -1
        if youngest >= 0 { entries[Int(youngest)].younger = slot } else { oldest = slot }
        youngest = slot
    }

    /// Raises the priority of a ready or dirty slot; its age stays.
    private mutating func raise(_ slot: Int32, to priority: Int) {
        entries[Int(slot)].priority = priority
        guard let rank = ready.rank(of: slot) else { return }
        ready.set(slot, rank: Self.rank(priority: priority, counter: rank.counter))
    }

    /// Higher priorities come first; the complement negates without overflow.
    private static func rank(priority: Int, counter: UInt64) -> SlotHeap.Rank {
        SlotHeap.Rank(major: ~Int64(priority), counter: counter)
    }

    private mutating func unlinkAge(_ slot: Int32) {
        let (older, younger) = (entries[Int(slot)].older, entries[Int(slot)].younger)
        if older >= 0 { entries[Int(older)].younger = younger } else { oldest = younger }
        if younger >= 0 { entries[Int(younger)].older = older } else { youngest = older }
    }
}
