package import JSON

/// Durations as configuration files write them: whole seconds as a number, or text such as `15m`, `1h30m`, `500ms`.
package enum DurationText {
    /// Reads a duration; nil when the value is neither, is negative, or does not fit.
    package static func parse(_ value: JSONValue) -> Duration? {
        if let seconds = value.intValue {
            return seconds >= 0 && seconds <= maxSeconds ? .seconds(seconds) : nil
        }
        return value.stringValue.flatMap(parse(text:))
    }

    private static let maxSeconds: Int64 = 100 * 366 * 86_400
    private static let unitMilliseconds: [String: Int64] = ["ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000]

    private static func parse(text: String) -> Duration? {
        var rest = text[...]
        var total: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let unit = rest.dropFirst(digits.count).prefix { $0.isLetter }
            guard digits.count <= 12, let count = Int64(digits), let scale = unitMilliseconds[String(unit)] else {
                return nil
            }
            total += count * scale
            guard total <= maxSeconds * 1_000 else { return nil }
            rest = rest.dropFirst(digits.count + unit.count)
        }
        return text.isEmpty ? nil : .milliseconds(total)
    }
}
