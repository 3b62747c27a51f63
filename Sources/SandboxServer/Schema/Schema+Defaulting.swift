package import JSON

extension Schema {
    /// Fills in what is missing.
    ///
    /// A `null` where the schema allows none counts as missing: it becomes the default, or goes away where there is no
    /// default. Members of defaults get their own defaults, too.
    package func applyDefaults(to value: inout JSONValue) {
        dropNulls(in: &value)
        fillIn(&value)
    }

    /// The schema of a member: the one of its name, or the one of all others.
    func member(_ name: String) -> Schema? {
        properties[name] ?? additional?.schema
    }

    private func dropNulls(in value: inout JSONValue) {
        switch value {
        case .object(var members):
            value = .null
            for (key, member) in members {
                guard let schema = self.member(key) else { continue }
                if member.isNull {
                    if !schema.isNullable && schema.defaultValue == nil { members[key] = nil }
                } else if member.isComposite {
                    members.change(key) { schema.dropNulls(in: &$0) }
                }
            }
            value = .object(members)
        case .array(var elements):
            guard let schema = items?.schema else { return }
            value = .null
            for index in elements.indices { schema.dropNulls(in: &elements[index]) }
            value = .array(elements)
        default: break
        }
    }

    private func fillIn(_ value: inout JSONValue) {
        switch value {
        case .object(var members):
            value = .null
            for (name, schema) in properties {
                guard let fallback = schema.defaultValue else { continue }
                let existing = members[name]
                if existing == nil || (existing?.isNull == true && !schema.isNullable) { members[name] = fallback }
            }
            for (key, member) in members where member.isComposite {
                guard let schema = self.member(key) else { continue }
                members.change(key) { schema.fillIn(&$0) }
            }
            value = .object(members)
        case .array(var elements):
            guard let schema = items?.schema else { return }
            value = .null
            for index in elements.indices {
                if elements[index].isNull, !schema.isNullable, let fallback = schema.defaultValue {
                    elements[index] = fallback
                }
                schema.fillIn(&elements[index])
            }
            value = .array(elements)
        default: break
        }
    }
}

extension JSONValue {
    /// Whether this is an object or an array.
    var isComposite: Bool {
        switch self {
        case .object, .array: true
        default: false
        }
    }
}

extension JSONObject {
    /// Changes a member that is there.
    mutating func change(_ key: String, _ change: (inout JSONValue) -> Void) {
        guard var value = updateValue(.null, forKey: key) else { return }
        change(&value)
        self[key] = value
    }
}
