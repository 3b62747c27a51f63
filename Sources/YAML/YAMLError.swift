/// A YAML text that cannot be read, and where.
public struct YAMLError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file's name, as given to the parser.
    public var source: String
    /// The line, from 1.
    public var line: Int
    /// The column, from 1.
    public var column: Int
    /// The field, such as `users[0].user.token`; empty at the top.
    public var path: String
    /// What is wrong; never holds document text, which may be secret.
    public var message: String

    /// Makes an error.
    public init(source: String, line: Int, column: Int, path: String, message: String) {
        self.source = source
        self.line = line
        self.column = column
        self.path = path
        self.message = message
    }

    /// `file:line:column: field: message`.
    public var description: String {
        let place = "\(source):\(line):\(column): "
        return path.isEmpty ? place + message : place + "\(path): \(message)"
    }
}

/// How much of a text is accepted; aliases count as often as they are used.
public struct YAMLLimits: Sendable, Hashable {
    /// The number of sequences and mappings around a value; at most 512, as recursion needs stack.
    public var maxDepth: Int
    /// Values, keys and containers together, in all documents.
    public var maxNodes: Int
    /// The bytes of the text.
    public var maxBytes: Int

    /// Depth 64, 10,000 nodes, 1 MiB.
    public static let standard = YAMLLimits()

    /// Makes limits.
    public init(maxDepth: Int = 64, maxNodes: Int = 10_000, maxBytes: Int = 1 << 20) {
        self.maxDepth = min(maxDepth, 512)
        self.maxNodes = maxNodes
        self.maxBytes = maxBytes
    }
}
