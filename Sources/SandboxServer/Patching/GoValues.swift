internal import JSON

// The API server's messages show values as Go prints them.
extension JSONValue {
    /// As Go's `%v` prints a decoded value.
    var goPrinted: String {
        switch self {
        case .null: "<nil>"
        case .string(let text): text
        case .array(let elements): "[" + elements.map(\.goPrinted).joined(separator: " ") + "]"
        case .object(let members):
            "map[" + members.map { "\($0.key):\($0.value.goPrinted)" }.joined(separator: " ") + "]"
        case .bool, .number: text
        }
    }

    /// As Go's `%#v` prints a decoded value.
    var goSyntax: String {
        switch self {
        case .null: "interface {}(nil)"
        case .string(let text): text.goQuoted
        case .array(let elements): "[]interface {}{" + elements.map(\.goSyntax).joined(separator: ", ") + "}"
        case .object(let members):
            "map[string]interface {}{"
                + members.map { "\($0.key.goQuoted):\($0.value.goSyntax)" }.joined(separator: ", ") + "}"
        case .bool, .number: text
        }
    }

    /// The Go type of a decoded value.
    var decodedGoType: String {
        switch self {
        case .null: "<nil>"
        case .string: "string"
        case .bool: "bool"
        case .number(let number): number.int64 == nil ? "float64" : "int64"
        case .array: "[]interface {}"
        case .object: "map[string]interface {}"
        }
    }

    /// The word of Go's JSON decoder for the type.
    var goKind: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
