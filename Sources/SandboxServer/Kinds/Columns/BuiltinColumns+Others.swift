internal import FoundationEssentials
internal import JSON

extension BuiltinColumns {
    /// Of both groups, whose fields have different names.
    static let event: [Column] = [
        text("Last Seen", "the time since it last happened") { EventSummary($0).lastSeen },
        text("Type", "Normal or Warning") { $0.text("type") },
        text("Reason", "one word for programs") { $0.text("reason") },
        text("Object", "what the event is about") { event in
            let object = EventSummary(event).object
            let kind = (object?["kind"]?.stringValue ?? "").lowercased()
            let name = object?["name"]?.stringValue ?? ""
            return name.isEmpty ? kind : "\(kind)/\(name)"
        },
        text("Subobject", "which part of the object", wide: true) {
            EventSummary($0).object?["fieldPath"]?.stringValue ?? ""
        },
        text("Source", "who reports", wide: true) { EventSummary($0).source },
        text("Message", "a sentence for people") { event in
            event.text("message", or: event.text("note")).trimmed
        },
        text("First Seen", "the time since it first happened", wide: true) { EventSummary($0).firstSeen },
        number("Count", "how often it happened", type: "string", wide: true) { EventSummary($0).count },
        column("Name", "string", format: "name", priority: 1, "the name of the event") {
            .string($0.text("metadata", "name"))
        },
    ]

    static let disruptionBudget: [Column] = [
        name,
        text("Min Available", "pods that have to stay") { amount($0, "minAvailable") },
        text("Max Unavailable", "pods that may be missing") { amount($0, "maxUnavailable") },
        number("Allowed Disruptions", "pods that may be evicted now") { $0.number("status", "disruptionsAllowed") },
        age,
    ]

    static let lease: [Column] = [
        name, text("Holder", "who holds the lease") { $0.text("spec", "holderIdentity") }, age,
    ]

    static let roleBinding: [Column] = [
        name,
        text("Role", "the role that is given") { "\($0.text("roleRef", "kind"))/\($0.text("roleRef", "name"))" },
        age,
        text("Users", "users who get the role", wide: true) { subjects($0, "User") },
        text("Groups", "groups that get the role", wide: true) { subjects($0, "Group") },
        text("ServiceAccounts", "service accounts that get the role", wide: true) { subjects($0, "ServiceAccount") },
    ]

    static let runtimeClass: [Column] = [
        name, text("Handler", "the name at the container runtime") { $0.text("handler") }, age,
    ]

    static let priorityClass: [Column] = [
        name,
        number("Value", "the priority") { $0.number("value") },
        column("Global-Default", "boolean", "whether it holds for pods without a class") {
            .bool($0.object["globalDefault"]?.boolValue ?? false)
        },
        age,
        text("PreemptionPolicy", "whether it pushes other pods out") { $0.text("preemptionPolicy") },
    ]

    static let storageClass: [Column] = [
        name { storageClass in
            let marks = [
                "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class",
            ]
            let isDefault = marks.contains { storageClass.text("metadata", "annotations", $0) == "true" }
            return storageClass.text("metadata", "name") + (isDefault ? " (default)" : "")
        },
        text("Provisioner", "who makes the volumes") { $0.text("provisioner") },
        text("ReclaimPolicy", "what happens to released volumes") { $0.text("reclaimPolicy", or: "Delete") },
        text("VolumeBindingMode", "when volumes are made") { $0.text("volumeBindingMode", or: "Immediate") },
        column("AllowVolumeExpansion", "string", "whether volumes may grow") {
            .bool($0.object["allowVolumeExpansion"]?.boolValue ?? false)
        },
        age,
    ]

    private static func amount(_ budget: CellSource, _ field: String) -> String {
        switch budget.object.value(at: ["spec", field]) {
        case .string(let text): text
        case .number(let number): number.literal
        default: "N/A"
        }
    }

    private static func subjects(_ binding: CellSource, _ kind: String) -> String {
        binding.list("subjects").filter { $0["kind"]?.stringValue == kind }.map { subject in
            let name = subject["name"]?.stringValue ?? ""
            return kind == "ServiceAccount" ? "\(subject["namespace"]?.stringValue ?? "")/\(name)" : name
        }.joined(separator: ", ")
    }
}

/// What the row of an event says, whichever of the two forms the event has.
private struct EventSummary {
    private let event: CellSource

    init(_ event: CellSource) {
        self.event = event
    }

    var object: JSONValue? { event.object["involvedObject"] ?? event.object["regarding"] }

    var firstSeen: String {
        let first = time("firstTimestamp", "deprecatedFirstTimestamp")
        return event.age(first ?? event.object["eventTime"])
    }

    var lastSeen: String {
        if let series = event.object["series"], !series.isNull { return event.age(series["lastObservedTime"]) }
        return time("lastTimestamp", "deprecatedLastTimestamp").map { event.age($0) } ?? firstSeen
    }

    var count: Int64 {
        if let series = event.object["series"], !series.isNull { return series["count"]?.intValue ?? 0 }
        return max(1, event.object["count"]?.intValue ?? event.number("deprecatedCount"))
    }

    var source: String {
        let source = event.object["source"] ?? event.object["deprecatedSource"]
        let reporter = event.text("reportingComponent", or: event.text("reportingController"))
        let component = source?["component"]?.stringValue ?? reporter
        let instance = source?["host"]?.stringValue ?? event.text("reportingInstance")
        return instance.isEmpty ? component : "\(component), \(instance)"
    }

    private func time(_ names: String...) -> JSONValue? {
        names.lazy.compactMap { event.object[$0] }.first { !$0.isNull }
    }
}

extension String {
    /// Without white space at the ends.
    fileprivate var trimmed: String {
        let start = drop { $0.isWhitespace }
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }
}
