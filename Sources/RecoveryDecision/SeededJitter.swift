/// A spread for waiting times that is the same on every run: decisions stay pure and can be replayed.
package enum SeededJitter {
    /// A fraction in 0..<1 that depends on `seed` only (FNV-1a over its bytes, then a final mix).
    package static func fraction(_ seed: String) -> Double {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in seed.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        return Double(hash >> 11) / Double(1 << 53 as UInt64)
    }
}
