import Testing
import Timekeeping

@testable import ControllerRuntime

struct RateLimiterTests {
    private let now = MonotonicInstant(nanoseconds: 0)

    @Test func `delays double for each key on its own, up to the maximum`() {
        var limiter = ExponentialLimiter<String>()
        let delays = (0..<20).map { _ in limiter.delay(for: "a", now: now) }
        #expect(delays.prefix(4) == [.milliseconds(5), .milliseconds(10), .milliseconds(20), .milliseconds(40)])
        #expect(delays[17] == .milliseconds(655_360))
        #expect(delays[18] == .seconds(1000))
        #expect(delays[19] == .seconds(1000))
        #expect(limiter.delay(for: "b", now: now) == .milliseconds(5))
        #expect(limiter.failures(of: "a") == 20)
        limiter.forget("a")
        #expect(limiter.failures(of: "a") == 0)
        #expect(limiter.delay(for: "a", now: now) == .milliseconds(5))
    }

    @Test(arguments: [0, 1, 63, 64, 1000, Int.max])
    func `no number of failures overflows the delay`(doublings: Int) {
        let delay = exponential(.milliseconds(5), doublings: doublings, maximum: .seconds(1000))
        #expect(delay <= .seconds(1000))
        #expect(delay >= .milliseconds(5))
        #expect(exponential(.zero, doublings: doublings, maximum: .seconds(1)) == .zero)
    }

    @Test func `a bucket lets a burst through and then one key for each interval`() {
        var limiter = BucketLimiter<String>(perSecond: 10, burst: 3)
        let delays = (0..<5).map { _ in limiter.delay(for: "a", now: now) }
        #expect(delays == [.zero, .zero, .zero, .milliseconds(100), .milliseconds(200)])
        let later = now.advanced(by: .seconds(60))
        let again = (0..<4).map { _ in limiter.delay(for: "b", now: later) }
        #expect(again == [.zero, .zero, .zero, .milliseconds(100)])
    }

    @Test func `fast and slow attempts`() {
        var limiter = FastSlowLimiter<String>(fast: .seconds(1), slow: .seconds(30), maxFastAttempts: 2)
        let delays = (0..<3).map { _ in limiter.delay(for: "a", now: now) }
        #expect(delays == [.seconds(1), .seconds(1), .seconds(30)])
        limiter.forget("a")
        #expect(limiter.failures(of: "a") == 0)
        #expect(limiter.delay(for: "a", now: now) == .seconds(1))
    }

    @Test func `the longest of several delays counts, and a cap cuts it`() {
        let slow = FastSlowLimiter<String>(fast: .seconds(4), slow: .seconds(9), maxFastAttempts: 1)
        var limiter = MaxOfLimiter<String>([ExponentialLimiter(), slow])
        #expect(limiter.delay(for: "a", now: now) == .seconds(4))
        #expect(limiter.failures(of: "a") == 1)
        var capped = MaxWaitLimiter(limiter, maximum: .seconds(5))
        #expect(capped.delay(for: "a", now: now) == .seconds(5))
        capped.forget("a")
        #expect(capped.failures(of: "a") == 0)
    }
}
