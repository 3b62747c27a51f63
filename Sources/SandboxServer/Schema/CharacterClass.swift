/// A set of characters of a ``RegularExpression``.
struct CharacterClass: Sendable {
    /// Characters by general category, as `\p{Lu}` or `\P{L}`.
    struct Category: Sendable {
        /// One or two letters, as `L` or `Lu`; empty for any character.
        var name: String
        var isNegated: Bool
    }

    var ranges: [ClosedRange<UInt32>] = []
    var categories: [Category] = []
    var isNegated = false
    var ignoresCase = false

    static let digit = CharacterClass("09")
    static let word = CharacterClass("09AZaz__")
    static let space = CharacterClass("\t\n\u{0C}\u{0C}\r\r  ")
    static let any = CharacterClass(ranges: [0...0x10FFFF])
    static let anyButNewline = CharacterClass(ranges: [0...0x09, 0x0B...0x10FFFF])

    init(ranges: [ClosedRange<UInt32>] = []) {
        self.ranges = ranges
    }

    init(_ scalar: Unicode.Scalar, ignoresCase: Bool) {
        ranges = [scalar.value...scalar.value]
        self.ignoresCase = ignoresCase
    }

    /// Ranges as pairs of their ends.
    private init(_ ends: String) {
        let values = ends.unicodeScalars.map(\.value)
        ranges = stride(from: 0, to: values.count - 1, by: 2).map { values[$0]...values[$0 + 1] }
    }

    /// The class of a POSIX name, as `alpha`.
    static func posix(_ name: String) -> CharacterClass? {
        posixClasses[name].map { CharacterClass($0) }
    }

    private static let posixClasses = [
        "alnum": "09AZaz", "alpha": "AZaz", "ascii": "\0\u{7F}", "blank": "\t\t  ", "cntrl": "\0\u{1F}\u{7F}\u{7F}",
        "digit": "09", "graph": "!~", "lower": "az", "print": " ~", "punct": "!/:@[`{~", "space": "\t\r  ",
        "upper": "AZ", "word": "09AZaz__", "xdigit": "09AFaf",
    ]

    /// Adds all characters of another class.
    mutating func formUnion(_ other: CharacterClass) {
        guard other.isNegated else {
            ranges += other.ranges
            categories += other.categories
            return
        }
        // Only classes of ranges are negated before they are joined.
        var low: UInt32 = 0
        for range in other.ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > low { ranges.append(low...(range.lowerBound - 1)) }
            low = max(low, range.upperBound + 1)
        }
        if low <= 0x10FFFF { ranges.append(low...0x10FFFF) }
    }

    /// Whether a character belongs to the class.
    func contains(_ scalar: Unicode.Scalar) -> Bool {
        var isInside = lists(scalar)
        if !isInside, ignoresCase {
            isInside = otherCases(of: scalar).contains(where: lists) || isSingle(scalar.properties.lowercaseMapping)
        }
        return isInside != isNegated
    }

    private func lists(_ scalar: Unicode.Scalar) -> Bool {
        ranges.contains { $0.contains(scalar.value) } || categories.contains { $0.contains(scalar) }
    }

    /// Whether one of the characters listed alone is this in lower case.
    private func isSingle(_ lowercase: String) -> Bool {
        ranges.contains { range in
            guard range.count == 1, let scalar = Unicode.Scalar(range.lowerBound) else { return false }
            return scalar.properties.lowercaseMapping == lowercase
        }
    }

    private func otherCases(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        let texts = [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping]
        return texts.filter { $0.unicodeScalars.count == 1 }.flatMap { Array($0.unicodeScalars) }
    }
}

extension CharacterClass.Category {
    /// The category of a name; nil when there is none.
    init?(name: Substring, isNegated: Bool) {
        let known =
            name == "Any" || Self.names.contains(String(name)) || name.count == 1 && "LMNPSZC".contains(name)
        guard known else { return nil }
        self.name = name == "Any" ? "" : String(name)
        self.isNegated = isNegated
    }

    private static let names: Set<String> = [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
        "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co",
    ]

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory.shortName.hasPrefix(name) != isNegated
    }
}

extension Unicode.GeneralCategory {
    /// As Unicode abbreviates it.
    fileprivate var shortName: String {
        switch self {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }
}
