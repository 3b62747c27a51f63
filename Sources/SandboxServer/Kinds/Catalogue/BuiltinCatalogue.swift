internal import JSON

/// The kinds that the server has without any CustomResourceDefinition.
package enum BuiltinCatalogue {
    /// All built-in resources, in the order in which discovery lists them.
    package static let definitions: [ResourceDefinition] = {
        var builder = SchemaBuilder(types)
        return BuiltinKind.all.map { $0.definition(&builder) }
    }()

    /// The name of a type of the built-in groups, as OpenAPI documents have it.
    static func typeName(group: String, version: String, kind: String) -> String {
        switch group {
        case "": "io.k8s.api.core.\(version).\(kind)"
        case "apiextensions.k8s.io": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.\(version).\(kind)"
        default: "io.k8s.api.\(group.prefix { $0 != "." }).\(version).\(kind)"
        }
    }

    /// The types of all built-in kinds.
    static let types = TypeTable(TypeTexts.all)
}

/// A built-in kind in short.
struct BuiltinKind: Sendable {
    /// As `apps`.
    var group: String
    /// The served versions, the preferred one first.
    var versions: [String]
    /// As `deployments`.
    var plural: String
    /// As `Deployment`; the singular name is the same in lower case.
    var kind: String
    /// Whether objects live in namespaces.
    var isNamespaced = true
    /// As `deploy`.
    var shortNames: [String] = []
    /// As `all`.
    var categories: [String] = []
    /// Whether there is `/status`.
    var hasStatus = false
    /// Whether there is `/scale`.
    var hasScale = false

    /// The definition as the server uses it.
    func definition(_ schemas: inout SchemaBuilder) -> ResourceDefinition {
        var definition = ResourceDefinition(
            id: ResourceID(group: group, plural: plural),
            singular: kind.lowercased(),
            kind: kind,
            isNamespaced: isNamespaced,
            versions: versions.map { version($0, &schemas) },
            storageVersion: versions[0]
        )
        definition.shortNames = shortNames
        definition.categories = categories
        if let storage = BuiltinConversions.storage(definition.id) { definition.storage = storage }
        return definition
    }

    private func version(_ name: String, _ schemas: inout SchemaBuilder) -> ResourceDefinition.Version {
        let type = BuiltinCatalogue.typeName(group: group, version: name, kind: kind)
        var version = ResourceDefinition.Version(name: name, schema: schemas.schema(of: type))
        version.hasStatus = hasStatus
        let id = ResourceID(group: group, plural: plural)
        version.columns = BuiltinColumns.columns(for: id)
        version.conversion = BuiltinConversions.conversion(id, version: name)
        if hasScale {
            version.scale = .init(
                specReplicas: ["spec", "replicas"],
                statusReplicas: ["status", "replicas"],
                selector: ["spec", "selector"]
            )
        }
        return version
    }
}
