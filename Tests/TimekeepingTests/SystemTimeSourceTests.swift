import FoundationEssentials
import Testing
import Timekeeping

@Suite(.timeLimit(.minutes(1)))
struct SystemTimeSourceTests {
    private let time = SystemTimeSource()

    @Test func `The monotonic clock runs and never goes back`() {
        var last = time.now()
        for _ in 0..<1_000 {
            let now = time.now()
            #expect(now >= last)
            last = now
        }
        #expect(last.nanoseconds > 0)
        #expect(time.wallTime() > Date(timeIntervalSince1970: 1_600_000_000))
    }

    @Test func `A sleep ends behind its deadline`() async throws {
        let deadline = time.now().advanced(by: .milliseconds(5))
        try await time.sleep(until: deadline)
        #expect(time.now() >= deadline)
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .seconds(Int64.min)])
    func `A sleep towards the past returns at once`(duration: Duration) async throws {
        try await time.sleep(for: duration)
    }

    @Test(arguments: [Duration.seconds(3), .seconds(Int64.max), .seconds(1 << 40), .nanoseconds(Int64.max)])
    func `A sleep of any length waits and ends with its cancellation`(duration: Duration) async {
        let time = time
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await time.sleep(for: duration) }
            await Task.yield()
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
    }

    @Test func `A cancelled task does not even sleep towards the past`() async {
        let time = time
        await withThrowingTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask { try await time.sleep(until: MonotonicInstant(nanoseconds: 0)) }
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
    }
}

struct MonotonicInstantTests {
    @Test(
        "Moving an instant saturates instead of trapping",
        arguments: [
            (0, Duration.seconds(1), 1_000_000_000), (5, .nanoseconds(-7), -2), (0, .milliseconds(1), 1_000_000),
            (0, .seconds(Int64.max), .max), (0, .seconds(Int64.min), .min), (.max, .nanoseconds(1), .max),
            (.min, .nanoseconds(-1), .min),
            (-1, .seconds(Int64.max), .max - 1), (0, .nanoseconds(Int64.max), .max),
            (.max, .seconds(-1), .max - 1_000_000_000),
        ] as [(Int64, Duration, Int64)]
    )
    func advancing(start: Int64, duration: Duration, end: Int64) {
        #expect(MonotonicInstant(nanoseconds: start).advanced(by: duration).nanoseconds == end)
    }

    @Test func `The duration between instants has a sign and spans the whole range`() {
        let (early, late) = (MonotonicInstant(nanoseconds: 5), MonotonicInstant(nanoseconds: 12))
        #expect(early < late)
        #expect(early.duration(to: late) == .nanoseconds(7))
        #expect(late.duration(to: early) == .nanoseconds(-7))
        let (first, last) = (MonotonicInstant(nanoseconds: .min), MonotonicInstant(nanoseconds: .max))
        #expect(first.duration(to: last) == .nanoseconds(Int64.max) - .nanoseconds(Int64.min))
    }
}
