// The kinds that the runtime and the controller use themselves. Versions of other kinds are chosen by discovery.
extension APIResource {
    /// Pods, core/v1.
    public static let pods = core("pods", "Pod")
    /// Nodes, core/v1, cluster-scoped.
    public static let nodes = core("nodes", "Node", isNamespaced: false)
    /// Namespaces, core/v1, cluster-scoped.
    public static let namespaces = core("namespaces", "Namespace", isNamespaced: false)
    /// Secrets, core/v1.
    public static let secrets = core("secrets", "Secret")
    /// ConfigMaps, core/v1.
    public static let configMaps = core("configmaps", "ConfigMap")
    /// ServiceAccounts, core/v1.
    public static let serviceAccounts = core("serviceaccounts", "ServiceAccount")
    /// Services, core/v1.
    public static let services = core("services", "Service")
    /// Events, core/v1: what `kubectl get events` lists by default.
    public static let events = core("events", "Event")
    /// Events of `events.k8s.io/v1`: the same objects with series.
    public static let eventsV1 = APIResource(group: "events.k8s.io", version: "v1", plural: "events", kind: "Event")
    /// Leases, `coordination.k8s.io/v1`.
    public static let leases = APIResource(
        group: "coordination.k8s.io",
        version: "v1",
        plural: "leases",
        kind: "Lease"
    )
    /// Deployments, `apps/v1`.
    public static let deployments = apps("deployments", "Deployment")
    /// ReplicaSets, `apps/v1`.
    public static let replicaSets = apps("replicasets", "ReplicaSet")
    /// StatefulSets, `apps/v1`.
    public static let statefulSets = apps("statefulsets", "StatefulSet")
    /// DaemonSets, `apps/v1`.
    public static let daemonSets = apps("daemonsets", "DaemonSet")
    /// Jobs, `batch/v1`.
    public static let jobs = APIResource(group: "batch", version: "v1", plural: "jobs", kind: "Job")
    /// CustomResourceDefinitions, `apiextensions.k8s.io/v1`, cluster-scoped.
    public static let customResourceDefinitions = APIResource(
        group: "apiextensions.k8s.io",
        version: "v1",
        plural: "customresourcedefinitions",
        kind: "CustomResourceDefinition",
        isNamespaced: false
    )
    /// SelfSubjectAccessReviews, `authorization.k8s.io/v1`, cluster-scoped; only `create`.
    public static let selfSubjectAccessReviews = APIResource(
        group: "authorization.k8s.io",
        version: "v1",
        plural: "selfsubjectaccessreviews",
        kind: "SelfSubjectAccessReview",
        isNamespaced: false
    )

    private static func core(_ plural: String, _ kind: String, isNamespaced: Bool = true) -> APIResource {
        APIResource(group: "", version: "v1", plural: plural, kind: kind, isNamespaced: isNamespaced)
    }

    private static func apps(_ plural: String, _ kind: String) -> APIResource {
        APIResource(group: "apps", version: "v1", plural: plural, kind: kind)
    }
}
