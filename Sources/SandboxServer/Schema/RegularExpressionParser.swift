/// Reads a pattern by the syntax of RE2 with Perl's classes.
struct RegularExpressionParser {
    /// `(?i)` and its like.
    struct Flags {
        var ignoresCase = false
        var isMultiline = false
        var dotMatchesNewline = false
    }

    /// The most copies of a part that repetitions may ask for, those inside each other multiplied.
    private static let maxRepeat = 1000

    let text: [Unicode.Scalar]
    var index = 0
    var flags = Flags()
    private var depth = 0

    init(_ pattern: String) {
        text = Array(pattern.unicodeScalars)
    }

    var current: Unicode.Scalar? { index < text.count ? text[index] : nil }

    /// Whether the text goes on with these characters.
    func isAt(_ prefix: String) -> Bool { text[index...].starts(with: prefix.unicodeScalars) }

    /// The pattern between two positions.
    func excerpt(_ start: Int, _ end: Int) -> String {
        String(String.UnicodeScalarView(text[start..<min(end, text.count)]))
    }

    func failure(_ problem: String, _ excerpt: String) -> PatternError {
        PatternError(description: "error parsing regexp: \(problem): `\(excerpt)`")
    }

    mutating func parse() throws(PatternError) -> RegularExpressionNode {
        let node = try alternatives()
        guard current == nil else { throw failure("unexpected )", excerpt(0, text.count)) }
        return node
    }

