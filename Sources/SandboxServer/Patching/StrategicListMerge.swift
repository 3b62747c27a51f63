internal import JSON

/// The merge of one list under a strategic merge patch: of scalars as a set, of objects by a key.
struct StrategicListMerge {
    /// The member that tells elements apart; empty for scalars.
    private let key: String
    private let element: Schema

    /// For lists of that schema.
    init(_ schema: Schema) {
        key = schema.patchMergeKey ?? ""
        element = schema.element
    }

    /// The list with the elements of the patch, which come first where the old order says nothing else.
    func merge(_ patch: [JSONValue], into original: [JSONValue]) throws(APIFailure) -> [JSONValue] {
        if patch.isEmpty && original.isEmpty { return original }
        guard try Self.areObjects(original, patch) else {
            var merged: [JSONValue] = []
            for value in original + patch where !merged.contains(value) { merged.append(value) }
            return try arrange(merged, by: patch, live: original)
        }
        guard !key.isEmpty else { throw Directive.failure("cannot merge lists without merge key for struct") }
        let (base, changes) = try obeyDirectives(patch, original)
        var merged = base
        for change in changes {
            let identity = try identity(of: change)
            guard case .object(let members) = change else { throw notAnObject(change) }
            if let index = merged.firstIndex(where: { $0[key] == identity }) {
                merged[index] = .object(
                    try StrategicMergePatch.merge(members, into: merged[index].objectValue ?? [:], element)
                )
            } else {
                merged.append(change)
            }
        }
        return try arrange(merged, by: changes, live: base)
    }

    /// Takes the elements out of the patch that are there only to delete others or to replace all.
    private func obeyDirectives(
        _ patch: [JSONValue],
        _ original: [JSONValue]
    ) throws(APIFailure) -> (base: [JSONValue], changes: [JSONValue]) {
        var base = original
        var changes: [JSONValue] = []
        var replaces = false
        for change in patch {
            switch change[Directive.patch] {
            case nil: changes.append(change)
            case "delete":
                let identity = try identity(of: change)
                base.removeAll { $0[key] == identity }
            case "replace": replaces = true
            case "merge": throw Directive.failure("merging lists cannot yet be specified in the patch")
            case let directive?: throw Directive.unknown(directive, change.objectValue ?? [:])
            }
        }
        return replaces ? (changes, []) : (base, changes)
    }

    /// Puts what `order` names into that order, and between it what is on the server alone, where it was before.
    func arrange(_ list: [JSONValue], by order: [JSONValue], live: [JSONValue]) throws(APIFailure) -> [JSONValue] {
        let ranks = try positions(order)
        let places = try positions(live)
        var named: [(rank: Int, value: JSONValue, place: Int?)] = []
        var others: [(rank: Int, value: JSONValue, place: Int?)] = []
        for value in list {
            let identity = try identity(of: value)
            let place = places[identity]
            if let rank = ranks[identity] {
                named.append((rank, value, place))
            } else {
                others.append((place ?? .max, value, place))
            }
        }
        named.sort { $0.rank < $1.rank }
        others.sort { $0.rank < $1.rank }
        var result: [JSONValue] = []
        var rest = others[...]
        for (_, value, place) in named {
            while let other = rest.first, let place, let before = other.place, before < place {
                result.append(other.value)
                rest.removeFirst()
            }
            result.append(value)
        }
        return result + rest.map(\.value)
    }

    private func positions(_ list: [JSONValue]) throws(APIFailure) -> [JSONValue: Int] {
        var positions: [JSONValue: Int] = [:]
        for (index, value) in list.enumerated() {
            let identity = try identity(of: value)
            if positions[identity] == nil { positions[identity] = index }
        }
        return positions
    }

    /// Checks that the elements of a patch stand in the order that the patch itself asks for.
    func check(_ patch: [JSONValue], against order: [JSONValue]) throws(APIFailure) {
        guard !order.isEmpty, !patch.isEmpty else { return }
        var changes = patch.filter { $0[Directive.patch] != "delete" }[...]
        var rest = order[...]
        while let change = changes.first, let next = rest.first {
            if change[Directive.patch] != nil {
                changes.removeFirst()
                continue
            }
            if try identity(of: change) == identity(of: next) { changes.removeFirst() }
            rest.removeFirst()
        }
        guard changes.isEmpty || !rest.isEmpty else {
            throw Directive.failure(
                "The order in patch list:\n\(JSONValue.array(patch).goPrinted)\n doesn't match "
                    + "\(Directive.setElementOrder) list:\n\(JSONValue.array(order).goPrinted)\n"
            )
        }
    }

    /// Checks that there is an order at all.
    func checkElements(_ original: [JSONValue], _ patch: [JSONValue]) throws(APIFailure) {
        if original.isEmpty && patch.isEmpty { throw Directive.failure("no elements in any of the given slices") }
        _ = try Self.areObjects(original, patch)
    }

    private func identity(of value: JSONValue) throws(APIFailure) -> JSONValue {
        guard !key.isEmpty else { return value }
        guard case .object = value else { throw notAnObject(value) }
        guard let identity = value[key] else {
            throw Directive.failure("map: \(value.goPrinted) does not contain declared merge key: \(key)")
        }
        return identity
    }

    private func notAnObject(_ value: JSONValue) -> APIFailure {
        Directive.failure("expected a map[string]interface {}, but received a \(value.decodedGoType)")
    }

    /// Whether the elements are objects; all have to be of one type.
    static func areObjects(_ original: [JSONValue], _ patch: [JSONValue]) throws(APIFailure) -> Bool {
        let types = Set((original + patch).map(\.decodedGoType))
        if types.contains("[]interface {}") { throw .unexplained }
        guard types.count <= 1 else {
            let lists = "[\(JSONValue.array(original).goPrinted) \(JSONValue.array(patch).goPrinted)]"
            throw Directive.failure("list element types are not identical: \(lists)")
        }
        return types.contains("map[string]interface {}")
    }
}
