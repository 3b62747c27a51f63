internal import JSON

/// The two kinds that are served in more than one form.
enum BuiltinConversions {
    /// How objects of a version become the stored form and come back; nil where both are the same.
    static func conversion(_ id: ResourceID, version: String) -> ResourceDefinition.Conversion? {
        switch (id.group, id.plural, version) {
        case ("events.k8s.io", "events", _):
            ResourceDefinition.Conversion(toStorage: coreEvent, fromStorage: newEvent)
        case ("autoscaling", "horizontalpodautoscalers", "v1"):
            ResourceDefinition.Conversion(toStorage: autoscalerV2, fromStorage: autoscalerV1)
        default: nil
        }
    }

    /// Where the objects are stored, if not under the resource's own name.
    static func storage(_ id: ResourceID) -> ResourceID? {
        id == Builtin.groupedEvents ? Builtin.events : nil
    }

    // MARK: events

    /// The fields of `events.k8s.io` and what the core group calls them.
    private static let eventFields = [
        ("regarding", "involvedObject"), ("note", "message"), ("reportingController", "reportingComponent"),
        ("deprecatedSource", "source"), ("deprecatedFirstTimestamp", "firstTimestamp"),
        ("deprecatedLastTimestamp", "lastTimestamp"), ("deprecatedCount", "count"),
    ]

    private static func coreEvent(_ event: JSONValue) -> JSONValue {
        var converted = event
        for (new, old) in eventFields {
            converted[new] = nil
            converted[old] = event[new]
        }
        // The core group shows both even when they are empty.
        for name in ["reportingComponent", "reportingInstance"] where converted[name] == nil { converted[name] = "" }
        return converted
    }

    private static func newEvent(_ event: JSONValue) -> JSONValue {
        var converted = event
        for (new, old) in eventFields {
            converted[old] = nil
            converted[new] = event[old]
        }
        for name in ["reportingController", "reportingInstance"] where converted[name] == "" { converted[name] = nil }
        return converted
    }

    // MARK: autoscalers

    /// What version 1 cannot say stands in annotations, as JSON in the form of version 2.
    private static let annotations = [
        (name: "autoscaling.alpha.kubernetes.io/metrics", path: ["spec", "metrics"]),
        (name: "autoscaling.alpha.kubernetes.io/behavior", path: ["spec", "behavior"]),
        (name: "autoscaling.alpha.kubernetes.io/current-metrics", path: ["status", "currentMetrics"]),
        (name: "autoscaling.alpha.kubernetes.io/conditions", path: ["status", "conditions"]),
    ]

    private static func autoscalerV2(_ autoscaler: JSONValue) -> JSONValue {
        var converted = autoscaler
        for annotation in annotations {
            let path = ["metadata", "annotations", annotation.name]
            guard let text = autoscaler.value(at: path)?.stringValue, let value = parsed(text) else { continue }
            converted.set(value, at: annotation.path)
            converted.set(nil, at: path)
        }
        if converted.value(at: ["metadata", "annotations"]) == [:] {
            converted.set(nil, at: ["metadata", "annotations"])
        }
        let fields = [
            (["spec", "targetCPUUtilizationPercentage"], ["spec", "metrics"], "target"),
            (["status", "currentCPUUtilizationPercentage"], ["status", "currentMetrics"], "current"),
        ]
        for (field, list, member) in fields {
            guard let percent = autoscaler.value(at: field), !percent.isNull else { continue }
            var value: JSONValue = ["averageUtilization": percent]
            if member == "target" { value["type"] = "Utilization" }
            let metric: JSONValue = [
                "type": "Resource", "resource": .object(["name": "cpu", member: value]),
            ]
            converted.set(nil, at: field)
            converted.set(.array([metric] + (converted.value(at: list)?.arrayValue ?? [])), at: list)
        }
        return converted
    }

    private static func autoscalerV1(_ autoscaler: JSONValue) -> JSONValue {
        var converted = autoscaler
        let fields = [
            (["spec", "targetCPUUtilizationPercentage"], ["spec", "metrics"], "target"),
            (["status", "currentCPUUtilizationPercentage"], ["status", "currentMetrics"], "current"),
        ]
        for (field, list, member) in fields {
            var metrics = autoscaler.value(at: list)?.arrayValue ?? []
            let path = ["resource", member, "averageUtilization"]
            let index = metrics.firstIndex { metric in
                metric.value(at: ["resource", "name"]) == "cpu" && metric.value(at: path)?.intValue != nil
            }
            if let index { converted.set(metrics.remove(at: index).value(at: path), at: field) }
            converted.set(metrics.isEmpty ? nil : .array(metrics), at: list)
        }
        for annotation in annotations {
            guard let value = converted.value(at: annotation.path) else { continue }
            converted.set(nil, at: annotation.path)
            guard !value.isNull else { continue }
            let text = String(decoding: value.serialized(), as: UTF8.self)
            converted.set(.string(text), at: ["metadata", "annotations", annotation.name])
        }
        return converted
    }

    /// The value of an annotation; nil when it is not JSON, and then it stays an annotation.
    private static func parsed(_ text: String) -> JSONValue? {
        do throws(JSONError) {
            return try JSONValue(parsing: text)
        } catch {
            return nil
        }
    }
}
