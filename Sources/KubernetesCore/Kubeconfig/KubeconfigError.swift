/// A configuration that cannot be used: where, and what to do about it.
public struct KubeconfigError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file, or another name of the source.
    public var file: String
    /// The line, from 1, where known.
    public var line: Int?
    /// The field, such as `users[admin].user.token`; empty for the whole file.
    public var field: String
    /// What is wrong and what to do; never holds a value that may be secret.
    public var message: String

    /// Makes an error.
    public init(file: String, line: Int? = nil, field: String, message: String) {
        self.file = file
        self.line = line
        self.field = field
        self.message = message
    }

    /// `file:line: field: message`.
    public var description: String {
        let place = line.map { "\(file):\($0): " } ?? "\(file): "
        return field.isEmpty ? place + message : place + "\(field): \(message)"
    }
}
