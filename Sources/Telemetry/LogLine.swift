import FoundationEssentials

/// One line of the log before it becomes bytes.
struct LogLine {
    /// A name and its value; names are written once a line, in the order in which they came.
    struct Field: Sendable {
        var name: String
        var value: String
    }

    var time: Date
    var level: LogLevel
    var message: String
    var fields: [Field]

    /// `old` with `new` behind it; a name that is already there keeps its place and gets the new value.
    static func merge(_ old: [Field], _ new: KeyValuePairs<String, String>) -> [Field] {
        var merged = old
        for (name, value) in new {
            if let index = merged.firstIndex(where: { $0.name == name }) {
                merged[index].value = value
            } else {
                merged.append(Field(name: name, value: value))
            }
        }
        return merged
    }

    /// The line in `format` with its newline, the only one in it whatever the message contains.
    func rendered(_ format: LogFormat) -> [UInt8] {
        let stamp = time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        var text: String
        switch format {
        case .text:
            text = "\(stamp) \(level.rawValue.uppercased()) \(Self.plain(message))"
            for field in fields {
                text += " \(Self.plain(field.name))=\(Self.value(field.value))"
            }
        case .json:
            text = "{\"ts\":\"\(stamp)\",\"level\":\"\(level.rawValue)\",\"msg\":\(Self.quoted(message))"
            for field in fields {
                // The three names of the line itself stay unique: a reader of duplicate keys may take either.
                let isReserved = field.name == "ts" || field.name == "level" || field.name == "msg"
                text += ",\(Self.quoted(isReserved ? "field.\(field.name)" : field.name)):\(Self.quoted(field.value))"
            }
            text += "}"
        }
        text += "\n"
        return Array(text.utf8)
    }

    /// `text` as it is, or quoted when a control character in it could forge a line.
    private static func plain(_ text: String) -> String {
        text.unicodeScalars.contains(where: isControl) ? quoted(text) : text
    }

    /// `text` as it is, or quoted when a reader could not tell where it ends.
    private static func value(_ text: String) -> String {
        let isBare =
            !text.isEmpty && text.unicodeScalars.allSatisfy { !isControl($0) && !" \"=".unicodeScalars.contains($0) }
        return isBare ? text : quoted(text)
    }

    /// Whether a terminal might obey instead of showing it.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }

    /// `text` as a JSON string with its quotes; also escapes what JSON would allow but a terminal might obey.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where isControl(scalar):
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
