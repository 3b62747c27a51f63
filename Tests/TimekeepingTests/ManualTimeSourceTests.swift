import FoundationEssentials
import Synchronization
import TestSupport
import Testing
import Timekeeping

/// The clock that other tests rely on.
@Suite(.timeLimit(.minutes(1)))
struct ManualTimeSourceTests {
    private let time = ManualTimeSource(start: Date(timeIntervalSince1970: 1_000))

    @Test func `It stands still until it is advanced, and both clocks move alike`() {
        let start = time.now()
        #expect(time.now() == start && time.wallTime() == Date(timeIntervalSince1970: 1_000))
        time.advance(by: .milliseconds(1_500))
        #expect(start.duration(to: time.now()) == .milliseconds(1_500))
        #expect(time.wallTime() == Date(timeIntervalSince1970: 1_001.5))
    }

    @Test func `A sleep towards the past returns at once`() async throws {
        try await time.sleep(until: time.now())
        try await time.sleep(for: .seconds(-5))
        #expect(time.sleepers().isEmpty)
    }

    @Test func `A sleeper wakes when its deadline is reached, not before`() async throws {
        let time = time
        let isAwake = Latch()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await time.sleep(for: .seconds(10))
                isAwake.open()
            }
            try await time.waitForSleepers(1)
            #expect(time.nextDeadline == time.now().advanced(by: .seconds(10)))
            time.advance(by: .seconds(9))
            #expect(time.sleepers().count == 1 && !isAwake.isOpen)
            time.advance(by: .seconds(1))
            #expect(time.sleepers().isEmpty && time.nextDeadline == nil)
            try await isAwake.wait()
        }
    }

    @Test func `Sleepers are listed by deadline and resumed up to the new time only`() async throws {
        let time = time
        let start = time.now()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for seconds in [30, 10, 20, 10] {
                group.addTask {
                    try await time.sleep(until: start.advanced(by: .seconds(seconds)))
                    return seconds
                }
            }
            try await time.waitForSleepers(4)
            #expect(time.sleepers().map { start.duration(to: $0) } == [10, 10, 20, 30].map(Duration.seconds))
            time.advance(by: .seconds(25))
            #expect(time.sleepers().map { start.duration(to: $0) } == [.seconds(30)])
            var woken: [Int] = []
            for _ in 0..<3 {
                woken.append(try await group.next() ?? 0)
            }
            #expect(woken.sorted() == [10, 10, 20])
            #expect(time.advanceToNextDeadline())
            #expect(start.duration(to: time.now()) == .seconds(30))
            #expect(try await group.next() == 30)
            #expect(!time.advanceToNextDeadline())
        }
    }

    @Test func `Waiting for sleepers ends when there are enough`() async throws {
        let time = time
        try await time.waitForSleepers(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let seesTwo = Latch()
            group.addTask {
                try await time.waitForSleepers(2)
                seesTwo.open()
            }
            group.addTask { try await time.sleep(for: .seconds(1)) }
            try await time.waitForSleepers(1)
            #expect(!seesTwo.isOpen)
            group.addTask { try await time.sleep(for: .seconds(1)) }
            try await seesTwo.wait()
            time.advance(by: .seconds(1))
            try await group.waitForAll()
        }
    }

    @Test func `A cancelled sleeper leaves the clock, a cancelled watcher does not wait`() async throws {
        let time = time
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await time.sleep(for: .seconds(1)) }
            try await time.waitForSleepers(1)
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
            #expect(time.sleepers().isEmpty)
            // This group is cancelled, and so is all that it starts now.
            group.addTask { try await time.sleep(for: .seconds(1)) }
            await #expect(throws: CancellationError.self) { try await group.next() }
            group.addTask { try await time.waitForSleepers(1) }
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
    }
}
