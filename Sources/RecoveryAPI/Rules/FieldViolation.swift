/// One rule that an object breaks, and where.
package struct FieldViolation: Hashable, Sendable, CustomStringConvertible {
    /// Path of the field as in YAML, such as `spec.strategies[2].name`.
    package var path: String
    /// What is wrong, for people, without the path.
    package var message: String

    /// Makes a violation.
    package init(path: String, message: String) {
        self.path = path
        self.message = message
    }

    /// Path and message, as conditions carry them.
    package var description: String { "\(path): \(message)" }
}

extension FieldViolation {
    /// Says where an object could not be decoded: only possible where the server has not validated the schema.
    package init(_ error: DecodingError) {
        let context: DecodingError.Context
        var missing: [any CodingKey] = []
        switch error {
        case .typeMismatch(_, let found): context = found
        case .valueNotFound(_, let found): context = found
        case .keyNotFound(let key, let found):
            context = found
            missing = [key]
        case .dataCorrupted(let found): context = found
        @unknown default:
            self.init(path: "", message: "cannot be decoded")
            return
        }
        let path = (context.codingPath + missing).reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        self.init(path: path, message: missing.isEmpty ? context.debugDescription : "is required")
    }
}
