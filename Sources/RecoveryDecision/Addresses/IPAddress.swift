/// An IPv4 or IPv6 address as bytes; an IPv4 address written as IPv6 (`::ffff:a.b.c.d`, NAT64, 6to4) is that address.
///
/// Not so with a NAT64 of local use, where only its owner knows which bytes are meant: see ``translations``.
package struct IPAddress: Sendable, Hashable {
    /// Four bytes or sixteen.
    package let bytes: [UInt8]

    /// Reads an address as libcurl, inet_ntop and URLs (without brackets) write it; nil for anything else.
    package init?(_ text: String) {
        // A zone says on which link, not which address.
        let text = text.prefix { $0 != "%" }
        guard let bytes = text.contains(":") ? Self.version6(text) : Self.version4(text) else { return nil }
        self.bytes = Self.embedded(bytes) ?? bytes
    }

    private static func version4(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        let bytes = parts.compactMap { part -> UInt8? in
            guard part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), part.utf8.first != 0x30 || part.utf8.count == 1
            else { return nil }
            return UInt8(part)
        }
        return bytes.count == 4 ? bytes : nil
    }

    private static func version6(_ text: Substring) -> [UInt8]? {
        let halves = parts(text)
        guard halves.count <= 2 else { return nil }
        let groups = halves.map { $0.isEmpty ? [] : self.groups($0) }
        guard let head = groups.first ?? nil else { return nil }
        guard halves.count == 2 else { return head.count == 16 ? head : nil }
        guard let tail = groups[1], head.count + tail.count <= 14 else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// What is left and right of each `::`.
    private static func parts(_ text: Substring) -> [Substring] {
        var parts: [Substring] = []
        var rest = text
        while let gap = rest.indices.first(where: { rest[$0...].hasPrefix("::") }) {
            parts.append(rest[..<gap])
            rest = rest[rest.index(gap, offsetBy: 2)...]
        }
        return parts + [rest]
    }

    private static func groups(_ text: Substring) -> [UInt8]? {
        var bytes: [UInt8] = []
        let groups = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, group) in groups.enumerated() {
            if index == groups.count - 1, group.contains("."), let last = version4(group) {
                bytes += last
            } else if (1...4).contains(group.utf8.count), group.utf8.first != 0x2B, let value = UInt16(group, radix: 16)
            {
                bytes += [UInt8(value >> 8), UInt8(value & 0xFF)]
            } else {
                return nil
            }
        }
        return bytes.count <= 16 ? bytes : nil
    }

    /// The IPv4 addresses that a NAT64 of local use (RFC 8215) may lead to, for each length that its prefix can have
    /// (RFC 6052); those that begin with zero are none.
    var translations: [IPAddress] {
        guard bytes.count == 16, bytes[..<6].elementsEqual([0, 0x64, 0xFF, 0x9B, 0, 1]) else { return [] }
        let places = [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], [12, 13, 14, 15]]
        return places.map { IPAddress($0.map { bytes[$0] }) }.filter { $0.bytes[0] != 0 }
    }

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The IPv4 address inside: mapped, translated (RFC 2765), compatible, NAT64 (RFC 6052) or 6to4 (RFC 3056).
    private static func embedded(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count == 16 else { return nil }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        let isTranslated = bytes[..<12].elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0])
        let isCompatible = bytes[..<12].allSatisfy { $0 == 0 } && bytes[12] != 0
        let isNAT64 = bytes[..<12].elementsEqual([0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0])
        if isMapped || isTranslated || isCompatible || isNAT64 { return Array(bytes[12...]) }
        return bytes[0] == 0x20 && bytes[1] == 0x02 ? Array(bytes[2..<6]) : nil
    }
}

/// A range of addresses in CIDR notation, such as `127.0.0.0/8`; an address alone is the range of itself.
package struct AddressRange: Sendable, Hashable {
    private let address: [UInt8]
    private let bits: Int

    /// Reads a range; nil when it is none.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        let all = address.bytes.count * 8
        guard parts.count < 2 || parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let bits = parts.count < 2 ? all : Int(parts[1]), (0...all).contains(bits)
        else { return nil }
        self.address = address.bytes
        self.bits = bits
    }

    /// Whether an address lies inside.
    package func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.count else { return false }
        for (index, byte) in address.enumerated() {
            let left = bits - index * 8
            if left <= 0 { return true }
            let mask = left >= 8 ? 0xFF : UInt8(truncatingIfNeeded: 0xFF << (8 - left))
            if byte & mask != other.bytes[index] & mask { return false }
        }
        return true
    }
}
