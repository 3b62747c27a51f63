/// A JSON number with the exact text it was written with.
///
/// Two numbers are equal when their values are: `1`, `1.0` and `1e0` are one number. Whole numbers beyond 64 bits
/// and numbers beyond the range of a double are equal only to the same text.
public struct JSONNumber: Sendable, Hashable, CustomStringConvertible {
    /// The text, valid by the grammar of RFC 8259.
    public let literal: String

    /// Takes a text that the caller has checked against the grammar.
    init(checkedLiteral: String) {
        literal = checkedLiteral
    }

    /// A whole number.
    public init(_ value: Int64) {
        literal = String(value)
    }

    /// A double in the shortest text that reads back as the same double; nil for infinities and NaN.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        // Go and JavaScript write whole doubles without a fraction; so do the values that the API server returns.
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 {
            literal = String(whole)
        } else {
            literal = value.description
        }
    }

    /// The value when it is whole and fits into 64 bits; nil otherwise.
    public var int64: Int64? {
        if let value = Int64(literal) { return value }
        // Beyond 53 bits the nearest double may be another whole number.
        guard isFractional, double.magnitude < 0x1p53 else { return nil }
        return Int64(exactly: double)
    }

    /// The nearest double; infinite when the number is too large for one.
    public var double: Double {
        Double(literal) ?? .nan
    }

    /// The text.
    public var description: String { literal }

    /// Whether the text has a fraction or an exponent.
    private var isFractional: Bool {
        literal.utf8.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }
    }

    /// What equality and hashing compare.
    private enum Identity: Hashable {
        case whole(Int64)
        case double(Double)
        case text(String)
    }

    private var identity: Identity {
        if let whole = int64 { return .whole(whole) }
        let value = double
        return isFractional && value.isFinite ? .double(value) : .text(literal)
    }

    /// Compares values, not texts.
    public static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        left.literal == right.literal || left.identity == right.identity
    }

    /// Hashes the value, not the text.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(identity)
    }
}
