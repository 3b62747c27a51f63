internal import JSON

/// The two versions of OpenAPI that the server speaks.
enum OpenAPIDialect: Sendable {
    /// Swagger 2.0.
    case v2
    /// OpenAPI 3.0.
    case v3

    /// What references to schemas begin with.
    var prefix: String {
        switch self {
        case .v2: "#/definitions/"
        case .v3: "#/components/schemas/"
        }
    }
}

/// The named schemas of a document: those that were asked for, and all that they refer to.
struct OpenAPIComponents {
    /// How to write.
    let dialect: OpenAPIDialect
    /// The schemas by name.
    private(set) var schemas = JSONObject()

    /// Begins without any.
    init(_ dialect: OpenAPIDialect) {
        self.dialect = dialect
    }

    /// A reference to a type of the table, which becomes part of the document.
    mutating func reference(_ name: String) -> JSONValue {
        add(name)
        return ["$ref": .string(dialect.prefix + name)]
    }

    /// Adds a schema under a name of its own.
    mutating func add(_ name: String, _ schema: JSONValue) {
        schemas[name] = schema
    }

    /// Adds the kind that identifies objects of a schema.
    mutating func mark(_ name: String, group: String, version: String, kind: String) {
        let entry: JSONValue = ["group": .string(group), "version": .string(version), "kind": .string(kind)]
        var schema = schemas[name] ?? [:]
        schema["x-kubernetes-group-version-kind"] = .array([entry])
        schemas[name] = schema
    }

    /// Adds the list of a kind whose schema is `item`.
    mutating func addList(_ name: String, of item: String) {
        let fields = [
            TypeTable.Field(name: "items", type: .list(.named(item)), isRequired: true, description: "the objects"),
            TypeTable.Field(
                name: "metadata",
                type: .named("io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"),
                description: "the version of the list and the way to its next page"
            ),
        ]
        schemas[name] = schema(of: TypeTable.Object(name: name, isKind: true, description: "a list", fields: fields))
    }

    private mutating func add(_ name: String) {
        guard schemas[name] == nil else { return }
        if let scalar = Self.scalars[name] {
            schemas[name] = scalar.openAPI(dialect)
        } else if let object = BuiltinCatalogue.types.objects[name] {
            // Taken first, so that types which contain themselves come to an end.
            schemas[name] = [:]
            schemas[name] = schema(of: object)
        }
    }

    private mutating func schema(of object: TypeTable.Object) -> JSONValue {
        var schema: JSONValue = ["type": "object"]
        schema["description"] = object.description.map { .string($0) }
        if object.isAtomic { schema["x-kubernetes-map-type"] = "atomic" }
        var properties = JSONObject()
        for field in object.allFields { properties[field.name] = self.schema(of: field) }
        if !properties.isEmpty { schema["properties"] = .object(properties) }
        let required = object.allFields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { schema["required"] = .array(required) }
        return schema
    }

    private mutating func schema(of field: TypeTable.Field) -> JSONValue {
        var schema = self.schema(of: field.type)
        var extras = JSONObject()
        extras["description"] = field.description.map { .string($0) }
        extras["default"] = field.defaultValue
        if !field.values.isEmpty { extras["enum"] = .array(field.values.map { .string($0) }) }
        extras["x-kubernetes-patch-merge-key"] = field.mergeKey.map { .string($0) }
        if !field.mergeStrategies.isEmpty {
            extras["x-kubernetes-patch-strategy"] = .string(field.mergeStrategies.joined(separator: ","))
        }
        if let listType = field.listType {
            let isList = if case .list = field.type { true } else { false }
            extras[isList ? "x-kubernetes-list-type" : "x-kubernetes-map-type"] = .string(listType.rawValue)
        }
        if !field.mapKeys.isEmpty {
            extras["x-kubernetes-list-map-keys"] = .array(field.mapKeys.map { .string($0) })
        }
        // Version 3.0 ignores whatever stands beside a reference.
        if dialect == .v3, schema["$ref"] != nil, !extras.isEmpty { schema = ["allOf": [schema]] }
        for (key, value) in extras { schema[key] = value }
        return schema
    }

    private mutating func schema(of type: TypeTable.TypeName) -> JSONValue {
        switch type {
        case .named(let name): reference(name)
        case .list(let element): ["type": "array", "items": schema(of: element)]
        case .map(let element): ["type": "object", "additionalProperties": schema(of: element)]
        case .scalar(let scalar):
            if let name = scalar.typeName { reference(name) } else { scalar.openAPI(dialect) }
        }
    }

    private static let scalars: [String: TypeTable.Scalar] = {
        let named: [TypeTable.Scalar] = [.quantity, .intOrString, .time, .microTime, .object, .any]
        return Dictionary(uniqueKeysWithValues: named.compactMap { scalar in scalar.typeName.map { ($0, scalar) } })
    }()
}

extension TypeTable.Scalar {
    /// The name in documents, of those that have one.
    var typeName: String? {
        switch self {
        case .quantity: "io.k8s.apimachinery.pkg.api.resource.Quantity"
        case .intOrString: "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
        case .time: "io.k8s.apimachinery.pkg.apis.meta.v1.Time"
        case .microTime: "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"
        case .object: "io.k8s.apimachinery.pkg.runtime.RawExtension"
        case .any: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON"
        default: nil
        }
    }

    /// The schema in a document.
    func openAPI(_ dialect: OpenAPIDialect) -> JSONValue {
        var schema: JSONValue =
            switch self {
            case .string, .bytes, .time, .microTime: ["type": "string"]
            case .int32, .int64: ["type": "integer"]
            case .double: ["type": "number"]
            case .bool: ["type": "boolean"]
            case .object: ["type": "object"]
            case .any: [:]
            case .quantity:
                dialect == .v2 ? ["type": "string"] : ["oneOf": [["type": "string"], ["type": "number"]]]
            case .intOrString:
                dialect == .v2
                    ? ["type": "string", "format": "int-or-string"]
                    : ["oneOf": [["type": "integer"], ["type": "string"]], "format": "int-or-string"]
            }
        schema["format"] = format.map { .string($0) } ?? schema["format"]
        return schema
    }
}
