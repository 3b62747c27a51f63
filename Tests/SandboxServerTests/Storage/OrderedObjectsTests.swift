import JSON
import Testing

@testable import SandboxServer

@Suite("OrderedObjects")
struct OrderedObjectsTests {
    private func object(_ namespace: String, _ name: String, revision: UInt64 = 1) -> StoredObject {
        StoredObject([:], name: ObjectName(namespace: namespace, name: name), revision: revision)
    }

    private func name(_ number: Int) -> ObjectName {
        ObjectName(namespace: "ns-\(number % 7)", name: "object-\(number)")
    }

    @Test("objects come in the order of their names, in whatever order they were put in", arguments: [1, 2, 3])
    func order(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        var objects = OrderedObjects()
        var expected: Set<ObjectName> = []
        for _ in 0..<5000 {
            let name = name(Int.random(in: 0..<3000, using: &generator))
            if Bool.random(using: &generator) || expected.isEmpty {
                #expect((objects.insert(object(name.namespace, name.name)) != nil) == !expected.insert(name).inserted)
            } else {
                #expect((objects.remove(name) != nil) == (expected.remove(name) != nil))
            }
        }
        #expect(objects.count == expected.count)
        #expect(objects.objects(in: nil).map(\.name) == expected.sorted())
        for namespace in (0..<7).map({ "ns-\($0)" }) {
            let names = expected.filter { $0.namespace == namespace }.sorted()
            #expect(objects.objects(in: namespace).map(\.name) == names)
            let (start, end) = objects.range(of: namespace)
            #expect(objects.distance(from: start, to: end) == names.count)
        }
    }

    @Test("a copy keeps its state while the original goes on")
    func copies() {
        var objects = OrderedObjects()
        for number in 0..<2000 { objects.insert(object("a", "\(number)")) }
        let copy = objects
        for number in 0..<1000 { objects.remove(ObjectName(namespace: "a", name: "\(number)")) }
        objects.insert(object("a", "1500", revision: 2))
        #expect(copy.count == 2000 && objects.count == 1000)
        #expect(copy.objects(in: "a").count == 2000)
        #expect(copy[ObjectName(namespace: "a", name: "1500")]?.revision == 1)
        #expect(objects[ObjectName(namespace: "a", name: "1500")]?.revision == 2)
    }

    @Test("namespaces whose names begin alike are kept apart")
    func namespaces() {
        var objects = OrderedObjects()
        for namespace in ["a", "a-b", "ab", "b", ""] { objects.insert(object(namespace, "x")) }
        #expect(objects.objects(in: "a").map(\.name.namespace) == ["a"])
        #expect(objects.objects(in: "").map(\.name.namespace) == [""])
        #expect(objects.objects(in: "aa").isEmpty)
        #expect(objects.objects(in: nil).map(\.name.namespace) == ["", "a", "a-b", "ab", "b"])
    }

    @Test("an empty collection has nothing anywhere")
    func empty() {
        var objects = OrderedObjects()
        #expect(objects[objects.start] == nil && objects[ObjectName(name: "a")] == nil)
        #expect(objects.remove(ObjectName(name: "a")) == nil)
        #expect(objects.distance(from: objects.start, to: objects.end) == 0)
    }
}

/// SplitMix64, so that a failing seed can be run again.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
