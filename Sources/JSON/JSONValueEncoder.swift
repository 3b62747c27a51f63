import FoundationEssentials

/// What a value has encoded so far; shared by the encoder, its containers and the nested containers that they hand
/// out, which may be filled later.
final class JSONEncodingNode {
    /// A value that is complete, or one that is still being filled.
    enum Slot {
        case value(JSONValue)
        case node(JSONEncodingNode)

        var resolved: JSONValue {
            switch self {
            case .value(let value): value
            case .node(let node): node.resolved
            }
        }
    }

    /// Which container the value has asked for.
    enum Content {
        case empty
        case single(JSONValue)
        case keyed([String: Slot])
        case unkeyed([Slot])
    }

    var content = Content.empty

    /// The finished value; one that has encoded nothing is an empty object.
    var resolved: JSONValue {
        switch content {
        case .empty: .object([:])
        case .single(let value): value
        case .keyed(let members): .object(members.mapValues(\.resolved))
        case .unkeyed(let elements): .array(elements.map(\.resolved))
        }
    }

    func set(_ slot: Slot, for key: String) {
        guard case .keyed(var members) = content else {
            content = .keyed([key: slot])
            return
        }
        // Release the payload first, so that the change happens in place.
        content = .empty
        members[key] = slot
        content = .keyed(members)
    }

    func append(_ slot: Slot) {
        guard case .unkeyed(var elements) = content else {
            content = .unkeyed([slot])
            return
        }
        content = .empty
        elements.append(slot)
        content = .unkeyed(elements)
    }

    var count: Int {
        if case .unkeyed(let elements) = content { elements.count } else { 0 }
    }
}

/// An encoder that makes a value.
struct JSONValueEncoder: Encoder {
    let node = JSONEncodingNode()
    let path: CodingPath?

    init(path: CodingPath?) {
        self.path = path
    }

    var codingPath: [any CodingKey] { path?.keys ?? [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        // Encoders may be asked twice; what is there is kept.
        if case .empty = node.content { node.content = .keyed([:]) }
        return KeyedEncodingContainer(JSONKeyedEncodingContainer(node: node, path: path))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .empty = node.content { node.content = .unkeyed([]) }
        return JSONUnkeyedEncodingContainer(node: node, path: path)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        JSONSingleValueEncodingContainer(node: node, path: path)
    }
}

extension JSONValueEncoder {
    /// Makes a document: primitives, dates and data here, all else by its own `encode(to:)`.
    func box<T: Encodable>(_ value: T) throws -> JSONValue {
        switch value {
        case let value as JSONValue: return value
        case let value as String: return .string(value)
        case let value as Bool: return .bool(value)
        case let value as Int: return .number(value)
        case let value as Int64: return .number(value)
        case let value as Int32: return .number(Int64(value))
        case let value as Double: return try number(value)
        case let value as Date: return try date(value)
        case let value as Data: return .string(value.base64EncodedString())
        default: return try boxRare(value)
        }
    }

    private func boxRare<T: Encodable>(_ value: T) throws -> JSONValue {
        switch value {
        case let value as Float: return try number(Double(value.description) ?? Double(value))
        case let value as Int8: return .number(Int64(value))
        case let value as Int16: return .number(Int64(value))
        case let value as UInt: return .number(JSONNumber(checkedLiteral: String(value)))
        case let value as UInt8: return .number(Int64(value))
        case let value as UInt16: return .number(Int64(value))
        case let value as UInt32: return .number(Int64(value))
        case let value as UInt64: return .number(JSONNumber(checkedLiteral: String(value)))
        default:
            try value.encode(to: self)
            return node.resolved
        }
    }

    private func number(_ value: Double) throws -> JSONValue {
        guard let number = JSONNumber(value) else { throw invalid(value, "JSON has no infinities and no NaN") }
        return .number(number)
    }

    private func date(_ value: Date) throws -> JSONValue {
        guard let text = RFC3339.string(from: value) else {
            throw invalid(value, "RFC 3339 has only the years 0 to 9999")
        }
        return .string(text)
    }

    private func invalid(_ value: Any, _ message: String) -> EncodingError {
        .invalidValue(value, EncodingError.Context(codingPath: codingPath, debugDescription: message))
    }
}
