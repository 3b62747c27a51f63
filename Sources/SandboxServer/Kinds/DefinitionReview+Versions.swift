internal import JSON

extension DefinitionReview {
    /// The keywords that the root of a schema may have beside a status subresource.
    private static let rootKeywords: Set<String> = [
        "description", "type", "format", "title", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum",
        "maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "multipleOf", "required", "items",
        "properties", "externalDocs", "example", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations",
    ]

    mutating func checkSchema(_ schema: JSONValue, hasStatus: Bool, _ path: String) {
        let place = "\(path).openAPIV3Schema"
        if hasStatus { checkRoot(schema, place) }
        if schema.flag("nullable") {
            causes.append(.forbidden("\(place).nullable", "nullable cannot be true at the root"))
        }
        causes += StructuralSchema.parse(schema, at: place).1
    }

    private mutating func checkRoot(_ schema: JSONValue, _ path: String) {
        let type = schema.text("type")
        if !type.isEmpty, type != "object" {
            let detail =
                "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled"
            causes.append(.invalid("\(path).type", .string(type), detail))
        }
        let isForbidden = (schema.objectValue ?? [:]).contains { key, value in
            !Self.rootKeywords.contains(key) && ![.null, false, [], [:], ""].contains(value)
        }
        guard isForbidden else { return }
        let allowed =
            "[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength"
            + " Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example"
            + " XPreserveUnknownFields XValidations]"
        let detail =
            "only \(allowed) fields are allowed at the root of the schema if the status subresource is enabled"
        causes.append(.invalid(path, schema, detail))
    }

    mutating func checkSubresources(_ subresources: JSONValue?, _ path: String) {
        guard let scale = subresources?.present("scale") else { return }
        checkReplicas(scale.text("specReplicasPath"), below: ".spec.", "\(path).scale.specReplicasPath")
        checkReplicas(scale.text("statusReplicasPath"), below: ".status.", "\(path).scale.statusReplicasPath")
        let selector = scale.text("labelSelectorPath")
        guard !selector.isEmpty, checkSimplePath(selector, "\(path).scale.labelSelectorPath") else { return }
        if !selector.hasPrefix(".spec."), !selector.hasPrefix(".status.") {
            let detail = "should be a json path under either .spec or .status"
            causes.append(.invalid("\(path).scale.labelSelectorPath", .string(selector), detail))
        }
    }

    private mutating func checkReplicas(_ text: String, below prefix: String, _ path: String) {
        if text.isEmpty {
            causes.append(.required(path))
        } else if checkSimplePath(text, path), !text.hasPrefix(prefix) {
            causes.append(.invalid(path, .string(text), "should be a json path under \(prefix.dropLast())"))
        }
    }

    private mutating func checkSimplePath(_ text: String, _ path: String) -> Bool {
        guard !text.hasPrefix(".") else { return true }
        causes.append(.invalid(path, .string(text), "must be a simple json path starting with ."))
        return false
    }

    private static let columnTypes = ["boolean", "date", "integer", "number", "string"]
    private static let columnFormats = [
        "byte", "date", "date-time", "double", "float", "int32", "int64", "password",
    ]

    mutating func checkColumns(_ columns: [JSONValue], _ path: String) {
        for (index, column) in columns.enumerated() {
            let place = "\(path)[\(index)]"
            if column.text("name").isEmpty { causes.append(.required("\(place).name")) }
            let type = column.text("type")
            if !Self.columnTypes.contains(type) {
                let detail = "must be one of \(Self.columnTypes.joined(separator: ","))"
                causes.append(
                    type.isEmpty ? .required("\(place).type", detail) : .invalid("\(place).type", .string(type), detail)
                )
            }
            let format = column.text("format")
            if !format.isEmpty, !Self.columnFormats.contains(format) {
                let detail = "must be one of \(Self.columnFormats.joined(separator: ","))"
                causes.append(.invalid("\(place).format", .string(format), detail))
            }
            let jsonPath = column.text("jsonPath")
            if jsonPath.isEmpty {
                causes.append(.required("\(place).JSONPath"))
            } else {
                _ = checkSimplePath(jsonPath, "\(place).JSONPath")
            }
        }
    }

    mutating func checkSelectable(_ fields: [JSONValue], _ schema: JSONValue, _ path: String) {
        var seen: Set<String> = []
        for (index, field) in fields.enumerated() {
            let place = "\(path)[\(index)].jsonPath"
            let text = field.text("jsonPath")
            if text.isEmpty {
                causes.append(.required(place))
                continue
            }
            switch SelectableField.schema(at: text, in: schema) {
            case .failure(let problem):
                causes.append(.invalid(place, .string(text), "is an invalid path: \(problem)"))
                continue
            case .success(let found):
                if text.hasPrefix(".metadata") {
                    causes.append(.invalid(place, .string(text), "must not point to fields in metadata"))
                }
                if !["string", "boolean", "integer"].contains(found.text("type")) {
                    let detail =
                        "must point to a field of type string, boolean or integer. Enum string fields and strings with"
                        + " formats are allowed."
                    causes.append(.invalid(place, .string(text), detail))
                }
            }
            if !seen.insert(text).inserted { causes.append(.duplicate(place, .string(text))) }
        }
        if seen.count > 8 { causes.append(.tooMany(path, actual: seen.count, maximum: 8)) }
    }
}

/// A path that field selectors may name.
private enum SelectableField {
    /// The schema of what the path leads to.
    static func schema(at text: String, in root: JSONValue) -> Result<JSONValue, PatternError> {
        var schema = root
        var rest = text[...]
        while !rest.isEmpty {
            guard rest.removeFirst() == "." else {
                let token = text.prefix { $0 != "." && $0 != "[" && $0 != "]" }
                return .failure(PatternError(description: "expected [ or . but got: \(token)"))
            }
            let name = rest.prefix { $0 != "." && $0 != "[" && $0 != "]" }
            rest = rest.dropFirst(name.count)
            if rest.first == "[" { return .failure(PatternError(description: "array notation is not allowed")) }
            if name.isEmpty { return .failure(PatternError(description: "unexpected end of JSON path")) }
            guard let next = schema["properties"]?[String(name)] ?? schema["additionalProperties"] else {
                return .failure(PatternError(description: "does not refer to a valid field"))
            }
            schema = next
        }
        return .success(schema)
    }
}
