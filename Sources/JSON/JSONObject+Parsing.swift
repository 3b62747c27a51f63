extension JSONObject {
    /// The first eight bytes of a key as one number, which orders most keys without looking at the strings.
    struct KeyPrefix {
        /// Big-endian, so that it compares like the bytes.
        let word: UInt64

        /// For keys whose order only the strings can tell; no ASCII key has this word.
        static let unknown = KeyPrefix(word: .max)

        private init(word: UInt64) {
            self.word = word
        }

        /// The prefix of an ASCII key that lies in a document.
        @inline(__always)
        init(_ bytes: Span<UInt8>, at start: Int, count: Int) {
            guard count > 0, start + 8 <= bytes.count else {
                self = .unknown
                return
            }
            let mask = count < 8 ? UInt64.max << UInt64(64 - 8 * count) : .max
            word = ByteSearch.word(bytes, at: start).byteSwapped & mask
        }

        /// Whether the prefixes alone cannot tell two keys apart.
        @inline(__always)
        func mayEqual(_ other: KeyPrefix) -> Bool {
            word == other.word || word == .max || other.word == .max
        }
    }

    /// A member as the parser finds it.
    struct Arrival {
        let prefix: KeyPrefix
        let key: String
        let value: JSONValue

        /// Objects with more members are sorted when they are complete: inserting would take quadratic time.
        fileprivate static let mostInserted = 32

        /// Joins the members of its object, which start at `first`, at its place in their order; of equal keys the
        /// one that comes later stays.
        @inline(__always)
        consuming func arrive(in members: inout MoveStack<Arrival>, from first: Int) {
            var place = members.count
            guard place - first < Self.mostInserted else { return members.push(self) }
            while place > first, precedes(members[place - 1]) { place -= 1 }
            if place > first, prefix.mayEqual(members[place - 1].prefix), key == members[place - 1].key {
                members.replace(at: place - 1, with: self)
            } else if place == members.count {
                members.push(self)
            } else {
                members.insert(self, at: place)
            }
        }

        /// Strings of ASCII compare like their bytes, so the prefixes decide when they differ.
        @inline(__always)
        private func precedes(_ other: Arrival) -> Bool {
            prefix.mayEqual(other.prefix) ? key < other.key : prefix.word < other.prefix.word
        }
    }

    /// Takes the members from `first` on off the stack.
    init(takingFrom first: Int, of arrivals: inout MoveStack<Arrival>) {
        let isSorted = arrivals.count - first < Arrival.mostInserted
        members = arrivals.take(from: first) { Entry(key: $0.key, value: $0.value) }
        guard !isSorted else { return }
        members.sort { $0.key < $1.key }
        dropDuplicates()
    }
}
