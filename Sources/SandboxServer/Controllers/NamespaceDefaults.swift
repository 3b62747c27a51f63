internal import JSON

/// Gives every namespace its ServiceAccount `default` and the ConfigMap with the server's root certificate.
struct NamespaceDefaults: Reconciler {
    private static let account = "default"
    private static let certificate = "kube-root-ca.crt"

    let rootCertificate: String

    func objects(toReconcileAfter change: ObjectStore.Change) throws(APIFailure) -> [ObjectReference] {
        switch change.resource {
        case Builtin.namespaces:
            guard change.old == nil, let namespace = change.new else { return [] }
            return [ObjectReference(resource: change.resource, name: namespace.name)]
        case Builtin.serviceAccounts, Builtin.configMaps:
            guard let name = (change.new ?? change.old)?.name,
                name.name == Self.account && change.new == nil || name.name == Self.certificate && change.old != nil
            else { return [] }
            return [ObjectReference(resource: Builtin.namespaces, name: ObjectName(name: name.namespace))]
        default:
            return []
        }
    }

    func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let namespace = try tx.value(object.resource, object.name), !namespace.isBeingDeleted else { return nil }
        let account: JSONValue = [
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": ["name": .string(Self.account), "namespace": .string(object.name.name)],
        ]
        tx.create(Builtin.serviceAccounts, account, context)
        let map = configMap(in: object.name.name)
        guard let existing = try tx.value(Builtin.configMaps, map.objectName) else {
            tx.create(Builtin.configMaps, map, context)
            return nil
        }
        var repaired = existing
        repaired["data"] = map["data"]
        tx.update(Builtin.configMaps, repaired, from: existing, context)
        return nil
    }

    private func configMap(in namespace: String) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": [
                "name": .string(Self.certificate), "namespace": .string(namespace),
                "annotations": [
                    "kubernetes.io/description": "The certificate that the API server of this cluster is verified with."
                ],
            ],
            "data": ["ca.crt": .string(rootCertificate)],
        ]
    }
}
