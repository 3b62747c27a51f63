package import JSON

/// Says of values of wrong JSON types what Go's decoder says: the first one that cannot become its field.
package enum GoTypes {
    /// The text; nil when everything fits.
    ///
    /// Custom resources are typed in `metadata` only: the rest is their schema's.
    package static func mismatch(_ object: JSONValue, _ resource: ServedResource) -> String? {
        let schema = resource.version.schema
        if resource.definition.isCustom {
            guard let metadata = object["metadata"], let known = schema.properties["metadata"] else { return nil }
            return mismatch(metadata, known, owner: "ObjectMeta", path: "metadata")
        }
        return mismatch(object, schema, owner: resource.definition.kind, path: "")
    }

    private static func mismatch(_ value: JSONValue, _ schema: Schema, owner: String, path: String) -> String? {
        switch (value, schema.kind) {
        case (.null, _), (_, .any), (.string, .string), (.bool, .boolean), (.string, .intOrString): return nil
        case (.number(let number), .integer) where number.int64 == nil:
            return text("number \(number.literal)", schema, owner, path)
        case (.number, .integer), (.number, .number), (.number, .intOrString): return nil
        case (.object(let members), .object): return mismatch(members, schema, owner: owner, path: path)
        case (.array(let elements), .array):
            guard let items = schema.items?.schema else { return nil }
            let type = items.kind == .object ? typeName(path) : owner
            for element in elements {
                if let text = mismatch(element, items, owner: type, path: path) { return text }
            }
            return nil
        default: return text(value.goKind, schema, owner, path)
        }
    }

    private static func mismatch(_ members: JSONObject, _ schema: Schema, owner: String, path: String) -> String? {
        for (key, value) in members {
            guard let known = schema.properties[key] ?? schema.additional?.schema else { continue }
            let isMap = schema.properties[key] == nil
            let child = isMap ? path : path.isEmpty ? key : "\(path).\(key)"
            let type = known.kind == .object && known.additional == nil ? typeName(child, in: owner) : owner
            if let text = mismatch(value, known, owner: type == "" ? owner : type, path: child) { return text }
        }
        return nil
    }

    /// The Go type of a field, as well as it can be told from its name.
    private static func typeName(_ path: String, in owner: String = "") -> String {
        let name = path.split(separator: ".").last.map(String.init) ?? path
        let capitalised = name.prefix(1).uppercased() + name.dropFirst()
        switch name {
        case "metadata": return "ObjectMeta"
        case "spec", "status": return owner + capitalised
        case _ where owner.isEmpty && name.hasSuffix("s"): return String(capitalised.dropLast())
        default: return capitalised
        }
    }

    private static func text(_ found: String, _ schema: Schema, _ owner: String, _ path: String) -> String {
        guard !path.isEmpty else { return "json: cannot unmarshal \(found) into Go value of type \(typeText(schema))" }
        let structOwner = schema.kind == .object && schema.additional == nil ? owner : owner
        return "json: cannot unmarshal \(found) into Go struct field \(structOwner).\(path) of type \(typeText(schema))"
    }

    private static func typeText(_ schema: Schema) -> String {
        switch schema.kind {
        case .string: "string"
        case .boolean: "bool"
        case .integer: "int32"
        case .number: "float64"
        case .intOrString: "intstr.IntOrString"
        case .array: "[]\(schema.items.map { typeText($0.schema) } ?? "interface {}")"
        case .object where schema.additional != nil:
            "map[string]\(schema.additional.map { typeText($0.schema) } ?? "")"
        case .object: "v1.Struct"
        case .any: "interface {}"
        }
    }
}
