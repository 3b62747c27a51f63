/// An amount of a resource, such as `500m`, `1.5Gi` or `2e3`, exact to the nano (Kubernetes resource.Quantity).
///
/// As in Kubernetes, finer amounts are rounded away from zero and the magnitude ends at 2^63-1 units: nothing
/// overflows, sums stay at the end. Equality and order go by the amount: `1` equals `1000m`.
///
/// ```swift
/// if let total = Quantity("4Gi"), let used = Quantity("1536Mi") {
///     print(total - used)   // 2560Mi
/// }
/// ```
public struct Quantity: Sendable, Comparable {
    /// Which suffixes the text form uses.
    enum Format: Sendable {
        /// n u m k M G T P E
        case decimal
        /// Ki Mi Gi Ti Pi Ei
        case binary
        /// e3, e6...
        case exponent
    }

    /// Billionths; a whole Int64 of units fits easily.
    let nanos: Int128
    /// How it was written, and how it is written again.
    let format: Format

    /// Nothing.
    public static let zero = Quantity(nanos: 0, format: .decimal)

    /// 2^63-1 units.
    static let maxNanos = Int128(Int64.max) * nanosPerUnit
    static let nanosPerUnit: Int128 = 1_000_000_000

    /// Takes billionths, held within the range of Kubernetes.
    init(nanos: Int128, format: Format) {
        self.nanos = max(-Self.maxNanos, min(Self.maxNanos, nanos))
        self.format = format
    }

    /// A whole number of units.
    public init(_ value: Int64) {
        self.init(nanos: Int128(value) * Self.nanosPerUnit, format: .decimal)
    }

    /// A number of thousandths, as CPU is counted.
    public init(milli value: Int64) {
        self.init(nanos: Int128(value) * 1_000_000, format: .decimal)
    }

    /// Reads an amount by Kubernetes' grammar; nil when it is none.
    public init?(_ text: String) {
        guard let parsed = QuantityParser.parse(text) else { return nil }
        self = parsed
    }

    /// Whole units, rounded away from zero.
    public var value: Int64 { scaled(to: Self.nanosPerUnit) }

    /// Thousandths, rounded away from zero; held at the ends of Int64.
    public var milliValue: Int64 { scaled(to: 1_000_000) }

    /// The amount as the nearest double, for ratios and metrics.
    public var doubleValue: Double { Double(nanos) / 1e9 }

    /// Whether it is nothing.
    public var isZero: Bool { nanos == 0 }

    private func scaled(to unit: Int128) -> Int64 {
        let (quotient, remainder) = nanos.quotientAndRemainder(dividingBy: unit)
        return Int64(clamping: remainder == 0 ? quotient : quotient + remainder.signum())
    }

    /// The sum, in the left side's format unless that is zero.
    public static func + (left: Quantity, right: Quantity) -> Quantity {
        Quantity(nanos: left.nanos + right.nanos, format: left.isZero ? right.format : left.format)
    }

    /// The difference, in the left side's format unless that is zero.
    public static func - (left: Quantity, right: Quantity) -> Quantity {
        Quantity(nanos: left.nanos - right.nanos, format: left.isZero ? right.format : left.format)
    }

    /// So many times the amount, held at the ends of the range.
    public func multiplied(by count: Int64) -> Quantity {
        let (product, isOverflow) = nanos.multipliedReportingOverflow(by: Int128(count))
        guard isOverflow else { return Quantity(nanos: product, format: format) }
        return Quantity(nanos: (nanos < 0) == (count < 0) ? Self.maxNanos : -Self.maxNanos, format: format)
    }

    /// Adds in place.
    public static func += (left: inout Quantity, right: Quantity) { left = left + right }

    /// Orders by amount.
    public static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }

    /// Compares amounts, not texts.
    public static func == (left: Quantity, right: Quantity) -> Bool { left.nanos == right.nanos }
}

extension Quantity: Hashable {
    /// Hashes the amount.
    public func hash(into hasher: inout Hasher) { hasher.combine(nanos) }
}

extension Quantity: CustomStringConvertible {
    private static let decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
    private static let binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]

    /// The canonical form: the largest suffix that leaves a whole number.
    ///
    /// Small or fractional binary amounts use the decimal suffixes, so that nothing is lost.
    public var description: String {
        if nanos == 0 { return "0" }
        if format == .binary, nanos.magnitude >= UInt128(1024 * Self.nanosPerUnit), nanos % Self.nanosPerUnit == 0 {
            return binaryDescription
        }
        var (number, index) = (nanos, 0)
        while number % 1000 == 0, index < Self.decimalSuffixes.count - 1 {
            (number, index) = (number / 1000, index + 1)
        }
        if format == .exponent { return index == 3 ? "\(number)" : "\(number)e\((index - 3) * 3)" }
        return "\(number)\(Self.decimalSuffixes[index])"
    }

    private var binaryDescription: String {
        var (number, index) = (nanos / Self.nanosPerUnit, 0)
        while number % 1024 == 0, index < Self.binarySuffixes.count - 1 { (number, index) = (number / 1024, index + 1) }
        return "\(number)\(Self.binarySuffixes[index])"
    }
}

extension Quantity: Codable {
    /// Reads a string, or a plain number, which the API accepts too.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text: String
        do {
            text = try container.decode(String.self)
        } catch DecodingError.typeMismatch {
            text = try Self.numberText(container)
        }
        guard let quantity = Quantity(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a quantity")
        }
        self = quantity
    }

    private static func numberText(_ container: any SingleValueDecodingContainer) throws -> String {
        do {
            return String(try container.decode(Int64.self))
        } catch {
            return String(try container.decode(Double.self))
        }
    }

    /// Writes the canonical form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
