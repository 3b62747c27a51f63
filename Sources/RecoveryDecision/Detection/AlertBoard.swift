package import FoundationEssentials
package import RecoveryAPI

/// The alerts that were received: those that fire, and for an hour those that are over.
package struct AlertBoard: Sendable {
    /// The most alerts that are kept; a sender that floods the board loses the rest of what it sends.
    package static let limit = 20_000
    /// The most bytes that their labels and summaries may have together.
    package static let maxBytes = 16 << 20
    /// Seconds after which an alert that fires without an end counts for nothing unless it came again: three times the
    /// `repeat_interval` that an Alertmanager has by default.
    package static let patience = 43_200.0
    /// Seconds for which an alert that is over is kept.
    private static let memory = 3_600.0

    fileprivate struct Entry: Sendable {
        var alert: ReceivedAlert
        /// When it came last.
        var heard: Date
        /// When it was over; nil while it fires.
        var over: Date?
    }

    private var entries: [[String: String]: Entry] = [:]
    private var bytes = 0

    /// Begins with no alerts.
    package init() {}

    /// Takes alerts in.
    ///
    /// - Returns: how many could not be kept.
    package mutating func receive(_ alerts: [ReceivedAlert], now: Date) -> Int {
        tidy(now: now)
        var lost = 0
        for alert in alerts {
            let known = entries[alert.labels]
            let grown = bytes + alert.bytes - (known?.alert.bytes ?? 0)
            guard grown <= Self.maxBytes, known != nil || entries.count < Self.limit else {
                lost += 1
                continue
            }
            bytes = grown
            let over = alert.isOver(at: now) ? known?.over ?? now : nil
            entries[alert.labels] = Entry(alert: alert, heard: now, over: over)
        }
        return lost
    }

    private mutating func tidy(now: Date) {
        for (labels, entry) in entries where entry.over == nil && entry.alert.isOver(at: now) {
            entries[labels]?.over = entry.alert.endsAt ?? now
        }
        entries = entries.filter { _, entry in
            entry.over.map { now.timeIntervalSince($0) < Self.memory } ?? !entry.isStale(at: now)
        }
        bytes = entries.values.reduce(0) { $0 + $1.alert.bytes }
    }

    /// How the targets of a policy's detector look.
    ///
    /// An alert that names a namespace concerns the policies of that namespace, and those of the controller's own.
    ///
    /// - Parameters:
    ///   - rule: what the detector opens.
    ///   - detector: which alerts it is about.
    ///   - policy: the policy.
    ///   - isOwn: whether the policy is one of the controller's namespace.
    ///   - now: the date.
    /// - Returns: how each target looks, and when that changes by itself. A target that no alert was received for, or none
    ///   for too long, is unknown, and left out where only its alerts name it.
    package func look(
        _ rule: DetectionRule,
        _ detector: AlertDetector,
        policy: (namespace: String, name: String),
        isOwn: Bool,
        now: Date
    ) -> (sightings: [Sighting], nextChange: Date?) {
        var verdicts: [DetectedTarget: TargetVerdict] = [:]
        if let target = detector.targetRef {
            verdicts[DetectedTarget(target, namespace: policy.namespace)] = .unknown
        }
        var changes: [Date] = []
        for (labels, entry) in entries.sorted(by: { $0.value.order < $1.value.order }) {
            guard detector.matches(labels), isOwn || (labels["namespace"].map { $0 == policy.namespace } ?? true)
            else { continue }
            let target = detector.target(of: labels, policy: policy)
            if entry.isStale(at: now) {
                continue
            } else if entry.over != nil || entry.alert.isOver(at: now) {
                if verdicts[target] ?? .unknown == .unknown { verdicts[target] = .healthy }
            } else {
                verdicts[target] = .failing(entry.alert.failure)
                changes.append(entry.alert.endsAt ?? entry.heard.addingTimeInterval(Self.patience))
            }
        }
        return (verdicts.map { Sighting(rule, $0.key, $0.value) }, changes.min())
    }
}

extension AlertBoard.Entry {
    /// Whether nobody knows any more whether it fires.
    fileprivate func isStale(at now: Date) -> Bool {
        over == nil && alert.endsAt == nil && now.timeIntervalSince(heard) >= AlertBoard.patience
    }

    /// An order that does not depend on hashing: of several alerts for one target the same one is named each time.
    fileprivate var order: String { alert.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined() }
}

extension ReceivedAlert {
    /// What it takes to keep it, about.
    fileprivate var bytes: Int { labels.reduce(summary.utf8.count) { $0 + $1.key.utf8.count + $1.value.utf8.count } }

    fileprivate var failure: TargetFailure {
        TargetFailure(reason: labels["alertname"] ?? "Alert", message: summary, since: startsAt)
    }
}

extension AlertDetector {
    fileprivate func matches(_ labels: [String: String]) -> Bool {
        !matchLabels.isEmpty && matchLabels.allSatisfy { labels[$0.key] == $0.value }
    }

    /// The object to be repaired, else the alert itself: one for each set of labels.
    fileprivate func target(of labels: [String: String], policy: (namespace: String, name: String)) -> DetectedTarget {
        if let targetRef { return DetectedTarget(targetRef, namespace: policy.namespace) }
        let text = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "\n")
        let digest = SHA256.hexDigest(of: Array(text.utf8)).prefix(8)
        let name = (labels["alertname"] ?? policy.name).prefix(200)
        return .subject("Alert", "\(name)-\(digest)", namespace: policy.namespace)
    }
}
