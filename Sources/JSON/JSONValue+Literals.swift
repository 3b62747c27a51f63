// There is no nil literal: `found ? value : nil` would be `.null` where an optional without a value is meant.
extension JSONValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// A boolean.
    public init(booleanLiteral value: Bool) {
        self = .bool(value)
    }

    /// A whole number.
    public init(integerLiteral value: Int64) {
        self = .number(JSONNumber(value))
    }

    /// A number with a fraction; `null` when it is not finite, which JSON cannot express.
    public init(floatLiteral value: Double) {
        self = JSONNumber(value).map { .number($0) } ?? .null
    }

    /// A string.
    public init(stringLiteral value: String) {
        self = .string(value)
    }

    /// An array.
    public init(arrayLiteral elements: JSONValue...) {
        self = .array(elements)
    }

    /// An object; of a key that occurs twice, the last one counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.map { (key: $0.0, value: $0.1) }))
    }
}

extension JSONValue {
    /// A whole number.
    public static func number(_ value: Int64) -> JSONValue {
        .number(JSONNumber(value))
    }

    /// A whole number.
    public static func number(_ value: Int) -> JSONValue {
        .number(JSONNumber(Int64(value)))
    }

    /// An object with the members of a dictionary.
    public static func object(_ members: [String: JSONValue]) -> JSONValue {
        .object(JSONObject(members))
    }

    /// An object whose members are strings, such as labels.
    public static func strings(_ members: [String: String]) -> JSONValue {
        .object(members.mapValues { .string($0) })
    }

    /// The members of an object of strings, such as labels; nil when this is no object or a member is no string.
    public var stringDictionary: [String: String]? {
        guard case .object(let members) = self else { return nil }
        var strings: [String: String] = [:]
        strings.reserveCapacity(members.count)
        for (key, value) in members {
            guard case .string(let string) = value else { return nil }
            strings[key] = string
        }
        return strings
    }
}
