/// There are no credentials, or none that can be used.
public struct CredentialError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where they should have come from: a file, or an exec plug-in.
    public let source: String
    /// What is wrong and what to do; never holds a credential.
    public let message: String

    /// Makes an error.
    public init(source: String, message: String) {
        self.source = source
        self.message = message
    }

    /// Source and message.
    public var description: String { "credentials from \(source): \(message)" }
}
