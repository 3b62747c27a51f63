import JSON

/// Three versions of one value; nil where it is absent.
struct Versions {
    var base: JSONValue?
    var ours: JSONValue?
    var theirs: JSONValue?

    /// The same member of all three.
    subscript(key: String) -> Versions {
        Versions(base: base?[key], ours: ours?[key], theirs: theirs?[key])
    }
}

/// Walks three versions of an object and collects what it decides; the work behind ``ThreeWayMerge``.
struct ObjectMerger {
    let listKeys: MergeListKeys
    let preference: ThreeWayMerge.Preference
    private(set) var mergedFields: [String] = []
    private(set) var conflicts: [ThreeWayMerge.Conflict] = []

    init(listKeys: MergeListKeys, preference: ThreeWayMerge.Preference) {
        self.listKeys = listKeys
        self.preference = preference
    }

    /// Merges one value; the name of the field that holds it says how a list is merged.
    mutating func merge(_ versions: Versions, field: String, at path: FieldPath) -> JSONValue? {
        let (base, ours, theirs) = (versions.base, versions.ours, versions.theirs)
        if ours == base || ours == theirs { return theirs }
        if theirs == base {
            recordChanges(from: base, to: ours, field: field, at: path)
            return ours
        }
        switch (base, ours, theirs) {
        case (.object, .object(let ourMembers), .object(let theirMembers)),
            (nil, .object(let ourMembers), .object(let theirMembers)):
            return mergeMembers(versions, ourMembers, theirMembers, at: path)
        case (.array(let baseList), .array(let ourList), .array(let theirList)):
            return mergeLists(ListVersions(base: baseList, ours: ourList, theirs: theirList), field: field, at: path)
                ?? conflict(versions, at: path)
        case (nil, .array(let ourList), .array(let theirList)):
            return mergeLists(ListVersions(base: [], ours: ourList, theirs: theirList), field: field, at: path)
                ?? conflict(versions, at: path)
        default: return conflict(versions, at: path)
        }
    }

    private mutating func mergeMembers(
        _ versions: Versions,
        _ ours: JSONObject,
        _ theirs: JSONObject,
        at path: FieldPath
    ) -> JSONValue {
        var merged = theirs
        // Keys that only the base has were deleted by both.
        for key in Set(ours.keys).union(theirs.keys) {
            merged[key] = merge(versions[key], field: key, at: path.appending(key: key))
        }
        return .object(merged)
    }

    private mutating func conflict(_ versions: Versions, at path: FieldPath) -> JSONValue? {
        conflicts.append(
            ThreeWayMerge.Conflict(
                path: path.text,
                base: versions.base,
                ours: versions.ours,
                theirs: versions.theirs
            )
        )
        return preference == .ours ? versions.ours : versions.theirs
    }

    /// Notes the smallest fields in which our version differs.
    private mutating func recordChanges(from base: JSONValue?, to ours: JSONValue?, field: String, at path: FieldPath) {
        if base == ours { return }
        switch (base, ours) {
        case (.object(let old), .object(let new)):
            for key in Set(old.keys).union(new.keys) {
                recordChanges(from: old[key], to: new[key], field: key, at: path.appending(key: key))
            }
        case (.array(let old), .array(let new)):
            recordListChanges(from: old, to: new, field: field, at: path)
        default: mergedFields.append(path.text)
        }
    }

    private mutating func recordListChanges(
        from old: [JSONValue],
        to new: [JSONValue],
        field: String,
        at path: FieldPath
    ) {
        let before = mergedFields.count
        switch listKeys.resolve(field: field, versions: [old, new]) {
        case .atomic: break
        case .set:
            for value in Set(old).symmetricDifference(new) { mergedFields.append(path.appending(value: value).text) }
        case .keyed(let key):
            let (oldElements, newElements) = (KeyedList(old, key), KeyedList(new, key))
            for identity in Set(oldElements.order).union(newElements.order) {
                recordChanges(
                    from: oldElements[identity],
                    to: newElements[identity],
                    field: "",
                    at: path.appending(element: identity, fields: key.fields)
                )
            }
        }
        // The order alone has changed, or the list is one value.
        if mergedFields.count == before { mergedFields.append(path.text) }
    }
}

/// Three versions of one list; empty where it is absent.
struct ListVersions {
    var base: [JSONValue]
    var ours: [JSONValue]
    var theirs: [JSONValue]
}

/// The elements of a list by what tells them apart, with their order.
struct KeyedList {
    private(set) var order: [[JSONValue]] = []
    private var elements: [[JSONValue]: JSONValue] = [:]

    /// Takes a list whose elements fit the key.
    init(_ list: [JSONValue], _ key: MergeListKeys.Key) {
        for element in list {
            guard let identity = key.identity(of: element) else { continue }
            order.append(identity)
            elements[identity] = element
        }
    }

    subscript(identity: [JSONValue]) -> JSONValue? { elements[identity] }
}

extension ObjectMerger {
    /// Merges one list; nil when it can only be taken as a whole.
    private mutating func mergeLists(_ lists: ListVersions, field: String, at path: FieldPath) -> JSONValue? {
        switch listKeys.resolve(field: field, versions: [lists.base, lists.ours, lists.theirs]) {
        case .atomic: return nil
        case .set: return mergeSets(lists, at: path)
        case .keyed(let key): return mergeKeyed(lists, key, at: path)
        }
    }

    private mutating func mergeSets(_ lists: ListVersions, at path: FieldPath) -> JSONValue {
        let removed = Set(lists.base).subtracting(lists.ours)
        let kept = lists.theirs.filter { !removed.contains($0) }
        let added = lists.ours.filter { !lists.base.contains($0) && !lists.theirs.contains($0) }
        for value in added + lists.theirs.filter(removed.contains) {
            mergedFields.append(path.appending(value: value).text)
        }
        return .array(kept + added)
    }

    private mutating func mergeKeyed(_ lists: ListVersions, _ key: MergeListKeys.Key, at path: FieldPath) -> JSONValue {
        let base = KeyedList(lists.base, key)
        let ours = KeyedList(lists.ours, key)
        let theirs = KeyedList(lists.theirs, key)
        var merged: [[JSONValue]: JSONValue] = [:]
        for identity in Set(ours.order).union(theirs.order) {
            let versions = Versions(base: base[identity], ours: ours[identity], theirs: theirs[identity])
            merged[identity] = merge(
                versions,
                field: "",
                at: path.appending(element: identity, fields: key.fields)
            )
        }
        return .array(Self.order(base.order, ours.order, theirs.order).compactMap { merged[$0] })
    }

    /// The order of a merged list: that of the side that has reordered, theirs when both have or neither.
    ///
    /// An element that only the other side has follows the one that it follows there.
    private static func order(
        _ base: [[JSONValue]],
        _ ours: [[JSONValue]],
        _ theirs: [[JSONValue]]
    ) -> [[JSONValue]] {
        let isReordered = isReordered(theirs, since: base) || !Self.isReordered(ours, since: base)
        let (primary, secondary) = isReordered ? (theirs, ours) : (ours, theirs)
        var result = primary
        var position = 0
        for identity in secondary {
            if let index = result.firstIndex(of: identity) {
                position = index + 1
            } else {
                result.insert(identity, at: position)
                position += 1
            }
        }
        return result
    }

    private static func isReordered(_ list: [[JSONValue]], since base: [[JSONValue]]) -> Bool {
        let common = Set(list).intersection(base)
        return list.filter(common.contains) != base.filter(common.contains)
    }
}
