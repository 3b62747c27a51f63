import Testing
import Timekeeping

@testable import SandboxServer

@Suite("WatchTimers")
struct WatchTimersTests {
    private let start = MonotonicInstant(nanoseconds: 0)

    private func at(_ seconds: Int) -> MonotonicInstant { start.advanced(by: .seconds(seconds)) }

    @Test(
        "bookmarks come each minute, and two seconds before the end when that is near",
        arguments: [(3, [1]), (30, [28]), (61, [59]), (100, [60, 98]), (200, [60, 120, 180, 198]), (2, []), (1, [])]
    )
    func bookmarks(timeout: Int, expected: [Int]) {
        var timers = WatchTimers(now: start, timeout: .seconds(timeout), sendsBookmarks: true, faultAfter: nil)
        var bookmarks: [Int] = []
        for second in 0...timeout {
            for due in timers.take(now: at(second)) {
                switch due {
                case .bookmark(let isLast):
                    bookmarks.append(second)
                    #expect(isLast == (second == timeout - 2))
                case .end: #expect(second == timeout)
                case .fault: Issue.record("there is no fault")
                }
            }
        }
        #expect(bookmarks == expected)
    }

    @Test("the next time is the earliest of all")
    func next() {
        var timers = WatchTimers(now: start, timeout: .seconds(300), sendsBookmarks: true, faultAfter: .seconds(5))
        #expect(timers.next == at(5))
        #expect(timers.take(now: at(5)) == [.fault])
        #expect(timers.next == at(60))
        #expect(timers.take(now: at(301)) == [.bookmark(isLast: false), .end])
        #expect(
            WatchTimers(now: start, timeout: .seconds(300), sendsBookmarks: false, faultAfter: nil).next == at(300)
        )
    }
}
