internal import JSON

/// New pods need the account that they name.
enum ServiceAccountAdmission {
    /// - Throws: ``APIFailure`` 403 without the account.
    static func check(
        _ call: APICall,
        _ object: JSONValue,
        _ tx: inout ObjectStore.Transaction
    ) throws(APIFailure) {
        guard call.resource.storage == Builtin.pods else { return }
        // The account `default` is made for every namespace in a moment; a real server waits for it.
        guard let name = object["spec"]?["serviceAccountName"]?.stringValue, !name.isEmpty, name != "default" else {
            return
        }
        let namespace = call.info.namespace
        guard tx.get(Builtin.serviceAccounts, ObjectName(namespace: namespace, name: name)) == nil else { return }
        throw .forbidden(
            call.resource.id,
            name: object["metadata"]?["name"]?.stringValue ?? "",
            "error looking up service account \(namespace)/\(name): serviceaccount \(name.goQuoted) not found"
        )
    }
}
