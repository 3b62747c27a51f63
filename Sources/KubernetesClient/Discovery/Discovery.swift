public import KubernetesCore

/// What an API server serves, read piece by piece when it is asked for and kept.
///
/// Plain discovery is used on every server, since 1.20 has no other: `/api`, `/apis` and the resources of one group and
/// version at a time. A kind that is not known makes its group be read again, at most every ten seconds, so that new
/// CRDs are found and a wrong name costs little.
///
/// ```swift
/// let deployments = try await client.discovery.resource(group: "apps", kind: "Deployment")
/// ```
public struct Discovery: Sendable {
    let client: KubernetesClient
    let cache: DiscoveryCache

    /// The API groups and their versions, the core group (with the empty name) first.
    public func groups() async throws -> [APIGroup] {
        try await cache.groups(client)
    }

    /// The resources of a group and version, subresources left out; empty when the server does not serve it.
    public func resources(group: String, version: String) async throws -> [DiscoveredResource] {
        try await cache.resources(GroupVersion(group: group, version: version), client)
    }

    /// Everything, with the groups that could not be read named: the server behind an aggregated API may be down.
    public func allResources() async throws -> (resources: [DiscoveredResource], failures: [DiscoveryFailure]) {
        var resources: [DiscoveredResource] = []
        var failures: [DiscoveryFailure] = []
        for group in try await groups() {
            for version in group.versions {
                do {
                    resources += try await self.resources(group: group.name, version: version)
                } catch let error as ClientError {
                    failures.append(DiscoveryFailure(group: group.name, version: version, error: error))
                }
            }
        }
        return (resources, failures)
    }

    /// The resource of a kind in exactly this version.
    ///
    /// - Throws: ``ClientError/noMatch(group:version:kind:)`` when the server has none.
    public func resource(for kind: GroupVersionKind) async throws -> APIResource {
        let version = GroupVersion(group: kind.group, version: kind.version)
        let found = try await cache.find(version, client) { $0.resource.kind == kind.kind }
        guard let found else {
            throw ClientError.noMatch(group: kind.group, version: kind.version, kind: kind.kind)
        }
        return found.resource
    }

    /// The resource of a kind in the version that the server prefers, else in the first that has it.
    ///
    /// - Throws: ``ClientError/noMatch(group:version:kind:)`` when the server has none.
    public func resource(group: String, kind: String) async throws -> APIResource {
        for version in try await cache.versions(of: group, client) {
            let version = GroupVersion(group: group, version: version)
            if let found = try await cache.find(version, client, where: { $0.resource.kind == kind }) {
                return found.resource
            }
        }
        throw ClientError.noMatch(group: group, version: nil, kind: kind)
    }

    /// The first of several versions of a kind that the server serves; nil when it serves none of them.
    public func firstSupported(_ kinds: [GroupVersionKind]) async throws -> APIResource? {
        for kind in kinds {
            do {
                return try await resource(for: kind)
            } catch ClientError.noMatch {
                continue
            }
        }
        return nil
    }

    /// Whether the server serves a kind in this version.
    public func supports(_ kind: GroupVersionKind) async throws -> Bool {
        try await firstSupported([kind]) != nil
    }

    /// The server's version; read each time.
    public func serverVersion() async throws -> ServerVersion {
        try await client.send(.raw("/version")).decode(ServerVersion.self)
    }

    /// Forgets everything, such as after installing a CRD.
    public func invalidate() {
        cache.invalidate()
    }
}
