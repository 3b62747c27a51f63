import Testing
import Timekeeping

@testable import ControllerRuntime

struct BackoffTests {
    private var random = SeededGenerator(seed: 1)

    @Test mutating func `pauses double up to the cap, each lengthened by at most itself`() {
        var backoff = Backoff()
        var now = MonotonicInstant(nanoseconds: 0)
        for base in [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30] {
            let pause = backoff.next(now: now, using: &random)
            #expect(pause >= .seconds(base))
            #expect(pause < .seconds(base * 2))
            now = now.advanced(by: pause)
        }
    }

    @Test mutating func `two quiet minutes start again at the first pause`() {
        var backoff = Backoff(jitter: 0)
        let start = MonotonicInstant(nanoseconds: 0)
        #expect(backoff.next(now: start, using: &random) == .milliseconds(800))
        let soon = start.advanced(by: .seconds(120))
        #expect(backoff.next(now: soon, using: &random) == .milliseconds(1600))
        let later = soon.advanced(by: .seconds(121))
        #expect(backoff.next(now: later, using: &random) == .milliseconds(800))
        backoff.reset()
        #expect(backoff.next(now: later, using: &random) == .milliseconds(800))
    }

    @Test func `the same seed gives the same numbers`() {
        var first = SeededGenerator(seed: 7)
        var second = SeededGenerator(seed: 7)
        var other = SeededGenerator(seed: 8)
        let numbers = (0..<5).map { _ in first.next() }
        #expect(numbers == (0..<5).map { _ in second.next() })
        #expect(numbers != (0..<5).map { _ in other.next() })
    }
}
