internal import JSON

/// A `format` that the server checks; others mean nothing to it.
struct SchemaFormat {
    /// As written.
    let name: String
    /// Whether it is one of strings.
    let isOfStrings: Bool

    /// The format of a schema, when the server knows it for the schema's type.
    init?(of schema: Schema) {
        guard let name = schema.constraints?.keywords["format"]?.stringValue else { return nil }
        switch schema.kind {
        case .integer: guard name == "int32" || name == "int64" else { return nil }
        case .number: guard name == "float" || name == "double" else { return nil }
        case .string, .any: guard Self.checks[Self.normalized(name)] != nil else { return nil }
        default: return nil
        }
        self.name = name
        isOfStrings = schema.kind == .string || schema.kind == .any
    }

    /// Whether a string has the format.
    func accepts(_ text: String) -> Bool {
        Self.checks[Self.normalized(name)]?(text) ?? true
    }

    private static func normalized(_ name: String) -> String {
        String(name.filter { $0 != "-" })
    }

    private static let checks: [String: @Sendable (String) -> Bool] = [
        "password": { _ in true },
        "datetime": { RFC3339.date(from: $0) != nil },
    ]
}
