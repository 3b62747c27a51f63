/// The field numbers of the built-in types in Protobuf, read from a compact text.
///
/// `# PREFIX` begins the types of one API version, as in ``TypeTable``, which knows the types of the fields. A line is
/// the name of a type and `FIELD=NUMBER` for each field; lines that begin with a space go on. A field `>TYPE=NUMBER` is
/// a message whose fields stand in the object itself: what Go embeds.
struct ProtobufNumbers: Sendable {
    /// What a number stands for.
    enum Field: Sendable, Hashable {
        case named(String)
        /// The fields of a type of the same version.
        case embedded(String)
    }

    /// All types.
    static let all = ProtobufNumbers([core, groups])

    /// The fields by full type name and number.
    private(set) var types: [String: [UInt64: Field]] = [:]
    /// The words that are not understood.
    private(set) var problems: [String] = []

    /// Reads texts.
    init(_ texts: [String]) {
        for text in texts { read(text) }
    }

    private mutating func read(_ text: String) {
        var version = ""
        var type = ""
        for line in text.split(separator: "\n") {
            var words = line.split(separator: " ")[...]
            if words.first == "#" {
                version = words.dropFirst().first.map(String.init) ?? ""
                continue
            }
            if !line.hasPrefix(" ") { type = "\(version).\(words.removeFirst())" }
            for word in words { add(word, to: type, of: version) }
        }
    }

    private mutating func add(_ word: Substring, to type: String, of version: String) {
        let pair = word.split(separator: "=")
        guard pair.count == 2, let number = UInt64(pair[1]) else {
            problems.append("\(type): \(word)")
            return
        }
        let name = pair[0]
        types[type, default: [:]][number] =
            name.hasPrefix(">") ? .embedded("\(version).\(name.dropFirst())") : .named(String(name))
    }
}
