package import JSON

/// Reads the schemas of CustomResourceDefinitions and tells what is wrong with them.
///
/// ```swift
/// let (schema, causes) = StructuralSchema.parse(document)
/// ```
package enum StructuralSchema {
    /// Where the server says a schema is when all versions have the same one.
    package static let sharedPath = "spec.validation.openAPIV3Schema"

    /// Reads the `openAPIV3Schema` of a version.
    ///
    /// `path` is where error messages say the schema is.
    ///
    /// - Returns: the schema, and what keeps it from being a structural one; the schema is to be used only when that is
    ///   nothing.
    package static func parse(
        _ openAPIV3Schema: JSONValue,
        at path: String = sharedPath
    ) -> (Schema, [APIFailure.Cause]) {
        let schema = Schema(openAPI: openAPIV3Schema)
        var causes = StructuralInvariants.causes(of: openAPIV3Schema, at: path)
        if causes.isEmpty { causes = DefaultsReview.causes(of: schema, at: path) }
        causes += OpenAPIReview.causes(of: openAPIV3Schema, at: path)
        return (schema, causes)
    }
}

extension JSONValue {
    /// The text of a member, or empty.
    func text(_ key: String) -> String { self[key]?.stringValue ?? "" }

    /// Whether a member is `true`.
    func flag(_ key: String) -> Bool { self[key]?.boolValue ?? false }

    /// The elements of a member that is an array.
    func list(_ key: String) -> [JSONValue] { self[key]?.arrayValue ?? [] }

    /// The members of a member that is an object.
    func members(_ key: String) -> JSONObject { self[key]?.objectValue ?? [:] }

    /// A member that is there and not null.
    func present(_ key: String) -> JSONValue? { self[key].flatMap { $0.isNull ? nil : $0 } }
}
