public import Timekeeping

/// The keys of a ``WorkQueue`` and their states, without anything that waits.
///
/// This generic part only knows which key has which slot; ``SlotQueue`` decides everything else.
@usableFromInline
struct WorkQueueState<Key: Hashable & Sendable>: Sendable {
    /// A key that is handed to a worker.
    @usableFromInline
    struct Item: Sendable {
        @usableFromInline let key: Key
        @usableFromInline let priority: Int
        /// How long the key was ready.
        @usableFromInline let queued: Duration

        @inlinable
        init(key: Key, priority: Int, queued: Duration) {
            self.key = key
            self.priority = priority
            self.queued = queued
        }
    }

    /// This many keys without work keep their slots, since keys tend to come back; more when more keys have work.
    @usableFromInline static var keptIdle: Int { 16_384 }
    /// Among this many keys in work a key is found sooner by comparing than by hashing.
    @usableFromInline static var fewProcessing: Int { 16 }

    @usableFromInline var slotOfKey: [Key: Int32] = [:]
    @usableFromInline var keyOfSlot: [Key] = []
    /// Slots without a key.
    @usableFromInline var freeSlots: [Int32] = []
    /// How many slots have a key without work.
    @usableFromInline var idleCount = 0
    @usableFromInline var slots = SlotQueue()
    @usableFromInline var isShuttingDown = false

    @inlinable
    init() {}

    /// Whether nothing is ready and nobody works.
    @inlinable var isDrained: Bool { slots.depth == 0 && slots.processingCount == 0 }

    /// Adds a key; a key that is there already keeps the higher priority and the earlier time.
    @inlinable
    mutating func add(_ key: Key, priority: Int, delay: Duration, now: MonotonicInstant) {
        guard !isShuttingDown else { return }
        slots.add(slot(for: key), priority: priority, delay: delay, now: now)
    }

    /// Moves the keys whose time has come to the ready ones.
    @inlinable
    mutating func promote(now: MonotonicInstant) {
        slots.promote(now: now)
    }

    /// Hands out the next ready key, or nil.
    @inlinable
    mutating func take(now: MonotonicInstant) -> Item? {
        guard let item = slots.take(now: now) else { return nil }
        return Item(key: keyOfSlot[Int(item.slot)], priority: item.priority, queued: item.queued)
    }

    /// Ends the processing of a key; returns how long it took, or nil when the key was not being processed.
    @inlinable
    mutating func done(_ key: Key, now: MonotonicInstant) -> Duration? {
        guard let slot = processingSlot(of: key), let elapsed = slots.done(slot, now: now) else { return nil }
        if !slots.isUsed(slot) { becomeIdle(1) }
        return elapsed
    }

    /// Refuses further adds and forgets the waiting keys; with `keepsBacklog` the ready ones are still handed out.
    @inlinable
    mutating func shutDown(keepsBacklog: Bool) {
        isShuttingDown = true
        becomeIdle(slots.clear(ready: !keepsBacklog))
    }

    /// The slot of `key`, made when it has none.
    @inlinable
    mutating func slot(for key: Key) -> Int32 {
        let candidate = freeSlots.last ?? Int32(truncatingIfNeeded: keyOfSlot.count)
        // One look-up for both cases: a missing key gets the candidate.
        let slot = slotOfKey[key, default: -1].settle(candidate)
        if slot == candidate {
            if freeSlots.popLast() == nil { keyOfSlot.append(key) } else { keyOfSlot[Int(slot)] = key }
            slots.open(slot)
        } else if !slots.isUsed(slot) {
            idleCount -= 1
        }
        return slot
    }

    @inlinable
    func processingSlot(of key: Key) -> Int32? {
        guard slots.processing.count <= Self.fewProcessing else { return slotOfKey[key] }
        return slots.processing.first { keyOfSlot[Int($0)] == key }
    }

    @inlinable
    mutating func becomeIdle(_ count: Int) {
        idleCount += count
        let usedCount = slotOfKey.count - idleCount
        if usedCount == 0, keyOfSlot.count > Self.keptIdle {
            releaseMemory()
        } else if idleCount > max(Self.keptIdle, usedCount) {
            // In proportion to the work, so that looking at all slots costs next to nothing per key.
            forgetIdle()
        }
    }

    @inlinable
    mutating func releaseMemory() {
        slotOfKey = [:]
        keyOfSlot = []
        freeSlots = []
        idleCount = 0
        slots.releaseMemory()
    }

    @inlinable
    mutating func forgetIdle() {
        idleCount = 0
        // A free slot has no key that is known, or the key's slot is another one.
        for index in keyOfSlot.indices where !slots.isUsed(Int32(truncatingIfNeeded: index)) {
            let slot = Int32(truncatingIfNeeded: index)
            guard slotOfKey[keyOfSlot[index]] == slot else { continue }
            slotOfKey.removeValue(forKey: keyOfSlot[index])
            freeSlots.append(slot)
        }
    }
}

extension Int32 {
    /// Becomes `candidate` when it is negative; returns what it is then.
    @inlinable
    mutating func settle(_ candidate: Int32) -> Int32 {
        if self < 0 { self = candidate }
        return self
    }
}
