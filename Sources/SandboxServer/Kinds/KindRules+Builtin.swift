extension KindRules {
    /// The rules of a built-in kind; none for kinds that have none, custom resources among them.
    package static func rules(for resource: ResourceID) -> KindRules {
        var rules = builtin[resource] ?? KindRules()
        if let counters = StatusCounters.all[resource] {
            rules.validateStatus = { object, old in counters.violations(of: object, old) }
        }
        return rules
    }

    private static let builtin: [ResourceID: KindRules] = [
        Builtin.namespaces: .namespaces,
        Builtin.endpoints: .endpoints,
        Builtin.groupedEvents: .groupedEvents,
        Builtin.nodes: .nodes,
        Builtin.pods: .pods,
        Builtin.services: .services,
        Builtin.configMaps: .configMaps,
        Builtin.secrets: .secrets,
        Builtin.events: .events,
        Builtin.persistentVolumeClaims: .volumeClaims,
        Builtin.deployments: .deployments,
        Builtin.replicaSets: .replicaSets,
        Builtin.statefulSets: .statefulSets,
        Builtin.daemonSets: .daemonSets,
        Builtin.jobs: .jobs,
        Builtin.cronJobs: .cronJobs,
        Builtin.leases: .leases,
        Builtin.disruptionBudgets: .disruptionBudgets,
        Builtin.autoscalers: .autoscalers,
        Builtin.roles: .roles,
        Builtin.clusterRoles: .roles,
        Builtin.roleBindings: .bindings,
        Builtin.clusterRoleBindings: .bindings,
    ]
}
