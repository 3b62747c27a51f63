internal import JSON

extension OpenAPIComponents {
    /// The schema of a custom resource, whose metadata is that of all objects.
    mutating func custom(_ schema: Schema) -> JSONValue {
        var written = json(schema)
        written["type"] = "object"
        let object = TypeTable.Object(name: "", isKind: true)
        for field in object.allFields {
            written.set(
                ["type": "string", "description": .string(field.description ?? "")],
                at: ["properties", field.name]
            )
        }
        let metadata = reference("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
        let described: JSONValue = dialect == .v3 ? ["allOf": [metadata]] : metadata
        written.set(described, at: ["properties", "metadata"])
        written.set("the name, the place and the history of an object", at: ["properties", "metadata", "description"])
        return written
    }

    /// A schema written out in place.
    private func json(_ schema: Schema) -> JSONValue {
        var written = JSONObject()
        for (key, value) in schema.constraints?.keywords ?? [:] where isKnown(key) { written[key] = value }
        written["description"] = schema.description.map { .string($0) }
        written["default"] = schema.defaultValue
        if schema.isNullable, dialect == .v3 { written["nullable"] = true }
        if schema.preservesUnknownFields { written["x-kubernetes-preserve-unknown-fields"] = true }
        if schema.isEmbeddedResource { written["x-kubernetes-embedded-resource"] = true }
        switch schema.kind {
        case .intOrString: written["x-kubernetes-int-or-string"] = true
        case .any: break
        // Version 2 cannot say that null is allowed, so it says nothing about the type.
        default: if dialect == .v3 || !schema.isNullable { written["type"] = .string(schema.kind.rawValue) }
        }
        if schema.isAtomicMap { written["x-kubernetes-map-type"] = "atomic" }
        if let type = schema.listType { written["x-kubernetes-list-type"] = .string(type.rawValue) }
        if !schema.listMapKeys.isEmpty {
            written["x-kubernetes-list-map-keys"] = .array(schema.listMapKeys.map { .string($0) })
        }
        if !schema.required.isEmpty { written["required"] = .array(schema.required.map { .string($0) }) }
        if !schema.properties.isEmpty {
            written["properties"] = .object(JSONObject(schema.properties.map { ($0.key, json($0.value)) }))
        }
        if let additional = schema.additional { written["additionalProperties"] = json(additional.schema) }
        if let items = schema.items { written["items"] = json(items.schema) }
        return .object(written)
    }

    private func isKnown(_ keyword: String) -> Bool {
        dialect == .v3 || !["oneOf", "anyOf", "allOf", "not", "nullable"].contains(keyword)
    }
}
