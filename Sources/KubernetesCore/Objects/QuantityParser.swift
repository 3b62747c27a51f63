/// Reads Kubernetes quantities: `[+-] digits [. digits] suffix`.
///
/// The suffix is one of `n u m k M G T P E`, of `Ki Mi Gi Ti Pi Ei`, or `e`/`E` with a whole number. Digits may be
/// any number; the amount is exact, then rounded away from zero to the nano and held within the range.
enum QuantityParser {
    static func parse(_ text: String) -> Quantity? {
        var rest = text.utf8[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        let whole = takeDigits(&rest)
        var fraction: [UInt8] = []
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            fraction = takeDigits(&rest)
        }
        guard !whole.isEmpty || !fraction.isEmpty, let suffix = suffix(rest) else { return nil }
        let nanos: Int128
        switch suffix {
        case .power10(let exponent, _): nanos = shifted(whole, fraction, by: 9 + exponent)
        case .power2(let exponent): nanos = binary(whole, fraction, exponent)
        }
        return Quantity(nanos: isNegative ? -nanos : nanos, format: suffix.format)
    }

    private enum Suffix {
        case power10(Int, Quantity.Format)
        case power2(Int)

        var format: Quantity.Format {
            switch self {
            case .power10(_, let format): format
            case .power2: .binary
            }
        }
    }

    private static func suffix(_ text: Substring.UTF8View) -> Suffix? {
        let text = Substring(text)
        if let index = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].firstIndex(where: { $0 == text }) {
            return .power10((index - 3) * 3, .decimal)
        }
        if let index = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].firstIndex(where: { $0 == text }) {
            return .power2((index + 1) * 10)
        }
        guard text.first == "e" || text.first == "E", let exponent = Int32(text.dropFirst()) else { return nil }
        return .power10(Int(exponent), .exponent)
    }

    private static func takeDigits(_ text: inout Substring.UTF8View) -> [UInt8] {
        let digits = text.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        text = text[digits.endIndex...]
        return digits.map { $0 - UInt8(ascii: "0") }
    }

    /// Moves the decimal point to the right and rounds up what is left behind it.
    private static func shifted(_ whole: [UInt8], _ fraction: [UInt8], by places: Int) -> Int128 {
        let digits = (whole + fraction).drop { $0 == 0 }
        let leadingZeros = whole.count + fraction.count - digits.count
        let point = whole.count + places - leadingZeros
        if digits.isEmpty { return 0 }
        if point < 0 { return 1 }
        if point > 28 { return Quantity.maxNanos }
        var number: Int128 = 0
        for index in 0..<point {
            number = number * 10 + (index < digits.count ? Int128(digits[digits.startIndex + index]) : 0)
        }
        return digits.dropFirst(point).contains { $0 != 0 } ? number + 1 : number
    }

    /// Multiplies by a power of two, at most 2^60, and rounds up to the nano.
    private static func binary(_ whole: [UInt8], _ fraction: [UInt8], _ exponent: Int) -> Int128 {
        let unit = UInt128(1) << UInt128(exponent)
        let units = shifted(whole, [], by: 0)
        guard units <= Int128(Int64.max) / Int128(unit) else { return Quantity.maxNanos }
        // 38 digits are the most that a UInt128 holds; what follows them is below a nano and only rounds up.
        let kept = fraction.prefix(38)
        let numerator = kept.reduce(UInt128(0)) { $0 * 10 + UInt128($1) }
        let divisor = kept.reduce(UInt128(1)) { power, _ in power * 10 }
        let product = numerator.multipliedFullWidth(by: unit * 1_000_000_000)
        // The quotient is below unit * 10^9, since numerator < divisor: the division cannot trap.
        let (quotient, remainder) = divisor.dividingFullWidth(product)
        let isInexact = remainder != 0 || fraction.dropFirst(38).contains { $0 != 0 }
        return units * Int128(unit) * Quantity.nanosPerUnit + Int128(quotient) + (isInexact ? 1 : 0)
    }
}
