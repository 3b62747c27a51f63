package import JSON

/// Drops the nulls that Go's typed decoding drops: to a struct, null is the same as nothing.
package enum NullRemoval {
    /// An object of a built-in kind without nulls, save where the schema keeps raw JSON.
    package static func typed(_ value: JSONValue, _ schema: Schema) -> JSONValue {
        switch value {
        case .object(let members):
            guard schema.kind != .any else { return value }
            var kept = JSONObject()
            for (key, member) in members {
                let isRaw = schema.properties[key]?.isNullable == true
                guard !member.isNull || isRaw else { continue }
                kept[key] = typed(member, schema.properties[key] ?? schema.additional?.schema ?? Schema(.object))
            }
            return .object(kept)
        case .array(let elements):
            guard let items = schema.items?.schema else { return value }
            return .array(elements.map { typed($0, items) })
        default:
            return value
        }
    }

    /// Metadata without nulls and without the empty strings, lists and maps that the server never shows.
    package static func metadata(_ value: JSONValue?) -> JSONValue {
        guard case .object(let members) = value else { return [:] }
        return .object(
            members.filter { member in
                switch member.value {
                case .null: false
                case .string(let text): !text.isEmpty
                case .array(let elements): !elements.isEmpty
                case .object(let members): !members.isEmpty
                default: true
                }
            }
        )
    }
}
