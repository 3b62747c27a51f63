internal import JSON

/// The ClusterRoles for people that every cluster has, and the binding of its administrators.
enum BootstrapRoles {
    private static let group = "rbac.authorization.k8s.io"
    private static let readVerbs = ["get", "list", "watch"]
    private static let writeVerbs = ["create", "delete", "deletecollection", "patch", "update"]

    /// What may be seen in a namespace: everything but Secrets and access rules.
    private static let visible: [(group: String, resources: [String])] = [
        (
            "",
            [
                "configmaps", "endpoints", "events", "limitranges", "namespaces", "persistentvolumeclaims", "pods",
                "pods/log", "pods/status", "replicationcontrollers", "resourcequotas", "serviceaccounts", "services",
                "services/status",
            ]
        ),
        (
            "apps",
            [
                "controllerrevisions", "daemonsets", "daemonsets/status", "deployments", "deployments/scale",
                "deployments/status", "replicasets", "replicasets/scale", "replicasets/status", "statefulsets",
                "statefulsets/scale", "statefulsets/status",
            ]
        ),
        ("autoscaling", ["horizontalpodautoscalers", "horizontalpodautoscalers/status"]),
        ("batch", ["cronjobs", "cronjobs/status", "jobs", "jobs/status"]),
        ("discovery.k8s.io", ["endpointslices"]),
        ("networking.k8s.io", ["ingresses", "ingresses/status", "networkpolicies"]),
        ("policy", ["poddisruptionbudgets", "poddisruptionbudgets/status"]),
    ]

    /// What may be changed with `edit`.
    private static let editable: [(group: String, resources: [String])] = [
        (
            "",
            [
                "configmaps", "events", "persistentvolumeclaims", "pods", "pods/eviction", "secrets",
                "serviceaccounts", "services",
            ]
        ),
        (
            "apps",
            [
                "daemonsets", "deployments", "deployments/rollback", "deployments/scale", "replicasets",
                "replicasets/scale", "statefulsets", "statefulsets/scale",
            ]
        ),
        ("autoscaling", ["horizontalpodautoscalers"]),
        ("batch", ["cronjobs", "jobs"]),
        ("coordination.k8s.io", ["leases"]),
        ("networking.k8s.io", ["ingresses", "networkpolicies"]),
        ("policy", ["poddisruptionbudgets"]),
    ]

    /// The objects.
    static var all: [(ResourceID, JSONValue)] {
        let view = visible.map { rule($0.group, $0.resources, readVerbs) }
        let edit =
            view + editable.map { rule($0.group, $0.resources, writeVerbs) }
            + [
                rule("", ["secrets"], readVerbs), rule("coordination.k8s.io", ["leases"], readVerbs),
                rule("", ["serviceaccounts/token"], ["create"]), rule("", ["serviceaccounts"], ["impersonate"]),
            ]
        let admin =
            edit + [
                rule(group, ["rolebindings", "roles"], readVerbs + writeVerbs),
                rule("authorization.k8s.io", ["localsubjectaccessreviews"], ["create"]),
            ]
        let everything: [JSONValue] = [
            rule("*", ["*"], ["*"]), ["nonResourceURLs": ["*"], "verbs": ["*"]],
        ]
        let roles = [("cluster-admin", everything), ("admin", admin), ("edit", edit), ("view", view)]
        return roles.map { (Builtin.clusterRoles, role($0, $1)) } + [(Builtin.clusterRoleBindings, binding)]
    }

    private static func rule(_ group: String, _ resources: [String], _ verbs: [String]) -> JSONValue {
        [
            "apiGroups": [.string(group)], "resources": .array(resources.map { .string($0) }),
            "verbs": .array(verbs.map { .string($0) }),
        ]
    }

    private static func metadata(_ name: String) -> JSONValue {
        [
            "name": .string(name), "labels": ["kubernetes.io/bootstrapping": "rbac-defaults"],
            "annotations": ["rbac.authorization.kubernetes.io/autoupdate": "true"],
        ]
    }

    private static func role(_ name: String, _ rules: [JSONValue]) -> JSONValue {
        [
            "apiVersion": .string("\(group)/v1"), "kind": "ClusterRole", "metadata": metadata(name),
            "rules": .array(rules),
        ]
    }

    private static var binding: JSONValue {
        [
            "apiVersion": .string("\(group)/v1"), "kind": "ClusterRoleBinding", "metadata": metadata("cluster-admin"),
            "roleRef": ["apiGroup": .string(group), "kind": "ClusterRole", "name": "cluster-admin"],
            "subjects": [["apiGroup": .string(group), "kind": "Group", "name": "system:masters"]],
        ]
    }
}
