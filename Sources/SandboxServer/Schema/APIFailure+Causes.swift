package import JSON

/// The causes of an `Invalid` answer, worded as k8s.io/apimachinery's `field` package does.
extension APIFailure.Cause {
    /// A value that breaks a rule.
    package static func invalid(_ field: String, _ value: JSONValue, _ detail: String) -> Self {
        Self(reason: "FieldValueInvalid", message: joined("Invalid value: \(value.goText)", detail), field: field)
    }

    /// A value of the wrong type.
    package static func typeInvalid(_ field: String, _ value: JSONValue, _ detail: String) -> Self {
        Self(reason: "FieldValueTypeInvalid", message: joined("Invalid value: \(value.goText)", detail), field: field)
    }

    /// A value that is none of an enumeration.
    package static func notSupported(_ field: String, _ value: JSONValue, _ supported: [String]) -> Self {
        let list = supported.map(\.goQuoted).joined(separator: ", ")
        return Self(
            reason: "FieldValueNotSupported",
            message: joined("Unsupported value: \(value.goText)", list.isEmpty ? "" : "supported values: \(list)"),
            field: field
        )
    }

    /// A value that occurs twice where it may occur once.
    package static func duplicate(_ field: String, _ value: JSONValue) -> Self {
        Self(reason: "FieldValueDuplicate", message: "Duplicate value: \(value.goText)", field: field)
    }

    /// A string with more bytes than allowed.
    package static func tooLong(_ field: String, maximum: Int64) -> Self {
        let unit = maximum == 1 ? "byte" : "bytes"
        return Self(
            reason: "FieldValueTooLong",
            message: "Too long: may not be more than \(maximum) \(unit)",
            field: field
        )
    }

    /// A list or map with more entries than allowed.
    package static func tooMany(_ field: String, actual: Int, maximum: Int64) -> Self {
        let unit = maximum == 1 ? "item" : "items"
        return Self(
            reason: "FieldValueTooMany",
            message: "Too many: \(actual): must have at most \(maximum) \(unit)",
            field: field
        )
    }

    private static func joined(_ text: String, _ detail: String) -> String {
        detail.isEmpty ? text : "\(text): \(detail)"
    }
}

extension JSONValue {
    /// The value as Go prints it in an error: strings quoted, composite values as JSON.
    package var goText: String {
        switch self {
        case .string(let text): text.goQuoted
        case .number(let number): number.goText
        case .bool(let value): String(value)
        case .null, .array, .object: goJSON
        }
    }

    /// The value as Go marshals it: `<`, `>` and `&` are escaped.
    package var goJSON: String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "<": result += "\\u003c"
            case ">": result += "\\u003e"
            case "&": result += "\\u0026"
            case "\u{2028}": result += "\\u2028"
            case "\u{2029}": result += "\\u2029"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// What the schema validator calls the value's type: a number is an integer when Go's decoder makes one of it.
    package var goType: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number(let number): number.isGoInteger ? "integer" : "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

extension JSONNumber {
    /// Whether Kubernetes decodes the number as an integer: by its text, so `1.0` is a float.
    package var isGoInteger: Bool { Int64(literal) != nil }

    /// The number as Go's `%v` prints it.
    package var goText: String {
        guard !isGoInteger else { return literal }
        return double.goText
    }
}

extension Double {
    /// The number as Go's `%v` prints it: the shortest digits, with an exponent below -4 and from 6 on.
    package var goText: String {
        guard isFinite else { return isNaN ? "NaN" : self < 0 ? "-Inf" : "+Inf" }
        let (digits, exponent) = decimal
        let sign = self.sign == .minus ? "-" : ""
        if exponent < -4 || exponent >= 6 {
            let rest = digits.dropFirst()
            let power = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
            return sign + digits.prefix(1) + (rest.isEmpty ? "" : ".\(rest)") + (exponent < 0 ? "e-" : "e+") + power
        }
        if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits }
        let whole = digits.prefix(exponent + 1)
        let zeros = String(repeating: "0", count: exponent + 1 - whole.count)
        let fraction = digits.dropFirst(exponent + 1)
        return sign + whole + zeros + (fraction.isEmpty ? "" : ".\(fraction)")
    }

    /// The shortest significant digits, and the power of ten of the first one.
    private var decimal: (digits: String, exponent: Int) {
        let parts = magnitude.description.split(separator: "e")
        let mantissa = parts[0].split(separator: ".")
        let whole = String(mantissa[0])
        let fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
        var exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + whole.count - 1
        var digits = (whole + fraction)[...]
        while digits.count > 1, digits.first == "0" {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.last == "0" { digits.removeLast() }
        return (String(digits), digits == "0" ? 0 : exponent)
    }
}

extension String {
    /// The string as Go's `%q` prints it.
    package var goQuoted: String {
        var result = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{07}": result += "\\a"
            case "\u{08}": result += "\\b"
            case "\u{0B}": result += "\\v"
            case "\u{0C}": result += "\\f"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: result += "\\x" + scalar.hex(digits: 2)
            case _ where scalar.isPrintable: result.unicodeScalars.append(scalar)
            default: result += scalar.value > 0xFFFF ? "\\U" + scalar.hex(digits: 8) : "\\u" + scalar.hex(digits: 4)
            }
        }
        return result + "\""
    }
}

extension Unicode.Scalar {
    fileprivate func hex(digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// Go's notion: letters, marks, numbers, punctuation, symbols and the ASCII space.
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: self == " "
        default: true
        }
    }
}
