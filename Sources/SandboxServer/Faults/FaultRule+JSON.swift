package import JSON

extension FaultRule {
    /// Reads a rule from its JSON form; names and types have to be right.
    ///
    /// - Throws: ``APIFailure`` 400 that names the member.
    package init(_ value: JSONValue) throws(APIFailure) {
        guard let members = value.objectValue else { throw .badRequest("a fault rule has to be an object") }
        self.init()
        var kind: WatchFault.Kind?
        for (key, value) in members {
            switch key {
            case "verbs": verbs = try Self.texts(key, value)
            case "resources": resources = try Self.texts(key, value)
            case "namespaces": namespaces = try Self.texts(key, value)
            case "userAgents": userAgents = try Self.texts(key, value)
            case "rate": rate = try Self.check(key, value.doubleValue) { (0...1).contains($0) }
            case "count": count = try Self.number(key, value)
            case "latencyMilliseconds": latency = .milliseconds(try Self.number(key, value))
            case "status": status = try Self.number(key, value, in: 400...599)
            case "retryAfterSeconds": retryAfterSeconds = try Self.number(key, value)
            case "refuse": isRefused = try Self.check(key, value.boolValue) { _ in true }
            case "watch": kind = try Self.check(key, value.stringValue.flatMap { WatchFault.Kind(rawValue: $0) })
            case "afterEvents": watch.afterEvents = try Self.number(key, value)
            case "afterSeconds": watch.after = .seconds(try Self.number(key, value))
            default: throw .badRequest("a fault rule has no member \(key.goQuoted)")
            }
        }
        watch.kind = kind
        if kind == nil, watch != .none { throw .badRequest("afterEvents and afterSeconds need watch: cut or silent") }
    }

    /// Reads the short form for the command line: `name=value` parts with blanks between them, commas in lists.
    ///
    /// - Throws: ``APIFailure`` 400 that names the part.
    package init(parsing text: String) throws(APIFailure) {
        var members: JSONObject = [:]
        for part in text.split(separator: " ") {
            guard let sign = part.firstIndex(of: "=") else {
                throw .badRequest("\(String(part).goQuoted) is not name=value")
            }
            let key = String(part[..<sign])
            let value = String(part[part.index(after: sign)...])
            switch key {
            case "verbs", "resources", "namespaces", "userAgents":
                members[key] = .array(value.split(separator: ",").map { .string(String($0)) })
            case "watch":
                members[key] = .string(value)
            default:
                do {
                    members[key] = try JSONValue(parsing: value)
                } catch {
                    throw .badRequest("\(key) cannot be \(value.goQuoted)")
                }
            }
        }
        try self.init(.object(members))
    }

    /// The JSON form, without what is as it is by default.
    package var json: JSONValue {
        let plain = FaultRule()
        var members: JSONObject = [:]
        for (key, texts) in [
            ("verbs", verbs), ("resources", resources), ("namespaces", namespaces), ("userAgents", userAgents),
        ] where !texts.isEmpty {
            members[key] = .array(texts.map { .string($0) })
        }
        if rate != plain.rate { members["rate"] = JSONNumber(rate).map { .number($0) } }
        members["count"] = count.map { .number($0) }
        if latency != .zero { members["latencyMilliseconds"] = .number(Int64(latency / .milliseconds(1))) }
        members["status"] = status.map { .number($0) }
        members["retryAfterSeconds"] = retryAfterSeconds.map { .number($0) }
        if isRefused { members["refuse"] = true }
        members["watch"] = watch.kind.map { .string($0.rawValue) }
        members["afterEvents"] = watch.afterEvents.map { .number($0) }
        members["afterSeconds"] = watch.after.map { .number($0.components.seconds) }
        return .object(members)
    }

    /// More than any of these numbers needs, and small enough to reckon with.
    private static let maxNumber = 1_000_000_000

    private static func number(
        _ key: String,
        _ value: JSONValue,
        in range: ClosedRange<Int> = 0...maxNumber
    ) throws(APIFailure) -> Int {
        try check(key, value.intValue.flatMap { Int(exactly: $0) }) { range.contains($0) }
    }

    private static func texts(_ key: String, _ value: JSONValue) throws(APIFailure) -> [String] {
        let texts = value.arrayValue?.compactMap(\.stringValue)
        return try check(key, texts?.count == value.arrayValue?.count ? texts : nil)
    }

    private static func check<Value>(
        _ key: String,
        _ value: Value?,
        _ isRight: (Value) -> Bool = { _ in true }
    ) throws(APIFailure) -> Value {
        guard let value, isRight(value) else { throw .badRequest("the value of \(key) is none that it can have") }
        return value
    }
}
