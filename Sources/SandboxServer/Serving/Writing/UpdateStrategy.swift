/// How kinds differ in what an update may do.
enum UpdateStrategy {
    private static let conditional: Set<ResourceID> = [
        Builtin.leases, Builtin.disruptionBudgets, Builtin.customResourceDefinitions,
    ]
    private static let creating: Set<ResourceID> = [
        Builtin.services, Builtin.endpoints, Builtin.endpointSlices, Builtin.events, Builtin.leases, Builtin.roles,
        Builtin.clusterRoles, Builtin.roleBindings, Builtin.clusterRoleBindings,
        ResourceID(group: "", plural: "limitranges"),
    ]

    /// Whether an update without a resource version is refused.
    static func needsResourceVersion(_ definition: ResourceDefinition) -> Bool {
        definition.isCustom || conditional.contains(definition.storage)
    }

    /// Whether a PUT makes an object that is missing.
    static func mayCreate(_ definition: ResourceDefinition) -> Bool {
        creating.contains(definition.storage)
    }
}