    private mutating func alternatives() throws(PatternError) -> RegularExpressionNode {
        var branches = [try sequence()]
        while current == "|" {
            index += 1
            branches.append(try sequence())
        }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence() throws(PatternError) -> RegularExpressionNode {
        var nodes: [RegularExpressionNode] = []
        while let scalar = current, scalar != "|", scalar != ")" {
            if isAt("\\Q") {
                nodes += literals()
                // What repeats is the last of the characters.
                if let last = nodes.popLast() { nodes.append(try repeated(last)) }
            } else {
                nodes.append(try repeated(try atom(scalar)))
            }
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    /// `\Q...\E`: everything between is meant literally.
    private mutating func literals() -> [RegularExpressionNode] {
        index += 2
        var nodes: [RegularExpressionNode] = []
        while let scalar = current, !isAt("\\E") {
            nodes.append(.character(CharacterClass(scalar, ignoresCase: flags.ignoresCase)))
            index += 1
        }
        if current != nil { index += 2 }
        return nodes
    }

    private mutating func atom(_ scalar: Unicode.Scalar) throws(PatternError) -> RegularExpressionNode {
        switch scalar {
        case "(": return try group()
        case "[": return .character(try bracketClass())
        case "\\": return try escape()
        case "*", "+", "?":
            throw failure("missing argument to repetition operator", String(scalar))
        default: break
        }
        if scalar == "{", let range = try repetitionRange() {
            throw failure("missing argument to repetition operator", range.text)
        }
        index += 1
        switch scalar {
        case ".": return .character(flags.dotMatchesNewline ? .any : .anyButNewline)
        case "^": return .assertion(flags.isMultiline ? .lineStart : .textStart)
        case "$": return .assertion(flags.isMultiline ? .lineEnd : .textEnd)
        default: return .character(CharacterClass(scalar, ignoresCase: flags.ignoresCase))
        }
    }

    // MARK: - Repetition

    private mutating func repeated(_ node: RegularExpressionNode) throws(PatternError) -> RegularExpressionNode {
        let operatorStart = index
        guard let (minimum, maximum) = try repetition() else { return node }
        if current == "?" { index += 1 }
        let end = index
        if try repetition() != nil {
            throw failure("invalid nested repetition operator", excerpt(operatorStart, index))
        }
        index = end
        // Of nothing, more is nothing, too.
        if case .empty = node { return node }
        let result = RegularExpressionNode.repetition(node, minimum: minimum, maximum: maximum)
        guard result.maxCopies <= Self.maxRepeat else {
            throw failure("invalid repeat count", excerpt(operatorStart, end))
        }
        return result
    }

    /// Steps over a repetition operator; nil when there is none.
    private mutating func repetition() throws(PatternError) -> (Int, Int?)? {
        let simple: (Int, Int?)
        switch current {
        case "*": simple = (0, nil)
        case "+": simple = (1, nil)
        case "?": simple = (0, 1)
        case "{":
            guard let range = try repetitionRange() else { return nil }
            return (range.minimum, range.maximum)
        default: return nil
        }
        index += 1
        return simple
    }

    /// Steps over `{2}`, `{2,}` or `{2,5}`; nil, and no step, when the brace means itself.
    private mutating func repetitionRange() throws(PatternError) -> (minimum: Int, maximum: Int?, text: String)? {
        let start = index
        index += 1
        guard let minimum = number() else { return plainBrace(start) }
        var maximum: Int? = minimum
        if current == "," {
            index += 1
            if current != "}" {
                guard let number = number() else { return plainBrace(start) }
                maximum = number
            } else {
                maximum = nil
            }
        }
        guard current == "}" else { return plainBrace(start) }
        index += 1
        let range = excerpt(start, index)
        guard minimum <= Self.maxRepeat, maximum.map({ $0 <= Self.maxRepeat && $0 >= minimum }) ?? true else {
            throw failure("invalid repeat count", range)
        }
        return (minimum, maximum, range)
    }

    private mutating func plainBrace(_ start: Int) -> (minimum: Int, maximum: Int?, text: String)? {
        index = start
        return nil
    }

    /// Steps over digits; numbers beyond what is allowed are all the same.
    private mutating func number() -> Int? {
        let start = index
        var value = 0
        while let scalar = current, let digit = scalar.decimalDigit {
            value = min(value * 10 + digit, 100_000)
            index += 1
        }
        let hasLeadingZero = index - start > 1 && text[start] == "0"
        return index == start || hasLeadingZero ? nil : value
    }

    // MARK: - Groups

    private mutating func group() throws(PatternError) -> RegularExpressionNode {
        let outer = flags
        depth += 1
        guard depth <= RegularExpression.maxDepth else {
            throw failure("expression nests too deeply", excerpt(0, text.count))
        }
        defer { depth -= 1 }
        let start = index
        index += 1
        if current == "?" {
            if try groupFlags(from: start) { return .empty }
        }
        let node = try alternatives()
        guard current == ")" else { throw failure("missing closing )", excerpt(0, text.count)) }
        index += 1
        flags = outer
        return node
    }

    /// Steps over what follows `(?`; true when that closes the group, so that the flags hold for the rest.
    private mutating func groupFlags(from start: Int) throws(PatternError) -> Bool {
        index += 1
        if isAt("P<") || isAt("<") && !isAt("<=") && !isAt("<!") {
            try groupName(from: start)
            return false
        }
        var isSet = true
        while let scalar = current {
            index += 1
            switch scalar {
            case "i": flags.ignoresCase = isSet
            case "m": flags.isMultiline = isSet
            case "s": flags.dotMatchesNewline = isSet
            case "U": break
            case "-" where isSet: isSet = false
            case ":": return false
            case ")": return true
            default: throw failure("invalid or unsupported Perl syntax", excerpt(start, index))
            }
        }
        throw failure("invalid or unsupported Perl syntax", excerpt(start, index))
    }

    private mutating func groupName(from start: Int) throws(PatternError) {
        index += isAt("P") ? 2 : 1
        let nameStart = index
        while let scalar = current, scalar != ">" {
            guard CharacterClass.word.contains(scalar) else {
                throw failure("invalid named capture", excerpt(start, text.count))
            }
            index += 1
        }
        guard current == ">" else { throw failure("invalid named capture", excerpt(start, text.count)) }
        guard index > nameStart else { throw failure("invalid named capture", excerpt(start, index + 1)) }
        index += 1
    }
}

extension Unicode.Scalar {
    /// The value of an ASCII digit.
    var decimalDigit: Int? {
        ("0"..."9").contains(self) ? Int(value - 0x30) : nil
    }
}
