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
            return .string(HumanDuration.text(seconds: now.timeIntervalSince(date)))
        default: return .null
        }
    }
}
