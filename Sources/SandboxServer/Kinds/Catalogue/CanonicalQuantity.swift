/// Amounts of resources, as `500m` and `1Gi`.
enum CanonicalQuantity {
    /// The text that the server shows for an amount; nil when the text is none.
    ///
    /// Trailing zeros move into the suffix: `1000m` is `1`, `1024Mi` is `1Gi`, `0.5` is `500m`. Amounts that do not fit
    /// 128 bits in units of a billionth stay as they are.
    static func text(_ text: String) -> String? {
        guard let parts = Parts(text) else { return nil }
        guard let nanos = parts.nanos else { return text }
        let (sign, amount) = (nanos < 0 ? "-" : "", nanos.magnitude)
        guard amount > 0 else { return "0" }
        if parts.style == .binary, amount >= 1024 * 1_000_000_000, amount.isMultiple(of: 1_000_000_000) {
            return sign + binary(amount / 1_000_000_000)
        }
        return sign + decimal(amount, isExponent: parts.style == .exponent)
    }

    private enum Style {
        case decimal, binary, exponent
    }

    /// A text taken apart.
    private struct Parts {
        var style = Style.decimal
        /// In units of a billionth, rounded up; nil when it does not fit.
        var nanos: Int128?

        init?(_ text: String) {
            var rest = text.utf8[...]
            let isNegative = rest.first == UInt8(ascii: "-")
            if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
            let number = rest.prefix { $0 == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            let pieces = number.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            guard pieces.count <= 2, pieces.contains(where: { !$0.isEmpty }) else { return nil }
            let suffix = String(decoding: rest.dropFirst(number.count), as: UTF8.self)
            guard let (factor, exponent) = Self.scale(suffix, &style) else { return nil }
            let fraction = pieces.count == 2 ? Array(pieces[1]) : []
            var digits = Array(pieces[0]) + fraction
            // Zeros at the end say nothing and cost room.
            var power = exponent + 9 - fraction.count
            while digits.last == UInt8(ascii: "0") {
                digits.removeLast()
                power += 1
            }
            nanos = Self.value(digits, factor, power).map { isNegative ? -$0 : $0 }
        }

        private static func scale(_ suffix: String, _ style: inout Style) -> (factor: Int128, exponent: Int)? {
            let decimal = ["n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18]
            if let exponent = decimal[suffix] { return (1, exponent) }
            if let power = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].firstIndex(of: suffix) {
                style = .binary
                return (Int128(1) << Int128(10 * (power + 1)), 0)
            }
            guard suffix.first == "e" || suffix.first == "E", let exponent = Int(suffix.dropFirst()) else { return nil }
            style = .exponent
            return (1, exponent)
        }

        /// The digits times `factor` times ten to the power; nil when that does not fit.
        private static func value(_ digits: [UInt8], _ factor: Int128, _ power: Int) -> Int128? {
            var result: Int128 = 0
            for digit in digits {
                let (product, hasOverflown) = result.multipliedReportingOverflow(by: 10)
                guard !hasOverflown, product <= Int128.max - 9 else { return nil }
                result = product + Int128(digit &- UInt8(ascii: "0"))
            }
            let (scaled, hasOverflown) = result.multipliedReportingOverflow(by: factor)
            guard !hasOverflown, result != 0, power.magnitude <= 38 else { return result == 0 ? 0 : nil }
            result = scaled
            for _ in 0..<power.magnitude {
                if power < 0 {
                    result = result / 10 + (result % 10 == 0 ? 0 : 1)
                } else {
                    let (product, hasOverflown) = result.multipliedReportingOverflow(by: 10)
                    guard !hasOverflown else { return nil }
                    result = product
                }
            }
            return result
        }
    }

    private static func binary(_ amount: UInt128) -> String {
        var (amount, suffixes) = (amount, ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][...])
        while amount.isMultiple(of: 1024), suffixes.count > 1 {
            amount /= 1024
            suffixes.removeFirst()
        }
        return "\(amount)\(suffixes.first ?? "")"
    }

    private static func decimal(_ nanos: UInt128, isExponent: Bool) -> String {
        var (amount, exponent) = (nanos, -9)
        while amount.isMultiple(of: 1000), exponent < 18 {
            amount /= 1000
            exponent += 3
        }
        if isExponent { return exponent == 0 ? "\(amount)" : "\(amount)e\(exponent)" }
        let suffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
        return "\(amount)\(suffixes[(exponent + 9) / 3])"
    }
}
