import Testing
import Timekeeping

@testable import ControllerRuntime

/// The rules of the queue, without anything that waits.
struct WorkQueueStateTests {
    private var queue = WorkQueueState<String>()
    private var now = MonotonicInstant(nanoseconds: 1_000_000_000)

    private mutating func add(_ key: String, priority: Int = 0, after delay: Duration = .zero) {
        queue.add(key, priority: priority, delay: delay, now: now)
    }

    private mutating func take() -> String? {
        queue.promote(now: now)
        return queue.take(now: now)?.key
    }

    private mutating func takeAll() -> [String] {
        var keys: [String] = []
        while let key = take() {
            keys.append(key)
            _ = queue.done(key, now: now)
        }
        return keys
    }

    private mutating func pass(_ duration: Duration) {
        now = now.advanced(by: duration)
    }

    @Test mutating func `a key that is added twice is handed out once`() {
        add("a")
        add("b")
        add("a")
        #expect(takeAll() == ["a", "b"])
        #expect(queue.slots.adds == 2)
    }

    @Test mutating func `of several adds the highest priority and the earliest time count`() {
        add("low")
        add("a", priority: -5)
        add("a", priority: 7, after: .seconds(60))
        #expect(takeAll() == ["a", "low"])
        add("w", priority: 1, after: .seconds(60))
        add("w", priority: 0, after: .seconds(10))
        add("x", after: .seconds(10))
        pass(.seconds(10))
        #expect(takeAll() == ["w", "x"])
        pass(.seconds(60))
        #expect(takeAll() == [])
    }

    @Test mutating func `a later time does not put off an earlier one`() {
        add("a", after: .seconds(1))
        add("a", after: .seconds(100))
        pass(.seconds(1))
        #expect(take() == "a")
    }

    // Bug 20 (k/k#110642): delayed and ready at the same time.
    @Test mutating func `a key that is delayed and then added at once is handed out once`() {
        add("a", after: .seconds(5))
        add("a")
        #expect(takeAll() == ["a"])
        pass(.seconds(5))
        #expect(takeAll() == [])
        #expect(queue.slots.waitingCount == 0)
    }

    @Test mutating func `a key in work is not handed out again before it is done`() {
        add("a")
        #expect(take() == "a")
        add("a")
        add("a")
        #expect(take() == nil)
        #expect(queue.slots.depth == 0)
        _ = queue.done("a", now: now)
        #expect(queue.slots.depth == 1)
        #expect(takeAll() == ["a"])
    }

    @Test mutating func `a delayed key that becomes due while it is in work runs once more`() {
        add("a")
        #expect(take() == "a")
        add("a", after: .seconds(1))
        pass(.seconds(2))
        #expect(take() == nil)
        _ = queue.done("a", now: now)
        #expect(takeAll() == ["a"])
    }

    @Test mutating func `the priority of a run does not stick to the next one`() {
        add("a", priority: 50)
        #expect(take() == "a")
        add("a", priority: -1)
        add("b", priority: 0)
        _ = queue.done("a", now: now)
        #expect(takeAll() == ["b", "a"])
    }

    // Bug 20: spurious `done`.
    @Test mutating func `done for a key that is not in work changes nothing`() {
        #expect(queue.done("never", now: now) == nil)
        add("a")
        #expect(queue.done("a", now: now) == nil)
        #expect(take() == "a")
        #expect(queue.done("a", now: now) != nil)
        #expect(queue.done("a", now: now) == nil)
        #expect(queue.slots.processingCount == 0)
    }

    @Test mutating func `equal priorities are served in the order of adding, higher ones first`() {
        for key in ["a", "b", "c"] { add(key) }
        add("urgent", priority: 10)
        add("later", priority: -100)
        #expect(takeAll() == ["urgent", "a", "b", "c", "later"])
    }

    // Bug 21 (c-r#3330): a key that waited gets its place when it becomes ready, not when it was added.
    @Test mutating func `keys that become due queue up behind those that are ready`() {
        add("waits", after: .seconds(1))
        add("first")
        pass(.seconds(1))
        #expect(takeAll() == ["first", "waits"])
    }

    // Bug 21 (c-r#3496): starvation under a stream of urgent keys.
    @Test mutating func `each eighth item is the oldest one, whatever its priority`() {
        for index in 0..<3 { add("old\(index)", priority: -100) }
        var served: [String] = []
        for index in 0..<24 {
            add("new\(index)", priority: 5)
            let key = take() ?? ""
            served.append(key)
            _ = queue.done(key, now: now)
        }
        #expect(served.enumerated().filter { $0.element.hasPrefix("old") }.map(\.offset) == [7, 15, 23])
    }

