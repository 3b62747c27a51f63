/// A four-ary min-heap of slot numbers that can move or remove any of them in O(log n).
///
/// A slot is an index into an array that somebody else owns. The rank lies beside the slot in the heap, so that
/// comparing does not touch that other array; four children per node halve the depth and share cache lines.
///
/// It is deliberately not generic: it is the innermost loop of the queue, and generic code that is not specialised costs
/// ten times as much.
struct SlotHeap: Sendable {
    /// The order: smaller `major` first, then first come first served.
    struct Rank: Comparable, Sendable {
        /// What mainly decides: a negated priority or a time.
        let major: Int64
        /// The number of the arrival.
        let counter: UInt64

        static func < (left: Rank, right: Rank) -> Bool {
            left.major != right.major ? left.major < right.major : left.counter < right.counter
        }
    }

    private struct Node: Sendable {
        var rank: Rank
        var slot: Int32
    }

    private var nodes: [Node] = []
    /// The place of each slot in `nodes`, or -1.
    private var places: [Int32] = []

    var isEmpty: Bool { nodes.isEmpty }
    var count: Int { nodes.count }

    /// All slots, in no particular order.
    var slots: some Sequence<Int32> { nodes.lazy.map(\.slot) }

    /// The slot with the smallest rank.
    var first: Int32? { nodes.first?.slot }

    /// The smallest rank.
    var firstRank: Rank? { nodes.first?.rank }

    /// The rank of a slot, or nil when it is not in the heap.
    func rank(of slot: Int32) -> Rank? {
        let place = place(of: slot)
        return place < 0 ? nil : nodes[place].rank
    }

    func contains(_ slot: Int32) -> Bool {
        place(of: slot) >= 0
    }

    /// Adds a slot, or gives the one that is there a new rank.
    mutating func set(_ slot: Int32, rank: Rank) {
        let known = place(of: slot)
        if known >= 0 {
            let old = nodes[known].rank
            nodes[known].rank = rank
            if rank < old { siftUp(known) } else { siftDown(known) }
            return
        }
        while places.count <= Int(slot) { places.append(-1) }
        nodes.append(Node(rank: rank, slot: slot))
        siftUp(nodes.count - 1)
    }

    /// Removes a slot; nothing happens when it is not there.
    mutating func remove(_ slot: Int32) {
        let hole = place(of: slot)
        guard hole >= 0 else { return }
        places[Int(slot)] = -1
        let last = nodes.removeLast()
        guard hole < nodes.count else { return }
        let old = nodes[hole].rank
        nodes[hole] = last
        if last.rank < old { siftUp(hole) } else { siftDown(hole) }
    }

    /// Removes all slots and gives their memory back.
    mutating func removeAll() {
        nodes = []
        places = []
    }

    private func place(of slot: Int32) -> Int {
        Int(slot) < places.count ? Int(places[Int(slot)]) : -1
    }

    private mutating func siftUp(_ start: Int) {
        let moving = nodes[start]
        var hole = start
        while hole > 0 {
            let parent = (hole - 1) / 4
            guard moving.rank < nodes[parent].rank else { break }
            put(nodes[parent], at: hole)
            hole = parent
        }
        put(moving, at: hole)
    }

    private mutating func siftDown(_ start: Int) {
        let moving = nodes[start]
        let count = nodes.count
        var hole = start
        while true {
            let firstChild = hole * 4 + 1
            guard firstChild < count else { break }
            var smallest = firstChild
            for child in (firstChild + 1)..<max(firstChild + 1, min(firstChild + 4, count))
            where nodes[child].rank < nodes[smallest].rank {
                smallest = child
            }
            guard nodes[smallest].rank < moving.rank else { break }
            put(nodes[smallest], at: hole)
            hole = smallest
        }
        put(moving, at: hole)
    }

    private mutating func put(_ node: Node, at place: Int) {
        nodes[place] = node
        places[Int(node.slot)] = Int32(truncatingIfNeeded: place)
    }
}
