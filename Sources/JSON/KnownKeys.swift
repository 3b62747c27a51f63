/// The keys that Kubernetes objects are full of, as strings that exist once.
///
/// Making a string costs more than finding one here, and a key of more than 15 bytes would be allocated anew in every
/// object. The strings are literals, so they are neither allocated nor counted. Keys of up to 24 bytes are compared as
/// three words: their first, middle and last eight bytes, which together cover all of them.
struct KnownKeys: Sendable {
    /// What identifies a key.
    private struct Words: Equatable {
        var first: UInt64
        var middle: UInt64 = 0
        var last: UInt64 = 0
        var count: Int

        /// Where to look for it in a table of 1,024 slots.
        var slot: Int {
            let mixed = (first ^ last.byteSwapped ^ UInt64(truncatingIfNeeded: count)) &* 0x9E37_79B9_7F4A_7C15
            return Int(truncatingIfNeeded: mixed >> 54)
        }
    }

    private struct Entry {
        var words: Words
        var key: String
    }

    static let shared = KnownKeys(commonKeys)

    /// Open addressing; most slots are empty.
    private var slots: [Entry?]

    init(_ keys: [String]) {
        slots = Array(repeating: nil, count: 1_024)
        for key in keys {
            // Eight bytes behind the key, as every short key in a document has.
            let padded = Array(key.utf8) + Array(repeating: 0, count: 8)
            guard let words = Self.words(padded.span, at: 0, count: key.utf8.count) else { continue }
            var slot = words.slot
            while slots[slot] != nil {
                slot = (slot + 1) % slots.count
            }
            slots[slot] = Entry(words: words, key: key)
        }
    }

    /// The key that lies in a document, if it is a known one.
    func find(_ bytes: Span<UInt8>, at start: Int, count: Int) -> String? {
        guard let words = Self.words(bytes, at: start, count: count) else { return nil }
        var slot = words.slot
        while let entry = slots[slot] {
            if entry.words == words { return entry.key }
            slot = (slot + 1) % slots.count
        }
        return nil
    }

    /// Nil for keys that are too long, and for short ones within eight bytes of the end.
    @inline(__always)
    private static func words(_ bytes: Span<UInt8>, at start: Int, count: Int) -> Words? {
        guard count > 0, count <= 24, start + max(count, 8) <= bytes.count else { return nil }
        let first = ByteSearch.word(bytes, at: start)
        guard count > 8 else { return Words(first: first & (UInt64.max >> (64 - 8 * count)), count: count) }
        return Words(
            first: first,
            middle: ByteSearch.word(bytes, at: start + count / 2 - 4),
            last: ByteSearch.word(bytes, at: start + count - 8),
            count: count
        )
    }
}
