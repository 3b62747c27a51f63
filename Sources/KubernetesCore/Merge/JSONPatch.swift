public import JSON

/// A JSON Patch: operations that are applied in order, all or none (RFC 6902).
///
/// ```swift
/// let patch = JSONPatch([.test(["metadata", "uid"], "42"), .replace(["spec", "replicas"], 3)])
/// let request = APIRequest.patch(.deployments, key, body: patch.jsonValue, type: .json)
/// ```
public struct JSONPatch: Sendable, Hashable {
    /// One change; paths are object keys and array indices (`-` for the end), not escaped.
    public enum Operation: Sendable, Hashable {
        /// Sets an object's member or inserts into an array.
        case add([String], JSONValue)
        /// Removes what is there.
        case remove([String])
        /// Replaces what is there.
        case replace([String], JSONValue)
        /// Moves a value.
        case move(from: [String], to: [String])
        /// Copies a value.
        case copy(from: [String], to: [String])
        /// Fails the patch unless the value is equal.
        case test([String], JSONValue)
    }

    /// The operations in order.
    public var operations: [Operation]

    /// Makes a patch.
    public init(_ operations: [Operation]) {
        self.operations = operations
    }

    /// The wire form.
    public var jsonValue: JSONValue { .array(operations.map(\.jsonValue)) }
}

extension JSONPatch.Operation {
    var jsonValue: JSONValue {
        switch self {
        case .add(let path, let value): ["op": "add", "path": Self.pointer(path), "value": value]
        case .remove(let path): ["op": "remove", "path": Self.pointer(path)]
        case .replace(let path, let value): ["op": "replace", "path": Self.pointer(path), "value": value]
        case .move(let from, let path): ["op": "move", "from": Self.pointer(from), "path": Self.pointer(path)]
        case .copy(let from, let path): ["op": "copy", "from": Self.pointer(from), "path": Self.pointer(path)]
        case .test(let path, let value): ["op": "test", "path": Self.pointer(path), "value": value]
        }
    }

    /// A JSON pointer (RFC 6901): `~` and `/` inside keys are escaped.
    private static func pointer(_ path: [String]) -> JSONValue {
        let escaped = path.map { key in
            key.reduce(into: "/") { text, character in
                switch character {
                case "~": text += "~0"
                case "/": text += "~1"
                default: text.append(character)
                }
            }
        }
        return .string(escaped.joined())
    }
}
