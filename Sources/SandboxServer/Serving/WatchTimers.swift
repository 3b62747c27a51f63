internal import Timekeeping

/// When a watch has to do something of its own accord.
struct WatchTimers: Sendable {
    /// What is due.
    enum Due: Hashable {
        /// A bookmark; the last one comes shortly before the end.
        case bookmark(isLast: Bool)
        case fault
        case end
    }

    /// How often bookmarks come.
    private static let bookmarkInterval = Duration.seconds(60)
    /// How long before the end the last bookmark comes, so that the next watch begins near to where this one ends.
    private static let bookmarkLead = Duration.seconds(2)

    private let end: MonotonicInstant
    private var bookmark: MonotonicInstant?
    private var isLastBookmark = false
    private var fault: MonotonicInstant?

    /// The times of a watch that begins now and lasts for `timeout`; no time brings a fault when `faultAfter` is nil.
    init(now: MonotonicInstant, timeout: Duration, sendsBookmarks: Bool, faultAfter: Duration?) {
        end = now.advanced(by: timeout)
        fault = faultAfter.map { now.advanced(by: $0) }
        if sendsBookmarks { planBookmark(now) }
    }

    /// The time of the next one.
    var next: MonotonicInstant {
        [bookmark, fault, end].compactMap { $0 }.min() ?? end
    }

    /// What is due now, in the order in which it has to happen.
    mutating func take(now: MonotonicInstant) -> [Due] {
        var due: [Due] = []
        if let time = fault, time <= now {
            fault = nil
            due.append(.fault)
        }
        if let time = bookmark, time <= now {
            due.append(.bookmark(isLast: isLastBookmark))
            planBookmark(now)
        }
        if end <= now { due.append(.end) }
        return due
    }

    private mutating func planBookmark(_ now: MonotonicInstant) {
        let regular = now.advanced(by: Self.bookmarkInterval)
        let last = end.advanced(by: .zero - Self.bookmarkLead)
        isLastBookmark = last > now && last < regular
        bookmark = isLastBookmark ? last : regular
    }
}
