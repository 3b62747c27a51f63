package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// How often events have happened in the windows of a policy's detectors.
///
/// A server shows each event with its count so far, not when each of them happened. What it was counted up by since the
/// last look happened at its last time; of an event that is seen for the first time all count when the first was in the
/// window, else one; then, until a window has passed, nobody knows how many there were.
package struct EventTally: Sendable {
    fileprivate struct Entry: Sendable {
        var count: Int
        /// The latest ones, oldest first, as many as the detector asks for at most.
        var times: [Date]
        var message: String
        var target: DetectedTarget
        /// Until when more of them may lie in the window than were seen to happen.
        var isUncertainUntil: Date?
    }

    private var entries: [DetectionRule: [ObjectKey: Entry]] = [:]

    /// Begins with nothing counted.
    package init() {}

    /// Forgets what other detectors have counted.
    package mutating func keep(_ rules: Set<DetectionRule>) {
        entries = entries.filter { rules.contains($0.key) }
    }

    /// Counts, and says how the targets of events look.
    ///
    /// - Parameters:
    ///   - rule: what the detector opens.
    ///   - detector: which events count.
    ///   - events: all that the server has.
    ///   - now: the date.
    ///   - target: what has to be repaired when an event is about this object; nil when that is not known.
    /// - Returns: how each target looks that has had such events, and when that changes by itself.
    package mutating func look(
        _ rule: DetectionRule,
        _ detector: EventDetector,
        events: [ObservedObject],
        now: Date,
        target: (TargetReference) -> DetectedTarget?
    ) -> (sightings: [Sighting], nextChange: Date?) {
        let begin = now.addingTimeInterval(-Double(max(1, detector.effectiveWindowSeconds)))
        let wanted = max(1, detector.effectiveCount)
        var known = entries[rule] ?? [:]
        var there: Set<ObjectKey> = []
        for object in events {
            guard let event = object.event, detector.counts(event) else { continue }
            there.insert(object.key)
            guard let target = target(event.about) else { continue }
            var entry = known[object.key] ?? Entry(count: 0, times: [], message: "", target: target)
            entry.add(event, begin: begin, now: now, limit: wanted)
            if entry.isUncertainUntil.map({ $0 <= now }) ?? false { entry.isUncertainUntil = nil }
            (entry.message, entry.target) = (event.message, target)
            known[object.key] = entry
        }
        // The server forgets events after an hour; one that happened in the window still did.
        for (key, entry) in known {
            known[key]?.times = entry.times.filter { $0 > begin }
            if known[key]?.times.isEmpty == true, !there.contains(key) { known[key] = nil }
        }
        entries[rule] = known
        return Self.judge(rule, detector, known.values, wanted: wanted, now: now)
    }

    private static func judge(
        _ rule: DetectionRule,
        _ detector: EventDetector,
        _ entries: some Collection<Entry>,
        wanted: Int,
        now: Date
    ) -> (sightings: [Sighting], nextChange: Date?) {
        let window = Double(max(1, detector.effectiveWindowSeconds))
        var changes: [Date] = []
        let sightings = Dictionary(grouping: entries, by: \.target).map { target, entries in
            let times = entries.flatMap(\.times).sorted()
            guard times.count >= wanted else {
                let doubts = entries.compactMap(\.isUncertainUntil).filter { $0 > now }
                changes += doubts
                return Sighting(rule, target, doubts.isEmpty ? .healthy : .unknown)
            }
            let decisive = times[times.count - wanted]
            changes.append(decisive.addingTimeInterval(window))
            let latest = entries.max { ($0.times.last ?? .distantPast) < ($1.times.last ?? .distantPast) }
            let message = "\(wanted) or more in \(detector.effectiveWindowSeconds) s: \(latest?.message ?? "")"
            return Sighting(
                rule,
                target,
                .failing(TargetFailure(reason: detector.reason, message: message, since: decisive))
            )
        }
        return (sightings, changes.min())
    }
}

extension EventTally.Entry {
    /// Counts what an event has been counted up by.
    fileprivate mutating func add(_ event: ObservedEvent, begin: Date, now: Date, limit: Int) {
        // A count that went down is that of a new event under an old name.
        if event.count < count { count = 0 }
        var new = event.count - count
        let isFirstSight = count == 0
        count = event.count
        guard new > 0, let last = event.last else { return }
        if isFirstSight, event.first ?? last <= begin {
            // Others of them may have happened in the window; the last of those leaves it when a window has passed.
            if new > 1, last > begin { isUncertainUntil = now.addingTimeInterval(now.timeIntervalSince(begin)) }
            new = 1
        }
        // A clock that is ahead of ours must not keep an event in the window for ever.
        let time = min(last, now)
        times = Array((times + Array(repeating: time, count: min(new, limit))).suffix(limit))
    }
}

extension EventDetector {
    /// Whether an event is one of those that count.
    fileprivate func counts(_ event: ObservedEvent) -> Bool {
        !event.isOwn && event.reason == reason && (type.map { $0.rawValue == event.type } ?? true)
            && (kind.map { $0 == event.about.kind } ?? true)
    }
}
