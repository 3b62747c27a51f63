import Testing

@testable import ControllerRuntime

@Suite("LRUCache")
struct LRUCacheTests {
    @Test func `the entry that was unused for longest makes room`() {
        var cache = LRUCache<String, Int>(capacity: 2)
        cache["a"] = 1
        cache["b"] = 2
        #expect(cache["a"] == 1)
        cache["c"] = 3
        #expect(cache["b"] == nil)
        #expect(cache["a"] == 1 && cache["c"] == 3)
        cache["a"] = 4
        cache["d"] = 5
        #expect(cache["c"] == nil && cache["a"] == 4 && cache["d"] == 5)
        #expect(cache.count == 2)
    }

    @Test func `it has room for one entry at least`() {
        var cache = LRUCache<Int, Int>(capacity: 0)
        cache[1] = 1
        cache[2] = 2
        #expect(cache[1] == nil && cache[2] == 2)
    }

    @Test(arguments: [1, 2, 3, 7])
    func `it agrees with a list that is kept in order of use`(capacity: Int) {
        var cache = LRUCache<UInt64, UInt64>(capacity: capacity)
        var model: [(key: UInt64, value: UInt64)] = []
        var seed: UInt64 = 1
        for _ in 0..<5000 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let key = (seed >> 33) % 10
            let index = model.firstIndex { $0.key == key }
            if (seed >> 50) % 2 == 0 {
                #expect(cache[key] == index.map { model[$0].value })
                if let index { model.append(model.remove(at: index)) }
            } else {
                cache[key] = seed
                if let index { model.remove(at: index) }
                model.append((key, seed))
                if model.count > capacity { model.removeFirst() }
            }
            #expect(cache.count == model.count)
        }
    }
}
