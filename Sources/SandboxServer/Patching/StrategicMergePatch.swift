package import JSON

/// Kubernetes' strategic merge patch.
package enum StrategicMergePatch {
    /// The object with the patch applied.
    package static func apply(
        _ patch: JSONObject,
        to object: JSONValue,
        schema: Schema
    ) throws(APIFailure) -> JSONValue {
        JSONMergePatch.apply(.object(patch), to: object)
    }
}
