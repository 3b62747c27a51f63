/// Where URLs that tenants write may lead: webhooks, notifications and HTTP probes share this one rule.
///
/// The controller stands inside the cluster and often beside a cloud's metadata service; a URL in a policy must not make
/// it ask itself, its node or that service (CVE-2020-8555 was such a request). Asked twice: for the URL when it is
/// accepted, and for each address that a connection is about to be made to, because a name may lead anywhere by then.
///
/// ```swift
/// let rule = AddressRule(allowed: configuration.allowedAddresses)
/// if let problem = rule.problem(url: url) { ... }                     // before anything is asked
/// request.mayConnect = { rule.problem(address: $0) == nil }           // by the transport, after the name is resolved
/// ```
package struct AddressRule: Sendable, Hashable {
    /// Ranges that are refused, with the words for messages; the rest of the world is allowed.
    private static let refused: [(range: AddressRange, words: String)] = [
        ("127.0.0.0/8", "a loopback address"), ("::1/128", "a loopback address"), ("0.0.0.0/8", "this host"),
        ("::/128", "this host"), ("169.254.0.0/16", "a link-local or metadata address"),
        ("fe80::/10", "a link-local address"), ("fec0::/10", "a site-local address"),
        ("fd00:ec2::/32", "a metadata address"), ("fd20:ce::254/128", "a metadata address"),
        ("100.100.100.200/32", "a metadata address"),
        ("168.63.129.16/32", "a metadata address"), ("192.0.0.192/32", "a metadata address"),
        ("224.0.0.0/4", "a multicast address"), ("ff00::/8", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    ].compactMap { text, words in AddressRange(text).map { ($0, words) } }

    private static let refusedNames = [
        "localhost", "metadata", "metadata.google.internal", "metadata.goog", "instance-data",
    ]

    /// Ranges that the configuration allows although they are refused otherwise.
    package var allowed: [AddressRange]

    /// Makes a rule.
    package init(allowed: [AddressRange] = []) {
        self.allowed = allowed
    }

    /// Why a URL must not be asked, in words that continue "the URL ..."; nil when nothing forbids it so far.
    ///
    /// Names are not resolved here: the addresses are judged when they are known.
    ///
    /// - Parameters:
    ///   - url: the URL.
    ///   - schemes: what it may begin with, in small letters.
    /// - Returns: the words; a URL that cannot be read is a problem, too.
    package func problem(url: String, schemes: [String] = ["http", "https"]) -> String? {
        guard let parts = URLParts(url, schemes) else {
            return "is no \(schemes.joined(separator: " or ")) URL with a host"
        }
        if parts.hasUserInfo { return "carries a user or password; put them into the Secret" }
        let host = parts.host
        if let address = IPAddress(host) { return problem(of: address) }
        if parts.isBracketed || Self.isNumeric(host) {
            return "has the host \(host), which is no address in its usual form"
        }
        guard allowed.isEmpty else { return nil }
        let isRefused = Self.refusedNames.contains(host) || host.hasSuffix(".localhost")
        return isRefused ? "leads to \(host); \(Self.remedy)" : nil
    }

    /// Why nothing may be sent to an address, as text without brackets; nil when it is allowed.
    ///
    /// What is no address is refused as well: what cannot be judged must not be asked.
    package func problem(address text: String) -> String? {
        guard let address = IPAddress(text) else { return "has an address that cannot be read" }
        return problem(of: address)
    }

    private func problem(of address: IPAddress) -> String? {
        let isAllowed = { (place: IPAddress) in allowed.contains { $0.contains(place) } }
        guard !isAllowed(address) else { return nil }
        let places = [address] + address.translations.filter { !isAllowed($0) }
        let refused = Self.refused.first { entry in places.contains { entry.range.contains($0) } }
        return refused.map { "leads to \($0.words); \(Self.remedy)" }
    }

    private static let remedy = "the controller's configuration would have to list it in allowedAddresses"

    /// Whether a resolver could take a host for a number, such as `2130706433`, `0x7f.1` or `127.1`.
    private static func isNumeric(_ host: String) -> Bool {
        let last = host.split(separator: ".").last ?? ""
        if last.hasPrefix("0x") { return true }
        return !last.isEmpty && last.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }
}

/// The parts of a URL that decide where it leads, read in the strictest way.
private struct URLParts {
    /// In lower case, without brackets and without a dot at the end.
    let host: String
    let isBracketed: Bool
    let hasUserInfo: Bool

    init?(_ url: String, _ schemes: [String]) {
        guard let scheme = schemes.first(where: { url.lowercased().hasPrefix($0 + "://") }) else { return nil }
        let rest = url.dropFirst(scheme.count + 3)
        // A backslash separates for some parsers and not for others; nobody needs one here.
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5C }) else { return nil }
        var authority = rest.prefix { !"/?#".contains($0) }
        hasUserInfo = authority.contains("@")
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        isBracketed = authority.hasPrefix("[")
        var name = isBracketed ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
        while name.hasSuffix(".") { name = name.dropLast() }
        // An escaped host is another one for whoever decodes it.
        guard !name.isEmpty, isBracketed || !name.contains("%") else { return nil }
        host = name.lowercased()
    }
}
