/// Why the command line cannot be used; the program ends with status 2.
struct UsageError: Error, CustomStringConvertible {
    let description: String
}

/// Command-line flags in the ecosystem's habit: `--name value`, `--name=value`, switches alone or with `=false`.
struct FlagParser {
    /// A flag that is known, and what it is good for.
    struct Flag {
        let name: String
        /// What stands for the value in the help; nil for switches.
        let placeholder: String?
        let help: String

        init(_ name: String, _ placeholder: String? = nil, _ help: String) {
            self.name = name
            self.placeholder = placeholder
            self.help = help
        }
    }

    private let flags: [Flag]
    private var values: [String: String] = [:]

    /// Parses the arguments (without the program's name).
    ///
    /// - Throws: `UsageError`, which names the argument.
    init(_ arguments: [String], flags: [Flag]) throws(UsageError) {
        self.flags = flags
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument.count > 1 else {
                throw UsageError(description: "unexpected argument '\(argument)'; flags start with --")
            }
            let text = argument.drop { $0 == "-" }
            let name = String(text.prefix { $0 != "=" })
            guard let flag = flags.first(where: { $0.name == name }) else {
                throw UsageError(description: "unknown flag '--\(name)'")
            }
            if text.count > name.count {
                values[name] = String(text.dropFirst(name.count + 1))
            } else if flag.placeholder == nil {
                values[name] = "true"
            } else if let value = rest.popFirst() {
                values[name] = value
            } else {
                throw UsageError(description: "--\(name) needs a value: --\(name)=\(flag.placeholder ?? "VALUE")")
            }
        }
    }

    /// The value of a flag; nil when it is absent or empty.
    func text(_ name: String) -> String? {
        values[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether a switch is on.
    func isOn(_ name: String) throws(UsageError) -> Bool {
        switch values[name] {
        case nil, "false", "0": return false
        case "true", "1": return true
        case .some(let other): throw UsageError(description: "--\(name) is true or false, not '\(other)'")
        }
    }

    /// One of the words that a flag may have.
    func choice<Word: RawRepresentable & CaseIterable>(
        _ name: String,
        default standard: Word
    ) throws(UsageError) -> Word where Word.RawValue == String {
        guard let text = values[name] else { return standard }
        if let word = Word(rawValue: text) { return word }
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        throw UsageError(description: "--\(name) is one of \(words), not '\(text)'")
    }

    /// A whole number within a range; nil when the flag is absent.
    func number(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = values[name] else { return nil }
        if let number = Int(text), range.contains(number) { return number }
        throw UsageError(
            description: "--\(name) is a whole number from \(range.lowerBound) to \(range.upperBound), not '\(text)'"
        )
    }

    /// One paragraph for each flag.
    static func help(_ flags: [Flag]) -> String {
        flags.map { flag in
            let value = flag.placeholder.map { " \($0)" } ?? ""
            return "  --\(flag.name)\(value)\n        \(flag.help)"
        }.joined(separator: "\n")
    }
}
