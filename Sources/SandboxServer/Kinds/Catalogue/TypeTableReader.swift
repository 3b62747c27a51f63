internal import JSON

/// Reads the notation of ``TypeTable``, names not resolved.
struct TypeTableReader {
    /// The types by version and short name.
    private(set) var types: [String: [String: TypeTable.Object]] = [:]
    /// The lines that are not understood.
    private(set) var problems: [String] = []
    private var version = ""
    private var current: TypeTable.Object?

    /// Reads a text; its last type is stored by the next call or ``finish()``.
    mutating func read(_ text: String) {
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            switch line.first {
            case UInt8(ascii: " "):
                if let field = TypeTable.Field(line.dropFirst()), current != nil {
                    current?.fields.append(field)
                } else {
                    problems.append(String(Substring(line)))
                }
            case UInt8(ascii: "#"):
                finish()
                version = String(Substring(line.dropFirst(2)))
            default:
                finish()
                current = TypeTable.Object(line)
            }
        }
    }

    /// Stores the type that was being read.
    mutating func finish() {
        if let current { types[version, default: [:]][current.name] = current }
        current = nil
    }

    /// The words before `|` and the text behind it.
    fileprivate static func words(_ line: Substring.UTF8View) -> (words: [Substring], text: String?) {
        let bar = line.firstIndex(of: UInt8(ascii: "|")) ?? line.endIndex
        let words = line[..<bar].split(separator: UInt8(ascii: " ")).map { Substring($0) }
        let text = line[bar...].dropFirst(2)
        return (words, text.isEmpty ? nil : String(Substring(text)))
    }

    /// The parts of a word as `merge(name)`.
    fileprivate static func call(_ word: Substring) -> (name: Substring, arguments: [String]) {
        guard let open = word.utf8.firstIndex(of: UInt8(ascii: "(")), word.utf8.last == UInt8(ascii: ")") else {
            return (word, [])
        }
        let inside = word.utf8[open...].dropFirst().dropLast()
        let arguments = inside.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        return (word[..<open], arguments.map { String(Substring($0)) })
    }
}

extension TypeTable.Object {
    fileprivate init(_ line: Substring.UTF8View) {
        let (words, text) = TypeTableReader.words(line)
        name = words.first.map { String($0) } ?? ""
        description = text
        for word in words.dropFirst() {
            switch TypeTableReader.call(word) {
            case ("kind", _): isKind = true
            case ("atomic", _): isAtomic = true
            case ("like", let arguments): base = arguments.first
            default: break
            }
        }
    }
}

extension TypeTable.TypeName {
    fileprivate init(_ text: Substring) {
        switch text.utf8.first {
        case UInt8(ascii: "["): self = .list(Self(text.dropFirst().dropLast()))
        case UInt8(ascii: "{"): self = .map(Self(text.dropFirst().dropLast()))
        default: self = TypeTable.Scalar(rawValue: String(text)).map { .scalar($0) } ?? .named(String(text))
        }
    }
}

extension TypeTable.Field {
    fileprivate init?(_ line: Substring.UTF8View) {
        let (words, text) = TypeTableReader.words(line)
        guard words.count >= 2 else { return nil }
        var name = words[0]
        isEnforced = name.utf8.last == UInt8(ascii: "!")
        isRequired = isEnforced || name.utf8.last == UInt8(ascii: "?")
        if isRequired { name = name.dropLast() }
        self.name = String(name)
        keepsZero = words[1].utf8.last == UInt8(ascii: "*")
        type = TypeTable.TypeName(keepsZero ? words[1].dropLast() : words[1])
        description = text
        for word in words[2...] {
            guard set(word) else { return nil }
        }
    }

    private mutating func set(_ word: Substring) -> Bool {
        if word.utf8.first == UInt8(ascii: "=") {
            do throws(JSONError) {
                defaultValue = try JSONValue(parsing: Array(word.utf8.dropFirst()))
                return true
            } catch {
                return false
            }
        }
        let (name, arguments) = TypeTableReader.call(word)
        switch name {
        case "null": showsNull = true
        case "set": listType = .set
        case "atomic": listType = .atomic
        case "map":
            listType = .map
            mapKeys = arguments
        case "merge":
            mergeKey = arguments.first
            mergeStrategies.append("merge")
        case "retainKeys": mergeStrategies.append("retainKeys")
        case "enum": values = arguments
        default: return false
        }
        return true
    }
}
