package import JSON
package import RecoveryAPI

/// Checks the free-form `spec.parameters` of one strategy: every name it does not know and every wrong type is reported.
package struct ParameterCheck {
    private let parameters: [String: JSONValue]
    private var known: [String] = []
    private var found: [FieldViolation] = []

    /// Begins a check.
    package init(_ parameters: [String: JSONValue]) {
        self.parameters = parameters
    }

    /// A whole number within a range.
    package mutating func whole(_ name: String, in range: ClosedRange<Int64>) {
        expect(name, "a whole number from \(range.lowerBound) to \(range.upperBound)") { value in
            value.intValue.map(range.contains) ?? false
        }
    }

    /// `true` or `false`.
    package mutating func bool(_ name: String) {
        expect(name, "true or false") { $0.boolValue != nil }
    }

    /// Text that is not empty.
    package mutating func text(_ name: String) {
        expect(name, "text") { $0.stringValue?.isEmpty == false }
    }

    /// One of several words.
    package mutating func word(_ name: String, oneOf words: [String]) {
        expect(name, "one of \(words.joined(separator: ", "))") { value in
            value.stringValue.map(words.contains) ?? false
        }
    }

    /// An object.
    package mutating func object(_ name: String) {
        expect(name, "an object") { $0.objectValue != nil }
    }

    /// Anything that `isValid` accepts; `what` says what that is.
    package mutating func expect(_ name: String, _ what: String, _ isValid: (JSONValue) -> Bool) {
        known.append(name)
        guard let value = parameters[name], !isValid(value) else { return }
        found.append(FieldViolation(path: "spec.parameters.\(name)", message: "must be \(what)"))
    }

    /// Everything that is wrong, unknown names included.
    package func violations() -> [FieldViolation] {
        let unknown = parameters.keys.filter { !known.contains($0) }.sorted().map { name in
            FieldViolation(
                path: "spec.parameters.\(name)",
                message: "is not a parameter of this strategy; known ones: \(known.sorted().joined(separator: ", "))"
            )
        }
        return found + unknown
    }
}
