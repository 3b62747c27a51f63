import FoundationEssentials

/// A decoder over a value that has been parsed before.
struct JSONValueDecoder: Decoder {
    let value: JSONValue
    /// Where the container of this value is; nil at the root.
    var parent: CodingPath?
    /// The key of this value in its container; nil at the root.
    var key: (any CodingKey)?

    /// Made only when a container or an error asks for it: most values are neither.
    var path: CodingPath? {
        key.map { CodingPath(parent, $0) }
    }

    var codingPath: [any CodingKey] { path?.keys ?? [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let members) = value else { throw mismatch([String: JSONValue].self, "an object") }
        return KeyedDecodingContainer(JSONKeyedDecodingContainer(members: members, path: path))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let elements) = value else { throw mismatch([JSONValue].self, "an array") }
        return JSONUnkeyedDecodingContainer(elements: elements, path: path)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        self
    }
}

extension JSONValueDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { value.isNull }

    // One generic function stands for the fifteen requirements, one per primitive type.
    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try unbox(type)
    }
}

extension JSONValueDecoder {
    /// Makes a `T`: primitives, dates and data here, all else by its own `init(from:)`.
    @inline(__always)
    func unbox<T: Decodable>(_ type: T.Type) throws -> T {
        if type == String.self { return cast(try string()) }
        if type == Bool.self { return cast(try bool()) }
        if type == Int.self { return cast(try integer(Int.self)) }
        if type == Int64.self { return cast(try integer(Int64.self)) }
        if type == Int32.self { return cast(try integer(Int32.self)) }
        if type == Double.self { return cast(try double()) }
        if type == Date.self { return cast(try date()) }
        if type == Data.self { return cast(try data()) }
        if type == JSONValue.self { return cast(value) }
        return try unboxRare(type)
    }

    private func unboxRare<T: Decodable>(_ type: T.Type) throws -> T {
        if type == Float.self { return cast(try float()) }
        if type == Int8.self { return cast(try integer(Int8.self)) }
        if type == Int16.self { return cast(try integer(Int16.self)) }
        if type == UInt.self { return cast(try integer(UInt.self)) }
        if type == UInt8.self { return cast(try integer(UInt8.self)) }
        if type == UInt16.self { return cast(try integer(UInt16.self)) }
        if type == UInt32.self { return cast(try integer(UInt32.self)) }
        if type == UInt64.self { return cast(try integer(UInt64.self)) }
        return try T(from: self)
    }

    /// Gives a value the static type that it has; `as?` would look up the metadata of an optional each time.
    @inline(__always)
    private func cast<T, U>(_ value: U) -> T {
        precondition(T.self == U.self)
        return unsafe unsafeBitCast(value, to: T.self)
    }

    private func string() throws -> String {
        guard case .string(let text) = value else { throw mismatch(String.self, "a string") }
        return text
    }

    private func bool() throws -> Bool {
        guard case .bool(let flag) = value else { throw mismatch(Bool.self, "a boolean") }
        return flag
    }

    private func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        guard case .number(let number) = value else { throw mismatch(type, "a number") }
        if let whole = number.int64, let result = T(exactly: whole) { return result }
        // What is left to fit are the upper half of UInt64, and errors.
        guard let result = T(number.literal) else {
            throw corrupted("\(number.literal) is no \(type)")
        }
        return result
    }

    private func double() throws -> Double {
        guard case .number(let number) = value else { throw mismatch(Double.self, "a number") }
        guard number.double.isFinite else { throw corrupted("the number is too large for a Double") }
        return number.double
    }

    private func float() throws -> Float {
        let result = Float(try double())
        guard result.isFinite else { throw corrupted("the number is too large for a Float") }
        return result
    }

    private func date() throws -> Date {
        guard let date = RFC3339.date(from: try string()) else { throw corrupted("no RFC 3339 date and time") }
        return date
    }

    private func data() throws -> Data {
        guard let data = Data(base64Encoded: try string()) else { throw corrupted("no base64") }
        return data
    }

    private func mismatch(_ type: Any.Type, _ expected: String) -> DecodingError {
        let text = "expected \(expected), found \(value.kindName)"
        let context = DecodingError.Context(codingPath: codingPath, debugDescription: text)
        return value.isNull ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    private func corrupted(_ message: String) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: codingPath, debugDescription: message))
    }
}

extension JSONValue {
    /// What kind of value this is, for messages, which must not show the value.
    fileprivate var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
