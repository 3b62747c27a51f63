import Synchronization
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import ControllerRuntime

/// Waiting, waking and shutting down.
@Suite(.timeLimit(.minutes(1)))
struct WorkQueueTests {
    let world = VirtualWorld()
    let journal = Journal()

    private func makeQueue(metrics: MetricsRegistry? = nil) -> WorkQueue<String> {
        WorkQueue(name: "test", timeSource: world.time, metrics: metrics)
    }

    /// A worker that notes the keys it gets.
    @discardableResult
    private func startWorker(_ queue: WorkQueue<String>, _ name: String = "") -> VirtualRun<Void> {
        world.start { [journal] in
            while let (key, _) = try await queue.next() {
                journal.add(name + key)
                queue.done(key)
            }
            journal.add(name + "end")
        }
    }

    @Test func `a waiting worker gets a key as soon as it is added`() {
        let queue = makeQueue()
        startWorker(queue)
        #expect(journal.entries.isEmpty)
        queue.add("a")
        world.settle()
        #expect(journal.entries == ["a"])
    }

    @Test func `a delayed key comes at its time, without anything polling`() {
        let queue = makeQueue()
        startWorker(queue)
        queue.add("a", after: .seconds(90))
        world.settle()
        #expect(world.time.sleepers().count == 1)
        world.run(for: .seconds(89))
        #expect(journal.entries.isEmpty)
        #expect(world.time.sleepers().count == 1)
        world.run(for: .seconds(1))
        #expect(journal.entries == ["a"])
        #expect(world.time.sleepers().isEmpty)
    }

    @Test func `an earlier delayed key moves the time at which the worker looks`() {
        let queue = makeQueue()
        startWorker(queue)
        queue.add("late", after: .seconds(100))
        world.settle()
        queue.add("early", after: .seconds(10))
        world.run(for: .seconds(10))
        #expect(journal.entries == ["early"])
        world.run(for: .seconds(90))
        #expect(journal.entries == ["early", "late"])
    }

    @Test func `of several idle workers one keeps the time, and another takes over when that one is busy`() {
        let queue = makeQueue()
        let gate = Latch()
        for _ in 0..<2 {
            world.start { [journal] in
                while let (key, _) = try await queue.next() {
                    journal.add(key)
                    if key == "long" { try await gate.wait() }
                    queue.done(key)
                }
            }
        }
        queue.add("delayed", after: .seconds(5))
        world.settle()
        #expect(world.time.sleepers().count == 1)
        // Whoever takes this is busy for long; the other one must keep the time.
        queue.add("long")
        world.settle()
        queue.add("short")
        world.run(for: .seconds(5))
        #expect(journal.entries == ["long", "short", "delayed"])
        gate.open()
        world.settle()
    }

    @Test func `a cancelled worker neither takes a key nor swallows a wake-up`() {
        let queue = makeQueue()
        startWorker(queue, "1:")
        let second = startWorker(queue, "2:")
        // The last one to park is woken first; it is cancelled before it runs.
        queue.add("a")
        second.cancel()
        world.settle()
        #expect(journal.entries == ["1:a"])
        #expect(second.error is CancellationError)
    }

    @Test func `a cancelled timekeeper is replaced`() {
        let queue = makeQueue()
        let workers = (1...2).map { startWorker(queue, "\($0):") }
        queue.add("a", after: .seconds(5))
        world.settle()
        // One of the two keeps the time; the other one must take over.
        workers[1].cancel()
        world.run(for: .seconds(5))
        #expect(journal.entries == ["1:a"])
    }

    @Test func `a key that comes in while a worker falls asleep wakes it`() {
        let queue = makeQueue()
        let worker = queue.change { state in
            // The lock is held: the key only gets into the inbox, whose owner does not know of an idle worker yet.
            queue.add("a")
            return state.workers.park(nextReadyAt: nil).0
        }
        #expect(worker.isFulfilled)
    }

    @Test func `adds that no worker has sorted in yet are counted and served`() async throws {
        let queue = makeQueue()
        for index in 0..<2000 { queue.add("k\(index % 1000)") }
        #expect(queue.depth == 1000)
        queue.add("waits", after: .seconds(1))
        #expect(queue.waitingCount == 1)
        queue.shutDown()
        queue.add("late")
        #expect(queue.depth == 1000)
        #expect(try await queue.next()?.key == "k0")
    }

    // Bug 21 (c-r#3538): workers must not sleep through a shut-down.
    @Test func `shut-down ends all waiting workers, those with a deadline too`() {
        let queue = makeQueue()
        let workers = (0..<3).map { startWorker(queue, "\($0):") }
        queue.add("never", after: .seconds(1000))
        world.settle()
        queue.shutDown()
        world.settle()
        #expect(workers.allSatisfy { $0.isFinished })
        #expect(journal.entries.count == 3)
        #expect(world.time.sleepers().isEmpty)
    }

    // Bug 20 (k/k#119554): the drain ends when the last key is done, not earlier and not never.
    @Test func `a drain waits for the keys in work and for the backlog`() {
        let queue = makeQueue()
        let gate = Latch()
        queue.add("slow")
        queue.add("next")
        world.start { [journal] in
            while let (key, _) = try await queue.next() {
                if key == "slow" { try await gate.wait() }
                journal.add(key)
                queue.done(key)
            }
        }
        let drain = world.start { await queue.shutDownWithDrain() }
        queue.add("late")
        world.settle()
        #expect(!drain.isFinished)
        gate.open()
        world.settle()
        #expect(drain.isFinished)
        #expect(journal.entries == ["slow", "next"])
    }

