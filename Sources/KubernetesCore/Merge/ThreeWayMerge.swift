public import JSON

/// Merges two changed versions of a Kubernetes object by what each has changed since a common base.
///
/// ```swift
/// let result = ThreeWayMerge.merge(base: lastApplied, ours: wanted, theirs: live)
/// if result.conflicts.isEmpty { try await client.update(result.merged) }
/// ```
///
/// Maps are merged key by key, lists by ``MergeListKeys``, everything else as a whole. A field that only one side has
/// changed, or deleted, takes that side's value; one that both have changed differently is a conflict.
public enum ThreeWayMerge {
    /// Which side wins a field that both have changed differently.
    public enum Preference: Sendable, Hashable {
        /// What the failed write wanted.
        case ours
        /// What is stored.
        case theirs
    }

    /// A field that both sides have changed differently.
    public struct Conflict: Sendable, Hashable {
        /// Where, such as `spec.template.spec.containers[name=web].image`.
        public var path: String
        /// The common start; nil when the field was absent.
        public var base: JSONValue?
        /// Our value; nil when we deleted it.
        public var ours: JSONValue?
        /// Their value; nil when they deleted it.
        public var theirs: JSONValue?
    }

    /// What came out.
    public struct Result: Sendable, Hashable {
        /// The merged object; fields in conflict have the preferred side's value.
        public var merged: JSONValue
        /// The fields where our change was taken, sorted; those in conflict are not among them.
        public var mergedFields: [String]
        /// The fields that both have changed differently, sorted by path.
        public var conflicts: [Conflict]
    }

    /// The fields that belong to the server: always theirs.
    public static let serverFields: [[String]] = [
        ["metadata", "resourceVersion"], ["metadata", "uid"], ["metadata", "generation"],
        ["metadata", "creationTimestamp"], ["metadata", "deletionTimestamp"],
        ["metadata", "deletionGracePeriodSeconds"], ["metadata", "selfLink"], ["metadata", "managedFields"],
    ]

    /// Merges two versions.
    ///
    /// - Parameters:
    ///   - base: what both started from.
    ///   - ours: what we want; see ``complete(_:from:listKeys:)`` when it is only a part.
    ///   - theirs: what is stored now; ``serverFields`` are always taken from here.
    ///   - listKeys: how lists are merged.
    ///   - includingStatus: whether `status` is merged too; otherwise it is theirs.
    ///   - preference: who wins conflicts.
    /// - Returns: the merged object and what was done to get it.
    public static func merge(
        base: JSONValue,
        ours: JSONValue,
        theirs: JSONValue,
        listKeys: MergeListKeys = .kubernetes,
        includingStatus: Bool = false,
        preferring preference: Preference = .theirs
    ) -> Result {
        var (base, ours) = (base, ours)
        for path in serverFields + (includingStatus ? [] : [["status"]]) {
            base.set(theirs.value(at: path), at: path)
            ours.set(theirs.value(at: path), at: path)
        }
        var merger = ObjectMerger(listKeys: listKeys, preference: preference)
        let merged = merger.merge(Versions(base: base, ours: ours, theirs: theirs), field: "", at: FieldPath())
        return Result(
            merged: merged ?? theirs,
            mergedFields: merger.mergedFields.sorted(),
            conflicts: merger.conflicts.sorted { $0.path < $1.path }
        )
    }

    /// Fills up a part of an object, so that what it leaves out counts as unchanged and not as deleted.
    ///
    /// An explicit null deletes. Elements of keyed lists and of sets that the part leaves out stay.
    ///
    /// - Parameters:
    ///   - part: the fields that somebody wants.
    ///   - base: the whole object that they saw.
    ///   - listKeys: how lists are merged.
    /// - Returns: the whole object that they want: `ours` for ``merge(base:ours:theirs:listKeys:includingStatus:preferring:)``.
    public static func complete(
        _ part: JSONValue,
        from base: JSONValue,
        listKeys: MergeListKeys = .kubernetes
    ) -> JSONValue {
        overlay(part, on: base, field: "", listKeys) ?? .null
    }

    private static func overlay(
        _ part: JSONValue,
        on base: JSONValue?,
        field: String,
        _ listKeys: MergeListKeys
    ) -> JSONValue? {
        switch (part, base) {
        case (.null, _): return nil
        case (.object(let members), _):
            var whole = base?.objectValue ?? [:]
            for (key, value) in members { whole[key] = overlay(value, on: whole[key], field: key, listKeys) }
            return .object(whole)
        case (.array(let elements), .array(let existing)):
            return .array(overlay(elements, on: existing, field: field, listKeys))
        default: return part
        }
    }

    private static func overlay(
        _ elements: [JSONValue],
        on existing: [JSONValue],
        field: String,
        _ listKeys: MergeListKeys
    ) -> [JSONValue] {
        switch listKeys.resolve(field: field, versions: [elements, existing]) {
        case .atomic: return elements
        case .set: return existing + elements.filter { !existing.contains($0) }
        case .keyed(let key):
            var whole = existing
            for element in elements {
                let identity = key.identity(of: element)
                if let index = whole.firstIndex(where: { key.identity(of: $0) == identity }) {
                    whole[index] = overlay(element, on: whole[index], field: "", listKeys) ?? element
                } else {
                    whole.append(element)
                }
            }
            return whole
        }
    }
}
