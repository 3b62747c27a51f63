/// Reads label selectors by the grammar of k8s.io/apimachinery's `labels.Parse`, with its words for what is wrong.
struct LabelSelectorParser {
    /// What is wrong with a selector.
    struct Failure: Error {
        var message: String

        init(_ message: String) {
            self.message = message
        }
    }

    private typealias Requirement = LabelSelector.Requirement

    private enum Token: Equatable {
        case word(String)
        /// One of `= == != > < ( ) , !`.
        case symbol(String)
        case broken(String)
        case end

        var text: String {
            switch self {
            case .word(let text), .symbol(let text): text
            case .broken(let text): "error expected: keyword found '\(text)'"
            case .end: ""
            }
        }

        var isWord: Bool {
            if case .word = self { true } else { false }
        }
    }

    private static let symbols = ["=", "==", "!=", ">", "<", "(", ")", ",", "!"]

    private let tokens: [Token]
    private var position = 0

    init(_ text: String) {
        tokens = Self.tokens(of: text)
    }

    /// The requirements of the whole text.
    mutating func parse() throws(Failure) -> [LabelSelector.Requirement] {
        var requirements: [Requirement] = []
        while next != .end {
            guard next.isWord || next == .symbol("!") else {
                throw Failure("found '\(next.text)', expected: !, identifier, or 'end of string'")
            }
            do {
                requirements.append(try requirement())
            } catch {
                throw Failure("unable to parse requirement: \(error.message)")
            }
            let separator = take()
            switch separator {
            case .end:
                break
            case .symbol(","):
                guard next.isWord || next == .symbol("!") else {
                    throw Failure("found '\(next.text)', expected: identifier after ','")
                }
            default:
                throw Failure("found '\(separator.text)', expected: ',' or 'end of string'")
            }
        }
        return requirements
    }

    private var next: Token { position < tokens.count ? tokens[position] : .end }

    private mutating func take() -> Token {
        defer { position += 1 }
        return next
    }

    // MARK: grammar

    private mutating func requirement() throws(Failure) -> LabelSelector.Requirement {
        let isNegated = next == .symbol("!")
        if isNegated { position += 1 }
        guard case .word(let key) = take() else {
            throw Failure(
                "found '\(tokens.indices.contains(position - 1) ? tokens[position - 1].text : "")', expected: identifier"
            )
        }
        let problems = LabelSyntax.problems(ofKey: key)
        guard problems.isEmpty else {
            throw Failure("key: Invalid value: \(key.goQuoted): \(problems.joined(separator: "; "))")
        }
        if isNegated { return Requirement(key: key, condition: .isAbsent) }
        if next == .end || next == .symbol(",") { return Requirement(key: key, condition: .exists) }
        return Requirement(key: key, condition: try condition(of: key))
    }

    private mutating func condition(of key: String) throws(Failure) -> LabelSelector.Requirement.Operator {
        let found = take()
        switch found {
        case .word("in"): return .isOneOf(try checked(values(), of: key))
        case .word("notin"): return .isNoneOf(try checked(values(), of: key))
        case .symbol("="), .symbol("=="): return .isOneOf(try checked([exactValue()], of: key))
        case .symbol("!="): return .isNoneOf(try checked([exactValue()], of: key))
        case .symbol(">"): return .isGreater(try bound(of: key))
        case .symbol("<"): return .isLess(try bound(of: key))
        default: throw Failure("found '\(found.text)', expected: in, notin, =, ==, !=, gt, lt")
        }
    }

    /// `(a, b)`, sorted; an empty place between commas is the empty value.
    private mutating func values() throws(Failure) -> [String] {
        let opening = take()
        guard opening == .symbol("(") else { throw Failure("found '\(opening.text)' expected: '('") }
        guard next.isWord || next == .symbol(",") || next == .symbol(")") else {
            throw Failure("found '\(next.text)', expected: ',', ')' or identifier")
        }
        var values: Set<String> = []
        guard next != .symbol(")") else {
            position += 1
            return []
        }
        while true {
            if case .word(let word) = next {
                position += 1
                values.insert(word)
            } else {
                values.insert("")
            }
            let separator = take()
            if separator == .symbol(")") { return values.sorted() }
            guard separator == .symbol(",") else {
                throw Failure("found '\(separator.text)', expected: ',' or ')'")
            }
            guard next.isWord || next == .symbol(",") || next == .symbol(")") else {
                throw Failure("found '\(next.text)', expected: ',', or identifier")
            }
        }
    }

    private mutating func exactValue() throws(Failure) -> String {
        if next == .end || next == .symbol(",") { return "" }
        let found = take()
        guard case .word(let word) = found else { throw Failure("found '\(found.text)', expected: identifier") }
        return word
    }

    private mutating func bound(of key: String) throws(Failure) -> Int64 {
        let text = try checked([exactValue()], of: key)[0]
        guard let bound = Int64(text) else {
            let why = "for 'Gt', 'Lt' operators, the value must be an integer"
            throw Failure("values[0]: Invalid value: \(text.goQuoted): \(why)")
        }
        return bound
    }

    private func checked(_ values: [String], of key: String) throws(Failure) -> [String] {
        guard !values.isEmpty else {
            throw Failure("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty")
        }
        var problems: [String] = []
        for (index, value) in values.enumerated() {
            let found = LabelSyntax.problems(ofValue: value)
            guard !found.isEmpty else { continue }
            let why = found.joined(separator: "; ")
            problems.append("values[\(index)][\(key)]: Invalid value: \(value.goQuoted): \(why)")
        }
        guard problems.isEmpty else {
            throw Failure(problems.count == 1 ? problems[0] : "[\(problems.joined(separator: ", "))]")
        }
        return values
    }

    // MARK: tokens

    private static func tokens(of text: String) -> [Token] {
        var tokens: [Token] = []
        var rest = text[...]
        while let character = rest.first {
            if isBlank(character) {
                rest.removeFirst()
            } else if isSpecial(character) {
                // The longest symbol at this place.
                let symbol = symbols.filter { rest.hasPrefix($0) }.max { $0.count < $1.count }
                tokens.append(symbol.map { .symbol($0) } ?? .broken(String(character)))
                rest = rest.dropFirst(symbol?.count ?? 1)
            } else {
                let word = rest.prefix { !isBlank($0) && !isSpecial($0) }
                tokens.append(.word(String(word)))
                rest = rest.dropFirst(word.count)
            }
        }
        return tokens
    }

    private static func isBlank(_ character: Character) -> Bool {
        [" ", "\t", "\r", "\n", "\r\n"].contains(character)
    }

    private static func isSpecial(_ character: Character) -> Bool {
        "=!(),><".contains(character)
    }
}
