/// A value that must never be seen: descriptions, `dump` and reflection show `[redacted]`, also of what contains it.
public struct Sensitive<Value: Sendable & Hashable>: Sendable, Hashable {
    /// The secret itself; where it is used, it stays out of messages.
    public let value: Value

    /// Wraps a secret.
    public init(_ value: Value) {
        self.value = value
    }
}

extension Sensitive: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `[redacted]`.
    public var description: String { "[redacted]" }
    /// `[redacted]`.
    public var debugDescription: String { "[redacted]" }
    /// Nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
