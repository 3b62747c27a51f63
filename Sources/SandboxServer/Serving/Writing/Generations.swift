internal import JSON

/// `metadata.generation`: which kinds count their changes, and what a change is.
enum Generations {
    private static let counting: Set<ResourceID> = [
        Builtin.deployments, Builtin.replicaSets, Builtin.statefulSets, Builtin.daemonSets, Builtin.jobs,
        Builtin.cronJobs, Builtin.disruptionBudgets, Builtin.customResourceDefinitions, Builtin.pods,
        Builtin.endpointSlices, ResourceID(group: "", plural: "replicationcontrollers"),
        ResourceID(group: "networking.k8s.io", plural: "ingresses"),
        ResourceID(group: "networking.k8s.io", plural: "networkpolicies"),
        ResourceID(group: "networking.k8s.io", plural: "ingressclasses"),
        ResourceID(group: "scheduling.k8s.io", plural: "priorityclasses"),
    ]

    /// Whether objects of the kind have a generation.
    static func areCounted(_ definition: ResourceDefinition) -> Bool {
        definition.isCustom || counting.contains(definition.storage)
    }

    /// Whether a change is one of what is wanted, not only of metadata or status.
    static func increases(_ resource: ServedResource, from old: JSONValue, to new: JSONValue) -> Bool {
        guard areCounted(resource.definition) else { return false }
        guard resource.definition.isCustom || resource.storage == Builtin.endpointSlices else {
            return old["spec"] != new["spec"]
        }
        return wanted(old, resource) != wanted(new, resource)
    }

    private static func wanted(_ object: JSONValue, _ resource: ServedResource) -> JSONValue {
        var wanted = object
        wanted["metadata"] = nil
        if resource.version.hasStatus { wanted["status"] = nil }
        return wanted
    }
}
