/// Byte searches that look at eight bytes at a time.
///
/// A word is loaded once and each condition leaves the high bit of the bytes that meet it. A borrow can also mark
/// bytes above a true match, so only the lowest mark is meaningful.
enum ByteSearch {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// The eight bytes from `offset`, the first one lowest; the caller has checked that they exist.
    @inline(__always)
    static func word(_ bytes: Span<UInt8>, at offset: Int) -> UInt64 {
        // Bounds: every caller checks `offset + 8 <= bytes.count` in its loop condition.
        UInt64(littleEndian: unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }

    /// Marks the bytes that are `byte`.
    @inline(__always)
    private static func equal(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let zeroed = word ^ (ones &* UInt64(byte))
        return (zeroed &- ones) & ~zeroed & highs
    }

    /// Marks quotes and backslashes.
    @inline(__always)
    static func stringEnds(_ word: UInt64) -> UInt64 {
        equal(word, UInt8(ascii: "\"")) | equal(word, UInt8(ascii: "\\"))
    }

    /// Marks control characters, those below a space.
    @inline(__always)
    static func controls(_ word: UInt64) -> UInt64 {
        (word &- ones &* 0x20) & ~word & highs
    }

    /// Marks bytes that are no ASCII.
    @inline(__always)
    static func nonASCII(_ word: UInt64) -> UInt64 {
        word & highs
    }

    /// The index from `start` on of the first quote or backslash, or the end.
    @inline(__always)
    static func firstStringEnd(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index &+ 8 <= bytes.count {
            let marks = stringEnds(word(bytes, at: index))
            if marks != 0 { return index &+ marks.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < bytes.count, bytes[index] != UInt8(ascii: "\""), bytes[index] != UInt8(ascii: "\\") {
            index &+= 1
        }
        return index
    }
}
