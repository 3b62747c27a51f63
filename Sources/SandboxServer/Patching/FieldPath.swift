internal import JSON

/// One step from a value to a part of it, as managed fields name it.
enum PathElement: Sendable, Hashable {
    /// A member of an object: `f:spec`.
    case field(String)
    /// The element of a list of type `map` that has these members: `k:{"name":"c"}`.
    case key(JSONObject)
    /// The element of a list of type `set`: `v:"a"`.
    case value(JSONValue)
    /// An element by its position, where nothing else identifies it: `i:0`.
    case index(Int)

    /// Reads a key of a FieldsV1 document; nil when it is none.
    init?(encoded: String) {
        let content = String(encoded.dropFirst(2))
        switch encoded.prefix(2) {
        case "f:": self = .field(content)
        case "k:":
            guard case .object(let members)? = Self.parse(content) else { return nil }
            self = .key(members)
        case "v:":
            guard let value = Self.parse(content) else { return nil }
            self = .value(value)
        case "i:":
            guard let index = Int(content) else { return nil }
            self = .index(index)
        default: return nil
        }
    }

    private static func parse(_ text: String) -> JSONValue? {
        do {
            return try JSONValue(parsing: text)
        } catch {
            return nil
        }
    }

    /// As FieldsV1 writes it.
    var encoded: String {
        switch self {
        case .field(let name): "f:" + name
        case .key(let members): "k:" + JSONValue.object(members).text
        case .value(let value): "v:" + value.text
        case .index(let index): "i:\(index)"
        }
    }
}

extension PathElement: CustomStringConvertible, Comparable {
    /// As conflicts write it: `.spec`, `[name="c"]`, `[="a"]` or `[0]`.
    var description: String {
        switch self {
        case .field(let name): "." + name
        case .key(let members): "[" + members.map { "\($0.key)=\($0.value.fieldText)" }.joined(separator: ",") + "]"
        case .value(let value): "[=\(value.fieldText)]"
        case .index(let index): "[\(index)]"
        }
    }

    /// The order in which the API server names fields: members first, then keys, values and positions.
    static func < (left: PathElement, right: PathElement) -> Bool {
        switch (left, right) {
        case (.field(let left), .field(let right)): left.utf8.lexicographicallyPrecedes(right.utf8)
        case (.index(let left), .index(let right)): left < right
        case (.key(let left), .key(let right)): precedes(left, right)
        case (.value(let left), .value(let right)): left.precedes(right)
        default: left.rank < right.rank
        }
    }

    private var rank: Int {
        switch self {
        case .field: 0
        case .key: 1
        case .value: 2
        case .index: 3
        }
    }

    private static func precedes(_ left: JSONObject, _ right: JSONObject) -> Bool {
        for (one, other) in zip(left, right) {
            if one.key != other.key { return one.key < other.key }
            if one.value != other.value { return one.value.precedes(other.value) }
        }
        return left.count < right.count
    }
}

extension JSONValue {
    /// As messages about fields write a scalar: strings quoted.
    fileprivate var fieldText: String {
        switch self {
        case .string(let text): text.goQuoted
        case .array(let elements): "[" + elements.map(\.fieldText).joined(separator: ",") + "]"
        case .object(let members): members.map { "\($0.key)=\($0.value.fieldText)" }.joined()
        default: text
        }
    }

    /// Numbers before strings before booleans, each by value.
    fileprivate func precedes(_ other: JSONValue) -> Bool {
        switch (self, other) {
        case (.number(let left), .number(let right)): left.double < right.double
        case (.string(let left), .string(let right)): left.utf8.lexicographicallyPrecedes(right.utf8)
        case (.bool(let left), .bool(let right)): !left && right
        default: scalarRank < other.scalarRank
        }
    }

    private var scalarRank: Int {
        switch self {
        case .number: 0
        case .string: 1
        case .bool: 2
        default: 3
        }
    }
}
