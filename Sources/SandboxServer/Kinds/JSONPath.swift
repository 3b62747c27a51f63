internal import JSON

/// A JSON path in kubectl's dialect, as printer columns have it.
///
/// Members (`.a`, `['a']`, `a\.b`), wildcards, indexes and slices (negative ones count from the end), unions, `..`, and
/// filters (`[?(@.type=="Ready")]`) are understood.
///
/// ```swift
/// let ready = JSONPath(".status.conditions[?(@.type==\"Ready\")].status")?.first(in: object)
/// ```
struct JSONPath: Sendable {
    /// One step of a path.
    indirect enum Step: Sendable {
        case member(String)
        case wildcard
        case descendants
        case slice(Slice)
        case union([JSONPath])
        case filter(Filter)
        /// A constant, on the right side of a filter.
        case literal(JSONValue)
    }

    /// The elements of an array from one position up to another, in steps.
    struct Slice: Sendable {
        var from: Int?
        var to: Int?
        var stride: Int?
        /// Whether it is one index, of which the end is made.
        var isIndex = false
    }

    /// A condition on the elements of an array.
    struct Filter: Sendable {
        /// The relations; `exists` has no right side.
        enum Relation: String, Sendable {
            case exists
            case equal = "=="
            case notEqual = "!="
            case less = "<"
            case lessOrEqual = "<="
            case greater = ">"
            case greaterOrEqual = ">="
        }

        var left: JSONPath
        var relation: Relation
        var right: JSONPath
    }

    /// A path that leads nowhere, as an index beyond the end; such a cell is empty.
    struct Failure: Error {}

    var steps: [Step]

    /// Paths whose results grow beyond this are given up.
    private static let maxResults = 10_000

    /// The first value that the path leads to; nil when there is none.
    func first(in root: JSONValue) -> JSONValue? {
        do {
            return try values(of: root).first
        } catch {
            return nil
        }
    }

    private func values(of root: JSONValue) throws(Failure) -> [JSONValue] {
        var current = [root]
        for step in steps {
            var next: [JSONValue] = []
            for value in current { next += try step.apply(to: value) }
            guard next.count <= Self.maxResults else { throw Failure() }
            current = next
        }
        return current
    }

    fileprivate func results(in value: JSONValue) throws(Failure) -> [JSONValue] { try values(of: value) }
}

extension JSONPath.Step {
    fileprivate func apply(to value: JSONValue) throws(JSONPath.Failure) -> [JSONValue] {
        switch self {
        case .member(let name): return value[name].map { [$0] } ?? []
        case .wildcard: return value.children
        case .descendants: return value.containers
        case .slice(let slice): return try slice.apply(to: value)
        case .literal(let constant): return [constant]
        case .filter(let filter): return try filter.apply(to: value)
        case .union(let paths):
            var results: [JSONValue] = []
            for path in paths { results += try path.results(in: value) }
            return results
        }
    }
}

extension JSONValue {
    /// The members or elements.
    fileprivate var children: [JSONValue] {
        switch self {
        case .object(let members): Array(members.values)
        case .array(let elements): elements
        default: []
        }
    }

    /// This and everything below that has something in it.
    fileprivate var containers: [JSONValue] {
        let children = children
        return children.isEmpty ? [] : [self] + children.flatMap(\.containers)
    }
}

extension JSONPath.Slice {
    fileprivate func apply(to value: JSONValue) throws(JSONPath.Failure) -> [JSONValue] {
        if value.isNull { return [] }
        guard let elements = value.arrayValue else { throw JSONPath.Failure() }
        let count = elements.count
        var start = from ?? 0
        var end = isIndex ? start &+ 1 : to ?? count
        if start < 0 { start += count }
        if end < 0 || end == 0 && isIndex { end += count }
        if start == end { return [] }
        guard elements.indices.contains(start), (0...count).contains(end), start < end else { throw JSONPath.Failure() }
        let stride = stride ?? 1
        guard stride > 0 else { throw JSONPath.Failure() }
        return Swift.stride(from: start, to: end, by: stride).map { elements[$0] }
    }
}

extension JSONPath.Filter {
    fileprivate func apply(to value: JSONValue) throws(JSONPath.Failure) -> [JSONValue] {
        guard let elements = value.arrayValue else { throw JSONPath.Failure() }
        var results: [JSONValue] = []
        for element in elements where try holds(for: element) { results.append(element) }
        return results
    }

    private func holds(for element: JSONValue) throws(JSONPath.Failure) -> Bool {
        let lefts = try left.results(in: element)
        if relation == .exists { return !lefts.isEmpty }
        guard let left = lefts.first else { return false }
        let rights = try right.results(in: element)
        guard let right = rights.first else { return false }
        guard lefts.count == 1, rights.count == 1 else { throw JSONPath.Failure() }
        switch (left, right) {
        case (.string(let left), .string(let right)): return compare(left, right)
        case (.number(let left), .number(let right)): return compare(left.double, right.double)
        case (.bool(let left), .bool(let right)):
            switch relation {
            case .equal: return left == right
            case .notEqual: return left != right
            default: throw JSONPath.Failure()
            }
        default: throw JSONPath.Failure()
        }
    }

    private func compare<T: Comparable>(_ left: T, _ right: T) -> Bool {
        switch relation {
        case .exists: true
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }
}
