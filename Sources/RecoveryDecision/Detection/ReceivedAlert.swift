package import FoundationEssentials
package import JSON
internal import KubernetesCore

/// An alert as Prometheus posts it to an Alertmanager (`POST /api/v2/alerts`), or an Alertmanager to a webhook.
package struct ReceivedAlert: Sendable, Hashable {
    /// What makes it one and the same alert.
    package var labels: [String: String]
    /// What it says: the annotation `summary`, else `description`, else `message`; cut to 256 characters.
    package var summary: String
    /// When it began to fire; nil when it does not say.
    package var startsAt: Date?
    /// When it ends by itself unless it comes again, or has ended; nil when nobody knows.
    package var endsAt: Date?
    /// Whether the sender says that it is over.
    package var isResolved: Bool

    /// The most alerts that one request may carry.
    package static let maxAlerts = 10_000

    /// Reads the alerts of a request.
    ///
    /// - Parameter document: an array of alerts, or the object of a webhook with `alerts`.
    /// - Returns: all of them.
    /// - Throws: ``Malformed`` naming what is wrong; none is taken then.
    package static func all(in document: JSONValue) throws(Malformed) -> [ReceivedAlert] {
        guard let alerts = document.arrayValue ?? document["alerts"]?.arrayValue else {
            throw Malformed(description: "expected an array of alerts, or an object with alerts")
        }
        guard alerts.count <= maxAlerts else {
            throw Malformed(description: "more than \(maxAlerts) alerts in one request")
        }
        var all: [ReceivedAlert] = []
        for (index, alert) in alerts.enumerated() {
            guard let alert = ReceivedAlert(alert) else {
                throw Malformed(description: "alerts[\(index)]: labels must be an object of texts, and not be empty")
            }
            all.append(alert)
        }
        return all
    }

    /// Why a request cannot be taken.
    package struct Malformed: Error, Sendable, Hashable, CustomStringConvertible {
        /// What is wrong.
        package var description: String
    }

    private init?(_ alert: JSONValue) {
        guard let labels = alert["labels"]?.objectValue, !labels.isEmpty else { return nil }
        self.labels = [:]
        for (name, value) in labels {
            guard let text = value.stringValue else { return nil }
            self.labels[name] = text
        }
        let annotations = ["summary", "description", "message"].lazy.compactMap {
            alert.value(at: ["annotations", $0])?.stringValue
        }
        summary = String((annotations.first ?? "").prefix(256))
        startsAt = Self.time(alert["startsAt"])
        endsAt = Self.time(alert["endsAt"])
        isResolved = alert["status"]?.stringValue == "resolved"
    }

    /// Go writes a time that is not set as that of the year 1.
    private static func time(_ value: JSONValue?) -> Date? {
        guard let time = value?.stringValue.flatMap({ RFC3339.date(from: $0) }), time.timeIntervalSince1970 > 0 else {
            return nil
        }
        return time
    }

    /// Whether it is over by now.
    func isOver(at now: Date) -> Bool { isResolved || (endsAt.map { $0 <= now } ?? false) }
}
