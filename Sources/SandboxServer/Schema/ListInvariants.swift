internal import JSON

/// The elements of lists of type `set` and the keys of lists of type `map` are unique.
enum ListInvariants {
    /// The violations by a value and everything below it.
    static func causes(of value: JSONValue, _ schema: Schema, at path: String = "") -> [APIFailure.Cause] {
        switch value {
        case .object(let members):
            return members.flatMap { key, member -> [APIFailure.Cause] in
                if let property = schema.properties[key] {
                    return causes(of: member, property, at: path.isEmpty ? key : "\(path).\(key)")
                }
                guard let additional = schema.additional?.schema else { return [] }
                return causes(of: member, additional, at: "\(path)[\(key)]")
            }
        case .array(let elements):
            let own: [APIFailure.Cause] =
                switch schema.listType {
                case .set: repeats(of: elements).map { .duplicate("\(path)[\($0)]", elements[$0]) }
                case .map: causes(ofMap: elements, schema.listMapKeys, at: path)
                default: []
                }
            guard let items = schema.items?.schema else { return own }
            return own + elements.enumerated().flatMap { causes(of: $0.element, items, at: "\(path)[\($0.offset)]") }
        default:
            return []
        }
    }

    private static func causes(ofMap elements: [JSONValue], _ keys: [String], at path: String) -> [APIFailure.Cause] {
        if let index = elements.firstIndex(where: { $0.objectValue == nil && !$0.isNull }) {
            let detail = "must be an object for an array of list-type map"
            return [.invalid("\(path)[\(index)]", elements[index], detail)]
        }
        let identities = elements.map { element in
            JSONValue.object(JSONObject(keys.compactMap { key in element[key].map { (key: key, value: $0) } }))
        }
        return repeats(of: identities).map { .duplicate("\(path)[\($0)]", identities[$0]) }
    }

    /// The positions where a value occurs for the second time; further times are not counted.
    private static func repeats(of values: [JSONValue]) -> [Int] {
        var counts: [JSONValue: Int] = [:]
        return values.indices.filter { index in
            counts[values[index], default: 0] += 1
            return counts[values[index]] == 2
        }
    }
}
