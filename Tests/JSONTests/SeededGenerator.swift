import JSON

/// A small random source that gives the same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

extension JSONValue {
    /// A value of any shape, with the strings and numbers that break careless code.
    static func random(depth: Int, using random: inout SeededGenerator) -> JSONValue {
        let count = Int.random(in: 0..<5, using: &random)
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .number(Int64.random(in: .min ... .max, using: &random))
        case 3: return JSONNumber(Double.random(in: -1e9...1e9, using: &random)).map { .number($0) } ?? .null
        case 4, 5: return .string(randomText(&random))
        case 6, 7:
            let members = (0..<count).map { _ in
                (key: randomText(&random), value: JSONValue.random(depth: depth - 1, using: &random))
            }
            return .object(JSONObject(members))
        default: return .array((0..<count).map { _ in .random(depth: depth - 1, using: &random) })
        }
    }

    private static func randomText(_ random: inout SeededGenerator) -> String {
        let pieces = [
            "a", "key", " ", "\"", "\\", "\n", "\u{0}", "é", "😀", "{", "}", "[", "]", ",", ":", "metadata", "items",
        ]
        return (0..<Int.random(in: 0..<6, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
            .joined()
    }
}

extension [UInt8] {
    /// The same bytes in chunks of random sizes, empty ones included.
    func randomChunks(upTo maxSize: Int, using random: inout SeededGenerator) -> [[UInt8]] {
        var chunks: [[UInt8]] = []
        var rest = self[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(Int.random(in: 0...maxSize, using: &random))
            chunks.append(Array(chunk))
            rest = rest.dropFirst(chunk.count)
        }
        return chunks
    }

    /// The same bytes with a few of them changed, removed, inserted or repeated.
    func mutated(using random: inout SeededGenerator) -> [UInt8] {
        var bytes = self
        for _ in 0...Int.random(in: 0..<3, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(#"{}[],:"\-0eEu"#.utf8.randomElement(using: &random) ?? 0, at: place)
            case 3: bytes.removeSubrange(place...)
            default: bytes.insert(contentsOf: bytes[place...].prefix(16), at: place)
            }
        }
        return bytes
    }
}
