/// The members of a JSON object, in the order of their keys.
///
/// It is used like a dictionary, but stored as one sorted array: half the memory, nothing to hash while parsing, and
/// the same order whenever it is written. Looking up a key is a binary search; adding one moves those behind it.
public struct JSONObject: Sendable, Hashable {
    /// A member.
    public typealias Element = (key: String, value: JSONValue)

    /// Sorted by key, no key twice.
    var members: [Entry]

    /// Like `Element`, which as a tuple cannot be compared or hashed.
    struct Entry: Sendable, Hashable {
        let key: String
        var value: JSONValue
    }

    /// An object without members.
    public init() {
        members = []
    }

    /// The members of a dictionary.
    public init(_ dictionary: [String: JSONValue]) {
        members = dictionary.map { Entry(key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
    }

    /// Members in any order; of a key that occurs twice, the last one counts.
    public init(_ sequence: some Sequence<Element>) {
        members = sequence.map { Entry(key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
        dropDuplicates()
    }

    /// Of equal keys beside each other, which stand in the order of their arrival, leaves the last.
    mutating func dropDuplicates() {
        guard zip(members, members.dropFirst()).contains(where: { $0.key == $1.key }) else { return }
        var unique: [Entry] = []
        for member in members {
            if unique.last?.key == member.key { unique.removeLast() }
            unique.append(member)
        }
        members = unique
    }

    /// The position of a key, or where it would have to stand.
    private func search(_ key: String) -> (position: Int, isFound: Bool) {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle].key == key { return (middle, true) }
            if members[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return (low, false)
    }
}

extension JSONObject {
    /// The value of a key, or nil; setting nil removes the member.
    public subscript(key: String) -> JSONValue? {
        get {
            let (position, isFound) = search(key)
            return isFound ? members[position].value : nil
        }
        set {
            let (position, isFound) = search(key)
            switch (newValue, isFound) {
            case (let value?, true): members[position].value = value
            case (let value?, false): members.insert(Entry(key: key, value: value), at: position)
            case (nil, true): members.remove(at: position)
            case (nil, false): break
            }
        }
    }

    /// The value of a key, or `fallback`; setting adds the member when it is missing.
    public subscript(key: String, default fallback: @autoclosure () -> JSONValue) -> JSONValue {
        get { self[key] ?? fallback() }
        set { self[key] = newValue }
    }

    /// Removes a member and returns its value, or nil when there is none.
    @discardableResult
    public mutating func removeValue(forKey key: String) -> JSONValue? {
        let (position, isFound) = search(key)
        return isFound ? members.remove(at: position).value : nil
    }

    /// Sets a member and returns the value that it replaces.
    @discardableResult
    public mutating func updateValue(_ value: JSONValue, forKey key: String) -> JSONValue? {
        let old = self[key]
        self[key] = value
        return old
    }

    /// Changes the value of a key where it is stored; a member that is missing is made of `fallback`.
    mutating func update<Result>(
        _ key: String,
        default fallback: JSONValue,
        _ change: (inout JSONValue) -> Result
    ) -> Result {
        let (position, isFound) = search(key)
        if !isFound { members.insert(Entry(key: key, value: fallback), at: position) }
        return change(&members[position].value)
    }
}

extension JSONObject: RandomAccessCollection {
    /// The position of the first member.
    public var startIndex: Int { members.startIndex }

    /// The position behind the last member.
    public var endIndex: Int { members.endIndex }

    /// The member at a position.
    public subscript(position: Int) -> Element {
        (members[position].key, members[position].value)
    }

    /// The keys, sorted.
    public var keys: some RandomAccessCollection<String> { members.lazy.map(\.key) }

    /// The values, in the order of their keys.
    public var values: some RandomAccessCollection<JSONValue> { members.lazy.map(\.value) }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// Members in any order; of a key that occurs twice, the last one counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements.map { (key: $0.0, value: $0.1) })
    }
}

extension JSONObject {
    /// A dictionary of the keys and what a function makes of their values.
    public func mapValues<T>(_ transform: (JSONValue) throws -> T) rethrows -> [String: T] {
        try Dictionary(uniqueKeysWithValues: map { ($0.key, try transform($0.value)) })
    }

    /// A dictionary of the keys and what a function makes of their values, less those that it makes nothing of.
    public func compactMapValues<T>(_ transform: (JSONValue) throws -> T?) rethrows -> [String: T] {
        var result: [String: T] = [:]
        for (key, value) in self {
            if let transformed = try transform(value) { result[key] = transformed }
        }
        return result
    }

    /// The members that meet a condition.
    public func filter(_ isIncluded: (Element) throws -> Bool) rethrows -> JSONObject {
        var result = self
        result.members = try members.filter { try isIncluded(($0.key, $0.value)) }
        return result
    }

    /// Adds members; a function chooses between the value that is there and the one that comes.
    public mutating func merge(
        _ other: some Sequence<Element>,
        uniquingKeysWith combine: (JSONValue, JSONValue) throws -> JSONValue
    ) rethrows {
        for (key, value) in other {
            if let existing = self[key] {
                self[key] = try combine(existing, value)
            } else {
                self[key] = value
            }
        }
    }

    /// These members and others; a function chooses between the value that is here and the one that comes.
    public func merging(
        _ other: some Sequence<Element>,
        uniquingKeysWith combine: (JSONValue, JSONValue) throws -> JSONValue
    ) rethrows -> JSONObject {
        var result = self
        try result.merge(other, uniquingKeysWith: combine)
        return result
    }

    /// The same members as a dictionary.
    public var dictionary: [String: JSONValue] {
        Dictionary(uniqueKeysWithValues: lazy.map { ($0.key, $0.value) })
    }
}
