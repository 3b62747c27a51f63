internal import FoundationEssentials
internal import JSON

/// Values without fields that have a form of their own in JSON.
enum ProtobufScalar {
    /// The value; nil for what means nothing, as the zero time.
    static func value(
        _ value: ProtobufReader.Value,
        _ scalar: TypeTable.Scalar
    ) throws(ProtobufError) -> JSONValue? {
        switch (scalar, value) {
        case (.string, .bytes(let bytes)): return .string(try ProtobufDecoder.text(bytes))
        case (.bytes, .bytes(let bytes)): return .string(Data(bytes).base64EncodedString())
        case (.bool, .varint(let number)): return .bool(number != 0)
        case (.int32, .varint(let number)): return .number(Int64(Int32(truncatingIfNeeded: number)))
        case (.int64, .varint(let number)): return .number(Int64(bitPattern: number))
        case (.double, .fixed64(let bits)): return JSONNumber(Double(bitPattern: bits)).map { .number($0) }
        case (.time, .bytes(let bytes)): return try time(bytes, fractionDigits: 0)
        case (.microTime, .bytes(let bytes)): return try time(bytes, fractionDigits: 6)
        case (.quantity, .bytes(let bytes)): return .string(try ProtobufDecoder.text(try only(bytes) ?? []))
        case (.intOrString, .bytes(let bytes)): return try intOrString(bytes)
        case (.object, .bytes(let bytes)), (.any, .bytes(let bytes)): return try json(try only(bytes) ?? [])
        default: throw ProtobufError(message: "wrong wireType for a \(scalar.rawValue)")
        }
    }

    /// Whether a list of them may come in one piece.
    static func isPackable(_ scalar: TypeTable.Scalar) -> Bool {
        scalar == .int32 || scalar == .int64 || scalar == .bool
    }

    /// Whether the value is what Go begins with.
    static func isZero(_ value: JSONValue) -> Bool {
        switch value {
        case .string(let text): text.isEmpty
        case .number(let number): number.double == 0
        case .bool(let flag): !flag
        default: value.isNull
        }
    }

    /// The bytes in the first field of a message with one field.
    private static func only(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> ArraySlice<UInt8>? {
        var reader = ProtobufReader(bytes)
        while let (number, value) = try reader.next() {
            if number == 1, case .bytes(let inner) = value { return inner }
        }
        return nil
    }

    private static func time(
        _ bytes: ArraySlice<UInt8>,
        fractionDigits: Int
    ) throws(ProtobufError) -> JSONValue? {
        var reader = ProtobufReader(bytes)
        var seconds: Int64?
        var nanoseconds: Int64 = 0
        while let (number, value) = try reader.next() {
            guard case .varint(let bits) = value else { continue }
            if number == 1 { seconds = Int64(bitPattern: bits) }
            if number == 2 { nanoseconds = Int64(Int32(truncatingIfNeeded: bits)) }
        }
        guard let seconds, seconds.magnitude < 1 << 40 else { return nil }
        let date = Date(timeIntervalSince1970: Double(seconds) + Double(nanoseconds) / 1e9)
        return RFC3339.string(from: date, fractionDigits: fractionDigits).map { .string($0) }
    }

    private static func intOrString(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> JSONValue {
        var reader = ProtobufReader(bytes)
        var isString = false
        var number: Int64 = 0
        var text = ""
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .varint(let kind)): isString = kind == 1
            case (2, .varint(let bits)): number = Int64(Int32(truncatingIfNeeded: bits))
            case (3, .bytes(let bytes)): text = try ProtobufDecoder.text(bytes)
            default: break
            }
        }
        return isString ? .string(text) : .number(number)
    }

    private static func json(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> JSONValue? {
        guard !bytes.isEmpty else { return nil }
        do {
            return try JSONValue(parsing: Array(bytes))
        } catch {
            throw ProtobufError(message: "raw JSON: \(error)")
        }
    }
}
