internal import JSON

/// Which fields differ between two versions of an object; no field is in two of the sets.
struct FieldComparison: Sendable, Hashable {
    /// Fields of the new version only.
    var added = FieldSet()
    /// Fields of the old version only.
    var removed = FieldSet()
    /// Fields of both whose values differ.
    var modified = FieldSet()

    /// No difference.
    private init() {}

    /// Compares two versions of what `schema` describes; nil stands for nothing there.
    init(from old: JSONValue?, to new: JSONValue?, schema: Schema) {
        guard old != new, let present = old ?? new else { return }
        let before = schema.structure(of: old ?? present)
        let after = schema.structure(of: new ?? present)
        if before == after {
            compare(old, new, before, schema)
        } else if let old, let new {
            // The shape has changed: what was inside is gone, what is inside now is new.
            compare(old, .null, before, schema)
            compare(.null, new, after, schema)
        }
    }

    /// The fields that are new or have another value.
    var changed: FieldSet { added.union(modified) }

    /// The comparison without what is inside some fields.
    func excluding(_ fields: FieldSet) -> FieldComparison {
        var result = FieldComparison()
        result.added = added.subtractingTrees(fields)
        result.removed = removed.subtractingTrees(fields)
        result.modified = modified.subtractingTrees(fields)
        return result
    }

    private mutating func compare(_ old: JSONValue?, _ new: JSONValue?, _ structure: MergeStructure, _ schema: Schema) {
        let isBlank = (old?.isBlank ?? true) && (new?.isBlank ?? true)
        switch structure {
        case .leaf: mark(old, new)
        case .map where isBlank, .list where isBlank: mark(old, new)
        case .map:
            compareMembers(old?.objectValue ?? [:], new?.objectValue ?? [:], schema)
            markPresence(old, new)
        case .list(let keys):
            compareElements(
                schema.identified(old?.arrayValue ?? [], keys: keys),
                schema.identified(new?.arrayValue ?? [], keys: keys),
                schema.element
            )
            markPresence(old, new)
        }
    }

    private mutating func mark(_ old: JSONValue?, _ new: JSONValue?) {
        if old != nil && new != nil { modified.isMember = true } else { markPresence(old, new) }
    }

    private mutating func markPresence(_ old: JSONValue?, _ new: JSONValue?) {
        if old == nil { added.isMember = true } else if new == nil { removed.isMember = true }
    }

    private mutating func attach(_ part: FieldComparison, at element: PathElement) {
        added.attach(part.added, at: element)
        removed.attach(part.removed, at: element)
        modified.attach(part.modified, at: element)
    }

    private mutating func compareMembers(_ old: JSONObject, _ new: JSONObject, _ schema: Schema) {
        for (name, value) in old where new[name] != value {
            attach(FieldComparison(from: value, to: new[name], schema: schema.part(named: name)), at: .field(name))
        }
        for (name, value) in new where old[name] == nil {
            attach(FieldComparison(from: nil, to: value, schema: schema.part(named: name)), at: .field(name))
        }
    }

    private mutating func compareElements(
        _ old: [(identity: PathElement, value: JSONValue)],
        _ new: [(identity: PathElement, value: JSONValue)],
        _ schema: Schema
    ) {
        let before = Dictionary(grouping: old, by: \.identity).mapValues { $0.map(\.value) }
        let after = Dictionary(grouping: new, by: \.identity).mapValues { $0.map(\.value) }
        for identity in Set(before.keys).union(after.keys) {
            compareElement(before[identity] ?? [], after[identity] ?? [], at: identity, schema)
        }
    }

    /// Compares what one identity stands for: elements that occur twice are compared as one.
    private mutating func compareElement(
        _ old: [JSONValue],
        _ new: [JSONValue],
        at identity: PathElement,
        _ schema: Schema
    ) {
        let marker = FieldSet(isMember: true)
        switch (old.count > 1, new.count > 1) {
        case (false, false):
            attach(FieldComparison(from: old.first, to: new.first, schema: schema), at: identity)
        case (true, true):
            if old != new { modified.attach(marker, at: identity) }
        case (true, false):
            attach(FieldComparison(from: nil, to: new.first, schema: schema), at: identity)
            removed.attach(marker, at: identity)
        case (false, true):
            attach(FieldComparison(from: old.first, to: nil, schema: schema), at: identity)
            added.attach(marker, at: identity)
        }
    }
}
