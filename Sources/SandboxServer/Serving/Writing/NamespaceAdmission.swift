internal import JSON

/// New objects need a namespace that exists and is not being emptied.
enum NamespaceAdmission {
    /// - Throws: ``APIFailure`` 404 without the namespace, 403 while it is being deleted.
    static func check(
        _ call: APICall,
        _ object: JSONValue,
        _ tx: inout ObjectStore.Transaction
    ) throws(APIFailure) {
        guard call.resource.definition.isNamespaced else { return }
        let name = call.info.namespace
        guard let namespace = tx.get(Builtin.namespaces, ObjectName(name: name)) else {
            throw .notFound(Builtin.namespaces, name: name)
        }
        guard try namespace.value().isBeingDeleted else { return }
        var failure = APIFailure.forbidden(
            call.resource.id,
            name: object["metadata"]?["name"]?.stringValue ?? "",
            "unable to create new content in namespace \(name) because it is being terminated"
        )
        failure.causes = [
            APIFailure.Cause(
                reason: "NamespaceTerminating",
                message: "namespace \(name) is being terminated",
                field: "metadata.namespace"
            )
        ]
        throw failure
    }
}
