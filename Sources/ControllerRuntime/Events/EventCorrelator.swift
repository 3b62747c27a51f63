import FoundationEssentials
import KubernetesCore
import Timekeeping

/// Decides which events are worth a write, as client-go's recorder does: aggregate, count repetitions, stop spam.
///
/// - From the tenth different message about one object and reason within ten minutes on, they become one event,
///   "(combined from similar events): ...".
/// - An exact repetition raises the count of the event that is there.
/// - Each object and type has a bucket of writes, 25 at once and one more every five minutes.
///
/// Everything is remembered in caches of bounded size; what falls out starts anew.
struct EventCorrelator: Sendable {
    /// The prefix of a message that stands for several.
    static let combinedPrefix = "(combined from similar events): "

    /// The numbers; client-go's by default.
    struct Limits: Sendable, Hashable {
        var distinctMessages = 10
        var interval = Duration.seconds(600)
        var burst = 25
        var refill = Duration.seconds(300)
        var cacheSize = 4096
    }

    /// What events have in common when only their messages differ; the message is nil once they are combined.
    private struct Key: Hashable {
        var about: ObjectReference
        var type: EventType
        var reason: String
        var message: String?
    }

    private struct Group {
        var messages: Set<String> = []
        var lastSeen: MonotonicInstant
    }

    private struct Observation {
        var name: String
        var count: Int64
        var firstTime: Date
    }

    private struct SpamKey: Hashable {
        var about: ObjectReference
        var type: EventType
    }

    private struct Bucket {
        var tokens: Double
        var filledAt: MonotonicInstant
    }

    private let limits: Limits
    private var groups: LRUCache<Key, Group>
    private var observations: LRUCache<Key, Observation>
    private var buckets: LRUCache<SpamKey, Bucket>
    private var lastStamp: UInt64 = 0

    init(limits: Limits = Limits()) {
        self.limits = limits
        groups = LRUCache(capacity: limits.cacheSize)
        observations = LRUCache(capacity: limits.cacheSize)
        buckets = LRUCache(capacity: limits.cacheSize)
    }

    /// The write that tells the server of `event`; nil when it is spam.
    mutating func correlate(_ event: RecordedEvent, now: MonotonicInstant) -> EventWrite? {
        var event = event
        let key = aggregate(&event, now: now)
        let write: EventWrite
        if let known = observations[key] {
            write = EventWrite(event: event, name: known.name, count: known.count + 1, firstTime: known.firstTime)
        } else {
            write = EventWrite(event: event, name: makeName(event), count: 1, firstTime: event.time)
        }
        // Also counted when the write is held back, so that the next one that passes has the right number.
        observations[key] = Observation(name: write.name, count: write.count, firstTime: write.firstTime)
        return takeToken(event, now: now) ? write : nil
    }

    /// Rewrites the message when there are too many different ones.
    ///
    /// - Returns: The key under which repetitions are counted.
    private mutating func aggregate(_ event: inout RecordedEvent, now: MonotonicInstant) -> Key {
        var about = event.about
        about.resourceVersion = nil
        var key = Key(about: about, type: event.type, reason: event.reason, message: nil)
        var group = groups[key] ?? Group(lastSeen: now)
        if group.lastSeen.duration(to: now) > limits.interval { group.messages = [] }
        group.lastSeen = now
        group.messages.insert(event.message)
        let isCombined = group.messages.count >= limits.distinctMessages
        // One below the limit is enough to remember; the next new message reaches it again.
        if isCombined { group.messages.remove(event.message) }
        groups[key] = group
        if isCombined {
            let combined = Self.combinedPrefix + event.message
            event.message = RecordedEvent.cut(combined, to: RecordedEvent.maxMessageBytes)
        } else {
            key.message = event.message
        }
        return key
    }

    /// Whether the object's bucket has a write left.
    private mutating func takeToken(_ event: RecordedEvent, now: MonotonicInstant) -> Bool {
        var about = event.about
        about.resourceVersion = nil
        about.fieldPath = nil
        let key = SpamKey(about: about, type: event.type)
        var bucket = buckets[key] ?? Bucket(tokens: Double(limits.burst), filledAt: now)
        let elapsed = bucket.filledAt.duration(to: now) / limits.refill
        bucket.tokens = min(Double(limits.burst), bucket.tokens + max(0, elapsed))
        bucket.filledAt = now
        defer { buckets[key] = bucket }
        guard bucket.tokens >= 1 else { return false }
        bucket.tokens -= 1
        return true
    }

    /// `<object>.<hex nanoseconds>`, never the same twice in a process even when the clock stands still.
    private mutating func makeName(_ event: RecordedEvent) -> String {
        let seconds = event.time.timeIntervalSince1970
        let nanoseconds = UInt64(exactly: (max(0, seconds) * 1e9).rounded()) ?? 0
        lastStamp = max(lastStamp &+ 1, nanoseconds)
        let suffix = String(lastStamp, radix: 16)
        let name = "\(event.about.name ?? "").\(suffix)"
        // A name that the server would refuse, or that became too long, is not needed to find the event.
        return NameRules.problem(subdomain: name) == nil ? name : "event.\(suffix)"
    }
}
