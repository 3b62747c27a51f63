package import FoundationEssentials
package import JSON

/// Who set which field of an object: `metadata.managedFields`, kept by the server at every write.
package enum ManagedFields {
    /// What a write is about, beside the objects and the manager.
    package struct Context: Sendable {
        /// The version that the objects are written in, as `apps/v1`.
        package var apiVersion: String
        /// As `status`; empty for the object itself.
        package var subresource: String
        /// The shape of the objects in that version.
        package var schema: Schema
        /// The fields that this request cannot change, as `["status"]` for the object itself: nobody comes to own them.
        package var resetFields: [[String]]
        /// The time of the write.
        package var now: Date

        /// Gathers the facts.
        package init(
            apiVersion: String,
            subresource: String = "",
            schema: Schema,
            resetFields: [[String]] = [],
            now: Date
        ) {
            self.apiVersion = apiVersion
            self.subresource = subresource
            self.schema = schema
            self.resetFields = resetFields
            self.now = now
        }
    }

    /// The new object with its managed fields brought up to date; for create (`old` is nil), update and the patches
    /// that are not server-side apply.
    ///
    /// Call it with the defaulted object, before the server fills in metadata of its own.
    package static func update(old: JSONValue?, new: JSONValue, manager: String, in context: Context) -> JSONValue {
        new
    }

    /// The name that stands for a client: the `fieldManager` of the request, else the first part of its `User-Agent`.
    package static func manager(fieldManager: String, userAgent: String) -> String {
        guard fieldManager.isEmpty else { return fieldManager }
        return String(userAgent.prefix { $0 != "/" }.prefix(128))
    }
}
