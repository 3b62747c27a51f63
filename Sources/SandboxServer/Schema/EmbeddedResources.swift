internal import JSON

/// What objects inside of objects (`x-kubernetes-embedded-resource`) need to be objects.
enum EmbeddedResources {
    /// The violations by the embedded objects of a value.
    static func causes(of value: JSONValue, _ schema: Schema, at path: String) -> [APIFailure.Cause] {
        switch value {
        case .object(let members):
            let own = schema.isEmbeddedResource ? Self.causes(of: members, at: path) : []
            return own
                + members.flatMap { key, member -> [APIFailure.Cause] in
                    if let property = schema.properties[key] {
                        return causes(of: member, property, at: path.isEmpty ? key : "\(path).\(key)")
                    }
                    guard let additional = schema.additional?.schema else { return [] }
                    return causes(of: member, additional, at: "\(path)[\(key)]")
                }
        case .array(let elements):
            guard let items = schema.items?.schema else { return [] }
            return elements.enumerated().flatMap { causes(of: $0.element, items, at: "\(path)[\($0.offset)]") }
        default:
            return []
        }
    }

    private static func causes(of object: JSONObject, at path: String) -> [APIFailure.Cause] {
        var causes: [APIFailure.Cause] = []
        func place(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
        for name in ["apiVersion", "kind"] where object[name] == nil { causes.append(.required(place(name))) }
        for (name, check) in [("apiVersion", checkVersion), ("kind", checkKind)] {
            guard let value = object[name] else { continue }
            if let problem = value.stringValue.map(check) ?? "must be a string", !problem.isEmpty {
                causes.append(.invalid(place(name), value, problem))
            }
        }
        if let metadata = object["metadata"] { causes += Self.causes(ofMetadata: metadata, at: place("metadata")) }
        return causes
    }

    private static func checkVersion(_ text: String) -> String? {
        if text.isEmpty { return "must not be empty" }
        return text.split(separator: "/", omittingEmptySubsequences: false).count > 2
            ? "unexpected GroupVersion string: \(text)" : nil
    }

    private static func checkKind(_ text: String) -> String? {
        if text.isEmpty { return "must not be empty" }
        let problems = ObjectNames.violations(text.lowercased(), .strictLabel)
        guard !problems.isEmpty else { return nil }
        return "may have mixed case, but should otherwise match: " + problems.joined(separator: ",")
    }

    private static func causes(ofMetadata metadata: JSONValue, at path: String) -> [APIFailure.Cause] {
        let types = Schema.objectMeta.validate(metadata, old: nil, field: path)
        guard types.isEmpty else { return types }
        var causes: [APIFailure.Cause] = []
        if let name = metadata["name"]?.stringValue, !name.isEmpty {
            causes += ObjectNames.violations(name, .pathSegment).map { .invalid("\(path).name", .string(name), $0) }
        }
        for (key, value) in metadata.members("labels") {
            causes += ObjectNames.qualifiedName(key).map { .invalid("\(path).labels", .string(key), $0) }
            let problems = ObjectNames.labelValue(value.stringValue ?? "")
            causes += problems.map { .invalid("\(path).labels", value, $0) }
        }
        for (key, _) in metadata.members("annotations") {
            let problems = ObjectNames.qualifiedName(key.lowercased())
            causes += problems.map { .invalid("\(path).annotations", .string(key), $0) }
        }
        return causes
    }
}
