internal import JSON
internal import KubernetesCore
internal import RecoveryAPI
internal import YAML

/// The RBAC objects that grant missing permissions, for a person to read, change and apply.
enum PermissionGrant {
    /// What the objects are called.
    private static let name = "tmc-recovery-member"

    /// One Role with its binding for each namespace, and a ClusterRole for what is needed everywhere.
    ///
    /// - Parameters:
    ///   - permissions: what is missing.
    ///   - user: as RBAC names it; nil leaves a place to fill in.
    /// - Returns: YAML documents.
    static func manifest(for permissions: [RequiredPermission], user: String?) -> String {
        let namespaces = Set(permissions.map { $0.namespace.nonEmpty ?? "" }).sorted()
        let documents = namespaces.flatMap { namespace in
            let rules = permissions.filter { ($0.namespace.nonEmpty ?? "") == namespace }.map(rule)
            return [role(rules, namespace), binding(user, namespace)]
        }
        return documents.map(YAMLDocument.emit).joined(separator: "---\n")
    }

    private static func rule(_ permission: RequiredPermission) -> JSONValue {
        let resource = permission.resource + (permission.subresource.nonEmpty.map { "/\($0)" } ?? "")
        return [
            "apiGroups": [.string(permission.group ?? "")], "resources": [.string(resource)],
            "verbs": .array(permission.verbs.map(JSONValue.string)),
        ]
    }

    private static func role(_ rules: [JSONValue], _ namespace: String) -> JSONValue {
        [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": namespace.isEmpty ? "ClusterRole" : "Role",
            "metadata": metadata(namespace), "rules": .array(rules),
        ]
    }

    private static func binding(_ user: String?, _ namespace: String) -> JSONValue {
        [
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": namespace.isEmpty ? "ClusterRoleBinding" : "RoleBinding", "metadata": metadata(namespace),
            "roleRef": [
                "apiGroup": "rbac.authorization.k8s.io", "kind": namespace.isEmpty ? "ClusterRole" : "Role",
                "name": .string(name),
            ],
            "subjects": [subject(user)],
        ]
    }

    private static func subject(_ user: String?) -> JSONValue {
        let parts = (user ?? "").split(separator: ":")
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount" else {
            return [
                "apiGroup": "rbac.authorization.k8s.io", "kind": "User",
                "name": .string(user ?? "<the user of the kubeconfig>"),
            ]
        }
        return ["kind": "ServiceAccount", "namespace": .string(String(parts[2])), "name": .string(String(parts[3]))]
    }

    private static func metadata(_ namespace: String) -> JSONValue {
        namespace.isEmpty ? ["name": .string(name)] : ["name": .string(name), "namespace": .string(namespace)]
    }
}
