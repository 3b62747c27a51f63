package import JSON

/// Server-side apply: merges what one manager wants into an object and records that it owns those fields.
package enum ServerSideApply {
    /// The object after `config` has been applied; without `live` a new object.
    ///
    /// The answer is not yet defaulted. When the apply changes nothing it is `live`, unchanged.
    ///
    /// - Throws: ``APIFailure``: 409 with a cause for each field that another manager owns with another value.
    package static func apply(
        config: JSONValue,
        live: JSONValue?,
        manager: String,
        force: Bool,
        in context: ManagedFields.Context
    ) throws(APIFailure) -> JSONValue {
        throw APIFailure(code: 501, reason: "NotImplemented", message: "server-side apply comes with the next change")
    }
}
