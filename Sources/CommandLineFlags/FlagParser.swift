/// Why the command line cannot be used; the program ends with status 2.
package struct UsageError: Error, CustomStringConvertible {
    /// What is wrong, with the argument's name.
    package let description: String

    /// Says what is wrong.
    package init(description: String) {
        self.description = description
    }
}

/// Command-line flags in the ecosystem's habit: `--name value`, `--name=value`, switches alone or with `=false`.
///
/// ```swift
/// let flags = try FlagParser(arguments, flags: [.init("nodes", "N", "How many."), .init("help", nil, "This.")])
/// let count = try flags.number("nodes", in: 1...100) ?? 3
/// ```
package struct FlagParser {
    /// A flag that is known, and what it is good for.
    package struct Flag {
        /// Without the dashes.
        package let name: String
        /// What stands for the value in the help; nil for switches.
        package let placeholder: String?
        /// A sentence or two.
        package let help: String

        /// Describes a flag.
        package init(_ name: String, _ placeholder: String? = nil, _ help: String) {
            self.name = name
            self.placeholder = placeholder
            self.help = help
        }
    }

    private let flags: [Flag]
    private var values: [String: [String]] = [:]

    /// Parses the arguments (without the program's name).
    ///
    /// - Throws: `UsageError`, which names the argument.
    package init(_ arguments: [String], flags: [Flag]) throws(UsageError) {
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
                values[name, default: []].append(String(text.dropFirst(name.count + 1)))
            } else if flag.placeholder == nil {
                values[name, default: []].append("true")
            } else if let value = rest.popFirst() {
                values[name, default: []].append(value)
            } else {
                throw UsageError(description: "--\(name) needs a value: --\(name)=\(flag.placeholder ?? "VALUE")")
            }
        }
    }

    /// The value of a flag, the last one when it is there twice; nil when it is absent or empty.
    package func text(_ name: String) -> String? {
        values[name]?.last.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// All values of a flag that may be repeated, in order.
    package func texts(_ name: String) -> [String] {
        values[name] ?? []
    }

    /// Whether a switch is on.
    ///
    /// - Throws: `UsageError`, which names the flag.
    package func isOn(_ name: String) throws(UsageError) -> Bool {
        switch values[name]?.last {
        case nil, "false", "0": return false
        case "true", "1": return true
        case .some(let other): throw UsageError(description: "--\(name) is true or false, not '\(other)'")
        }
    }

    /// One of the words that a flag may have.
    ///
    /// - Throws: `UsageError`, which names the flag.
    package func choice<Word: RawRepresentable & CaseIterable>(
        _ name: String,
        default standard: Word
    ) throws(UsageError) -> Word where Word.RawValue == String {
        guard let text = values[name]?.last else { return standard }
        if let word = Word(rawValue: text) { return word }
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        throw UsageError(description: "--\(name) is one of \(words), not '\(text)'")
    }

    /// A whole number within a range; nil when the flag is absent.
    ///
    /// - Throws: `UsageError`, which names the flag.
    package func number(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = values[name]?.last else { return nil }
        if let number = Int(text), range.contains(number) { return number }
        throw UsageError(
            description: "--\(name) is a whole number from \(range.lowerBound) to \(range.upperBound), not '\(text)'"
        )
    }

    /// One paragraph for each flag.
    package static func help(_ flags: [Flag]) -> String {
        flags.map { flag in
            let value = flag.placeholder.map { " \($0)" } ?? ""
            return "  --\(flag.name)\(value)\n        \(flag.help)"
        }.joined(separator: "\n")
    }
}
