/// A JSON document as a value: what the client, the store and the strategies read and change.
///
/// Numbers keep their text, so that nothing is lost between reading and writing. Objects keep their members sorted by
/// key. Of a key that occurs twice, the last one counts, as in Go.
///
/// ```swift
/// var pod = try JSONValue(parsing: bytes, projection: .kubernetes)
/// let name = pod["metadata"]?["name"]?.stringValue
/// pod.set("true", at: ["metadata", "annotations", "checked"])
/// let body = pod.serialized()
/// ```
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    /// Whether this is `null`.
    public var isNull: Bool { self == .null }

    /// The text of a string, else nil.
    public var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The truth value of a boolean, else nil.
    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// A number that is whole and fits, else nil; `1.0` is whole.
    public var intValue: Int64? {
        if case .number(let value) = self { value.int64 } else { nil }
    }

    /// The nearest double of a number, else nil.
    public var doubleValue: Double? {
        if case .number(let value) = self { value.double } else { nil }
    }

    /// The elements of an array, else nil.
    public var arrayValue: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The members of an object, else nil.
    public var objectValue: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }
}

extension JSONValue {
    /// The member of an object.
    ///
    /// Reading it from anything else gives nil. Setting it makes an object out of `null` and is ignored on other
    /// values; setting nil removes the member.
    public subscript(key: String) -> JSONValue? {
        get {
            if case .object(let members) = self { members[key] } else { nil }
        }
        set {
            switch self {
            case .object(var members):
                // Release the payload first, so that the change happens in place.
                self = .null
                members[key] = newValue
                self = .object(members)
            case .null:
                if let newValue { self = .object([key: newValue]) }
            default:
                break
            }
        }
    }

    /// The element of an array, or nil when this is no array or has no such element.
    public subscript(index index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The value reached by following object keys, or nil; the empty path is the value itself.
    public func value(at path: [String]) -> JSONValue? {
        var current = self
        for key in path {
            guard let next = current[key] else { return nil }
            current = next
        }
        return current
    }

    /// Sets the value reached by following object keys, making the objects that are missing on the way; nil removes.
    ///
    /// A value on the way that is neither an object nor null is left alone, and so is everything else then.
    ///
    /// - Returns: whether the path could be followed.
    @discardableResult
    public mutating func set(_ value: JSONValue?, at path: [String]) -> Bool {
        set(value, at: path[...])
    }

    private mutating func set(_ value: JSONValue?, at path: ArraySlice<String>) -> Bool {
        guard let key = path.first else {
            self = value ?? .null
            return true
        }
        var members: JSONObject
        switch self {
        case .object(let existing): members = existing
        case .null where value == nil: return true
        case .null: members = [:]
        default: return false
        }
        self = .null
        let isSet: Bool
        if path.count == 1 {
            members[key] = value
            isSet = true
        } else if value == nil && members[key] == nil {
            isSet = true
        } else {
            isSet = members.update(key, default: .null) { $0.set(value, at: path.dropFirst()) }
        }
        self = .object(members)
        return isSet
    }
}
