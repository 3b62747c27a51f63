internal import JSON

/// How the parts of a value are owned and merged, by its schema.
enum MergeStructure: Hashable {
    /// As one: scalars, and lists and objects that are atomic.
    case leaf
    /// Member by member.
    case map
    /// Element by element; identified by these members, or by its value when there are none.
    case list(keys: [String])
}

extension Schema {
    /// How a value of this schema merges; a list whose type is not told is atomic.
    ///
    /// A value that is not of the schema's type merges as one. Null counts as an empty object or list.
    func structure(of value: JSONValue) -> MergeStructure {
        switch (kind, value) {
        case (.any, .object), (.any, .null): .map
        case (.object, .object), (.object, .null): isAtomicMap ? .leaf : .map
        case (.array, .array), (.array, .null): listStructure
        default: .leaf
        }
    }

    private var listStructure: MergeStructure {
        switch listType {
        case .map: .list(keys: listMapKeys)
        case .set: .list(keys: [])
        case .atomic: .leaf
        case nil:
            // Schemas older than list types tell it by what strategic merge patch reads.
            patchStrategy?.split(separator: ",").contains("merge") == true
                ? .list(keys: patchMergeKey.map { [$0] } ?? []) : .leaf
        }
    }

    /// Whether an object or list of this schema is owned as one.
    var isAtomicContainer: Bool {
        switch kind {
        case .object: isAtomicMap
        case .array: listStructure == .leaf
        default: false
        }
    }

    /// Whether members that the schema does not list have a schema of their own.
    var allowsUndeclaredMembers: Bool {
        kind == .any || additional != nil || preservesUnknownFields
            || (kind == .object && properties.isEmpty && !isEmbeddedResource)
    }

    /// The schema of the member of that name; of those that the schema does not know, nothing is known.
    func part(named name: String) -> Schema {
        member(name) ?? .anything
    }

    /// The schema of the elements.
    var element: Schema { items?.schema ?? .anything }

    /// The schema of what a path element leads to.
    func part(at element: PathElement) -> Schema {
        if case .field(let name) = element { part(named: name) } else { self.element }
    }

    /// What identifies an element among the others of its list, its position when nothing else does.
    func identity(of value: JSONValue, keys: [String], position: Int) -> PathElement {
        guard !keys.isEmpty else {
            return value.isScalar ? .value(value) : .index(position)
        }
        let identity = keyMembers(of: value, keys: keys)
        return identity.isEmpty ? .index(position) : .key(identity)
    }

    /// The members of an element that are keys of its list, defaults included.
    func keyMembers(of value: JSONValue, keys: [String]) -> JSONObject {
        var members = JSONObject()
        for key in keys {
            if let member = value[key] ?? element.properties[key]?.defaultValue { members[key] = member }
        }
        return members
    }

    /// The elements with what identifies each.
    func identified(_ elements: [JSONValue], keys: [String]) -> [(identity: PathElement, value: JSONValue)] {
        elements.enumerated().map { (identity(of: $1, keys: keys, position: $0), $1) }
    }
}

extension JSONValue {
    /// Whether this is a string, a number or a boolean.
    var isScalar: Bool {
        switch self {
        case .string, .number, .bool: true
        case .null, .array, .object: false
        }
    }

    /// Whether this is null or an object or array without content.
    var isBlank: Bool {
        switch self {
        case .null: true
        case .array(let elements): elements.isEmpty
        case .object(let members): members.isEmpty
        case .string, .number, .bool: false
        }
    }
}
