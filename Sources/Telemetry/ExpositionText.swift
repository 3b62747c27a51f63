/// The small grammar of the Prometheus text format 0.0.4.
enum ExpositionText {
    /// Help text with its backslashes and line feeds escaped.
    static func help(_ text: String) -> String {
        escape(text, quotes: false)
    }

    /// A label value with its backslashes, quotes and line feeds escaped.
    static func label(_ text: String) -> String {
        escape(text, quotes: true)
    }

    /// A number as Go's ParseFloat reads it: `1`, `0.5`, `1e-08`, `+Inf`, `-Inf`, `NaN`.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // Whole numbers that a Double holds exactly look like whole numbers.
        if value == value.rounded(), abs(value) < 0x1p53 { return String(Int64(value)) }
        return value.description
    }

    /// One sample line.
    static func sample(_ name: String, labels: String, value: String, to text: inout String) {
        text += name
        if !labels.isEmpty { text += "{\(labels)}" }
        text += " \(value)\n"
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        // By scalar: a carriage return and a line feed are one Character.
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
