internal import JSON

/// The resources that documents describe, built-in and custom.
struct OpenAPIResources {
    /// A resource, with its schema where that is not in the type table.
    private struct Entry {
        var resource: OpenAPIPaths.Resource
        var schema: Schema?
    }

    private let entries: [Entry]

    /// Gathers the built-in resources and the given ones.
    init(custom: [ResourceDefinition]) {
        entries = (BuiltinCatalogue.definitions + custom).flatMap { Self.entries($0) } + Self.virtual
    }

    /// The documents of version 3 as the index names them.
    var documentNames: [String] {
        var names: Set = ["api", "apis", "version"]
        for entry in entries {
            let resource = entry.resource
            names.insert(Self.documentName(resource))
            if !resource.group.isEmpty { names.insert("apis/\(resource.group)") }
        }
        return names.sorted()
    }

    /// One document of version 3; nil when there is none of that name.
    func documentV3(_ name: String, version: String) -> JSONValue? {
        guard documentNames.contains(name) else { return nil }
        var components = OpenAPIComponents(.v3)
        var paths = OpenAPIPaths(.v3)
        let selected = entries.filter { Self.documentName($0.resource) == name }
        if selected.isEmpty {
            paths.add("/\(name)/", describing: "what is served below this path")
        }
        write(selected, &components, &paths)
        return [
            "openapi": "3.0.0",
            "info": ["title": "Kubernetes", "version": .string(version)],
            "paths": .object(paths.items),
            "components": ["schemas": .object(components.schemas)],
        ]
    }

    /// The document of version 2.
    func documentV2(version: String) -> JSONValue {
        var components = OpenAPIComponents(.v2)
        var paths = OpenAPIPaths(.v2)
        write(entries, &components, &paths)
        return [
            "swagger": "2.0",
            "info": ["title": "Kubernetes", "version": .string(version)],
            "paths": .object(paths.items),
            "definitions": .object(components.schemas),
        ]
    }

    private func write(_ entries: [Entry], _ components: inout OpenAPIComponents, _ paths: inout OpenAPIPaths) {
        for entry in entries {
            let resource = entry.resource
            paths.add(resource)
            if let schema = entry.schema {
                components.add(resource.schema, components.custom(schema))
            } else {
                _ = components.reference(resource.schema)
            }
            components.mark(resource.schema, resource, kind: resource.kind)
            guard !resource.isVirtual else { continue }
            components.addList(resource.schema + "List", of: resource.schema)
            components.mark(resource.schema + "List", resource, kind: resource.kind + "List")
            _ = components.reference(OpenAPIPaths.status)
            if resource.hasScale {
                _ = components.reference("io.k8s.api.autoscaling.v1.Scale")
                var scale = resource
                (scale.group, scale.version) = ("autoscaling", "v1")
                components.mark("io.k8s.api.autoscaling.v1.Scale", scale, kind: "Scale")
            }
        }
    }

    private static func documentName(_ resource: OpenAPIPaths.Resource) -> String {
        resource.group.isEmpty ? "api/\(resource.version)" : "apis/\(resource.group)/\(resource.version)"
    }

    private static func entries(_ definition: ResourceDefinition) -> [Entry] {
        definition.versions.map { version in
            let group = definition.id.group
            var resource = OpenAPIPaths.Resource(
                group: group,
                version: version.name,
                plural: definition.id.plural,
                kind: definition.kind,
                isNamespaced: definition.isNamespaced,
                schema: BuiltinCatalogue.typeName(group: group, version: version.name, kind: definition.kind)
            )
            resource.hasStatus = version.hasStatus
            resource.hasScale = version.scale != nil
            guard definition.isCustom else { return Entry(resource: resource) }
            resource.isCustom = true
            let reversed = group.split(separator: ".").reversed().joined(separator: ".")
            resource.schema = "\(reversed).\(version.name).\(definition.kind)"
            return Entry(resource: resource, schema: version.schema)
        }
    }

    /// What can be created but is not kept.
    private static let virtual: [Entry] = [
        ("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", false),
        ("authentication.k8s.io", "tokenreviews", "TokenReview", false),
        ("authorization.k8s.io", "localsubjectaccessreviews", "LocalSubjectAccessReview", true),
        ("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false),
        ("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false),
        ("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", false),
        ("", "bindings", "Binding", true),
        ("", "serviceaccounts/{name}/token", "TokenRequest", true),
        ("", "pods/{name}/eviction", "Eviction", true),
    ].map { group, plural, kind, isNamespaced in
        var resource = OpenAPIPaths.Resource(
            group: group,
            version: "v1",
            plural: plural,
            kind: kind,
            isNamespaced: isNamespaced,
            schema: BuiltinCatalogue.typeName(group: group, version: "v1", kind: kind)
        )
        if kind == "TokenRequest" { resource.schema = "io.k8s.api.authentication.v1.TokenRequest" }
        if kind == "Eviction" { resource.schema = "io.k8s.api.policy.v1.Eviction" }
        resource.isVirtual = true
        return Entry(resource: resource)
    }
}

extension OpenAPIComponents {
    fileprivate mutating func mark(_ name: String, _ resource: OpenAPIPaths.Resource, kind: String) {
        let group = OpenAPIResources.markedGroups[name] ?? resource.group
        mark(name, group: group, version: resource.version, kind: kind)
    }
}

extension OpenAPIResources {
    /// The groups of types that paths of other groups use.
    fileprivate static let markedGroups = [
        "io.k8s.api.authentication.v1.TokenRequest": "authentication.k8s.io", "io.k8s.api.policy.v1.Eviction": "policy",
    ]
}
