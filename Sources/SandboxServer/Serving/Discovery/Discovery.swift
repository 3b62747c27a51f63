package import JSON

/// What the server serves, as documents for clients that look around.
package struct Discovery: Sendable {
    private let groups: [DiscoveryGroup]

    /// Gathers what is served now.
    package init(_ registry: ResourceRegistry) {
        groups = DiscoveryGroup.all(registry)
    }

    /// `/api`.
    package func legacyVersions(serverAddress: String) -> JSONValue {
        [
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [
                ["clientCIDR": "0.0.0.0/0", "serverAddress": .string(serverAddress)]
            ],
        ]
    }

    /// `/apis`.
    package var groupList: JSONValue {
        [
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": .array(groups.filter { !$0.name.isEmpty }.map(\.document)),
        ]
    }

    /// `/apis/GROUP`; nil when there is no such group.
    package func group(_ name: String) -> JSONValue? {
        guard !name.isEmpty, let group = groups.first(where: { $0.name == name }) else { return nil }
        var document = group.document
        document["kind"] = "APIGroup"
        document["apiVersion"] = "v1"
        return document
    }

    /// `/api/v1` and `/apis/GROUP/VERSION`; nil when there is no such version.
    package func resources(group name: String, version: String) -> JSONValue? {
        guard let group = groups.first(where: { $0.name == name }),
            let entry = group.versions.first(where: { $0.name == version })
        else { return nil }
        var document: JSONValue = [
            "kind": "APIResourceList", "groupVersion": .string(group.apiVersion(version)),
            "resources": .array(entry.resources.flatMap(\.entries)),
        ]
        // The core group's document has been without it since there are groups.
        if !name.isEmpty { document["apiVersion"] = "v1" }
        return document
    }

    /// Everything below `/api` or `/apis` in one document.
    package func aggregated(isCore: Bool) -> JSONValue {
        [
            "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": [:],
            "items": .array(groups.filter { $0.name.isEmpty == isCore }.map(\.aggregated)),
        ]
    }
}

/// A group with its versions in the order of preference.
struct DiscoveryGroup: Sendable {
    struct Version: Sendable {
        var name: String
        var resources: [DiscoveryResource]
    }

    var name: String
    var versions: [Version] = []

    /// The groups in the order in which the API server lists them: the built-in ones, then those of custom resources.
    static func all(_ registry: ResourceRegistry) -> [DiscoveryGroup] {
        var groups: [DiscoveryGroup] = []
        func add(_ resource: DiscoveryResource, group: String, version: String) {
            if !groups.contains(where: { $0.name == group }) { groups.append(DiscoveryGroup(name: group)) }
            guard let at = groups.firstIndex(where: { $0.name == group }) else { return }
            if let known = groups[at].versions.firstIndex(where: { $0.name == version }) {
                groups[at].versions[known].resources.append(resource)
            } else {
                groups[at].versions.append(Version(name: version, resources: [resource]))
            }
        }
        for definition in registry.all {
            for version in definition.versions {
                add(DiscoveryResource(definition, version), group: definition.id.group, version: version.name)
            }
        }
        for entry in VirtualResources.all {
            add(DiscoveryResource(entry), group: entry.group, version: entry.version)
        }
        for index in groups.indices { groups[index].sort() }
        return groups
    }

    private mutating func sort() {
        versions.sort { APIVersionOrder.precedes($0.name, $1.name) }
        for index in versions.indices { versions[index].resources.sort { $0.plural < $1.plural } }
    }

    func apiVersion(_ version: String) -> String { name.isEmpty ? version : "\(name)/\(version)" }

    private func reference(_ version: String) -> JSONValue {
        ["groupVersion": .string(apiVersion(version)), "version": .string(version)]
    }

    var document: JSONValue {
        [
            "name": .string(name), "versions": .array(versions.map { reference($0.name) }),
            "preferredVersion": reference(versions.first?.name ?? ""),
        ]
    }

    var aggregated: JSONValue {
        [
            "metadata": name.isEmpty ? [:] : ["name": .string(name)],
            "versions": .array(
                versions.map { version in
                    [
                        "version": .string(version.name), "freshness": "Current",
                        "resources": .array(version.resources.map(\.aggregated)),
                    ]
                }
            ),
        ]
    }
}
