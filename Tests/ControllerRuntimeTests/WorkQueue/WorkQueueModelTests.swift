import Testing
import Timekeeping

@testable import ControllerRuntime

/// Random schedules against a model that is too simple to be wrong (bugs 20, 21, 30 of the reference).
struct WorkQueueModelTests {
    /// Everything about one key, in the plainest form.
    private struct Key {
        var ready: (priority: Int, order: Int)?
        var waiting: (readyAt: MonotonicInstant, order: Int, priority: Int)?
        var isProcessing = false
        var dirtyPriority: Int?
    }

    private struct Model {
        var keys: [Int: Key] = [:]
        var now = MonotonicInstant(nanoseconds: 0)
        var order = 0
        var sinceOldest = 0

        mutating func nextOrder() -> Int {
            order += 1
            return order
        }

        mutating func add(_ name: Int, _ priority: Int, _ delay: Duration) {
            var key = keys[name, default: Key()]
            if let ready = key.ready {
                key.ready = (max(ready.priority, priority), ready.order)
            } else if let dirty = key.dirtyPriority {
                key.dirtyPriority = max(dirty, priority)
            } else if delay <= .zero {
                makeReady(&key, max(priority, key.waiting?.priority ?? priority))
            } else {
                let readyAt = now.advanced(by: min(delay, SlotQueue.maximumDelay))
                if let waiting = key.waiting {
                    let isEarlier = readyAt < waiting.readyAt
                    let order = isEarlier ? nextOrder() : waiting.order
                    key.waiting = (min(readyAt, waiting.readyAt), order, max(priority, waiting.priority))
                } else {
                    key.waiting = (readyAt, nextOrder(), priority)
                }
            }
            keys[name] = key
        }

        mutating func makeReady(_ key: inout Key, _ priority: Int) {
            key.waiting = nil
            if key.isProcessing { key.dirtyPriority = priority } else { key.ready = (priority, nextOrder()) }
        }

        mutating func promote() {
            let due = keys.compactMap { name, key in key.waiting.map { (name, $0) } }.filter { $0.1.readyAt <= now }
            for (name, waiting) in due.sorted(by: { ($0.1.readyAt, $0.1.order) < ($1.1.readyAt, $1.1.order) }) {
                guard var key = keys[name] else { continue }
                makeReady(&key, waiting.priority)
                keys[name] = key
            }
        }

        mutating func take() -> Int? {
            promote()
            let ready = keys.compactMap { name, key in key.ready.map { (name, $0) } }
            let isOldestTurn = sinceOldest == SlotQueue.ageingInterval - 1
            let best = ready.min { left, right in
                isOldestTurn
                    ? left.1.order < right.1.order
                    : (-left.1.priority, left.1.order) < (-right.1.priority, right.1.order)
            }
            guard let best else { return nil }
            sinceOldest = isOldestTurn ? 0 : sinceOldest + 1
            keys[best.0]?.ready = nil
            keys[best.0]?.isProcessing = true
            return best.0
        }

        mutating func done(_ name: Int) -> Bool {
            guard var key = keys[name], key.isProcessing else { return false }
            key.isProcessing = false
            if let dirty = key.dirtyPriority {
                key.dirtyPriority = nil
                key.ready = (dirty, nextOrder())
            }
            keys[name] = key
            return true
        }

        var depths: [Int: Int] {
            keys.values.compactMap(\.ready).reduce(into: [:]) { $0[$1.priority, default: 0] += 1 }
        }

        var processing: Set<Int> { Set(keys.filter { $0.value.isProcessing }.map(\.key)) }
    }

    @Test(arguments: 0..<200)
    func `any schedule agrees with the model in every answer and in the depth gauge`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var model = Model()
        var queue = WorkQueueState<Int>()
        var mustRun: Set<Int> = []
        for _ in 0..<400 {
            let key = Int.random(in: 0..<8, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                let priority = Int.random(in: -2...2, using: &random)
                let delays: [Duration] = [.zero, .zero, .seconds(1), .seconds(5), .seconds(Int64.max), .seconds(-3)]
                let delay = delays.randomElement(using: &random) ?? .zero
                queue.add(key, priority: priority, delay: delay, now: model.now)
                model.add(key, priority, delay)
                if delay <= .zero { mustRun.insert(key) }
            case 4..<7:
                queue.promote(now: model.now)
                let taken = queue.take(now: model.now)?.key
                #expect(taken == model.take())
                if let taken { mustRun.remove(taken) }
            case 7..<9:
                #expect((queue.done(key, now: model.now) != nil) == model.done(key))
            default:
                model.now = model.now.advanced(by: .milliseconds(Int.random(in: 0..<3000, using: &random)))
                queue.promote(now: model.now)
                model.promote()
            }
            #expect(queue.slots.depthByPriority == model.depths)
            #expect(queue.slots.depth == model.depths.values.reduce(0, +))
            #expect(queue.slots.processingCount == model.processing.count)
        }
        // Every add is followed by a run, and then nothing is left.
        queue.shutDown(keepsBacklog: true)
        for key in model.processing { _ = queue.done(key, now: model.now) }
        while let item = queue.take(now: model.now) {
            mustRun.remove(item.key)
            _ = queue.done(item.key, now: model.now)
        }
        #expect(mustRun.isEmpty)
        #expect(queue.isDrained)
    }
}
