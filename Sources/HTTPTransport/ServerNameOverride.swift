/// How to reach one host while TLS sees the name of another.
///
/// libcurl takes the name for SNI and verification from the URL. So the URL gets the name to verify, a connect-to rule
/// leads back to the real host, and the Host header keeps saying what the caller's URL said.
struct ServerNameOverride: Equatable {
    /// The URL with the name to verify.
    let url: String
    /// libcurl's rule "NAME:PORT:HOST:PORT".
    let connectTo: String
    /// The host as the caller wrote it, with its port when it had one.
    let hostHeader: String

    /// Nil when `url` is not https or has no host: libcurl says then what is wrong with it.
    init?(url: String, serverName: String) {
        let scheme = "https://"
        guard url.prefix(scheme.count).lowercased() == scheme else { return nil }
        let rest = url.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let tail = rest[authority.endIndex...]
        let hostStart = authority.lastIndex(of: "@").map { authority.index(after: $0) } ?? authority.startIndex
        let hostAndPort = authority[hostStart...]
        guard let (host, port) = Self.split(hostAndPort) else { return nil }
        let isAddress6 = serverName.contains(":") && !serverName.hasPrefix("[")
        let name = isAddress6 ? "[\(serverName)]" : serverName
        self.url = "\(scheme)\(authority[..<hostStart])\(name):\(port)\(tail)"
        connectTo = "\(name):\(port):\(host):\(port)"
        hostHeader = String(hostAndPort)
    }

    /// Host (brackets kept) and port.
    private static func split(_ text: Substring) -> (host: Substring, port: Int)? {
        let hostEnd: Substring.Index
        if text.first == "[" {
            guard let bracket = text.firstIndex(of: "]") else { return nil }
            hostEnd = text.index(after: bracket)
        } else {
            hostEnd = text.firstIndex(of: ":") ?? text.endIndex
        }
        let host = text[..<hostEnd]
        guard !host.isEmpty else { return nil }
        let rest = text[hostEnd...]
        if rest.isEmpty || rest == ":" { return (host, 443) }
        guard rest.first == ":", let port = UInt16(rest.dropFirst()) else { return nil }
        return (host, Int(port))
    }
}
