/// What client-go checks about a cluster entry, and what follows from it for the client.
struct ClusterRules {
    let cluster: Kubeconfig.Entry<Kubeconfig.Cluster>

    private func error(_ field: String, _ message: String) -> KubeconfigError {
        KubeconfigError(
            file: cluster.file,
            line: cluster.line,
            field: "clusters[\(cluster.name)].cluster.\(field)",
            message: message
        )
    }

    /// The base URL, with scheme and without a slash at the end.
    func server() throws(KubeconfigError) -> String {
        let content = cluster.content
        guard var server = content.server else {
            throw error("server", "is missing; write the URL of the API server, such as https://10.0.0.1:6443")
        }
        if !server.contains("://") {
            // As client-go: TLS settings are what tells that the server speaks TLS.
            let isSecure = content.insecureSkipTLSVerify || hasCertificateAuthority
            server = (isSecure ? "https://" : "http://") + server
        }
        if let scheme = server.firstRange(of: "://") {
            server = server[..<scheme.lowerBound].lowercased() + server[scheme.lowerBound...]
        }
        while server.hasSuffix("/") { server.removeLast() }
        guard Self.isURL(server, schemes: ["https", "http"]) else {
            throw error("server", "must be an https or http URL without user, query or spaces")
        }
        return server
    }

    /// Fills in trust, proxy and the rest.
    func apply(to configuration: inout ClientConfiguration) throws(KubeconfigError) {
        let content = cluster.content
        if content.insecureSkipTLSVerify, hasCertificateAuthority {
            throw error(
                "insecure-skip-tls-verify",
                "cannot be set together with a certificate authority; remove one of the two"
            )
        }
        if let proxyURL = content.proxyURL {
            guard Self.isURL(proxyURL, schemes: ["http", "https", "socks5"], allowsUser: true) else {
                throw error("proxy-url", "must be an http, https or socks5 URL")
            }
        }
        configuration.certificateAuthority = certificateAuthority
        configuration.insecureSkipTLSVerify = content.insecureSkipTLSVerify
        configuration.tlsServerName = content.tlsServerName
        configuration.proxyURL = content.proxyURL
        configuration.disableCompression = content.disableCompression
    }

    /// Data before the path.
    var certificateAuthority: CredentialSource? {
        if let data = cluster.content.certificateAuthorityData { return .data(Sensitive(data)) }
        return cluster.content.certificateAuthority.map { .file(cluster.resolve(path: $0)) }
    }

    private var hasCertificateAuthority: Bool {
        cluster.content.certificateAuthority != nil || cluster.content.certificateAuthorityData != nil
    }

    /// Whether a text is a URL of one of the schemes with a host and printable characters only.
    private static func isURL(_ text: String, schemes: [String], allowsUser: Bool = false) -> Bool {
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let scheme = schemes.first(where: { text.lowercased().hasPrefix("\($0)://") })
        else { return false }
        let rest = text.dropFirst(scheme.count + 3)
        let host = rest.prefix { $0 != "/" }
        guard !host.isEmpty, !host.hasPrefix(":"), !rest.contains("?"), !rest.contains("#") else { return false }
        return allowsUser || !host.contains("@")
    }
}
