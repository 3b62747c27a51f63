import JSON
import KubernetesCore
import Synchronization
import Timekeeping

/// What has been read of a server's discovery; shared by all copies of a client.
final class DiscoveryCache: Sendable {
    /// How long a piece is trusted when it lacks what is looked for.
    static let refreshInterval = Duration.seconds(10)

    /// More than any server has; names that people make up must not fill the memory.
    private static let maxEntries = 512

    private struct Entry<Value: Sendable>: Sendable {
        var value: Value
        var readAt: MonotonicInstant
    }

    private struct State {
        var groups: Entry<[APIGroup]>?
        var resources: [GroupVersion: Entry<[DiscoveredResource]>] = [:]
        var flights: [GroupVersion: SingleFlight<[DiscoveredResource]>] = [:]
    }

    private let state = Mutex(State())
    private let groupFlight = SingleFlight<[APIGroup]>()

    func invalidate() {
        state.withLock {
            $0.groups = nil
            $0.resources = [:]
        }
    }

    /// All groups.
    func groups(_ client: KubernetesClient) async throws -> [APIGroup] {
        if let entry = state.withLock({ $0.groups }) { return entry.value }
        return try await readGroups(client)
    }

    /// The versions of a group, the preferred one first; read again when the group is unknown.
    func versions(of group: String, _ client: KubernetesClient) async throws -> [String] {
        let known = state.withLock { $0.groups }
        if let versions = known?.value.first(where: { $0.name == group })?.versions { return versions }
        if let known, !Self.isStale(known, client) { return [] }
        return try await readGroups(client).first { $0.name == group }?.versions ?? []
    }

    /// The resources of a group and version.
    func resources(_ version: GroupVersion, _ client: KubernetesClient) async throws -> [DiscoveredResource] {
        if let entry = state.withLock({ $0.resources[version] }) { return entry.value }
        return try await read(version, client)
    }

    /// The resource that fits; the group and version are read again when none does.
    func find(
        _ version: GroupVersion,
        _ client: KubernetesClient,
        where fits: (DiscoveredResource) -> Bool
    ) async throws -> DiscoveredResource? {
        let known = state.withLock { $0.resources[version] }
        if let found = known?.value.first(where: fits) { return found }
        if let known, !Self.isStale(known, client) { return nil }
        return try await read(version, client).first(where: fits)
    }

    private static func isStale<Value>(_ entry: Entry<Value>, _ client: KubernetesClient) -> Bool {
        entry.readAt.advanced(by: refreshInterval) <= client.session.timeSource.now()
    }

    private func readGroups(_ client: KubernetesClient) async throws -> [APIGroup] {
        try await groupFlight.value {
            let core = try await client.send(.raw("/api")).json()
            let answer = try await client.send(.raw("/apis"))
            let others = try answer.json()
            let groups = try Self.reading(answer) { try DiscoveryDocuments.groups(core: core, others: others) }
            let entry = Entry(value: groups, readAt: client.session.timeSource.now())
            state.withLock { $0.groups = entry }
            return groups
        }
    }

    /// An aggregated API server may answer with anything; what cannot be read says which request it answers.
    private static func reading<Value>(_ answer: APIResponse, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw ClientError.decoding(error, request: answer.request)
        }
    }

    private func read(_ version: GroupVersion, _ client: KubernetesClient) async throws -> [DiscoveredResource] {
        let flight = state.withLock { state in
            state.flights[version]
                ?? {
                    let flight = SingleFlight<[DiscoveredResource]>()
                    state.flights[version] = flight
                    return flight
                }()
        }
        return try await flight.value {
            var resources: [DiscoveredResource] = []
            do {
                let answer = try await client.send(.raw(version.path))
                let document = try answer.json()
                resources = try Self.reading(answer) { try DiscoveryDocuments.resources(document, version) }
            } catch ClientError.api(let error) where error.isNotFound {
                // The server does not serve it; that is an answer, and kept like one.
            }
            let entry = Entry(value: resources, readAt: client.session.timeSource.now())
            state.withLock { state in
                if state.resources.count >= Self.maxEntries { state.resources = [:] }
                state.resources[version] = entry
                state.flights[version] = nil
            }
            return resources
        }
    }
}

/// Reads the documents of plain discovery.
enum DiscoveryDocuments {
    /// The groups of `/api` (`APIVersions`) and `/apis` (`APIGroupList`).
    static func groups(core: JSONValue, others: JSONValue) throws -> [APIGroup] {
        let versions = core["versions"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let groups = try (others["groups"]?.arrayValue ?? []).map { group in
            guard let name = group["name"]?.stringValue else { throw ObjectFormatError("API group without name") }
            let versions = group["versions"]?.arrayValue?.compactMap { $0["version"]?.stringValue } ?? []
            let preferred = group.value(at: ["preferredVersion", "version"])?.stringValue
            return APIGroup(
                name: name,
                versions: versions.filter { $0 == preferred } + versions.filter { $0 != preferred }
            )
        }
        return [APIGroup(name: "", versions: versions)] + groups
    }

    /// The resources of an `APIResourceList`, each with the names of its subresources.
    static func resources(_ document: JSONValue, _ version: GroupVersion) throws -> [DiscoveredResource] {
        guard let entries = document["resources"]?.arrayValue else {
            throw ObjectFormatError("expected an APIResourceList, got \(document["kind"]?.stringValue ?? "no kind")")
        }
        var subresources: [String: Set<String>] = [:]
        for entry in entries {
            let parts = (entry["name"]?.stringValue ?? "").split(separator: "/", maxSplits: 1)
            if parts.count == 2 { subresources[String(parts[0]), default: []].insert(String(parts[1])) }
        }
        return entries.compactMap { entry in
            guard let name = entry["name"]?.stringValue, !name.contains("/"), let kind = entry["kind"]?.stringValue
            else { return nil }
            return DiscoveredResource(
                resource: APIResource(
                    group: entry["group"]?.stringValue ?? version.group,
                    version: entry["version"]?.stringValue ?? version.version,
                    plural: name,
                    kind: kind,
                    isNamespaced: entry["namespaced"]?.boolValue ?? false
                ),
                verbs: Set(entry["verbs"]?.arrayValue?.compactMap(\.stringValue) ?? []),
                shortNames: entry["shortNames"]?.arrayValue?.compactMap(\.stringValue) ?? [],
                subresources: subresources[name] ?? []
            )
        }
    }
}
