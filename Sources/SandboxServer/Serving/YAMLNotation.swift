internal import JSON
internal import YAML

/// YAML as bodies and answers use it, with the limits of the API server in place of those of configuration files.
enum YAMLNotation {
    private static let limits = YAMLLimits(maxDepth: 128, maxNodes: 1_000_000, maxBytes: RequestBody.maxBytes)

    /// Parses a body.
    static func parse(_ bytes: [UInt8]) throws(YAMLError) -> JSONValue {
        try YAMLDocument.parse(bytes, source: "body", limits: limits)
    }

    /// Writes an answer.
    static func emit(_ value: JSONValue) -> String {
        YAMLDocument.emit(value)
    }
}
