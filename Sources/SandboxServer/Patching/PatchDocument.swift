package import JSON

/// The patches that change an object: what the content type of a PATCH request names, server-side apply aside.
package enum PatchType: String, Sendable, Hashable, CaseIterable {
    /// RFC 6902.
    case json = "application/json-patch+json"
    /// RFC 7386.
    case merge = "application/merge-patch+json"
    /// Kubernetes' own, of built-in kinds only.
    case strategicMerge = "application/strategic-merge-patch+json"
}

/// Turns one object into another as the body of a PATCH request says; the result is not yet defaulted or validated.
///
/// ```swift
/// let patched = try PatchDocument.apply(["data": ["a": nil]], type: .merge, to: live, schema: schema)
/// ```
package enum PatchDocument {
    /// The object with the patch applied; the schema counts for strategic merge patches only.
    ///
    /// - Throws: ``APIFailure`` in the words of the API server: 400 for a body that is no patch of that type, 413 for
    ///   too many operations, 422 for one that cannot be applied to this object.
    package static func apply(
        _ patch: JSONValue,
        type: PatchType,
        to object: JSONValue,
        schema: Schema
    ) throws(APIFailure) -> JSONValue {
        switch type {
        case .json: return try JSONPatch(patch).applied(to: object)
        case .merge:
            guard case .object = patch else { throw .badRequest(notAnObject(patch)) }
            return JSONMergePatch.apply(patch, to: object)
        case .strategicMerge:
            guard case .object(let changes) = patch else { throw .badRequest(notAnObject(patch)) }
            return try StrategicMergePatch.apply(changes, to: object, schema: schema)
        }
    }

    /// What Go's decoder says when it is given something else than an object for a map.
    private static func notAnObject(_ patch: JSONValue) -> String {
        "json: cannot unmarshal \(patch.goKind) into Go value of type map[string]interface {}"
    }
}

extension APIFailure {
    /// 422 for a patch that cannot be carried out; the server does not say why.
    static let unexplained = generic(
        422,
        "Invalid",
        "the server rejected our request due to an error in our request"
    )
}
