internal import JSON

/// A set of fields of an object, as the part of it that one manager owns.
///
/// It is a tree along the paths. A field may be in the set without what is inside it, and the other way round.
///
/// ```swift
/// let owned = try FieldSet(fieldsV1: ["f:data": ["f:a": [:]]])
/// owned.contains([.field("data"), .field("a")])  // true
/// ```
struct FieldSet: Sendable, Hashable {
    /// Whether the field at this place of the tree is in the set; has no meaning at the root.
    var isMember: Bool
    /// What is in the set below.
    var children: [PathElement: FieldSet] = [:]

    /// A set without any fields.
    init(isMember: Bool = false) {
        self.isMember = isMember
    }

    /// The fields at the end of some paths.
    init(paths: [[PathElement]]) {
        self.init()
        for path in paths { insert(path[...]) }
    }

    private mutating func insert(_ path: ArraySlice<PathElement>) {
        guard let first = path.first else {
            isMember = true
            return
        }
        children[first, default: FieldSet()].insert(path.dropFirst())
    }

    /// Whether no field is in the set.
    var isEmpty: Bool { !isMember && children.isEmpty }

    /// Whether the field at the end of the path is in the set.
    func contains(_ path: some Collection<PathElement>) -> Bool {
        guard let first = path.first else { return isMember }
        return children[first]?.contains(path.dropFirst()) ?? false
    }

    /// Puts a part of the tree below this place, unless it is empty.
    mutating func attach(_ child: FieldSet, at element: PathElement) {
        guard !child.isEmpty else { return }
        children[element] = children[element]?.union(child) ?? child
    }

    /// The paths of all fields: those of one level in order, then those below.
    var paths: [[PathElement]] {
        var result: [[PathElement]] = []
        collect(into: &result, below: [])
        return result
    }

    private func collect(into result: inout [[PathElement]], below prefix: [PathElement]) {
        let sorted = children.keys.sorted()
        for element in sorted where children[element]?.isMember == true { result.append(prefix + [element]) }
        for element in sorted { children[element]?.collect(into: &result, below: prefix + [element]) }
    }
}

extension FieldSet {
    /// The fields of both.
    func union(_ other: FieldSet) -> FieldSet {
        var result = self
        result.isMember = isMember || other.isMember
        result.children.merge(other.children) { $0.union($1) }
        return result
    }

    /// The fields that are in both.
    func intersection(_ other: FieldSet) -> FieldSet {
        var result = FieldSet(isMember: isMember && other.isMember)
        for (element, child) in children {
            if let match = other.children[element] { result.attach(child.intersection(match), at: element) }
        }
        return result
    }

    /// The fields that are not in the other; those inside a field that goes stay.
    func subtracting(_ other: FieldSet) -> FieldSet {
        var result = FieldSet(isMember: isMember && !other.isMember)
        for (element, child) in children {
            result.attach(other.children[element].map { child.subtracting($0) } ?? child, at: element)
        }
        return result
    }

    /// The fields that are neither in the other nor inside of one that is.
    func subtractingTrees(_ other: FieldSet) -> FieldSet {
        guard !other.isMember else { return FieldSet() }
        var result = FieldSet(isMember: isMember)
        for (element, child) in children {
            result.attach(other.children[element].map { child.subtractingTrees($0) } ?? child, at: element)
        }
        return result
    }
}

extension FieldSet {
    /// Reads a FieldsV1 document; nil when it is none.
    init?(fieldsV1 document: JSONValue) {
        self.init()
        guard case .object(let members) = document else { return nil }
        for (key, value) in members {
            if key == "." {
                isMember = true
                continue
            }
            guard let element = PathElement(encoded: key), var child = FieldSet(fieldsV1: value) else { return nil }
            if child.children.isEmpty { child.isMember = true }
            children[element] = child
        }
    }

    /// As a FieldsV1 document: a member for each field, `.` for a field that is in the set beside others inside it.
    var fieldsV1: JSONValue {
        var members: [JSONObject.Element] = []
        if isMember && !children.isEmpty { members.append((".", [:])) }
        for (element, child) in children { members.append((element.encoded, child.fieldsV1)) }
        return .object(JSONObject(members))
    }
}