    // Bug 30 (kube#1772): a huge delay must not overflow.
    @Test(arguments: [Duration.seconds(Int64.max), .seconds(400 * 86_400)])
    mutating func `a huge delay is cut to half a year`(delay: Duration) {
        add("a", after: delay)
        pass(.seconds(180 * 86_400) - .seconds(1))
        #expect(take() == nil)
        pass(.seconds(2))
        #expect(take() == "a")
    }

    @Test mutating func `after shut-down nothing is added and delayed keys are gone`() {
        add("ready")
        add("waits", after: .seconds(1))
        queue.shutDown(keepsBacklog: true)
        add("late")
        pass(.seconds(2))
        #expect(takeAll() == ["ready"])
        #expect(queue.isDrained)
    }

    @Test mutating func `a key that was added while in work runs again even after shut-down`() {
        add("a")
        #expect(take() == "a")
        add("a")
        queue.shutDown(keepsBacklog: true)
        _ = queue.done("a", now: now)
        #expect(takeAll() == ["a"])
    }

    @Test mutating func `shut-down without backlog leaves only what is in work`() {
        add("a")
        #expect(take() == "a")
        add("a")
        add("b")
        queue.shutDown(keepsBacklog: false)
        #expect(take() == nil)
        _ = queue.done("a", now: now)
        #expect(takeAll() == [])
    }

    @Test mutating func `an empty queue gives its memory back and can be filled again`() {
        for round in 0..<3 {
            for index in 0..<20_000 { add("k\(index)", priority: index % 3) }
            #expect(takeAll().count == 20_000, "round \(round)")
            #expect(queue.keyOfSlot.isEmpty)
        }
        add("x", priority: 1, after: .seconds(1))
        add("y")
        pass(.seconds(1))
        #expect(takeAll() == ["x", "y"])
    }

    @Test mutating func `keys without work are forgotten when there are many, and come back like new ones`() {
        add("waits")
        add("worked on", priority: 9)
        #expect(take() == "worked on")
        #expect(take() == "waits")
        add("waits", after: .seconds(1))
        _ = queue.done("waits", now: now)
        let keys = (0..<40_000).map { "k\($0)" }
        for round in 0..<3 {
            for key in keys { add(key) }
            // Most of them lose their slots, some come back to other ones, and the rest must keep theirs.
            for _ in 0..<25_000 { _ = queue.done(take() ?? "", now: now) }
            #expect(queue.slotOfKey.count < 40_000)
            for key in keys.prefix(10_000) { add(key) }
            for _ in 0..<20_000 { _ = queue.done(take() ?? "", now: now) }
            for key in keys { add(key) }
            #expect(queue.slots.depth == 40_000, "round \(round)")
            #expect(Set(takeAll()) == Set(keys))
        }
        add("worked on")
        _ = queue.done("worked on", now: now)
        pass(.seconds(1))
        #expect(Set(takeAll()) == ["worked on", "waits"])
    }

    @Test mutating func `a key that comes back again and again is one idle key`() {
        for _ in 0..<5 {
            add("a")
            #expect(takeAll() == ["a"])
        }
        #expect(queue.idleCount == 1)
        #expect(queue.keyOfSlot.count == 1)
    }

    @Test mutating func `any number of keys can be in work`() {
        for index in 0..<100 { add("k\(index)") }
        let taken = (0..<100).compactMap { _ in take() }
        #expect(taken.count == 100)
        #expect(queue.done("stranger", now: now) == nil)
        for key in taken { #expect(queue.done(key, now: now) != nil) }
        #expect(queue.isDrained)
    }

    @Test mutating func `the extremes of priority keep their order`() {
        for (key, priority) in [("min", Int.min), ("zero", 0), ("max", Int.max)] { add(key, priority: priority) }
        #expect(takeAll() == ["max", "zero", "min"])
    }

    @Test mutating func `waiting, working and queueing times are measured`() {
        add("a")
        pass(.seconds(3))
        #expect(queue.take(now: now)?.queued == .seconds(3))
        pass(.seconds(2))
        #expect(queue.slots.processingTimes(now: now) == [.seconds(2)])
        #expect(queue.done("a", now: now) == .seconds(2))
    }
}
