import JSON

/// Where in an object, as people write it: `spec.containers[name=web].env[name=A].value`.
struct FieldPath: Sendable, Hashable {
    /// The text; empty for the object itself.
    private(set) var text = ""

    /// The member of an object; keys that are not plain words, such as annotations, are put in brackets and quoted.
    func appending(key: String) -> FieldPath {
        let isPlain = !key.isEmpty && key.utf8.allSatisfy(Self.isPlain)
        return FieldPath(text: isPlain ? (text.isEmpty ? key : "\(text).\(key)") : "\(text)[\"\(key)\"]")
    }

    /// The element of a list that has these values in these fields.
    func appending(element identity: [JSONValue], fields: [String]) -> FieldPath {
        let pairs = zip(fields, identity).map { "\($0)=\($1.stringValue ?? $1.text)" }
        return FieldPath(text: "\(text)[\(pairs.joined(separator: ","))]")
    }

    /// The element of a set.
    func appending(value: JSONValue) -> FieldPath {
        FieldPath(text: "\(text)[\(value.text)]")
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
