/// Chooses objects by fields, as far as the resource supports it: `metadata.name` and `metadata.namespace` always.
///
/// ```swift
/// FieldSelector.equals("spec.nodeName", "node-1").and(.notEquals("status.phase", "Failed")).queryString
/// // "spec.nodeName=node-1,status.phase!=Failed"
/// ```
public struct FieldSelector: Sendable, Hashable {
    /// One comparison of one field.
    public struct Term: Sendable, Hashable {
        /// The field, such as `metadata.name`.
        public var field: String
        /// Whether the field must have the value, or must not.
        public var isEqual: Bool
        /// The value.
        public var value: String
    }

    /// The comparisons; all must hold.
    public var terms: [Term]

    /// Makes a selector of comparisons.
    public init(terms: [Term] = []) {
        self.terms = terms
    }

    /// The field must have the value.
    public static func equals(_ field: String, _ value: String) -> FieldSelector {
        FieldSelector(terms: [Term(field: field, isEqual: true, value: value)])
    }

    /// The field must not have the value.
    public static func notEquals(_ field: String, _ value: String) -> FieldSelector {
        FieldSelector(terms: [Term(field: field, isEqual: false, value: value)])
    }

    /// Both selectors together.
    public func and(_ other: FieldSelector) -> FieldSelector {
        FieldSelector(terms: terms + other.terms)
    }

    /// The selector as list and watch requests take it; backslash, comma and equals sign in values are escaped.
    public var queryString: String {
        terms.map { "\($0.field)\($0.isEqual ? "=" : "!=")\(Self.escape($0.value))" }.joined(separator: ",")
    }

    private static func escape(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            if character == "\\" || character == "," || character == "=" { text.append("\\") }
            text.append(character)
        }
    }
}
