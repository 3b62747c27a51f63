import Testing

@testable import ControllerRuntime

struct SlotHeapTests {
    @Test(arguments: 0..<20)
    func `any mix of adding, moving and removing leaves the smallest first`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var heap = SlotHeap()
        var model: [Int32: SlotHeap.Rank] = [:]
        for step in 0..<2000 {
            let slot = Int32.random(in: 0..<200, using: &random)
            if Int.random(in: 0..<3, using: &random) == 0 {
                heap.remove(slot)
                model[slot] = nil
            } else {
                let rank = SlotHeap.Rank(major: Int64.random(in: -5...5, using: &random), counter: UInt64(step))
                heap.set(slot, rank: rank)
                model[slot] = rank
            }
            #expect(heap.count == model.count)
            #expect(heap.firstRank == model.values.min())
            #expect(heap.contains(slot) == (model[slot] != nil))
            #expect(heap.rank(of: slot) == model[slot])
        }
        var drained: [SlotHeap.Rank] = []
        while let first = heap.first, let rank = heap.firstRank {
            drained.append(rank)
            heap.remove(first)
        }
        #expect(drained == model.values.sorted())
        #expect(heap.isEmpty)
    }

    @Test func `removing a slot that was never there changes nothing`() {
        var heap = SlotHeap()
        heap.remove(7)
        heap.set(1, rank: SlotHeap.Rank(major: 0, counter: 0))
        heap.remove(7)
        #expect(heap.count == 1)
    }
}
