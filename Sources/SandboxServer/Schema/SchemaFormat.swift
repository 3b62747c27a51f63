internal import FoundationEssentials
internal import JSON

/// A `format` that the server checks; others mean nothing to it.
struct SchemaFormat {
    /// As written.
    let name: String
    /// What strings of the format look like; nil for formats of numbers.
    private let check: (@Sendable (String) -> Bool)?

    /// The format of a schema, when the server knows it for the schema's type.
    init?(of schema: Schema) {
        guard let name = schema.constraints?.keywords["format"]?.stringValue else { return nil }
        switch schema.kind {
        case .integer:
            guard name == "int32" || name == "int64" else { return nil }
            check = nil
        case .number:
            guard name == "float" || name == "double" else { return nil }
            check = nil
        case .string, .any:
            guard let check = Self.checks[name.filter { $0 != "-" }] else { return nil }
            self.check = check
        default: return nil
        }
        self.name = name
    }

    /// Whether it is one of strings.
    var isOfStrings: Bool { check != nil }

    /// Whether a string has the format.
    func accepts(_ text: String) -> Bool { check?(text) ?? true }

    private static let checks: [String: @Sendable (String) -> Bool] = [
        "bsonobjectid": matching("^[0-9a-fA-F]{24}$"),
        "byte": matching("^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"),
        "cidr": IPAddress.isRange,
        "creditcard": isCreditCard,
        "date": { RFC3339.date(from: $0 + "T00:00:00Z") != nil },
        "datetime": { RFC3339.date(from: $0) != nil },
        "duration": matching(
            #"^([-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$"#
                + #"|^0$|^[0-9]+ *(ns|nanos?|nanoseconds?|us|micros?|microseconds?|ms|millis?|milliseconds?"#
                + #"|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?)$"#
        ),
        "email": matching(#"^[^\s@<>()\[\],;:"]+@[^\s@<>()\[\],;:"]+$"#),
        "hexcolor": matching("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
        "hostname": { text in
            isHostname(text) && text.utf8.count <= 255 && text.split(separator: ".").allSatisfy { $0.utf8.count <= 63 }
        },
        "ipv4": { IPAddress.isAddress($0) && $0.contains(".") },
        "ipv6": { IPAddress.isAddress($0) && $0.contains(":") },
        "isbn": { isISBN10($0) || isISBN13($0) },
        "isbn10": isISBN10,
        "isbn13": isISBN13,
        "k8slongname": { ObjectNames.subdomain($0).isEmpty },
        "k8sshortname": { ObjectNames.violations($0, .label).isEmpty },
        "mac": matching(
            "^([0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}|[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){7}"
                + #"|[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4}){2}|[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4}){3})$"#
        ),
        "password": { _ in true },
        "rgbcolor": matching(#"^rgb\( *(\#(octet)) *, *(\#(octet)) *, *(\#(octet)) *\)$"#),
        "ssn": matching(#"^\d{3}[- ]?\d{2}[- ]?\d{4}$"#),
        "uri": matching(#"^(/[^\s]*|[a-zA-Z][a-zA-Z0-9+.-]*:[^\s]+)$"#),
        "uuid": matching("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"),
        "uuid3": matching("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$"),
        "uuid4": matching("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"),
        "uuid5": matching("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"),
    ]

    private static let octet = "[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]"

    private static func matching(_ pattern: String) -> @Sendable (String) -> Bool {
        switch PatternCache.shared.pattern(pattern) {
        case .success(let expression): { expression.matches($0) }
        case .failure: { _ in true }
        }
    }

    /// As the server has it: symbols of all scripts are letters, the last label is at least two letters.
    private static let isHostname = matching(
        #"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)"#
            + #"|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}"#
            + #"([a-zA-Z\p{L}]){2,63})$"#
    )

    private static let isCreditCard: @Sendable (String) -> Bool = { text in
        let digits = text.unicodeScalars.compactMap(\.decimalDigit)
        guard (13...19).contains(digits.count) else { return false }
        return luhnSum(of: digits) % 10 == 0
    }

    /// The sum of Luhn's check: every second digit from the right counts twice, by its digits.
    private static func luhnSum(of digits: [Int]) -> Int {
        digits.reversed().enumerated().reduce(0) { sum, entry in
            let value = entry.offset % 2 == 1 ? entry.element * 2 : entry.element
            return sum + (value > 9 ? value - 9 : value)
        }
    }

    private static let isISBN10: @Sendable (String) -> Bool = { text in
        let digits = text.filter { $0 != "-" && $0 != " " }.map { $0 == "X" ? 10 : $0.wholeNumberValue ?? -1 }
        guard digits.count == 10, digits.allSatisfy({ $0 >= 0 }), digits.dropLast().allSatisfy({ $0 < 10 }) else {
            return false
        }
        return digits.enumerated().reduce(0) { $0 + ($1.offset + 1) * $1.element } % 11 == 0
    }

    private static let isISBN13: @Sendable (String) -> Bool = { text in
        let digits = text.filter { $0 != "-" && $0 != " " }.map { $0.wholeNumberValue ?? -1 }
        guard digits.count == 13, digits.allSatisfy({ (0...9).contains($0) }) else { return false }
        return digits.enumerated().reduce(0) { $0 + ($1.offset % 2 == 0 ? 1 : 3) * $1.element } % 10 == 0
    }
}

/// The texts of IP addresses; leading zeros are allowed, zones are not.
enum IPAddress {
    /// Whether this is an address of version 4 or 6.
    static func isAddress(_ text: String) -> Bool {
        text.contains(":") ? isVersion6(text) : isVersion4(text[...])
    }

    /// Whether this is an address and the length of a prefix of it.
    static let isRange: @Sendable (String) -> Bool = { text in
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, isAddress(String(parts[0])) else { return false }
        let isNumber = parts[1].utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isNumber, let length = Int(parts[1]) else { return false }
        return length <= (parts[0].contains(":") ? 128 : 32)
    }

    private static func isVersion4(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                part.utf8.allSatisfy { (0x30...0x39).contains($0) } && Int(part).map { $0 <= 255 } ?? false
            }
    }

    private static func isVersion6(_ text: String) -> Bool {
        guard let gap = text.firstRange(of: "::") else { return groups(text[...]) == 8 }
        guard let left = groups(text[..<gap.lowerBound]), let right = groups(text[gap.upperBound...]) else {
            return false
        }
        return left + right < 8 && !text[..<gap.lowerBound].contains(".")
    }

    /// The number of 16-bit groups, the last two of which may be an address of version 4; nil when one is wrong.
    private static func groups(_ text: Substring) -> Int? {
        guard !text.isEmpty else { return 0 }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var count = 0
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains(".") {
                guard isVersion4(part) else { return nil }
                count += 2
            } else {
                guard (1...4).contains(part.utf8.count), part.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
                    return nil
                }
                count += 1
            }
        }
        return count
    }
}
