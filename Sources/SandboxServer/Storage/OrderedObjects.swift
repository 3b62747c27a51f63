/// The objects of one resource in the order of their names: a sorted array, cut into chunks.
///
/// Copies share their chunks, so that a list that is being sent keeps its state for the price of a reference while the
/// store goes on. Finding takes two binary searches; inserting and removing move the rest of one chunk, and, once in
/// half a chunk's number of changes, the references to the chunks behind it.
struct OrderedObjects: Sendable {
    /// A place in the order; valid as long as nothing changes.
    struct Position: Sendable, Hashable {
        fileprivate var chunk: Int
        fileprivate var offset: Int
    }

    /// Chunks are cut in halves above this size.
    private static let maxChunk = 512

    /// None is empty.
    private var chunks: [[StoredObject]] = []
    /// How many objects there are.
    private(set) var count = 0

    /// The object of that name.
    subscript(name: ObjectName) -> StoredObject? {
        let position = lowerBound(name)
        guard let found = self[position], found.name == name else { return nil }
        return found
    }

    /// The object at a position; nil at the end.
    subscript(position: Position) -> StoredObject? {
        guard position.chunk < chunks.count else { return nil }
        return chunks[position.chunk][position.offset]
    }

    /// Inserts an object or replaces the one of the same name, which is returned.
    @discardableResult
    mutating func insert(_ object: StoredObject) -> StoredObject? {
        let position = lowerBound(object.name)
        if let old = self[position], old.name == object.name {
            chunks[position.chunk][position.offset] = object
            return old
        }
        count += 1
        // Behind the last chunk, or before the first of another one: appending to a chunk is cheaper than a new one.
        guard let (chunk, offset) = insertionPlace(position) else {
            chunks.append([object])
            return nil
        }
        chunks[chunk].insert(object, at: offset)
        if chunks[chunk].count > Self.maxChunk { split(chunk) }
        return nil
    }

    /// Removes the object of that name and returns it.
    @discardableResult
    mutating func remove(_ name: ObjectName) -> StoredObject? {
        let position = lowerBound(name)
        guard let found = self[position], found.name == name else { return nil }
        count -= 1
        chunks[position.chunk].remove(at: position.offset)
        if chunks[position.chunk].isEmpty { chunks.remove(at: position.chunk) }
        return found
    }

    private func insertionPlace(_ position: Position) -> (chunk: Int, offset: Int)? {
        if position.offset == 0, position.chunk > 0 { return (position.chunk - 1, chunks[position.chunk - 1].count) }
        return position.chunk < chunks.count ? (position.chunk, position.offset) : nil
    }

    private mutating func split(_ chunk: Int) {
        let middle = chunks[chunk].count / 2
        let upper = Array(chunks[chunk][middle...])
        chunks[chunk].removeSubrange(middle...)
        chunks.insert(upper, at: chunk + 1)
    }
}

extension OrderedObjects {
    /// The position of the first object.
    var start: Position { Position(chunk: 0, offset: 0) }

    /// The position behind the last object.
    var end: Position { Position(chunk: chunks.count, offset: 0) }

    /// The position of the first object that does not come before a name.
    func lowerBound(_ name: ObjectName) -> Position {
        let chunk = Self.firstIndex(chunks.count) { index in chunks[index].last.map { !($0.name < name) } ?? true }
        guard chunk < chunks.count else { return end }
        let objects = chunks[chunk]
        return Position(chunk: chunk, offset: Self.firstIndex(objects.count) { !(objects[$0].name < name) })
    }

    /// The positions of a namespace's objects; of all objects for nil.
    func range(of namespace: String?) -> (start: Position, end: Position) {
        guard let namespace else { return (start, end) }
        // No namespace's name sorts between another one and that name with a NUL behind it.
        return (
            lowerBound(ObjectName(namespace: namespace, name: "")),
            lowerBound(ObjectName(namespace: namespace + "\0", name: ""))
        )
    }

    /// The position after that of an object.
    func position(after position: Position) -> Position {
        guard position.chunk < chunks.count, position.offset + 1 < chunks[position.chunk].count else {
            return Position(chunk: position.chunk + 1, offset: 0)
        }
        return Position(chunk: position.chunk, offset: position.offset + 1)
    }

    /// How many objects are between two positions.
    func distance(from start: Position, to end: Position) -> Int {
        guard start.chunk < end.chunk else { return start.chunk == end.chunk ? end.offset - start.offset : 0 }
        let whole = chunks[start.chunk..<min(end.chunk, chunks.count)].reduce(0) { $0 + $1.count }
        return whole - start.offset + end.offset
    }

    /// Calls `body` with the objects between two positions in order until it returns false.
    func forEach(from start: Position, to end: Position, _ body: (StoredObject) throws -> Bool) rethrows {
        var position = start
        while position < end, let object = self[position] {
            guard try body(object) else { return }
            position = self.position(after: position)
        }
    }

    /// The objects of a namespace in order; all objects for nil.
    func objects(in namespace: String?) -> [StoredObject] {
        let (start, end) = range(of: namespace)
        var result: [StoredObject] = []
        result.reserveCapacity(distance(from: start, to: end))
        forEach(from: start, to: end) { object in
            result.append(object)
            return true
        }
        return result
    }

    /// The first of `count` indices for which `isAfter` holds, which holds for all behind it, too; else `count`.
    private static func firstIndex(_ count: Int, _ isAfter: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isAfter(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension OrderedObjects.Position: Comparable {
    static func < (left: Self, right: Self) -> Bool {
        (left.chunk, left.offset) < (right.chunk, right.offset)
    }
}
