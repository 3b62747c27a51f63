extension BuiltinKind {
    /// Every kind, group by group; names, short names and categories as `kubectl api-resources` shows them.
    static let all = core + apps + others

    private static let core = [
        BuiltinKind("", "v1", "configmaps", "ConfigMap", short: ["cm"]),
        BuiltinKind("", "v1", "endpoints", "Endpoints", short: ["ep"]),
        BuiltinKind("", "v1", "events", "Event", short: ["ev"]),
        BuiltinKind("", "v1", "limitranges", "LimitRange", short: ["limits"]),
        BuiltinKind("", "v1", "namespaces", "Namespace", [.cluster, .status], short: ["ns"]),
        BuiltinKind("", "v1", "nodes", "Node", [.cluster, .status], short: ["no"]),
        BuiltinKind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", [.status], short: ["pvc"]),
        BuiltinKind("", "v1", "persistentvolumes", "PersistentVolume", [.cluster, .status], short: ["pv"]),
        BuiltinKind("", "v1", "pods", "Pod", [.status, .all], short: ["po"]),
        BuiltinKind("", "v1", "podtemplates", "PodTemplate"),
        BuiltinKind(
            "",
            "v1",
            "replicationcontrollers",
            "ReplicationController",
            [.status, .scale, .all],
            short: ["rc"]
        ),
        BuiltinKind("", "v1", "resourcequotas", "ResourceQuota", [.status], short: ["quota"]),
        BuiltinKind("", "v1", "secrets", "Secret"),
        BuiltinKind("", "v1", "serviceaccounts", "ServiceAccount", short: ["sa"]),
        BuiltinKind("", "v1", "services", "Service", [.status, .all], short: ["svc"]),
    ]

    private static let apps = [
        BuiltinKind("apps", "v1", "controllerrevisions", "ControllerRevision"),
        BuiltinKind("apps", "v1", "daemonsets", "DaemonSet", [.status, .all], short: ["ds"]),
        BuiltinKind("apps", "v1", "deployments", "Deployment", [.status, .scale, .all], short: ["deploy"]),
        BuiltinKind("apps", "v1", "replicasets", "ReplicaSet", [.status, .scale, .all], short: ["rs"]),
        BuiltinKind("apps", "v1", "statefulsets", "StatefulSet", [.status, .scale, .all], short: ["sts"]),
        BuiltinKind("batch", "v1", "cronjobs", "CronJob", [.status, .all], short: ["cj"]),
        BuiltinKind("batch", "v1", "jobs", "Job", [.status, .all]),
    ]

    private static let others = [
        BuiltinKind("events.k8s.io", "v1", "events", "Event", short: ["ev"]),
        BuiltinKind(
            "autoscaling",
            "v2 v1",
            "horizontalpodautoscalers",
            "HorizontalPodAutoscaler",
            [.status, .all],
            short: ["hpa"]
        ),
        BuiltinKind("networking.k8s.io", "v1", "ingressclasses", "IngressClass", [.cluster]),
        BuiltinKind("networking.k8s.io", "v1", "ingresses", "Ingress", [.status], short: ["ing"]),
        BuiltinKind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", short: ["netpol"]),
        BuiltinKind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", [.status], short: ["pdb"]),
        BuiltinKind("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", [.cluster]),
        BuiltinKind("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", [.cluster]),
        BuiltinKind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding"),
        BuiltinKind("rbac.authorization.k8s.io", "v1", "roles", "Role"),
        BuiltinKind("storage.k8s.io", "v1", "storageclasses", "StorageClass", [.cluster], short: ["sc"]),
        BuiltinKind(
            "apiextensions.k8s.io",
            "v1",
            "customresourcedefinitions",
            "CustomResourceDefinition",
            [.cluster, .status, .extensions],
            short: ["crd", "crds"]
        ),
        BuiltinKind("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", [.cluster], short: ["pc"]),
        BuiltinKind("coordination.k8s.io", "v1", "leases", "Lease"),
        BuiltinKind("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", [.cluster]),
        BuiltinKind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
    ]

    /// What sets a kind apart from a namespaced one without subresources and categories.
    private enum Trait {
        case cluster, status, scale, all, extensions
    }

    private init(
        _ group: String,
        _ versions: String,
        _ plural: String,
        _ kind: String,
        _ traits: [Trait] = [],
        short: [String] = []
    ) {
        self.group = group
        self.versions = versions.split(separator: " ").map { String($0) }
        self.plural = plural
        self.kind = kind
        isNamespaced = !traits.contains(.cluster)
        shortNames = short
        hasStatus = traits.contains(.status)
        hasScale = traits.contains(.scale)
        if traits.contains(.all) { categories = ["all"] }
        if traits.contains(.extensions) { categories = ["api-extensions"] }
    }
}
