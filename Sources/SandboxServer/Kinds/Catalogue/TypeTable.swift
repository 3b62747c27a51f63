internal import JSON

/// The types of the built-in API as facts, read from a compact text of our own.
///
/// A line that starts in the first column begins a type, the indented lines below are its fields:
///
/// ```
/// ContainerPort | a port of a container
///  containerPort! int32 | 1 to 65535
///  protocol string ="TCP" | TCP, UDP or SCTP
/// ```
///
/// A field is its name, its type, its properties, and after `|` a description. The type is a scalar (see
/// ``Scalar``), the name of another type, `[T]` for a list or `{T}` for a map from strings. After the name, `!` says that
/// the server insists on the field, `?` that documents list it as required while the server does without.
/// The properties are:
///
/// - `=VALUE`, a JSON value without spaces: what the server fills in;
/// - `set`, `atomic`, `map(KEY,KEY)`: how server-side apply merges a list (or, `atomic`, an object);
/// - `merge(KEY)` or `merge`: how strategic merge patch merges a list; `retainKeys` goes with it or stands alone;
/// - `enum(A,B)`: the only values;
/// - `embedded`: an object of any kind.
struct TypeTable: Sendable {
    /// The types without structure of their own.
    enum Scalar: String, Sendable {
        case string, bytes, time, microTime, quantity, int32, int64, double, bool, intOrString, any, object
    }

    /// The type of a field.
    indirect enum TypeName: Sendable, Hashable {
        case scalar(Scalar)
        case named(String)
        case list(TypeName)
        case map(TypeName)
    }

    /// A field of a type.
    struct Field: Sendable {
        var name: String
        var type: TypeName
        /// Whether documents list it as required.
        var isRequired = false
        /// Whether the server refuses objects without it.
        var isEnforced = false
        var defaultValue: JSONValue?
        var listType: Schema.ListType?
        var mapKeys: [String] = []
        var mergeKey: String?
        var mergeStrategies: [String] = []
        var values: [String] = []
        var isEmbedded = false
        var description: String?
    }

    /// A type with fields.
    struct Object: Sendable {
        var name: String
        var isAtomic = false
        var description: String?
        var fields: [Field] = []
    }

    /// The types by name.
    private(set) var objects: [String: Object] = [:]

    /// Reads texts; lines that do not fit become ``problems``.
    init(_ texts: [String]) {
        for text in texts { read(text) }
    }

    /// The lines that are not understood and the names that are not declared; empty for a table that is right.
    private(set) var problems: [String] = []

    private mutating func read(_ text: String) {
        var current: Object?
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            let line = Substring(line)
            if line.hasPrefix(" ") {
                if let field = Field(line.dropFirst()), current != nil {
                    current?.fields.append(field)
                } else {
                    problems.append(String(line))
                }
            } else {
                if let current { objects[current.name] = current }
                current = Object(line)
            }
        }
        if let current { objects[current.name] = current }
    }
}

extension TypeTable.Object {
    fileprivate init(_ line: Substring) {
        let (words, text) = TypeTable.words(line)
        name = words.first.map { String($0) } ?? ""
        isAtomic = words.dropFirst().contains("atomic")
        description = text
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

extension TypeTable {
    /// The words before `|` and the text behind it.
    fileprivate static func words(_ line: Substring) -> (words: [Substring], text: String?) {
        guard let bar = line.utf8.firstIndex(of: UInt8(ascii: "|")) else {
            return (line.split(separator: " "), nil)
        }
        let text = line[line.index(after: bar)...].drop { $0 == " " }
        return (line[..<bar].split(separator: " "), text.isEmpty ? nil : String(text))
    }
}

extension TypeTable.Field {
    fileprivate init?(_ line: Substring) {
        let (words, text) = TypeTable.words(line)
        guard words.count >= 2 else { return nil }
        var name = words[0]
        isEnforced = name.hasSuffix("!")
        isRequired = isEnforced || name.hasSuffix("?")
        if isRequired { name = name.dropLast() }
        self.name = String(name)
        type = TypeTable.TypeName(words[1])
        description = text
        for word in words[2...] {
            guard set(word) else { return nil }
        }
    }

    private mutating func set(_ word: Substring) -> Bool {
        if word.hasPrefix("=") {
            do throws(JSONError) {
                defaultValue = try JSONValue(parsing: Array(word.dropFirst().utf8))
                return true
            } catch {
                return false
            }
        }
        let parts = word.split(separator: "(", maxSplits: 1)
        let arguments = parts.count == 2 ? parts[1].dropLast().split(separator: ",").map { String($0) } : []
        switch parts.first {
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
        case "embedded": isEmbedded = true
        default: return false
        }
        return true
    }
}
