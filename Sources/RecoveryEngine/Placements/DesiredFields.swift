internal import JSON

/// Compares what a manifest declares with what a cluster has: fields that nobody declared do not count.
enum DesiredFields {
    /// How many differences are worth naming.
    static let maxDifferences = 8

    /// Paths of the declared fields whose live value is another one, at most `maxDifferences`.
    ///
    /// Only equal text counts as equal. The server writes some values in another way (quantities, defaults inside of
    /// lists), so a difference found here is a question to the server, and only none is an answer.
    static func differences(from desired: JSONValue, in live: JSONValue) -> [String] {
        var found: [String] = []
        compare(desired, live, "", &found)
        return found
    }

    private static func compare(_ desired: JSONValue, _ live: JSONValue?, _ path: String, _ found: inout [String]) {
        guard found.count < maxDifferences else { return }
        switch (desired, live) {
        case (.null, nil), (.null, .null): return
        case (.object(let members), nil) where members.isEmpty: return
        case (.array(let elements), nil) where elements.isEmpty: return
        case (.object(let wanted), .object(let present)):
            for (key, value) in wanted {
                compare(value, present[key], path.isEmpty ? key : "\(path).\(key)", &found)
            }
        case (.array(let wanted), .array(let present)) where wanted.count == present.count:
            for (index, pair) in zip(wanted, present).enumerated() {
                compare(pair.0, pair.1, "\(path)[\(index)]", &found)
            }
        default:
            if desired != live { found.append(path) }
        }
    }

    /// An object without what changes although nobody changes it: status, versions, times and who owns what.
    static func settled(_ object: JSONValue) -> JSONValue {
        var copy = object
        copy["status"] = nil
        for field in ["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid", "selfLink"] {
            copy.set(nil, at: ["metadata", field])
        }
        return copy
    }
}
