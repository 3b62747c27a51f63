internal import JSON

extension FieldSet {
    /// The fields that somebody sets who writes this value.
    ///
    /// Of objects that merge by member only the members count, unless they are empty or stand under a name that the
    /// schema does not list.
    init(of value: JSONValue, schema: Schema) {
        self.init()
        switch schema.structure(of: value) {
        case .leaf: isMember = true
        case .map: addMembers(of: value.objectValue ?? [:], schema: schema)
        case .list(let keys): addElements(of: value.arrayValue ?? [], schema: schema, keys: keys)
        }
    }

    private mutating func addMembers(of members: JSONObject, schema: Schema) {
        for (name, value) in members {
            var child = FieldSet(of: value, schema: schema.part(named: name))
            if schema.properties[name] == nil || value.isNull || value.objectValue?.isEmpty == true {
                child.isMember = true
            }
            attach(child, at: .field(name))
        }
    }

    private mutating func addElements(of elements: [JSONValue], schema: Schema, keys: [String]) {
        for (identity, value) in schema.identified(elements, keys: keys) {
            if children[identity] != nil {
                // Elements that cannot be told apart are owned together.
                children[identity] = FieldSet(isMember: true)
            } else {
                var child = FieldSet(of: value, schema: schema.element)
                child.isMember = true
                children[identity] = child
            }
        }
    }

    /// The set with every listed member whose content is in it.
    func includingNamedParents(schema: Schema) -> FieldSet {
        var result = FieldSet(isMember: isMember)
        for (element, child) in children {
            var completed = child.includingNamedParents(schema: schema.part(at: element))
            if case .field(let name) = element, schema.properties[name] != nil { completed.isMember = true }
            result.children[element] = completed
        }
        return result
    }

    /// The set after the schema has changed: who owned something inside of what has become atomic owns it all.
    func reconciled(with schema: Schema) -> FieldSet {
        if schema.isAtomicContainer && !children.isEmpty { return FieldSet(isMember: true) }
        guard schema.kind != .any else { return self }
        var result = FieldSet(isMember: isMember)
        for (element, child) in children {
            result.children[element] = child.reconciled(with: schema.part(at: element))
        }
        return result
    }
}
