package import JSON

extension Schema {
    /// Removes the members that the schema does not know.
    ///
    /// An object of the API keeps `apiVersion`, `kind` and `metadata` whatever its schema says.
    ///
    /// - Returns: their paths, sorted, as strict decoding names them: `spec.containers[0].imag`.
    package func prune(_ value: inout JSONValue, isObject: Bool = true) -> [String] {
        var unknown: [String] = []
        prune(&value, at: "", isObject: isObject || isEmbeddedResource, &unknown)
        return unknown.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// What every object may have.
    private static let typeMembers: Set<String> = ["apiVersion", "kind", "metadata"]

    private func prune(_ value: inout JSONValue, at path: String, isObject: Bool, _ unknown: inout [String]) {
        switch value {
        case .object(var members):
            value = .null
            for (key, member) in members {
                let child = path.isEmpty ? key : "\(path).\(key)"
                if let schema = schema(ofMember: key, isObject) {
                    guard member.isComposite else { continue }
                    members.change(key) { schema.prune(&$0, at: child, isObject: schema.isEmbeddedResource, &unknown) }
                } else if !preservesUnknownFields {
                    members[key] = nil
                    unknown.append(child)
                }
            }
            value = .object(members)
        case .array(var elements):
            // What is below an array of unknown elements is either kept as a whole or unknown as a whole.
            guard let schema = items?.schema ?? (preservesUnknownFields ? nil : Schema(.any)) else { return }
            value = .null
            for index in elements.indices where elements[index].isComposite {
                let child = "\(path)[\(index)]"
                schema.prune(&elements[index], at: child, isObject: schema.isEmbeddedResource, &unknown)
            }
            value = .array(elements)
        default: break
        }
    }

    /// The schema that a member is pruned by; nil when the schema does not know the member.
    private func schema(ofMember key: String, _ isObject: Bool) -> Schema? {
        if isObject, key == "metadata" { return .objectMeta }
        if let schema = member(key) { return schema }
        guard isObject, Self.typeMembers.contains(key) else { return nil }
        return Schema(.string)
    }
}
