/// A document that is no valid JSON, or beyond the limits.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    public enum Kind: Sendable, Hashable {
        /// A byte that cannot stand here.
        case unexpectedByte
        /// The input ends inside a value, or holds none.
        case unexpectedEnd
        /// A number that the grammar does not allow.
        case invalidNumber
        /// A raw control character inside a string.
        case controlCharacter
        /// An unknown or incomplete escape, or half of a surrogate pair.
        case invalidEscape
        /// Bytes inside a string that are no UTF-8.
        case invalidUTF8
        /// Something follows the value.
        case trailingContent
        /// Nested deeper than the limit.
        case tooDeep
        /// More bytes than the limit.
        case tooLarge
    }

    /// What is wrong.
    public var kind: Kind
    /// Where, in bytes from the start of the stream.
    public var offset: Int
    /// The same for people; never holds document text, which may be secret.
    public var message: String

    /// Makes an error.
    public init(kind: Kind, offset: Int, message: String) {
        self.kind = kind
        self.offset = offset
        self.message = message
    }

    /// The message with its offset.
    public var description: String { "invalid JSON at byte \(offset): \(message)" }
}

/// How much of a document is accepted.
public struct JSONLimits: Sendable, Hashable {
    /// The deepest nesting that any limit allows, so that recursion over a value cannot exhaust a thread's stack.
    static let deepest = 512

    /// The number of arrays and objects around a value; at most 512.
    public var maxDepth: Int
    /// The bytes of one value.
    public var maxBytes: Int

    /// Depth 128 and 256 MiB.
    public static let standard = JSONLimits()

    /// Makes limits.
    public init(maxDepth: Int = 128, maxBytes: Int = 256 << 20) {
        self.maxDepth = min(maxDepth, Self.deepest)
        self.maxBytes = maxBytes
    }
}
