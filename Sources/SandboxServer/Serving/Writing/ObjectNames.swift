/// The rules for names, label keys and label values, with the words of k8s.io/apimachinery's `util/validation`.
package enum ObjectNames {
    /// The kinds of names.
    package enum Rule: Sendable, Hashable {
        /// RFC 1123 subdomain: most names.
        case subdomain
        /// RFC 1123 label: namespaces.
        case label
        /// RFC 1035 label: services.
        case strictLabel
        /// Anything that fits into a path: RBAC.
        case pathSegment
    }

    /// The rule for the names of a resource.
    package static func rule(for resource: ResourceID) -> Rule {
        if resource.group == "rbac.authorization.k8s.io" { return .pathSegment }
        if resource == Builtin.namespaces { return .label }
        return resource == Builtin.services ? .strictLabel : .subdomain
    }

    /// What is wrong with a name; a prefix that gets an ending may end where a name may not.
    package static func violations(_ name: String, _ rule: Rule, isPrefix: Bool = false) -> [String] {
        var name = name
        // The ending that will follow is a letter or a digit.
        if isPrefix, rule != .pathSegment, name.hasSuffix("-") || name.hasSuffix(".") {
            name = name.hasSuffix("-") ? name.dropLast() + "a" : name + "a"
        }
        switch rule {
        case .subdomain: return subdomain(name)
        case .label: return tooLong(name, 63) + (isLabel(name) ? [] : [labelText])
        case .strictLabel:
            let startsWithLetter = name.utf8.first.map(isLower) ?? false
            return tooLong(name, 63) + (isLabel(name) && startsWithLetter ? [] : [strictLabelText])
        case .pathSegment: return pathSegment(name)
        }
    }

    /// What is wrong with a name made of labels and dots.
    package static func subdomain(_ name: String) -> [String] {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return tooLong(name, 253) + (parts.allSatisfy { isLabel(String($0)) } ? [] : [subdomainText])
    }

    /// What is wrong with a key of labels, annotations and finalizers: `name` or `prefix/name`.
    package static func qualifiedName(_ key: String) -> [String] {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, let name = parts.last else { return [qualifiedText] }
        var violations: [String] = []
        if parts.count == 2 {
            if parts[0].isEmpty {
                violations.append("prefix part must be non-empty")
            } else {
                violations += subdomain(parts[0]).map { "prefix part \($0)" }
            }
        }
        if name.isEmpty {
            violations.append("name part must be non-empty")
        } else {
            violations += tooLong(name, 63).map { "name part \($0)" }
        }
        if !isLabelText(name) { violations.append("name part \(namePartText)") }
        return violations
    }

    /// What is wrong with the value of a label.
    package static func labelValue(_ value: String) -> [String] {
        tooLong(value, 63) + (value.isEmpty || isLabelText(value) ? [] : [labelValueText])
    }

    // MARK: rules

    private static func tooLong(_ text: String, _ limit: Int) -> [String] {
        text.utf8.count > limit ? ["must be no more than \(limit) bytes"] : []
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLower(byte) || isDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    /// Lower-case letters, digits and dashes, none of these at an end.
    private static func isLabel(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let isInner = { (byte: UInt8) in
            isLower(byte) || isDigit(byte) || byte == UInt8(ascii: "-")
        }
        guard let first = bytes.first, let last = bytes.last, bytes.allSatisfy(isInner) else { return false }
        return first != UInt8(ascii: "-") && last != UInt8(ascii: "-")
    }

    /// Letters, digits, dashes, underscores and dots, only the first two at the ends.
    private static func isLabelText(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }

    private static func pathSegment(_ name: String) -> [String] {
        if name == "." || name == ".." { return ["may not be '\(name)'"] }
        return ["/", "%"].filter { name.contains($0) }.map { "may not contain '\($0)'" }
    }

    // MARK: words

    private static let subdomainText = """
        a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start \
        and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
        '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
        """
    private static let labelText = """
        a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end \
        with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
        '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
        """
    private static let strictLabelText = """
        a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
        character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation \
        is '[a-z]([-a-z0-9]*[a-z0-9])?')
        """
    private static let namePartText = """
        must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
        character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
        '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
        """
    private static let qualifiedText = """
        a qualified name \(namePartText) with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')
        """
    private static let labelValueText = """
        a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
        and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
        validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')
        """
}
