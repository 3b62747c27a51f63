package import FoundationEssentials
package import JSON
internal import KubernetesCore
package import RecoveryAPI

/// A Kubernetes event as detectors see it, of either group: the server keeps both as the same objects.
package struct ObservedEvent: Sendable, Hashable {
    /// Why it was written.
    package var reason: String
    /// `Normal` or `Warning`.
    package var type: String
    /// What happened, cut to 256 characters.
    package var message: String
    /// What it is about.
    package var about: TargetReference
    /// How often it has happened, series included; at least 1.
    package var count: Int
    /// When it happened first; nil when it does not say.
    package var first: Date?
    /// When it happened last; nil when it does not say.
    package var last: Date?
    /// Whether this controller has written it: what it says must not lead to another Recovery.
    package var isOwn: Bool

    /// Reads an event of `v1` or `events.k8s.io/v1`; nil when it is about nothing.
    package init?(_ content: JSONValue) {
        let about = content["involvedObject"] ?? content["regarding"]
        guard let about, let kind = about["kind"]?.stringValue, let name = about["name"]?.stringValue else {
            return nil
        }
        self.about = TargetReference(
            apiVersion: about["apiVersion"]?.stringValue ?? "v1",
            kind: kind,
            name: name,
            namespace: about["namespace"]?.stringValue.nonEmpty
        )
        reason = content["reason"]?.stringValue ?? ""
        type = content["type"]?.stringValue ?? ""
        message = String((content["message"] ?? content["note"])?.stringValue?.prefix(256) ?? "")
        let written = content["eventTime"]?.time
        let series = content["series"]
        let counts = [content["count"], content["deprecatedCount"], series?["count"]].compactMap { $0?.intValue }
        count = Int(clamping: max(1, counts.max() ?? 1))
        first = (content["firstTimestamp"] ?? content["deprecatedFirstTimestamp"])?.time ?? written
        last =
            series?["lastObservedTime"]?.time
            ?? (content["lastTimestamp"] ?? content["deprecatedLastTimestamp"])?.time ?? written ?? first
        let sources = [
            content.value(at: ["source", "component"]), content.value(at: ["deprecatedSource", "component"]),
            content["reportingComponent"], content["reportingController"],
        ]
        isOwn = sources.contains { $0?.stringValue == MetadataName.fieldManager }
    }
}

extension JSONValue {
    /// The time that a text names; nil when it names none.
    fileprivate var time: Date? { stringValue.flatMap { RFC3339.date(from: $0) } }
}
