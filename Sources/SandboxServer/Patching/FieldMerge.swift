internal import JSON

/// Lays what one manager wants over an object, by the schema: what is atomic is replaced, all else merges.
enum FieldMerge {
    /// The object with the configuration merged into it; nil when there is nothing.
    static func merge(_ config: JSONValue?, into live: JSONValue?, schema: Schema) -> JSONValue? {
        guard let config else { return live }
        guard let live else { return mergePresent(config, into: .null, isNew: true, schema) }
        return mergePresent(config, into: live, isNew: false, schema)
    }

    private static func mergePresent(
        _ config: JSONValue,
        into live: JSONValue,
        isNew: Bool,
        _ schema: Schema
    ) -> JSONValue {
        let structure = schema.structure(of: config)
        let mergesWithLive = isNew || schema.structure(of: live) == structure
        if structure == .leaf || (config.isBlank && (live.isBlank || !mergesWithLive)) { return config }
        let base = mergesWithLive ? live : .null
        switch structure {
        case .leaf: return config
        case .map: return .object(merge(config.objectValue ?? [:], into: base.objectValue ?? [:], schema))
        case .list(let keys):
            let list = ListMerge(
                live: schema.identified(base.arrayValue ?? [], keys: keys),
                config: schema.identified(config.arrayValue ?? [], keys: keys)
            )
            return .array(list.merged { merge($0, into: $1, schema: schema.element) })
        }
    }

    private static func merge(_ config: JSONObject, into live: JSONObject, _ schema: Schema) -> JSONObject {
        var result = live
        for (name, value) in config {
            result[name] = merge(value, into: live[name], schema: schema.part(named: name))
        }
        return result
    }
}

/// The merge of two lists whose elements have identities.
///
/// Elements that both have stand in the order of the configuration; those of the live list alone stay where they
/// are between them.
private struct ListMerge {
    let live: [(identity: PathElement, value: JSONValue)]
    let config: [(identity: PathElement, value: JSONValue)]

    func merged(_ merge: (_ config: JSONValue, _ live: JSONValue?) -> JSONValue?) -> [JSONValue] {
        let occurrences = Dictionary(grouping: live, by: \.identity)
        let wanted = Set(config.map(\.identity))
        var shared = config.map(\.identity).filter { occurrences[$0] != nil }[...]
        var done: Set<PathElement> = []
        var result: [JSONValue] = []
        var liveIndex = 0
        var configIndex = 0

        func takeWanted() {
            let (identity, value) = config[configIndex]
            let matches = occurrences[identity] ?? []
            // Elements that occur twice cannot be merged with one.
            if let element = merge(value, matches.count > 1 ? .null : matches.first?.value) { result.append(element) }
            done.insert(identity)
            configIndex += 1
            if shared.first == identity { shared.removeFirst() }
        }

        while liveIndex < live.count || configIndex < config.count {
            guard liveIndex < live.count else {
                takeWanted()
                continue
            }
            let (identity, value) = live[liveIndex]
            if !wanted.contains(identity) {
                result.append(value)
                liveIndex += 1
            } else if configIndex < config.count, identity != config[configIndex].identity,
                let next = shared.first, next != identity
            {
                // Comes later in the configuration, and is placed there.
                liveIndex += 1
            } else if done.contains(identity) {
                // Occurs twice.
                liveIndex += 1
                if configIndex < config.count { takeWanted() }
            } else {
                let isMatch = config[configIndex].identity == identity
                takeWanted()
                if isMatch { liveIndex += 1 }
            }
        }
        return result
    }
}