    @Test func `a drain of an empty queue ends at once, and a plain shut-down ends a drain`() {
        let empty = makeQueue()
        #expect(world.start { await empty.shutDownWithDrain() }.isFinished)
        let busy = makeQueue()
        busy.add("a")
        let drain = world.start { await busy.shutDownWithDrain() }
        #expect(!drain.isFinished)
        busy.shutDown()
        world.settle()
        #expect(drain.isFinished)
    }

    // Bug 30 (kube#1316): concurrency 1 and a key that requeues itself.
    @Test func `a key that adds itself again while in work runs again with one worker`() {
        let queue = makeQueue()
        world.start { [journal] in
            while let (key, _) = try await queue.next() {
                journal.add(key)
                if journal.entries.count < 3 { queue.add(key) } else { queue.add(key, after: .seconds(Int64.max)) }
                queue.done(key)
            }
        }
        queue.add("a")
        world.run(for: .seconds(3600))
        #expect(journal.entries == ["a", "a", "a"])
    }

    @Test func `failures wait longer and longer until they are forgotten, or as long as the server wants`() {
        let queue = makeQueue()
        startWorker(queue)
        queue.addRateLimited("a")
        world.run(for: .milliseconds(5))
        #expect(journal.count("a") == 1)
        queue.addRateLimited("a")
        world.run(for: .milliseconds(9))
        #expect(journal.count("a") == 1)
        world.run(for: .milliseconds(1))
        #expect(journal.count("a") == 2)
        #expect(queue.failures(of: "a") == 2)
        queue.forget("a")
        queue.addRateLimited("a", atLeast: .seconds(7))
        world.run(for: .milliseconds(6999))
        #expect(journal.count("a") == 2)
        world.run(for: .milliseconds(1))
        #expect(journal.count("a") == 3)
    }

    @Test func `the metrics have the names and labels of controller-runtime`() throws {
        let registry = MetricsRegistry()
        let queue = makeQueue(metrics: registry)
        queue.add("a", priority: 3)
        queue.add("b")
        queue.add("b")
        queue.add("c", after: .seconds(60))
        world.time.advance(by: .seconds(2))
        let worker = world.start { try await queue.next()?.key }
        world.time.advance(by: .seconds(4))
        #expect(try worker.result?.get() == "a")
        let text = registry.exposition()
        for line in [
            #"workqueue_depth{name="test",controller="test",priority="0"} 1"#,
            #"workqueue_adds_total{name="test",controller="test"} 2"#,
            #"workqueue_retries_total{name="test",controller="test"} 1"#,
            #"workqueue_queue_duration_seconds_sum{name="test",controller="test"} 2"#,
            #"workqueue_unfinished_work_seconds{name="test",controller="test"} 4"#,
            #"workqueue_longest_running_processor_seconds{name="test",controller="test"} 4"#,
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
        queue.done("a")
        #expect(
            registry.exposition().contains(#"workqueue_work_duration_seconds_sum{name="test",controller="test"} 4"#)
        )
        #expect(registry.misuses.isEmpty)
    }

    // Bug 21 (c-r#3396): a label value for each priority must not make series without end.
    @Test func `more than 25 priorities share one label value`() {
        let labels = PriorityLabels(limit: 25)
        let many = Dictionary(uniqueKeysWithValues: (0..<30).map { ($0, 1) })
        let first = labels.label(many)
        #expect(first.count == 26)
        #expect(first["exceeded_cardinality_limit"] == 5)
        let empty = labels.label([:])
        #expect(empty.values.allSatisfy { $0 == 0 })
        #expect(empty.count == 26)
    }

    // Bug 20: no key in two workers, every add followed by a run, the drain terminates; on real threads.
    @Test func `producers and workers on all threads never share a key and lose nothing`() async throws {
        let queue = WorkQueue<Int>(name: "threads", timeSource: ManualTimeSource())
        let board = Board(keyCount: 50)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    while let (key, _) = try await queue.next() {
                        let version = board.begin(key)
                        if version % 7 == 0 { await Task.yield() }
                        board.end(key, seen: version)
                        queue.forget(key)
                        queue.done(key)
                    }
                }
            }
            await withTaskGroup(of: Void.self) { producers in
                for producer in 0..<4 {
                    producers.addTask {
                        var random = SeededGenerator(seed: UInt64(producer))
                        for step in 0..<5000 {
                            let key = Int.random(in: 0..<50, using: &random)
                            board.change(key)
                            queue.add(key, priority: step % 3)
                            if step % 100 == 0 { await Task.yield() }
                        }
                    }
                }
            }
            await queue.shutDownWithDrain()
            try await group.waitForAll()
        }
        #expect(board.missed == [])
        #expect(queue.depth == 0)
        #expect(queue.processingCount == 0)
    }
}

/// What there is to see for each key, and what its workers have seen.
private final class Board: Sendable {
    private struct State {
        var inWork: [Int]
        var latest: [Int]
        var seen: [Int]
    }

    private let state: Mutex<State>

    init(keyCount: Int) {
        let zeros = [Int](repeating: 0, count: keyCount)
        state = Mutex(State(inWork: zeros, latest: zeros, seen: zeros))
    }

    func change(_ key: Int) {
        state.withLock { $0.latest[key] += 1 }
    }

    func begin(_ key: Int) -> Int {
        let (workers, version) = state.withLock { state in
            state.inWork[key] += 1
            return (state.inWork[key], state.latest[key])
        }
        #expect(workers == 1)
        return version
    }

    func end(_ key: Int, seen version: Int) {
        state.withLock { state in
            state.inWork[key] -= 1
            state.seen[key] = max(state.seen[key], version)
        }
    }

    /// The keys whose last change no worker has seen.
    var missed: [Int] {
        state.withLock { state in state.latest.indices.filter { state.latest[$0] != state.seen[$0] } }
    }
}
