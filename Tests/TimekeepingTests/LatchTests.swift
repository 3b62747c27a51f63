import Synchronization
import Testing
import Timekeeping

@Suite(.timeLimit(.minutes(1)))
struct LatchTests {
    @Test func `An open latch lets everybody through, now and later`() async throws {
        let latch = Latch()
        #expect(!latch.isOpen)
        latch.open()
        latch.open()
        #expect(latch.isOpen)
        try await latch.wait()
        try await latch.wait()
    }

    @Test func `Opening releases all who wait`() async throws {
        let latch = Latch()
        let released = try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask { try await latch.wait() }
            }
            await Task.yield()
            latch.open()
            return try await group.reduce(into: 0) { count, _ in count += 1 }
        }
        #expect(released == 20)
    }

    @Test func `A cancelled waiter leaves, the others stay`() async throws {
        let latch = Latch()
        try await withThrowingTaskGroup(of: Void.self) { others in
            others.addTask { try await latch.wait() }
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await latch.wait() }
                await Task.yield()
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.next() }
            }
            #expect(!latch.isOpen)
            latch.open()
            try await others.waitForAll()
        }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct SignalTests {
    @Test func `Several sends before a wait are one wake-up`() async throws {
        let signal = Signal()
        signal.send()
        signal.send()
        try await signal.wait()
        await expectPending(signal, false)
    }

    @Test func `A send wakes a waiter and leaves nothing behind`() async throws {
        let signal = Signal()
        async let woken: Void = signal.wait()
        await Task.yield()
        signal.send()
        try await woken
    }

    @Test func `Each of two waiters needs a send of its own`() async throws {
        let signal = Signal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await signal.wait() }
            group.addTask { try await signal.wait() }
            signal.send()
            try await group.next()
            signal.send()
            try await group.next()
        }
    }

    @Test func `A wake-up that meets a cancelled waiter is kept for the next`() async throws {
        for _ in 0..<300 {
            let signal = Signal()
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        try await signal.wait()
                        return true
                    } catch {
                        return false
                    }
                }
                await Task.yield()
                async let sent: Void = signal.send()
                group.cancelAll()
                let isConsumed = await group.next() == true
                await sent
                await expectPending(signal, !isConsumed)
            }
        }
    }

    /// Who waits to be run, and who runs.
    private final class Crowd: Sendable {
        let waiting = Mutex(["first"])
        let running = Mutex<[String]>([])
        let begun = Signal()

        func run(_ name: String) async throws {
            running.withLock { $0.append(name) }
            defer { running.withLock { $0.removeAll { $0 == name } } }
            begun.send()
            try await Latch().wait()
        }
    }

    @Test func `Whoever comes runs beside those who came before, and all end with the task`() async throws {
        let (arrival, crowd) = (Signal(), Crowd())
        let all = Task {
            try await arrival.runEach(of: { crowd.waiting.withLock { $0.takeAll() } }, run: crowd.run)
        }
        try await crowd.begun.wait()
        crowd.waiting.withLock { $0.append("second") }
        arrival.send()
        try await crowd.begun.wait()
        let (running, waiting) = (crowd.running.withLock { $0 }, crowd.waiting.withLock { $0 })
        #expect(running == ["first", "second"] && waiting.isEmpty)
        all.cancel()
        await #expect(throws: CancellationError.self) { try await all.value }
        let left = crowd.running.withLock { $0 }
        #expect(left.isEmpty)
    }

    /// Whether a wake-up is pending shows when a cancelled task waits: it takes the one that is there, or throws.
    private func expectPending(_ signal: Signal, _ isPending: Bool) async {
        let found = await withTaskGroup(of: Bool.self) { group in
            group.cancelAll()
            group.addTask {
                do {
                    try await signal.wait()
                    return true
                } catch {
                    return false
                }
            }
            return await group.next() == true
        }
        #expect(found == isPending)
    }
}
