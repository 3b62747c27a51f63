internal import FoundationEssentials
internal import JSON

/// An object as the cells of its row see it.
struct CellSource {
    /// The object, in the version of the request.
    let object: JSONValue
    /// The time at which ages are taken.
    let now: Date

    /// The string at a path; empty when there is none.
    func text(_ path: String...) -> String { object.value(at: path)?.stringValue ?? "" }

    /// The string at a path, or another one when it is missing or empty.
    func text(_ path: String..., or fallback: String) -> String {
        let text = object.value(at: path)?.stringValue ?? ""
        return text.isEmpty ? fallback : text
    }

    /// The number at a path; 0 when there is none.
    func number(_ path: String...) -> Int64 { object.value(at: path)?.intValue ?? 0 }

    /// The elements at a path.
    func list(_ path: String...) -> [JSONValue] { object.value(at: path)?.arrayValue ?? [] }

    /// The number of members at a path.
    func count(_ path: String...) -> Int { object.value(at: path)?.objectValue?.count ?? 0 }

    /// Whether the object is being deleted.
    var isBeingDeleted: Bool { object["metadata"]?["deletionTimestamp"]?.stringValue != nil }

    /// The time since the creation.
    var age: String { age(object["metadata"]?["creationTimestamp"]) }

    /// The time since a time stamp, as tables show it.
    func age(_ time: JSONValue?) -> String {
        guard let date = Self.date(time) else { return "<unknown>" }
        return HumanDuration.text(seconds: now.timeIntervalSince(date))
    }

    /// The date of a time stamp.
    static func date(_ time: JSONValue?) -> Date? {
        time?.stringValue.flatMap { RFC3339.date(from: $0) }
    }

    /// The status of a condition of the object; nil when there is none of the type.
    func condition(_ type: String) -> String? {
        list("status", "conditions").first { $0["type"]?.stringValue == type }?["status"]?.stringValue
    }

    /// The first elements of a list, and how many more there are.
    static func joined(_ texts: [String], atMost limit: Int, separator: String = ",", none: String) -> String {
        guard !texts.isEmpty else { return none }
        let shown = texts.prefix(limit).joined(separator: separator)
        return texts.count > limit ? "\(shown) + \(texts.count - limit) more..." : shown
    }

    /// Labels as `a=1,b=2`.
    static func labels(_ labels: JSONValue?) -> String {
        let texts = (labels?.objectValue ?? [:]).map { "\($0.key)=\($0.value.stringValue ?? "")" }
        return texts.isEmpty ? "<none>" : texts.joined(separator: ",")
    }

    /// A LabelSelector object as text, its conditions in the order of their keys; empty when it has none.
    static func selector(_ selector: JSONValue?) -> String {
        var parts = (selector?["matchLabels"]?.objectValue ?? [:]).map { label in
            (key: label.key, text: "\(label.key)=\(label.value.stringValue ?? "")")
        }
        for expression in selector?["matchExpressions"]?.arrayValue ?? [] {
            let key = expression["key"]?.stringValue ?? ""
            let values = (expression["values"]?.arrayValue ?? []).compactMap(\.stringValue).sorted()
            let list = "(\(values.joined(separator: ",")))"
            switch expression["operator"]?.stringValue {
            case "In": parts.append((key, "\(key) in \(list)"))
            case "NotIn": parts.append((key, "\(key) notin \(list)"))
            case "Exists": parts.append((key, key))
            case "DoesNotExist": parts.append((key, "!\(key)"))
            default: return "<invalid>"
            }
        }
        return parts.sorted { $0.key < $1.key }.map(\.text).joined(separator: ",")
    }
}
