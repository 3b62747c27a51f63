package import JSON

extension Schema {
    /// Keywords that are fields of ``Schema``; the others are kept as constraints.
    private static let ownKeywords: Set<String> = [
        "type", "description", "properties", "required", "additionalProperties", "items", "default", "nullable",
        "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string",
        "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
        "x-kubernetes-patch-merge-key", "x-kubernetes-patch-strategy",
    ]

    /// Reads an `openAPIV3Schema`, or a schema nested in one; whatever makes no sense is left out.
    ///
    /// ``StructuralSchema/parse(_:at:)`` tells what is wrong with a schema.
    package init(openAPI document: JSONValue) {
        self.init(Self.kind(of: document))
        description = document["description"]?.stringValue
        properties = (document["properties"]?.objectValue ?? [:]).mapValues { Schema(openAPI: $0) }
        required = document["required"]?.strings ?? []
        items = document["items"].flatMap { $0.objectValue == nil ? nil : .schema(Schema(openAPI: $0)) }
        additional = Self.additional(document["additionalProperties"])
        defaultValue = document["default"].flatMap { $0.isNull ? nil : $0 }
        isNullable = document["nullable"]?.boolValue ?? false
        preservesUnknownFields = document["x-kubernetes-preserve-unknown-fields"]?.boolValue ?? false
        isEmbeddedResource = document["x-kubernetes-embedded-resource"]?.boolValue ?? false
        listType = document["x-kubernetes-list-type"]?.stringValue.flatMap { ListType(rawValue: $0) }
        listMapKeys = document["x-kubernetes-list-map-keys"]?.strings ?? []
        isAtomicMap = document["x-kubernetes-map-type"]?.stringValue == "atomic"
        patchMergeKey = document["x-kubernetes-patch-merge-key"]?.stringValue
        patchStrategy = document["x-kubernetes-patch-strategy"]?.stringValue
        constraints = SchemaConstraints(openAPI: document, without: Self.ownKeywords)
    }

    private static func kind(of document: JSONValue) -> Kind {
        if document["x-kubernetes-int-or-string"]?.boolValue == true { return .intOrString }
        switch document["type"]?.stringValue {
        case "object": return .object
        case "array": return .array
        case "string": return .string
        case "integer": return .integer
        case "number": return .number
        case "boolean": return .boolean
        default: return .any
        }
    }

    private static func additional(_ document: JSONValue?) -> Box? {
        switch document {
        case .object: return document.map { .schema(Schema(openAPI: $0)) }
        case .bool(true):
            var schema = Schema(.any)
            schema.isNullable = true
            return .schema(schema)
        default: return nil
        }
    }
}

extension SchemaConstraints {
    /// The keywords of a schema that are not fields of ``Schema``; nil when there are none.
    fileprivate init?(openAPI document: JSONValue, without own: Set<String>) {
        let others = (document.objectValue ?? [:]).filter { !own.contains($0.key) && !$0.value.isNull }
        guard !others.isEmpty else { return nil }
        self.init(keywords: others)
        allOf = (others["allOf"]?.arrayValue ?? []).map { Schema(openAPI: $0) }
        anyOf = (others["anyOf"]?.arrayValue ?? []).map { Schema(openAPI: $0) }
        oneOf = (others["oneOf"]?.arrayValue ?? []).map { Schema(openAPI: $0) }
        not = others["not"].map { [Schema(openAPI: $0)] } ?? []
    }
}

extension JSONValue {
    /// The strings of an array; other elements are left out.
    var strings: [String] { (arrayValue ?? []).compactMap(\.stringValue) }
}
