/// The resources that the server itself knows by name: those with rules of their own and those its controllers handle.
package enum Builtin {
    package static let namespaces = ResourceID(group: "", plural: "namespaces")
    package static let nodes = ResourceID(group: "", plural: "nodes")
    package static let pods = ResourceID(group: "", plural: "pods")
    package static let services = ResourceID(group: "", plural: "services")
    package static let endpoints = ResourceID(group: "", plural: "endpoints")
    package static let configMaps = ResourceID(group: "", plural: "configmaps")
    package static let secrets = ResourceID(group: "", plural: "secrets")
    package static let serviceAccounts = ResourceID(group: "", plural: "serviceaccounts")
    package static let events = ResourceID(group: "", plural: "events")
    /// Events as their own group shows them; stored with ``events``.
    package static let groupedEvents = ResourceID(group: "events.k8s.io", plural: "events")
    package static let persistentVolumeClaims = ResourceID(group: "", plural: "persistentvolumeclaims")
    package static let endpointSlices = ResourceID(group: "discovery.k8s.io", plural: "endpointslices")
    package static let deployments = ResourceID(group: "apps", plural: "deployments")
    package static let replicaSets = ResourceID(group: "apps", plural: "replicasets")
    package static let statefulSets = ResourceID(group: "apps", plural: "statefulsets")
    package static let daemonSets = ResourceID(group: "apps", plural: "daemonsets")
    package static let jobs = ResourceID(group: "batch", plural: "jobs")
    package static let cronJobs = ResourceID(group: "batch", plural: "cronjobs")
    package static let leases = ResourceID(group: "coordination.k8s.io", plural: "leases")
    package static let disruptionBudgets = ResourceID(group: "policy", plural: "poddisruptionbudgets")
    package static let autoscalers = ResourceID(group: "autoscaling", plural: "horizontalpodautoscalers")
    package static let roles = ResourceID(group: "rbac.authorization.k8s.io", plural: "roles")
    package static let clusterRoles = ResourceID(group: "rbac.authorization.k8s.io", plural: "clusterroles")
    package static let roleBindings = ResourceID(group: "rbac.authorization.k8s.io", plural: "rolebindings")
    package static let clusterRoleBindings = ResourceID(
        group: "rbac.authorization.k8s.io",
        plural: "clusterrolebindings"
    )
    package static let customResourceDefinitions = ResourceID(
        group: "apiextensions.k8s.io",
        plural: "customresourcedefinitions"
    )
}
