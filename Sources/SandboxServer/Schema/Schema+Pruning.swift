package import JSON

extension Schema {
    /// Removes the members that the schema does not know.
    ///
    /// - Returns: their paths, sorted, as strict decoding names them: `spec.containers[0].imag`.
    package func prune(_ value: inout JSONValue) -> [String] {
        var unknown: [String] = []
        prune(&value, at: "", &unknown)
        return unknown.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Members that every object may have, whatever its schema says.
    private static let typeMembers: Set<String> = ["apiVersion", "kind", "metadata"]

    private func prune(_ value: inout JSONValue, at path: String, _ unknown: inout [String]) {
        switch value {
        case .object(var members):
            value = .null
            for (key, member) in members {
                let child = path.isEmpty ? key : "\(path).\(key)"
                if let schema = schema(ofMember: key, atRoot: path.isEmpty) {
                    guard member.isComposite else { continue }
                    members.change(key) { schema.prune(&$0, at: child, &unknown) }
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
                schema.prune(&elements[index], at: "\(path)[\(index)]", &unknown)
            }
            value = .array(elements)
        default: break
        }
    }

    /// The schema that a member is pruned by; nil when the schema does not know the member.
    private func schema(ofMember key: String, atRoot isRoot: Bool) -> Schema? {
        if let schema = member(key) { return schema }
        guard isRoot || isEmbeddedResource, Self.typeMembers.contains(key) else { return nil }
        return key == "metadata" ? .objectMeta : Schema(.string)
    }
}
