internal import FoundationEssentials
package import JSON
internal import Synchronization

/// A resource in one of its served versions: what a request path means.
package final class ServedResource: Sendable {
    /// The resource.
    package let definition: ResourceDefinition
    /// The version of the request.
    package let version: ResourceDefinition.Version
    /// What the kind does beyond its schema; in terms of the stored form.
    package let rules: KindRules
    /// `group/version`, or `version` in the core group.
    package let apiVersion: String
    /// What `apiVersion` of stored objects says.
    package let storageAPIVersion: String

    /// Takes a definition and one of its versions.
    package init(_ definition: ResourceDefinition, _ version: ResourceDefinition.Version) {
        self.definition = definition
        self.version = version
        rules =
            definition.storage == CustomResources.id
            ? CustomResources.rules : KindRules.rules(for: definition.id)
        apiVersion = definition.apiVersion(version.name)
        let group = definition.storage.group
        storageAPIVersion = group.isEmpty ? definition.storageVersion : "\(group)/\(definition.storageVersion)"
    }

    /// The group and plural as messages name it.
    package var id: ResourceID { definition.id }
    /// Where the objects are stored.
    package var storage: ResourceID { definition.storage }

    /// Whether stored bytes are what goes out, without a step between.
    package var servesStoredBytes: Bool {
        version.conversion == nil && apiVersion == storageAPIVersion && !definition.hasChanged
    }

    /// A stored object as this version shows it.
    ///
    /// As on a real server custom resources get the defaults of the version in which they are stored, and lose what the
    /// shown version does not know.
    package func served(_ stored: JSONValue) -> JSONValue {
        guard !servesStoredBytes else { return stored }
        var object = version.conversion.map { $0.fromStorage(stored) } ?? stored
        if definition.hasChanged { definition.storageSchema?.applyDefaults(to: &object) }
        object["apiVersion"] = .string(apiVersion)
        object["kind"] = .string(definition.kind)
        if definition.isCustom { _ = version.schema.prune(&object) }
        return object
    }

    /// A stored object as this version shows it.
    package func served(_ stored: StoredObject) throws(APIFailure) -> JSONValue {
        served(try stored.value())
    }

    /// The stored form of an object of this version.
    package func stored(_ served: JSONValue) -> JSONValue {
        guard !servesStoredBytes else { return served }
        var object = version.conversion.map { $0.toStorage(served) } ?? served
        object["apiVersion"] = .string(storageAPIVersion)
        object["kind"] = .string(definition.kind)
        // So that reading needs no more than the bytes; a real server does this when it reads.
        if apiVersion != storageAPIVersion { definition.storageSchema?.applyDefaults(to: &object) }
        return object
    }

    /// 422: what the object breaks; its kind is that of the stored form.
    package func invalid(name: String, _ causes: [APIFailure.Cause]) -> APIFailure {
        .invalid(group: storage.group, kind: definition.kind, name: name, causes)
    }
}

/// Which resources are served now: the built-in ones, and those of CustomResourceDefinitions as they come and go.
///
/// ```swift
/// let registry = ResourceRegistry(BuiltinCatalogue.definitions)
/// let deployments = registry.resource(group: "apps", version: "v1", plural: "deployments")
/// ```
package final class ResourceRegistry: Sendable {
    private struct Key: Hashable {
        var group: String
        var version: String
        var plural: String
    }

    private struct State {
        var custom: [ResourceID: ResourceDefinition] = [:]
        var resources: [Key: ServedResource] = [:]
        /// Rises with every change, so that what is made of the whole can be kept.
        var generation = 0
    }

    private let builtin: [ResourceDefinition]
    private let builtinGroups: Set<String>
    private let state: Mutex<State>

    /// Makes a registry of built-in resources.
    package init(_ builtin: [ResourceDefinition]) {
        self.builtin = builtin
        builtinGroups = Set(builtin.map(\.id.group))
        var initial = State()
        for definition in builtin { initial.resources.merge(Self.entries(definition)) { _, new in new } }
        state = Mutex(initial)
    }

    private static func entries(_ definition: ResourceDefinition) -> [Key: ServedResource] {
        var entries: [Key: ServedResource] = [:]
        for version in definition.versions {
            let key = Key(group: definition.id.group, version: version.name, plural: definition.id.plural)
            entries[key] = ServedResource(definition, version)
        }
        return entries
    }

    /// What a path means; nil when it is not served.
    package func resource(group: String, version: String, plural: String) -> ServedResource? {
        state.withLock { $0.resources[Key(group: group, version: version, plural: plural)] }
    }

    /// A resource in its preferred version.
    package func resource(_ id: ResourceID) -> ServedResource? {
        guard let definition = all.first(where: { $0.id == id }), let version = definition.versions.first else {
            return nil
        }
        return resource(group: id.group, version: version.name, plural: id.plural)
    }

    /// All resources: the built-in ones in the order of the catalogue, then the custom ones in order of their names.
    package var all: [ResourceDefinition] {
        builtin + state.withLock { $0.custom.values.sorted { $0.id < $1.id } }
    }

    /// A number that differs when ``all`` does.
    package var generation: Int { state.withLock { $0.generation } }

    /// Whether the group belongs to the server itself, whatever its resources are.
    package func isBuiltin(group: String) -> Bool {
        builtinGroups.contains(group) || VirtualResources.groups.contains(group)
    }

    /// Serves a custom resource, or serves it differently.
    package func set(_ definition: ResourceDefinition) {
        state.withLock { state in
            Self.remove(definition.id, from: &state)
            state.custom[definition.id] = definition
            state.resources.merge(Self.entries(definition)) { _, new in new }
            state.generation += 1
        }
    }

    /// Serves a custom resource no longer.
    package func remove(_ id: ResourceID) {
        state.withLock { state in
            Self.remove(id, from: &state)
            state.generation += 1
        }
    }

    private static func remove(_ id: ResourceID, from state: inout State) {
        guard let old = state.custom.removeValue(forKey: id) else { return }
        for version in old.versions {
            state.resources[Key(group: id.group, version: version.name, plural: id.plural)] = nil
        }
    }
}
