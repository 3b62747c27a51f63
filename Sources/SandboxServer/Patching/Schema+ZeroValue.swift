internal import JSON

extension Schema {
    /// The members of built-in kinds that Go holds by value: they are there even when nobody has set them.
    private static let structures: Set<String> = [
        "metadata", "spec", "status", "template", "jobTemplate", "strategy", "updateStrategy", "resources", "source",
        "involvedObject", "scaleTargetRef", "roleRef", "names", "acceptedNames", "loadBalancer", "nodeInfo",
        "daemonEndpoints", "kubeletEndpoint",
    ]

    /// What an object of a built-in kind looks like when nothing in it is set.
    ///
    /// Nobody becomes the manager of these objects and lists, only of what is in them.
    var zeroValue: JSONValue {
        var members = JSONObject()
        for (name, property) in properties {
            switch property.kind {
            case .object where Self.structures.contains(name) && !property.properties.isEmpty:
                members[name] = property.zeroValue
            case .array where required.contains(name): members[name] = []
            default: break
            }
        }
        return .object(members)
    }
}
