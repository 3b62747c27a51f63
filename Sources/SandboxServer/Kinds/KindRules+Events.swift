internal import JSON

extension KindRules {
    private static let longest = (word: 128, message: 1024)

    /// Events: they stand in the namespace of what they are about.
    static let events = checked { event, old, found in
        checkCommon(event, old, reportedBy: "reportingComponent", &found)
    }

    /// Events as their own group shows them: complete, without what is deprecated, and nearly immutable.
    ///
    /// The rules speak of the stored form, that of the core group, and so do the messages of a real server.
    static let groupedEvents = checked { event, old, found in
        checkCommon(event, old, reportedBy: "reportingController", &found)
        if old?["series"] != event["series"] || old == nil { checkSeries(event["series"], &found) }
        if let old {
            for field in [
                "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type",
                "eventTime", "action", "related", "reportingComponent", "reportingInstance",
            ] where event[field] != old[field] {
                found.add(.invalid(field, event[field] ?? .null, "field is immutable"))
            }
            return
        }
        if (event["eventTime"]?.stringValue ?? "").isEmpty { found.add(.required("eventTime")) }
        let type = event["type"]?.stringValue ?? ""
        if type != "Normal", type != "Warning" { found.add(.invalid("type", "", "has invalid value: \(type)")) }
        for field in ["firstTimestamp", "lastTimestamp", "count", "source"] where isSet(event[field]) {
            found.add(.invalid(field, "", "needs to be unset"))
        }
    }

    /// Whether a deprecated field says something: empty values are those that Go writes for nothing.
    private static func isSet(_ value: JSONValue?) -> Bool {
        switch value {
        case nil, .null, 0, "": false
        case .object(let members): members.contains { isSet($0.value) }
        default: true
        }
    }

    /// What holds in both groups.
    private static func checkCommon(
        _ event: JSONValue,
        _ old: JSONValue?,
        reportedBy reporter: String,
        _ found: inout Violations
    ) {
        checkNamespace(event, old, &found)
        // Only those who know the new fields write this one.
        guard isSet(event["eventTime"]) else { return }
        let controller = event["reportingComponent"]?.stringValue ?? ""
        if controller.isEmpty { found.add(.required(reporter)) }
        for text in ObjectNames.qualifiedName(controller) { found.add(.invalid(reporter, .string(controller), text)) }
        for field in ["reportingInstance", "action", "reason"] {
            let text = event[field]?.stringValue ?? ""
            if text.isEmpty { found.add(.required(field)) }
            guard text.utf8.count > longest.word else { continue }
            found.add(.invalid(field, "", "can have at most \(longest.word) characters"))
        }
        guard (event["message"]?.stringValue ?? "").utf8.count > longest.message else { return }
        found.add(.invalid("message", "", "can have at most \(longest.message) characters"))
    }

    private static func checkNamespace(_ event: JSONValue, _ old: JSONValue?, _ found: inout Violations) {
        guard old == nil else { return }
        let about = event["involvedObject"]?["namespace"]?.stringValue ?? ""
        let namespace = event["metadata"]?["namespace"]?.stringValue ?? ""
        guard about != namespace, !(about.isEmpty && namespace == "default") else { return }
        let text = about.isEmpty ? "event namespace must be default" : "does not match event.namespace"
        found.add(.invalid("involvedObject.namespace", .string(about), text))
    }

    private static func checkSeries(_ series: JSONValue?, _ found: inout Violations) {
        guard let series, isSet(series) else { return }
        if (series["count"]?.intValue ?? 0) < 2 { found.add(.invalid("series.count", "", "should be at least 2")) }
        if !isSet(series["lastObservedTime"]) { found.add(.required("series.lastObservedTime")) }
    }
}
