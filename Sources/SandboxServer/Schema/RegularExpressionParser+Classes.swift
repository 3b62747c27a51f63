extension RegularExpressionParser {
    /// An escape outside of brackets.
    mutating func escape() throws(PatternError) -> RegularExpressionNode {
        let start = index
        guard index + 1 < text.count else { throw failure("trailing backslash at end of expression", "") }
        switch text[index + 1] {
        case "A": return step(.assertion(.textStart))
        case "z": return step(.assertion(.textEnd))
        case "b": return step(.assertion(.wordBoundary))
        case "B": return step(.assertion(.noWordBoundary))
        default: break
        }
        if var accepted = try escapedClass() {
            accepted.ignoresCase = flags.ignoresCase
            return .character(accepted)
        }
        index = start
        return .character(CharacterClass(try escapedCharacter(), ignoresCase: flags.ignoresCase))
    }

    private mutating func step(_ node: RegularExpressionNode) -> RegularExpressionNode {
        index += 2
        return node
    }

    /// Steps over `\d` or `\p{Lu}`; nil when the escape is none of a class.
    private mutating func escapedClass() throws(PatternError) -> CharacterClass? {
        guard index + 1 < text.count else { return nil }
        let kind = text[index + 1]
        if kind == "p" || kind == "P" { return try categoryClass(isNegated: kind == "P") }
        let classes: [Unicode.Scalar: CharacterClass] = ["d": .digit, "w": .word, "s": .space]
        guard let lower = kind.properties.lowercaseMapping.unicodeScalars.first, var accepted = classes[lower] else {
            return nil
        }
        accepted.isNegated = kind != lower
        index += 2
        return accepted
    }

    private mutating func categoryClass(isNegated: Bool) throws(PatternError) -> CharacterClass {
        let start = index
        index += 2
        guard let first = current else { throw failure("invalid character class range", excerpt(start, index)) }
        var name = String(first)
        if first == "{" {
            guard let end = text[index...].firstIndex(of: "}") else {
                throw failure("invalid character class range", excerpt(start, text.count))
            }
            name = excerpt(index + 1, end)
            index = end
        }
        index += 1
        var letters = name[...]
        var isNegated = isNegated
        if letters.first == "^" {
            letters = letters.dropFirst()
            isNegated.toggle()
        }
        guard let category = CharacterClass.Category(name: letters, isNegated: isNegated) else {
            throw failure("invalid character class range", excerpt(start, index))
        }
        var accepted = CharacterClass()
        accepted.categories = [category]
        return accepted
    }

    /// Steps over an escape that means one character.
    private mutating func escapedCharacter() throws(PatternError) -> Unicode.Scalar {
        let start = index
        index += 1
        guard let scalar = current else { throw failure("trailing backslash at end of expression", "") }
        index += 1
        switch scalar {
        case "a": return "\u{07}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "x": return try hexadecimal(from: start)
        case "0"..."7": return try octal(scalar, from: start)
        default:
            let isSymbol = scalar.isASCII && !CharacterClass.word.contains(scalar) || scalar == "_"
            guard isSymbol else { throw failure("invalid escape sequence", excerpt(start, index)) }
            return scalar
        }
    }

    private mutating func hexadecimal(from start: Int) throws(PatternError) -> Unicode.Scalar {
        var digits = ""
        if current == "{", let end = text[index...].firstIndex(of: "}") {
            digits = excerpt(index + 1, end)
            index = digits.unicodeScalars.count > 6 ? index + 7 : end + 1
        } else {
            digits = excerpt(index, index + 2)
            index = min(index + 2, text.count)
            if digits.unicodeScalars.count < 2 { digits = "" }
        }
        let isHex = !digits.isEmpty && digits.utf8.allSatisfy { UInt8(ascii: "+") != $0 && UInt8(ascii: "-") != $0 }
        guard isHex, let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else {
            throw failure("invalid escape sequence", excerpt(start, index))
        }
        return scalar
    }

    /// Up to three octal digits; one digit alone would be a reference to a group, which RE2 does not have.
    private mutating func octal(_ first: Unicode.Scalar, from start: Int) throws(PatternError) -> Unicode.Scalar {
        var value = first.value - 0x30
        var count = 1
        while count < 3, let scalar = current, ("0"..."7").contains(scalar) {
            value = value * 8 + scalar.value - 0x30
            index += 1
            count += 1
        }
        guard first == "0" || count > 1, let scalar = Unicode.Scalar(value) else {
            throw failure("invalid escape sequence", excerpt(start, index))
        }
        return scalar
    }

    // MARK: - Brackets

    /// Steps over `[...]`.
    mutating func bracketClass() throws(PatternError) -> CharacterClass {
        let start = index
        index += 1
        var result = CharacterClass()
        result.ignoresCase = flags.ignoresCase
        if current == "^" {
            result.isNegated = true
            index += 1
        }
        var isFirst = true
        while let scalar = current, isFirst || scalar != "]" {
            isFirst = false
            if isAt("[:"), let named = try posixClass() {
                result.formUnion(named)
            } else if scalar == "\\", let named = try escapedClass() {
                result.formUnion(named)
            } else {
                result.ranges.append(try range(classStart: start))
            }
        }
        guard current == "]" else { throw failure("missing closing ]", excerpt(start, text.count)) }
        index += 1
        return result
    }

    /// Steps over `[:alpha:]` or `[:^alpha:]`; nil, and no step, when the bracket means itself.
    private mutating func posixClass() throws(PatternError) -> CharacterClass? {
        let start = index
        guard
            let end = (index..<text.count - 1).first(where: { text[$0] == ":" && text[$0 + 1] == "]" && $0 > start + 1 }
            )
        else { return nil }
        var name = excerpt(start + 2, end)[...]
        let isNegated = name.first == "^"
        if isNegated { name = name.dropFirst() }
        guard var named = CharacterClass.posix(String(name)) else {
            throw failure("invalid character class range", excerpt(start, end + 2))
        }
        named.isNegated = isNegated
        index = end + 2
        return named
    }

    private mutating func range(classStart: Int) throws(PatternError) -> ClosedRange<UInt32> {
        let start = index
        let low = try classCharacter(classStart)
        guard current == "-", index + 1 < text.count, text[index + 1] != "]" else { return low.value...low.value }
        index += 1
        let high = try classCharacter(classStart)
        guard low.value <= high.value else { throw failure("invalid character class range", excerpt(start, index)) }
        return low.value...high.value
    }

    private mutating func classCharacter(_ classStart: Int) throws(PatternError) -> Unicode.Scalar {
        guard let scalar = current else { throw failure("missing closing ]", excerpt(classStart, text.count)) }
        if scalar == "\\" { return try escapedCharacter() }
        index += 1
        return scalar
    }
}
