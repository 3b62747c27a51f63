internal import FoundationEssentials
internal import JSON

/// The columns of built-in kinds, as `kubectl get` shows them.
package enum BuiltinColumns {
    typealias Column = ResourceDefinition.PrinterColumn

    /// The columns of a resource; name and age for those without columns of their own.
    package static func columns(for id: ResourceID) -> [ResourceDefinition.PrinterColumn] {
        all[id] ?? [name, created]
    }

    private static let all: [ResourceID: [Column]] = core.merging(workloads) { $1 }.merging(others) { $1 }

    private static let core: [ResourceID: [Column]] = [
        Builtin.configMaps: configMap, Builtin.endpoints: endpoints, Builtin.events: event,
        Builtin.namespaces: namespace, Builtin.nodes: node, Builtin.pods: pod, Builtin.secrets: secret,
        Builtin.serviceAccounts: serviceAccount, Builtin.services: service,
        Builtin.persistentVolumeClaims: persistentVolumeClaim,
        ResourceID(group: "", plural: "persistentvolumes"): persistentVolume,
        ResourceID(group: "", plural: "podtemplates"): podTemplate,
        ResourceID(group: "", plural: "replicationcontrollers"): replicationController,
        ResourceID(group: "", plural: "resourcequotas"): resourceQuota,
    ]

    private static let workloads: [ResourceID: [Column]] = [
        Builtin.deployments: deployment, Builtin.replicaSets: replicaSet, Builtin.statefulSets: statefulSet,
        Builtin.daemonSets: daemonSet, Builtin.jobs: job, Builtin.cronJobs: cronJob,
        ResourceID(group: "apps", plural: "controllerrevisions"): controllerRevision,
        Builtin.autoscalers: autoscaler, Builtin.disruptionBudgets: disruptionBudget,
    ]

    private static let others: [ResourceID: [Column]] = [
        Builtin.groupedEvents: event,
        Builtin.endpointSlices: endpointSlice, Builtin.leases: lease,
        Builtin.roleBindings: roleBinding, Builtin.clusterRoleBindings: roleBinding,
        ResourceID(group: "networking.k8s.io", plural: "ingressclasses"): ingressClass,
        ResourceID(group: "networking.k8s.io", plural: "ingresses"): ingress,
        ResourceID(group: "networking.k8s.io", plural: "networkpolicies"): networkPolicy,
        ResourceID(group: "node.k8s.io", plural: "runtimeclasses"): runtimeClass,
        ResourceID(group: "scheduling.k8s.io", plural: "priorityclasses"): priorityClass,
        ResourceID(group: "storage.k8s.io", plural: "storageclasses"): storageClass,
    ]

    // MARK: making columns

    /// The name of the object.
    static let name = name { $0.text("metadata", "name") }

    /// The name, shown in another way.
    static func name(_ cell: @escaping @Sendable (CellSource) -> String) -> Column {
        column("Name", "string", format: "name", "the name of the object") { .string(cell($0)) }
    }

    /// The time since the creation.
    static let age = text("Age", "the time since the object was created") { $0.age }

    /// The time of the creation, for kinds without columns of their own.
    static let created = column("Created At", "date", "when the object was created") {
        .string($0.text("metadata", "creationTimestamp"))
    }

    /// A column of text.
    static func text(
        _ name: String,
        _ description: String,
        wide: Bool = false,
        _ cell: @escaping @Sendable (CellSource) -> String
    ) -> Column {
        column(name, "string", priority: wide ? 1 : 0, description) { .string(cell($0)) }
    }

    /// A column of numbers; those that grew from a column of text still say `string`.
    static func number(
        _ name: String,
        _ description: String,
        type: String = "integer",
        wide: Bool = false,
        _ cell: @escaping @Sendable (CellSource) -> Int64
    ) -> Column {
        column(name, type, priority: wide ? 1 : 0, description) { .number(cell($0)) }
    }

    /// Any column.
    static func column(
        _ name: String,
        _ type: String,
        format: String = "",
        priority: Int = 0,
        _ description: String,
        _ cell: @escaping @Sendable (CellSource) -> JSONValue
    ) -> Column {
        Column(
            name: name,
            type: type,
            format: format,
            description: description,
            priority: priority,
            cell: .computed { cell(CellSource(object: $0, now: $1)) }
        )
    }
}
