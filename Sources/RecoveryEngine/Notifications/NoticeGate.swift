package import Timekeeping

/// Says which notices go out: the same one again only after a while, and no flood of different ones.
///
/// Pure: the caller keeps it and tells the time. What it forgets, because it holds too much, may be told twice.
package struct NoticeGate: Sendable {
    /// What becomes of one notice.
    package enum Verdict: Sendable, Hashable {
        /// It goes out; so many others were held back since the last one of this channel.
        case send(heldBack: Int)
        /// It was told a short while ago.
        case duplicate
        /// The channel has had too many.
        case tooMany
    }

    /// How many notices one channel gets within a minute.
    package static let perMinute = 20
    private static let maxRemembered = 10_000

    private var told: [String: MonotonicInstant] = [:]
    private var recent: [String: [MonotonicInstant]] = [:]
    private var heldBack: [String: Int] = [:]

    /// Makes a gate that has let nothing through yet.
    package init() {}

    /// Decides about one notice for one channel, and remembers it when it goes out.
    package mutating func admit(
        _ fingerprint: String,
        channel: String,
        repeatAfter: Duration,
        now: MonotonicInstant
    ) -> Verdict {
        let key = "\(channel)\n\(fingerprint)"
        if let last = told[key], last.duration(to: now) < repeatAfter { return .duplicate }
        let times = (recent[channel] ?? []).filter { $0.duration(to: now) < .seconds(60) }
        guard times.count < Self.perMinute else {
            heldBack[channel, default: 0] += 1
            return .tooMany
        }
        if told.count >= Self.maxRemembered { told = [:] }
        told[key] = now
        recent[channel] = times + [now]
        return .send(heldBack: heldBack.removeValue(forKey: channel) ?? 0)
    }

    /// Takes over what a predecessor has told: `age` ago.
    package mutating func recall(_ fingerprint: String, channel: String, age: Duration, now: MonotonicInstant) {
        let key = "\(channel)\n\(fingerprint)"
        let time = now.advanced(by: .zero - age)
        told[key] = max(told[key] ?? time, time)
    }

    /// Forgets a notice that did not reach anybody, so that the next report of it is told.
    package mutating func forget(_ fingerprint: String, channel: String) {
        told["\(channel)\n\(fingerprint)"] = nil
    }
}
