package import FoundationEssentials
package import JSON

extension ResourceDefinition.PrinterColumn {
    /// The cell of an object, as the server prints it; `null` where there is nothing to print.
    package func value(of object: JSONValue, now: Date) -> JSONValue {
        switch cell {
        case .computed(let compute): compute(object, now)
        case .path(let text): JSONPath(text).map { value(of: object, at: $0, now: now) } ?? .null
        }
    }

    /// The column of a path; the path is read once.
    static func column(
        _ name: String,
        type: String,
        format: String,
        description: String,
        priority: Int,
        path text: String
    ) -> Self {
        var column = Self(
            name: name,
            type: type,
            format: format,
            description: description,
            priority: priority,
            cell: .path(text)
        )
        let path = JSONPath(text)
        let template = column
        column.cell = .computed { object, now in
            path.map { template.value(of: object, at: $0, now: now) } ?? .null
        }
        return column
    }

    private func value(of object: JSONValue, at path: JSONPath, now: Date) -> JSONValue {
        guard let value = path.first(in: object) else { return .null }
        switch (type, value) {
        case ("string", .string): return value
        case ("string", .null): return "<no value>"
        case ("string", .number(let number)): return .string(number.goText)
        case ("string", _): return .string(value.goJSON)
        case ("integer", .number(let number)):
            if number.isGoInteger { return value }
            return Int64(exactly: number.double.rounded(.towardZero)).map { .number($0) } ?? .null
        case ("number", .number), ("boolean", .bool): return value
        case ("date", .string(let text)):
            guard let date = RFC3339.date(from: text) else { return "<invalid>" }
            return .string(HumanDuration.text(now.timeIntervalSince(date)))
        default: return .null
        }
    }
}

/// Ages as `kubectl get` shows them: two units at most, the larger the age the rougher.
package enum HumanDuration {
    /// The text of an age in seconds, as `5m30s`, `2d4h` or `3y120d`.
    package static func text(_ seconds: Double) -> String {
        // Clocks that differ a little are no reason to complain.
        guard seconds.isFinite, seconds > -2, seconds < 1e11 else { return "<invalid>" }
        guard seconds >= 0 else { return "0s" }
        let seconds = Int(seconds)
        let (minutes, hours) = (seconds / 60, seconds / 3600)
        let (days, years) = (hours / 24, hours / 24 / 365)
        if seconds < 120 { return "\(seconds)s" }
        if minutes < 10 { return pair(minutes, "m", seconds % 60, "s") }
        if minutes < 180 { return "\(minutes)m" }
        if hours < 8 { return pair(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        if hours < 192 { return pair(days, "d", hours % 24, "h") }
        if hours < 24 * 365 * 2 { return "\(days)d" }
        if hours < 24 * 365 * 8 { return pair(years, "y", days % 365, "d") }
        return "\(years)y"
    }

    private static func pair(_ large: Int, _ largeUnit: String, _ small: Int, _ smallUnit: String) -> String {
        "\(large)\(largeUnit)" + (small == 0 ? "" : "\(small)\(smallUnit)")
    }
}
