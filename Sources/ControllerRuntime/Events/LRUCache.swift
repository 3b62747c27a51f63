/// A dictionary that keeps only the entries used last.
struct LRUCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// An entry and its neighbours by use; indices into `nodes`, -1 for none.
    private struct Node: Sendable {
        var key: Key
        var value: Value
        var newer: Int
        var older: Int
    }

    private let capacity: Int
    private var nodes: [Node] = []
    private var indices: [Key: Int] = [:]
    private var newest = -1
    private var oldest = -1

    /// Makes an empty cache for at least one entry.
    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    var count: Int { nodes.count }

    /// The value of `key`, which counts as a use; setting a value pushes out the entry that was unused for longest.
    subscript(key: Key) -> Value? {
        mutating get {
            guard let index = indices[key] else { return nil }
            touch(index)
            return nodes[index].value
        }
        set {
            guard let newValue else { return }
            if let index = indices[key] {
                nodes[index].value = newValue
                touch(index)
            } else if nodes.count < capacity {
                nodes.append(Node(key: key, value: newValue, newer: -1, older: -1))
                indices[key] = nodes.count - 1
                link(nodes.count - 1)
            } else {
                // The oldest entry's place is used again.
                let index = oldest
                unlink(index)
                indices[nodes[index].key] = nil
                nodes[index] = Node(key: key, value: newValue, newer: -1, older: -1)
                indices[key] = index
                link(index)
            }
        }
    }

    private mutating func touch(_ index: Int) {
        guard index != newest else { return }
        unlink(index)
        link(index)
    }

    /// Takes a node out of the order.
    private mutating func unlink(_ index: Int) {
        let (newer, older) = (nodes[index].newer, nodes[index].older)
        if newer >= 0 { nodes[newer].older = older } else { newest = older }
        if older >= 0 { nodes[older].newer = newer } else { oldest = newer }
    }

    /// Puts a node at the new end of the order.
    private mutating func link(_ index: Int) {
        nodes[index].newer = -1
        nodes[index].older = newest
        if newest >= 0 { nodes[newest].newer = index } else { oldest = index }
        newest = index
    }
}
