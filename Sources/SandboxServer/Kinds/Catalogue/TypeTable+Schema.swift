internal import JSON

/// Turns types of a ``TypeTable`` into ``Schema`` values; each type once, so that users of it share one storage.
struct SchemaBuilder {
    private let table: TypeTable
    private var built: [String: Schema] = [:]
    /// The types on the way, for those that contain themselves.
    private var open: Set<String> = []

    /// Builds from a table.
    init(_ table: TypeTable) {
        self.table = table
    }

    /// The schema of a type by full name; of unknown shape when the table does not have it, or inside of itself.
    mutating func schema(of name: String) -> Schema {
        if let schema = built[name] { return schema }
        guard let object = table.objects[name], open.insert(name).inserted else {
            return TypeTable.Scalar.object.schema
        }
        var schema = Schema(.object)
        schema.description = object.description
        schema.isAtomicMap = object.isAtomic
        for field in object.allFields {
            schema.properties[field.name] = self.schema(of: field)
            if field.isEnforced { schema.required.append(field.name) }
        }
        open.remove(name)
        built[name] = schema
        return schema
    }

    private mutating func schema(of field: TypeTable.Field) -> Schema {
        var schema = self.schema(of: field.type)
        if let description = field.description { schema.description = description }
        schema.defaultValue = field.defaultValue
        schema.isShownUnset = field.isShownUnset
        if field.showsNull {
            schema.defaultValue = .null
            schema.isNullable = true
        }
        schema.patchMergeKey = field.mergeKey
        schema.patchStrategy = field.mergeStrategies.isEmpty ? nil : field.mergeStrategies.joined(separator: ",")
        if case .list = field.type {
            schema.listType = field.listType
            schema.listMapKeys = field.mapKeys
        } else if field.listType == .atomic {
            schema.isAtomicMap = true
        }
        if !field.values.isEmpty {
            schema.constraints = SchemaConstraints(keywords: ["enum": .array(field.values.map { .string($0) })])
        }
        return schema
    }

    private mutating func schema(of type: TypeTable.TypeName) -> Schema {
        switch type {
        case .scalar(let scalar): return scalar.schema
        case .named(let name): return schema(of: name)
        case .list(let element):
            var schema = Schema(.array)
            schema.items = .schema(self.schema(of: element))
            return schema
        case .map(let element):
            var schema = Schema(.object)
            schema.additional = .schema(self.schema(of: element))
            return schema
        }
    }
}

extension TypeTable.Field {
    /// Whether the server shows the field, as zero or null, when nothing is set.
    fileprivate var isShownUnset: Bool {
        showsNull || !keepsZero && [false, 0, "", "0", [:]].contains(defaultValue)
    }
}

extension TypeTable.Object {
    /// The fields, with `apiVersion` and `kind` where there are any.
    var allFields: [TypeTable.Field] {
        isKind ? Self.typeFields + fields : fields
    }

    private static let typeFields = [
        TypeTable.Field(
            name: "apiVersion",
            type: .scalar(.string),
            description: "group and version that this object is written in"
        ),
        TypeTable.Field(name: "kind", type: .scalar(.string), description: "the kind of this object"),
    ]
}

extension TypeTable.Scalar {
    /// The OpenAPI format, where there is one.
    var format: String? {
        switch self {
        case .bytes: "byte"
        case .time, .microTime: "date-time"
        case .int32, .int64, .double: rawValue
        default: nil
        }
    }

    /// The schema of the values.
    var schema: Schema {
        var schema =
            switch self {
            case .string, .bytes, .time, .microTime: Schema(.string)
            case .quantity, .intOrString: Schema(.intOrString)
            case .int32, .int64: Schema(.integer)
            case .double: Schema(.number)
            case .bool: Schema(.boolean)
            case .any: Schema.anything
            case .object: Schema(.object)
            }
        if self == .object { schema.preservesUnknownFields = true }
        if let format { schema.constraints = SchemaConstraints(keywords: ["format": .string(format)]) }
        return schema
    }
}
