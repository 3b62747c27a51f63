internal import JSON

extension KindRules {
    private static let longest = (word: 128, message: 1024)

    /// Events: they stand in the namespace of what they are about.
    static let events = checked { event, _, found in
        checkCommon(event, reportedBy: "reportingComponent", &found)
    }

    /// Events as their own group shows them: complete, without what is deprecated, and nearly immutable.
    ///
    /// The rules speak of the stored form, that of the core group, and so do the messages of a real server.
    static let groupedEvents = checked { event, old, found in
        checkCommon(event, reportedBy: "reportingController", &found)
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
    private static func checkCommon(_ event: JSONValue, reportedBy reporter: String, _ found: inout Violations) {
        checkNamespace(event, &found)
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

    /// Events stand where their object does; new ones about objects of the cluster stand in one of two namespaces.
    private static func checkNamespace(_ event: JSONValue, _ found: inout Violations) {
        let about = event["involvedObject"]?["namespace"]?.stringValue ?? ""
        let namespace = event["metadata"]?["namespace"]?.stringValue ?? ""
        let fits =
            if about.isEmpty {
                namespace == "default" || (isSet(event["eventTime"]) && namespace == "kube-system")
            } else {
                isSet(event["eventTime"]) || about == namespace
            }
        guard !fits else { return }
        found.add(.invalid("involvedObject.namespace", .string(about), "does not match event.namespace"))
    }

    private static func checkSeries(_ series: JSONValue?, _ found: inout Violations) {
        guard let series, isSet(series) else { return }
        if (series["count"]?.intValue ?? 0) < 2 { found.add(.invalid("series.count", "", "should be at least 2")) }
        if !isSet(series["lastObservedTime"]) { found.add(.required("series.lastObservedTime")) }
    }
}
