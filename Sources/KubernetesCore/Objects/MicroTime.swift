public import FoundationEssentials
import JSON

/// Times as Kubernetes writes them; the one reader and writer for all of them is `RFC3339`.
public enum Timestamp {
    /// Reads an RFC 3339 time, with or without a fraction; nil when it is none.
    public static func parse(_ text: String) -> Date? { RFC3339.date(from: text) }

    /// Writes meta/v1 Time: UTC to the second, `2006-01-02T15:04:05Z`; nil outside the years 0 to 9999.
    public static func format(_ date: Date) -> String? { RFC3339.string(from: date) }
}

/// A time to the microsecond (meta/v1 MicroTime), as Leases and Events carry it: `2006-01-02T15:04:05.000000Z`.
public struct MicroTime: Codable, Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The moment.
    public var date: Date

    /// Wraps a moment.
    public init(_ date: Date) {
        self.date = date
    }

    /// Reads an RFC 3339 time, with or without a fraction; nil when it is none.
    public init?(_ text: String) {
        guard let date = RFC3339.date(from: text) else { return nil }
        self.date = date
    }

    /// The wire form, always with six digits of fraction.
    public var description: String { RFC3339.string(from: date, fractionDigits: 6) ?? "out of range" }

    /// Reads the wire form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let time = MicroTime(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an RFC 3339 time")
        }
        self = time
    }

    /// Writes the wire form.
    public func encode(to encoder: any Encoder) throws {
        guard let text = RFC3339.string(from: date, fractionDigits: 6) else {
            let context = EncodingError.Context(
                codingPath: encoder.codingPath,
                debugDescription: "time outside the years 0 to 9999"
            )
            throw EncodingError.invalidValue(date, context)
        }
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    /// Orders by time.
    public static func < (left: MicroTime, right: MicroTime) -> Bool { left.date < right.date }
}
