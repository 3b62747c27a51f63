internal import JSON

/// One resource of a group version as discovery shows it.
struct DiscoveryResource: Sendable {
    var group: String
    var version: String
    var plural: String
    var singular: String
    var kind: String
    var isNamespaced: Bool
    var isCustom = false
    var verbs: [String]
    var shortNames: [String]
    var categories: [String] = []
    var subresources: [Subresource] = []

    private static let allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    /// The same in the order in which custom resources show it.
    private static let customVerbs = [
        "delete", "deletecollection", "get", "list", "patch", "create", "update", "watch",
    ]

    init(_ definition: ResourceDefinition, _ served: ResourceDefinition.Version) {
        group = definition.id.group
        version = served.name
        plural = definition.id.plural
        singular = definition.singular
        kind = definition.kind
        isNamespaced = definition.isNamespaced
        isCustom = definition.isCustom
        verbs = isCustom ? Self.customVerbs : Self.allVerbs
        if definition.id == Builtin.namespaces { verbs.removeAll { $0 == "deletecollection" } }
        shortNames = definition.shortNames
        categories = definition.categories
        subresources = Subresource.all(of: definition, served)
    }

    init(_ entry: VirtualResources.Entry) {
        group = entry.group
        version = entry.version
        plural = entry.plural
        singular = entry.kind.lowercased()
        kind = entry.kind
        isNamespaced = entry.isNamespaced
        verbs = entry.verbs
        shortNames = entry.shortNames
    }

    private static func strings(_ list: [String]) -> JSONValue { .array(list.map { .string($0) }) }

    /// The resource and its subresources in an `APIResourceList`.
    var entries: [JSONValue] {
        var entry: JSONValue = [
            "name": .string(plural), "singularName": .string(singular), "namespaced": .bool(isNamespaced),
            "kind": .string(kind), "verbs": Self.strings(verbs),
        ]
        if !shortNames.isEmpty { entry["shortNames"] = Self.strings(shortNames) }
        if !categories.isEmpty { entry["categories"] = Self.strings(categories) }
        return [entry]
            + subresources.map { sub in
                var entry: JSONValue = [
                    "name": .string("\(plural)/\(sub.name)"), "singularName": "", "namespaced": .bool(isNamespaced),
                    "kind": .string(sub.kind ?? kind), "verbs": Self.strings(sub.verbs),
                ]
                if let group = sub.group { entry["group"] = .string(group) }
                if let version = sub.version { entry["version"] = .string(version) }
                return entry
            }
    }

    private func responseKind(_ kind: String, group: String?, version: String?) -> JSONValue {
        // Built-in kinds leave group and version to the document around them.
        [
            "group": .string(group ?? (isCustom ? self.group : "")),
            "version": .string(version ?? (isCustom ? self.version : "")), "kind": .string(kind),
        ]
    }

    /// The resource with its subresources in an aggregated document.
    var aggregated: JSONValue {
        var entry: JSONValue = [
            "resource": .string(plural), "responseKind": responseKind(kind, group: nil, version: nil),
            "scope": isNamespaced ? "Namespaced" : "Cluster", "singularResource": .string(singular),
            "verbs": Self.strings(verbs),
        ]
        if !shortNames.isEmpty { entry["shortNames"] = Self.strings(shortNames) }
        if !categories.isEmpty { entry["categories"] = Self.strings(categories) }
        if !subresources.isEmpty {
            entry["subresources"] = .array(
                subresources.map { sub in
                    [
                        "subresource": .string(sub.name), "verbs": Self.strings(sub.verbs),
                        "responseKind": responseKind(sub.kind ?? kind, group: sub.group, version: sub.version),
                    ]
                }
            )
        }
        return entry
    }
}

/// A path behind an object, as discovery shows it.
struct Subresource: Sendable {
    var name: String
    /// Nil for the kind of the object.
    var kind: String?
    /// The group of the kind when it is another one.
    var group: String?
    var version: String?
    var verbs: [String]

    private static let readWrite = ["get", "patch", "update"]

    /// The subresources of a resource in a version, sorted.
    static func all(
        of definition: ResourceDefinition,
        _ version: ResourceDefinition.Version
    ) -> [Subresource] {
        var result: [Subresource] = []
        if version.hasStatus { result.append(Subresource(name: "status", verbs: readWrite)) }
        if version.scale != nil {
            result.append(
                Subresource(name: "scale", kind: "Scale", group: "autoscaling", version: "v1", verbs: readWrite)
            )
        }
        switch definition.id {
        case Builtin.namespaces: result.append(Subresource(name: "finalize", verbs: ["update"]))
        case Builtin.pods:
            result += [
                Subresource(name: "binding", kind: "Binding", verbs: ["create"]),
                Subresource(name: "eviction", kind: "Eviction", group: "policy", version: "v1", verbs: ["create"]),
                Subresource(name: "log", verbs: ["get"]),
            ]
        case Builtin.serviceAccounts:
            result.append(
                Subresource(
                    name: "token",
                    kind: "TokenRequest",
                    group: "authentication.k8s.io",
                    version: "v1",
                    verbs: ["create"]
                )
            )
        default: break
        }
        return result.sorted { $0.name < $1.name }
    }
}
