internal import JSON
internal import KubernetesCore
internal import RecoveryAPI
internal import YAML

/// The RBAC objects that grant what a credential needs on a member, for a person to read, change and apply.
///
/// They hold all that is needed and not only what is missing at the moment: applied again, they take nothing away that
/// was granted by them before. Their name follows from the user and the purpose, so that two of them do not meet.
enum PermissionGrant {
    /// One rule of a Role in `namespace`, or where that is empty of a ClusterRole.
    private struct Rule {
        var namespace = ""
        var content: JSONValue
    }

    /// What the controller needs on a member to look at it, and what its MemberCluster asks for.
    ///
    /// - Parameters:
    ///   - cluster: the MemberCluster.
    ///   - user: as RBAC names it; nil leaves a place to fill in.
    /// - Returns: YAML documents.
    static func manifest(for cluster: MemberCluster, user: String?) -> String {
        let required = cluster.spec.requiredPermissions ?? []
        var rules = [Rule(content: ["nonResourceURLs": ["/readyz", "/version"], "verbs": ["get"]])]
        if required.isEmpty {
            rules.append(rule(RequiredPermission(resource: "namespaces", verbs: ["list"])))
        } else {
            let review = (group: "authorization.k8s.io", resource: "selfsubjectaccessreviews")
            rules.append(rule(RequiredPermission(group: review.group, resource: review.resource, verbs: ["create"])))
            rules += required.map(rule)
        }
        if let account = cluster.spec.credentialRenewal?.serviceAccountRef {
            rules.append(Rule(namespace: account.namespace, content: tokenRule(account)))
        }
        return manifest(rules, user, "tmc-recovery-member", scope: "")
    }

    /// What a credential needs to keep the objects of a placement.
    ///
    /// - Parameters:
    ///   - placement: `namespace/name`.
    ///   - permissions: for all its objects.
    ///   - user: as RBAC names it; nil leaves a place to fill in.
    /// - Returns: YAML documents.
    static func manifest(placement: String, _ permissions: [RequiredPermission], user: String?) -> String {
        manifest(permissions.map(rule), user, "tmc-recovery-placement", scope: placement)
    }

    /// The right to make tokens of one ServiceAccount, and of no other.
    static func tokenRule(_ account: ServiceAccountReference) -> JSONValue {
        [
            "apiGroups": [""], "resources": ["serviceaccounts/token"], "resourceNames": [.string(account.name)],
            "verbs": ["create"],
        ]
    }

    /// One Role with its binding for each namespace, and a ClusterRole for what is needed everywhere.
    private static func manifest(_ rules: [Rule], _ user: String?, _ prefix: String, scope: String) -> String {
        let name = "\(prefix)-\(SHA256.hexDigest(of: Array("\(scope)\n\(user ?? "")".utf8)).prefix(8))"
        let documents = Set(rules.map(\.namespace)).sorted().flatMap { namespace in
            let rules = rules.filter { $0.namespace == namespace }.map(\.content)
            return [role(name, rules, namespace), binding(name, user, namespace)]
        }
        return documents.map(YAMLDocument.emit).joined(separator: "---\n")
    }

    private static func rule(_ permission: RequiredPermission) -> Rule {
        let resource = permission.resource + (permission.subresource.nonEmpty.map { "/\($0)" } ?? "")
        let content: JSONValue = [
            "apiGroups": [.string(permission.group ?? "")], "resources": [.string(resource)],
            "verbs": .array(permission.verbs.map(JSONValue.string)),
        ]
        return Rule(namespace: permission.namespace.nonEmpty ?? "", content: content)
    }

    private static func role(_ name: String, _ rules: [JSONValue], _ namespace: String) -> JSONValue {
        [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": namespace.isEmpty ? "ClusterRole" : "Role",
            "metadata": metadata(name, namespace), "rules": .array(rules),
        ]
    }

    private static func binding(_ name: String, _ user: String?, _ namespace: String) -> JSONValue {
        [
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": namespace.isEmpty ? "ClusterRoleBinding" : "RoleBinding", "metadata": metadata(name, namespace),
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

    private static func metadata(_ name: String, _ namespace: String) -> JSONValue {
        namespace.isEmpty ? ["name": .string(name)] : ["name": .string(name), "namespace": .string(namespace)]
    }
}
