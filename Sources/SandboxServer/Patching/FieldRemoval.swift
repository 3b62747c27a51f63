internal import JSON

extension JSONValue {
    /// The value without the fields of a set; nil when nothing is left of an object or list.
    func removing(_ fields: FieldSet, schema: Schema) -> JSONValue? {
        switch schema.structure(of: self) {
        case .leaf: return isScalar ? self : nil
        case .map:
            guard case .object(let members) = self else { return nil }
            let rest = members.compactMap { name, value -> JSONObject.Element? in
                guard let part = fields.children[.field(name)] else { return (name, value) }
                return part.isMember
                    ? nil : (name, value.removing(part, schema: schema.part(named: name)) ?? value.emptied)
            }
            return rest.isEmpty ? nil : .object(JSONObject(rest))
        case .list(let keys):
            guard case .array(let elements) = self else { return nil }
            let rest = schema.identified(elements, keys: keys).compactMap { identity, value -> JSONValue? in
                guard let part = fields.children[identity] else { return value }
                return part.isMember ? nil : value.removing(part, schema: schema.element) ?? value.emptied
            }
            return rest.isEmpty ? nil : .array(rest)
        }
    }

    /// What stays of an object or list whose content is removed, but not itself.
    private var emptied: JSONValue {
        switch self {
        case .object: [:]
        case .array: []
        default: .null
        }
    }

    /// The value without members that are null where the schema lists them and does not allow null.
    func withoutNulls(schema: Schema) -> JSONValue {
        switch self {
        case .object(let members):
            return .object(
                JSONObject(
                    members.compactMap { name, value in
                        let declared = schema.properties[name]
                        if value.isNull, let declared, !declared.isNullable { return nil }
                        return (name, value.withoutNulls(schema: schema.part(named: name)))
                    }
                )
            )
        case .array(let elements): return .array(elements.map { $0.withoutNulls(schema: schema.element) })
        default: return self
        }
    }
}
