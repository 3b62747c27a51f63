internal import FoundationEssentials
internal import JSON

extension BuiltinColumns {
    static let autoscaler: [Column] = [
        name,
        text("Reference", "what is scaled") {
            "\($0.text("spec", "scaleTargetRef", "kind"))/\($0.text("spec", "scaleTargetRef", "name"))"
        },
        text("Targets", "the metrics: what they are, and what is aimed at") { targets($0) },
        text("MinPods", "the lower bound") { autoscaler in
            autoscaler.object.value(at: ["spec", "minReplicas"])?.intValue.map { "\($0)" } ?? "<unset>"
        },
        number("MaxPods", "the upper bound", type: "string") { $0.number("spec", "maxReplicas") },
        number("Replicas", "the number of pods now", type: "string") { $0.number("status", "currentReplicas") },
        age,
    ]

    private static func targets(_ source: CellSource) -> String {
        let conversion = BuiltinConversions.conversion(Builtin.autoscalers, version: "v1")
        // Version 2 has none of the fields that the conversion moves.
        let object = conversion?.toStorage(source.object) ?? source.object
        let autoscaler = CellSource(object: object, now: source.now)
        let current = autoscaler.list("status", "currentMetrics")
        let metrics = autoscaler.list("spec", "metrics").enumerated().map { index, metric in
            target(metric, index < current.count ? current[index] : [:])
        }
        return CellSource.joined(metrics, atMost: 2, separator: ", ", none: "<none>")
    }

    private static func target(_ metric: JSONValue, _ status: JSONValue) -> String {
        let sources = [
            "External": "external", "Pods": "pods", "Object": "object", "Resource": "resource",
            "ContainerResource": "containerResource",
        ]
        let type = metric["type"]?.stringValue ?? ""
        guard let source = sources[type], let wanted = metric.value(at: [source, "target"]) else {
            return "<unknown type>"
        }
        let now = status.value(at: [source, "current"])
        let isResource = type == "Resource" || type == "ContainerResource"
        let prefix = isResource ? "\(metric.value(at: [source, "name"])?.stringValue ?? ""): " : ""
        if let average = wanted["averageValue"]?.stringValue {
            let suffix = type == "External" || type == "Object" ? " (avg)" : ""
            return "\(prefix)\(now?["averageValue"]?.stringValue ?? "<unknown>")/\(average)\(suffix)"
        }
        guard isResource else {
            return "\(now?["value"]?.stringValue ?? "<unknown>")/\(wanted["value"]?.stringValue ?? "")"
        }
        let use = now?["averageUtilization"]?.intValue.map { "\($0)%" } ?? "<unknown>"
        let goal = wanted["averageUtilization"]?.intValue.map { "\($0)%" } ?? "<auto>"
        return "\(prefix)\(use)/\(goal)"
    }
}
