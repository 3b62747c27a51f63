internal import JSON

extension ReconcileContext {
    private static let builtin = Dictionary(
        BuiltinCatalogue.definitions.map { ($0.storage, $0) }.filter { $0.0 == $0.1.id },
        uniquingKeysWith: { first, _ in first }
    )

    /// A new or changed object with the fields that its controller has set noted as its own, as a client's would be.
    ///
    /// A controller of a real cluster writes status through its subresource; here one change may be of both.
    func managed(_ object: JSONValue, old: JSONValue?, _ resource: ResourceID) -> JSONValue {
        let definition = Self.builtin[resource] ?? definitions().first { $0.storage == resource }
        guard let definition, let version = definition.version(definition.storageVersion) else { return object }
        let finalizers = ["spec", "finalizers"]
        let hasFinalized =
            resource == Builtin.namespaces && old != nil && object.value(at: finalizers) != old?.value(at: finalizers)
        let main = hasFinalized ? "finalize" : ""
        guard version.hasStatus, let old, object["status"] != old["status"] else {
            return update(old, object, definition, version, main)
        }
        var first = object
        first["status"] = old["status"]
        if first != old { first = update(old, first, definition, version, main) }
        var second = object
        second.managedFields = first.managedFields
        return update(first, second, definition, version, "status")
    }

    private func update(
        _ old: JSONValue?,
        _ object: JSONValue,
        _ definition: ResourceDefinition,
        _ version: ResourceDefinition.Version,
        _ subresource: String
    ) -> JSONValue {
        let context = ManagedFields.Context(definition, version, subresource: subresource, now: now)
        return ManagedFields.update(old: old, new: object, manager: manager, in: context)
    }
}
