import JSON

/// What a plain scalar means.
///
/// The rules are those of `sigs.k8s.io/yaml`, which kubectl reads files with (YAML 1.1 as go-yaml v2 has it), with one
/// exception: `yes`, `no`, `on`, `off`, `y` and `n` stay strings, as in YAML 1.2. kubectl makes booleans of them, which
/// the API then refuses for every label, name and parameter; in a boolean field they are an error here as well.
enum YAMLScalar {
    /// The document value of a plain scalar; nil for infinities and NaN, which JSON cannot express.
    static func resolve(_ text: String) -> JSONValue? {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF":
            return nil
        default: return number(text) ?? .string(text)
        }
    }

    /// Whether a string must be quoted, so that neither this module nor another YAML reader takes it for something
    /// else: numbers, dates, the words of YAML 1.1, and what begins like a number.
    static func needsQuotes(_ text: String) -> Bool {
        switch text.lowercased() {
        case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "", "=", "<<": true
        case ".nan", ".inf", "+.inf", "-.inf": true
        default: beginsLikeNumber(text)
        }
    }

    private static func beginsLikeNumber(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return false }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            // Dates, times and sexagesimal numbers are made of these, too; names such as `2nd-try` stay plain.
            return text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                    UInt8(ascii: "A")...UInt8(ascii: "F"):
                    true
                default: "+-._:xXoObtTzZ ".utf8.contains(byte)
                }
            }
        default: return false
        }
    }

    private static func number(_ text: String) -> JSONValue? {
        guard let first = text.utf8.first, first < UInt8(ascii: "A") else { return nil }
        let plain = text.replacing("_", with: "")
        if let whole = integer(plain) { return whole }
        guard isFloat(plain) else { return nil }
        // A text that JSON allows is kept as it is; others, such as `.5` and `089`, are rewritten.
        do throws(JSONError) {
            return try JSONValue(parsing: plain)
        } catch {
            return Double(plain).flatMap { JSONNumber($0) }.map { .number($0) }
        }
    }

    /// A whole number: decimal, `0x1f`, `0o17`, `017`, `0b1`, with a sign.
    private static func integer(_ text: String) -> JSONValue? {
        let isNegative = text.hasPrefix("-")
        let digits = isNegative || text.hasPrefix("+") ? text.dropFirst() : text[...]
        let (radix, prefixLength): (Int, Int) =
            switch digits.prefix(2).lowercased() {
            case "0x": (16, 2)
            case "0o": (8, 2)
            case "0b": (2, 2)
            case let two where two.count == 2 && two.hasPrefix("0"): (8, 1)
            default: (10, 0)
            }
        let body = digits.dropFirst(prefixLength)
        // The standard library would take a second sign.
        guard body.first?.isHexDigit == true else { return nil }
        if let value = Int64((isNegative ? "-" : "") + body, radix: radix) { return .number(value) }
        guard !isNegative, let value = UInt64(body, radix: radix) else { return nil }
        do throws(JSONError) {
            return try JSONValue(parsing: String(value))
        } catch {
            return nil
        }
    }

    /// Whether a text is `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, a float of YAML 1.1.
    private static func isFloat(_ text: String) -> Bool {
        var rest = Substring(text).utf8
        func skipDigits() -> Int {
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            rest = rest.dropFirst(digits.count)
            return digits.count
        }
        func skip(_ bytes: String) -> Bool {
            guard let first = rest.first, bytes.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        _ = skip("+-")
        let whole = skipDigits()
        let fraction = skip(".") ? skipDigits() : 0
        guard whole + fraction > 0 else { return false }
        if skip("eE") {
            _ = skip("+-")
            guard skipDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}
