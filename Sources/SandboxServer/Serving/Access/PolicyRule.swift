package import JSON

/// One rule of a Role or ClusterRole.
package struct PolicyRule: Sendable, Hashable {
    /// The verbs; `*` is all.
    package let verbs: [String]
    /// The API groups; `*` is all.
    package let groups: [String]
    /// As `pods` and `pods/log`; `*` is all.
    package let resources: [String]
    /// The names that it is limited to; empty for no limit.
    package let names: [String]
    /// Paths that are no resource; a `*` at the end stands for the rest.
    package let paths: [String]

    /// Reads a rule; what is missing allows nothing.
    package init(_ value: JSONValue) {
        let strings = { (key: String) in (value[key]?.arrayValue ?? []).compactMap(\.stringValue) }
        verbs = strings("verbs")
        groups = strings("apiGroups")
        resources = strings("resources")
        names = strings("resourceNames")
        paths = strings("nonResourceURLs")
    }

    /// Whether the rule allows it.
    package func allows(_ attributes: AccessAttributes) -> Bool {
        guard Self.contains(verbs, attributes.verb) else { return false }
        guard !attributes.plural.isEmpty else {
            return paths.contains { path in
                path.hasSuffix("*") ? attributes.path.hasPrefix(path.dropLast()) : path == attributes.path
            }
        }
        return Self.contains(groups, attributes.group) && allowsResource(attributes)
            && (names.isEmpty || names.contains(attributes.name))
    }

    private func allowsResource(_ attributes: AccessAttributes) -> Bool {
        Self.contains(resources, attributes.resource)
            || (!attributes.subresource.isEmpty && resources.contains("*/\(attributes.subresource)"))
    }

    private static func contains(_ list: [String], _ value: String) -> Bool {
        list.contains(value) || list.contains("*")
    }

    /// As a SelfSubjectRulesReview shows it.
    package var value: JSONValue {
        let strings = { (list: [String]) in JSONValue.array(list.map { .string($0) }) }
        guard paths.isEmpty else { return ["nonResourceURLs": strings(paths), "verbs": strings(verbs)] }
        var value: JSONValue = [
            "apiGroups": strings(groups), "resources": strings(resources), "verbs": strings(verbs),
        ]
        if !names.isEmpty { value["resourceNames"] = strings(names) }
        return value
    }
}
