import JSON
import KubernetesCore
import Testing

/// Laws of the merge, on random objects; a failure names the seed that repeats it.
struct ThreeWayMergePropertyTests {
    @Test(arguments: 0..<300 as Range<UInt64>)
    func `one-sided changes are taken as they are`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let base = RandomObject.make(&random)
        let changed = RandomObject.change(base, &random)
        let ours = ThreeWayMerge.merge(base: base, ours: changed, theirs: base)
        #expect(ours.merged == changed && ours.conflicts.isEmpty)
        #expect(ours.mergedFields.isEmpty == (base == changed))
        let theirs = ThreeWayMerge.merge(base: base, ours: base, theirs: changed)
        #expect(theirs.merged == changed && theirs.conflicts.isEmpty && theirs.mergedFields.isEmpty)
        let both = ThreeWayMerge.merge(base: base, ours: changed, theirs: changed)
        #expect(both.merged == changed && both.conflicts.isEmpty && both.mergedFields.isEmpty)
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `merging again changes nothing`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let base = RandomObject.make(&random)
        let (ours, theirs) = (RandomObject.change(base, &random), RandomObject.change(base, &random))
        let first = ThreeWayMerge.merge(base: base, ours: ours, theirs: theirs)
        let again = ThreeWayMerge.merge(base: base, ours: first.merged, theirs: theirs)
        #expect(again.merged == first.merged && again.conflicts.isEmpty)
        let seen = ThreeWayMerge.merge(base: theirs, ours: first.merged, theirs: theirs)
        #expect(seen.merged == first.merged)
        #expect(Set(first.mergedFields).isDisjoint(with: first.conflicts.map(\.path)))
        #expect(Set(first.mergedFields).count == first.mergedFields.count)
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `changes of different fields merge the same both ways`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let base = RandomObject.make(&random)
        let changed = RandomObject.change(base, &random)
        // Each top-level field is changed by one side at most.
        var (ours, theirs) = (base, base)
        for key in RandomObject.keys {
            if Bool.random(using: &random) { ours[key] = changed[key] } else { theirs[key] = changed[key] }
        }
        let there = ThreeWayMerge.merge(base: base, ours: ours, theirs: theirs)
        let back = ThreeWayMerge.merge(base: base, ours: theirs, theirs: ours)
        #expect(there.merged == changed && back.merged == changed)
        #expect(there.conflicts.isEmpty && back.conflicts.isEmpty)
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `swapping the sides and the preference gives the same but for the order of lists`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let base = RandomObject.make(&random)
        let (ours, theirs) = (RandomObject.change(base, &random), RandomObject.change(base, &random))
        let there = ThreeWayMerge.merge(base: base, ours: ours, theirs: theirs, preferring: .theirs)
        let back = ThreeWayMerge.merge(base: base, ours: theirs, theirs: ours, preferring: .ours)
        #expect(RandomObject.withoutOrder(there.merged) == RandomObject.withoutOrder(back.merged))
        #expect(there.conflicts.map(\.path) == back.conflicts.map(\.path))
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `a part that is the whole stays the whole`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let base = RandomObject.make(&random)
        #expect(ThreeWayMerge.complete(base, from: base) == base)
        #expect(ThreeWayMerge.complete([:], from: base) == base)
    }
}

/// Objects that look like those of Kubernetes: maps, keyed lists, sets and lists that are one value.
private enum RandomObject {
    static let keys = ["spec", "data", "containers", "finalizers", "args", "ports", "replicas"]

    static func make(_ random: inout SeededGenerator) -> JSONValue {
        var object: JSONValue = [:]
        for key in keys where Int.random(in: 0..<5, using: &random) > 0 {
            object[key] = value(key, depth: 2, &random)
        }
        return object
    }

    /// Changes about every third field: replaced, removed, added.
    static func change(_ object: JSONValue, _ random: inout SeededGenerator) -> JSONValue {
        var changed = object
        for key in keys {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: changed[key] = value(key, depth: 2, &random)
            case 1: changed[key] = nil
            case 2: changed[key] = changed[key].map { inside($0, &random) }
            default: break
            }
        }
        return changed
    }

    static func withoutOrder(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members): .object(members.mapValues(withoutOrder))
        case .array(let elements): .array(elements.map(withoutOrder).sorted { $0.text < $1.text })
        default: value
        }
    }

    private static func inside(_ value: JSONValue, _ random: inout SeededGenerator) -> JSONValue {
        switch value {
        case .object(let members):
            var changed = members
            for key in ["a", "b", "c"] where Bool.random(using: &random) {
                changed[key] = Bool.random(using: &random) ? scalar(&random) : nil
            }
            return .object(changed)
        case .array(var elements):
            elements.shuffle(using: &random)
            if Bool.random(using: &random) { elements = Array(elements.dropFirst()) }
            return .array(
                elements.map { $0.objectValue == nil || Bool.random(using: &random) ? $0 : inside($0, &random) }
            )
        default: return scalar(&random)
        }
    }

    private static func value(_ key: String, depth: Int, _ random: inout SeededGenerator) -> JSONValue {
        switch key {
        case "containers": return .array(elements("name", ["w", "x", "y", "z"], &random))
        case "ports": return .array(elements("port", [80, 81, 82], &random))
        case "finalizers": return .array(some(["f", "g", "h", "i"], &random))
        case "args": return .array((0..<Int.random(in: 0..<3, using: &random)).map { _ in scalar(&random) })
        case "replicas": return scalar(&random)
        default:
            var members: [String: JSONValue] = [:]
            for name in ["a", "b", "c"] where Bool.random(using: &random) {
                members[name] = depth > 0 ? value("data", depth: depth - 1, &random) : scalar(&random)
            }
            return .object(members)
        }
    }

    private static func elements(
        _ key: String,
        _ names: [JSONValue],
        _ random: inout SeededGenerator
    ) -> [JSONValue] {
        some(names, &random).map { name in
            var element: JSONValue = [key: name]
            if Bool.random(using: &random) { element["a"] = scalar(&random) }
            if Bool.random(using: &random) { element["finalizers"] = .array(some(["f", "g"], &random)) }
            return element
        }
    }

    private static func some(_ values: [JSONValue], _ random: inout SeededGenerator) -> [JSONValue] {
        Array(values.shuffled(using: &random).prefix(Int.random(in: 0...values.count, using: &random)))
    }

    private static func scalar(_ random: inout SeededGenerator) -> JSONValue {
        .number(Int.random(in: 0..<4, using: &random))
    }
}
