import KubernetesCore

/// What a text field may hold; the same rule is a pattern in the CRD.
struct TextRule: Sendable {
    /// The longest text, in Unicode scalars, as the API server counts.
    let maxLength: Int
    /// Whether the empty string is legal; it then counts as absent.
    let allowsEmpty: Bool
    /// What is wrong with a text that is not empty, nil when nothing is.
    let problem: @Sendable (String) -> String?

    init(maxLength: Int, allowsEmpty: Bool = false, problem: @escaping @Sendable (String) -> String? = { _ in nil }) {
        self.maxLength = maxLength
        self.allowsEmpty = allowsEmpty
        self.problem = problem
    }

    /// The rule, with the empty string legal too.
    var orEmpty: TextRule { TextRule(maxLength: maxLength, allowsEmpty: true, problem: problem) }

    /// Any text up to a length, the empty one included.
    static func text(_ maxLength: Int) -> TextRule { TextRule(maxLength: maxLength, allowsEmpty: true) }

    /// Any text up to a length but the empty one.
    static func word(_ maxLength: Int) -> TextRule { TextRule(maxLength: maxLength) }

    /// Name of an object.
    static let objectName = TextRule(maxLength: 253) { NameRules.problem(subdomain: $0) }
    /// Name of a namespace or a port.
    static let label = TextRule(maxLength: 63) { NameRules.problem(label: $0) }
    /// Key of a label or taint.
    static let labelKey = TextRule(maxLength: 317) { NameRules.problem(labelKey: $0) }
    /// Value of a label or taint.
    static let labelValue = TextRule(maxLength: 63, allowsEmpty: true) { NameRules.problem(labelValue: $0) }

    /// Error types, strategies, kinds: `^[A-Z][A-Za-z0-9]{0,62}$`.
    static let camelCase = matching(63, "must be letters and digits and start with a capital letter") { bytes in
        bytes.first.map(isUpper) == true && bytes.allSatisfy { isUpper($0) || isLower($0) || isDigit($0) }
    }

    /// Catalogue codes, such as `HH-K8S-004`.
    static let code = matching(63, "must be groups of capital letters and digits, joined by '-'") { bytes in
        bytes.first.map(isUpper) == true
            && bytes.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
                .allSatisfy { !$0.isEmpty && $0.allSatisfy { isUpper($0) || isDigit($0) } }
    }

    /// `apps/v1`, `v1`.
    static let apiVersion = matching(253, "must be a version such as 'v1' or 'apps/v1'") { bytes in
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard let version = parts.last, parts.count <= 2, version.count >= 2 else { return false }
        let groupIsValid =
            parts.count == 1
            || (parts[0].first.map(isLowerOrDigit) == true && parts[0].last.map(isLowerOrDigit) == true
                && parts[0].allSatisfy { isLowerOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") })
        return groupIsValid && version.first == UInt8(ascii: "v") && isDigit(version[version.startIndex + 1])
            && version.allSatisfy(isLowerOrDigit)
    }

    /// `http` and `https` URLs with a host.
    static let url = matching(2048, "must be an http or https URL with a host") { bytes in
        hasHost(bytes, schemes: ["http://", "https://"])
    }

    /// `smtp` and `smtps` servers, without a path.
    static let mailServer = matching(300, "must be smtp://host:port or smtps://host:port") { bytes in
        hasHost(bytes, schemes: ["smtp://", "smtps://"]) && bytes.filter { $0 == UInt8(ascii: "/") }.count == 2
            && !bytes.contains(UInt8(ascii: "?")) && !bytes.contains(UInt8(ascii: "#"))
    }

    /// `someone@example.com`: one `@` with something on both sides.
    static let mailAddress = matching(320, "must be an e-mail address") { bytes in
        let parts = bytes.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && !$0.contains(where: isSpace) }
    }

    /// Entry of a Secret.
    static let secretKey = matching(253, "must be letters, digits, '-', '_' or '.'") { bytes in
        bytes.allSatisfy {
            isUpper($0) || isLowerOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                || $0 == UInt8(ascii: ".")
        }
    }

    /// SHA-256 in hexadecimal.
    static let hash = matching(64, "must be 64 lower-case hexadecimal digits") { bytes in
        bytes.count == 64 && bytes.allSatisfy { isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0) }
    }

    /// Plural resource name.
    static let resource = matching(63, "must be a lower-case plural such as 'deployments'") { bytes in
        bytes.first.map(isLower) == true && bytes.allSatisfy { isLowerOrDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// Verb or subresource; wildcards are not.
    static func lowerCase(_ maxLength: Int) -> TextRule {
        matching(maxLength, "must be lower-case letters") { $0.allSatisfy(isLower) }
    }

    private static func matching(
        _ maxLength: Int,
        _ message: String,
        _ isValid: @escaping @Sendable ([UInt8]) -> Bool
    ) -> TextRule {
        TextRule(maxLength: maxLength) { isValid(Array($0.utf8)) ? nil : message }
    }

    private static func hasHost(_ bytes: [UInt8], schemes: [String]) -> Bool {
        guard let scheme = schemes.first(where: { bytes.starts(with: $0.utf8) }) else { return false }
        guard let next = bytes.dropFirst(scheme.utf8.count).first else { return false }
        return !isSpace(next) && ![UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains(next)
    }

    private static func isUpper(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }
    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isLowerOrDigit(_ byte: UInt8) -> Bool { isLower(byte) || isDigit(byte) }
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}
