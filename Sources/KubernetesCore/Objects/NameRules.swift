/// The rules that the API server applies to names and labels.
///
/// Each function returns what is wrong, for people, or nil when the text is valid.
public enum NameRules {
    /// DNS-1123 label: at most 63 characters, lower-case letters, digits and `-`, alphanumeric at both ends.
    public static func problem(label text: String) -> String? {
        if text.utf8.count > 63 { return "must be no more than 63 characters" }
        return isLabel(text.utf8[...])
            ? nil
            : "must consist of lower case letters, digits or '-', and must start and end with a letter or digit"
    }

    /// DNS-1123 subdomain: labels joined by dots, at most 253 characters in all; what most object names must be.
    public static func problem(subdomain text: String) -> String? {
        if text.utf8.count > 253 { return "must be no more than 253 characters" }
        let isValid = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .allSatisfy(isLabel)
        return isValid
            ? nil
            : "must consist of lower case letters, digits, '-' or '.', and must start and end with a letter or digit"
    }

    /// The key of a label or annotation: an optional DNS prefix with a slash, and a name of at most 63 characters.
    public static func problem(labelKey text: String) -> String? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count > 2 { return "must be a name with an optional DNS prefix and one '/'" }
        if parts.count == 2, let problem = problem(subdomain: String(parts[0])) { return "prefix \(problem)" }
        return parts.last.flatMap { isQualifiedName($0.utf8[...]) ? nil : "name \(qualifiedNameRule)" }
    }

    /// The value of a label: empty, or at most 63 letters, digits, `-`, `_` and `.`, alphanumeric at both ends.
    public static func problem(labelValue text: String) -> String? {
        text.isEmpty || isQualifiedName(text.utf8[...]) ? nil : qualifiedNameRule
    }

    private static let qualifiedNameRule =
        "must be at most 63 letters, digits, '-', '_' or '.', and must start and end with a letter or digit"

    private static func isLabel(_ text: Substring.UTF8View) -> Bool {
        isFramed(text, edge: isLowerOrDigit) { isLowerOrDigit($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isQualifiedName(_ text: Substring.UTF8View) -> Bool {
        text.count <= 63
            && isFramed(text, edge: isLetterOrDigit) {
                isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
            }
    }

    /// Whether the text is not empty, has `edge` characters at both ends and `inner` characters throughout.
    private static func isFramed(
        _ text: Substring.UTF8View,
        edge: (UInt8) -> Bool,
        inner: (UInt8) -> Bool
    ) -> Bool {
        guard let first = text.first, let last = text.last else { return false }
        return edge(first) && edge(last) && text.allSatisfy(inner)
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}
