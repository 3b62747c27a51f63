import Foundation
import JSON
import KubernetesCore
import Testing

struct KubeconfigResolvingTests {
    static let pem = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"
    static var pemData: String { Data(pem.utf8).base64EncodedString() }

    /// A file with one context, cluster `c` and user `u`, given as flow mappings.
    static func file(cluster: String = "server: https://h", user: String = "") throws -> Kubeconfig {
        try Kubeconfig.parse(
            """
            current-context: main
            contexts: [{name: main, context: {cluster: c, user: u}}]
            clusters: [{name: c, cluster: {\(cluster)}}]
            users: [{name: u, user: {\(user)}}]
            """
        )
    }

    static func resolve(cluster: String = "server: https://h", user: String = "") throws -> ClientConfiguration {
        try file(cluster: cluster, user: user).resolve()
    }

    // MARK: Contexts

    @Test(
        arguments: [
            ("contexts: []", nil, "current-context"), ("contexts: []", "x", "contexts"),
            ("current-context: gone\ncontexts: [{name: a}]", nil, "contexts"),
            ("contexts: [{name: a}]", "a", "contexts[a].context.cluster"),
            ("contexts: [{name: a, context: {cluster: c}}]", "a", "contexts[a].context.cluster"),
            (
                "contexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: \"https://h\"}}]",
                "a", "contexts[a].context.user"
            ),
            (
                "contexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c}]", "a", "clusters[c].cluster.server"
            ),
        ] as [(String, String?, String)]
    )
    func `what is missing is named`(text: String, context: String?, field: String) throws {
        let file = try Kubeconfig.parse(text)
        let error = #expect(throws: KubeconfigError.self) { try file.resolve(context: context) }
        #expect(error?.field == field && error?.file == "/home/me/.kube/config")
    }

    @Test func `known contexts are listed for who misspells one`() throws {
        let error = #expect(throws: KubeconfigError.self) { try Self.file().resolve(context: "mian") }
        #expect(error?.message == "there is no context \"mian\" (known: main)")
    }

    @Test func `a context without user is anonymous and in the default namespace`() throws {
        let configuration = try Kubeconfig.parse(
            """
            contexts: [{name: a, context: {cluster: c}}]
            clusters: [{name: c, cluster: {server: "https://h"}}]
            """
        ).resolve(context: "a")
        #expect(configuration == ClientConfiguration(server: "https://h"))
        #expect(configuration.namespace == "default" && configuration.credentials == .none)
    }

    // MARK: Clusters

    @Test(arguments: [
        ("https://h:6443/", "https://h:6443"), ("HTTPS://h", "https://h"), ("https://[::1]:6443", "https://[::1]:6443"),
        ("https://h/k8s/clusters/a//", "https://h/k8s/clusters/a"), ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("localhost:8080", "http://localhost:8080"),
    ])
    func `the server is a base URL`(text: String, server: String) throws {
        #expect(try Self.resolve(cluster: "server: \"\(text)\"").server == server)
    }

    @Test(arguments: [
        "insecure-skip-tls-verify: true", "certificate-authority: ca", "certificate-authority-data: \(pemData)",
    ])
    func `a server without scheme speaks TLS when there are settings for it`(setting: String) throws {
        #expect(try Self.resolve(cluster: "server: \"h:6443\", \(setting)").server == "https://h:6443")
    }

    @Test(arguments: [
        "ftp://h", "https://", "https://:6443", "https://user:hunter2@h", "https://h?x=hunter2", "https://h#x",
        "https://a b",
        "https://h\\n",
    ])
    func `other servers are errors`(server: String) {
        let error = #expect(throws: KubeconfigError.self) { try Self.resolve(cluster: "server: \"\(server)\"") }
        #expect(error?.field == "clusters[c].cluster.server" && error?.message.contains("hunter2") == false)
    }

    @Test(
        arguments: [
            ("certificate-authority: /abs/ca.crt", .file("/abs/ca.crt")),
            ("certificate-authority: ca.crt", .file("/home/me/.kube/ca.crt")),
            ("certificate-authority: ../ca.crt", .file("/home/me/.kube/../ca.crt")),
            ("certificate-authority-data: \(pemData)", .data(Sensitive(Array(pem.utf8)))),
            (
                "certificate-authority: ca.crt, certificate-authority-data: \(pemData)",
                .data(Sensitive(Array(pem.utf8)))
            ),
            ("certificate-authority: ca.crt, certificate-authority-data: \"\"", .file("/home/me/.kube/ca.crt")),
            ("", nil),
        ] as [(String, CredentialSource?)]
    )
    func `CA data comes before the path, which starts at the file's directory`(
        setting: String,
        source: CredentialSource?
    ) throws {
        #expect(try Self.resolve(cluster: "server: https://h, \(setting)").certificateAuthority == source)
    }

    @Test func `paths of a file named without directory stay as they are`() throws {
        let text =
            "contexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: "
            + "{server: \"https://h\", certificate-authority: ca.crt}}]"
        let file = try Kubeconfig.parse(Array(text.utf8), file: "config")
        #expect(try file.resolve(context: "a").certificateAuthority == .file("ca.crt"))
    }

    @Test(arguments: ["certificate-authority: ca", "certificate-authority-data: \(pemData)"])
    func `insecure together with a CA is an error`(authority: String) {
        let error = #expect(throws: KubeconfigError.self) {
            try Self.resolve(cluster: "server: https://h, insecure-skip-tls-verify: true, \(authority)")
        }
        #expect(error?.field == "clusters[c].cluster.insecure-skip-tls-verify")
    }

    @Test func `TLS name, verification and compression are taken over`() throws {
        let configuration = try Self.resolve(
            cluster:
                "server: https://h, insecure-skip-tls-verify: true, tls-server-name: api, disable-compression: true"
        )
        #expect(configuration.insecureSkipTLSVerify && configuration.disableCompression)
        #expect(configuration.tlsServerName == "api")
        let plain = try Self.resolve()
        #expect(!plain.insecureSkipTLSVerify && !plain.disableCompression && plain.tlsServerName == nil)
    }

    @Test(arguments: ["http://p:3128", "https://p", "socks5://user:pw@p:1080", "http://p/"])
    func `proxies of three kinds`(proxy: String) throws {
        let configuration = try Self.resolve(cluster: "server: https://h, proxy-url: \"\(proxy)\"")
        #expect(configuration.proxyURL == proxy)
        #expect(!"\(configuration)".contains("pw@"))
    }

    @Test(arguments: ["ftp://p", "p:3128", "socks4://p", "http://"])
    func `other proxies are errors`(proxy: String) {
        let error = #expect(throws: KubeconfigError.self) {
            try Self.resolve(cluster: "server: https://h, proxy-url: \"\(proxy)\"")
        }
        #expect(error?.field == "clusters[c].cluster.proxy-url")
    }

    // MARK: Users

    @Test(
        arguments: [
            ("token: t", .token(Sensitive("t"))),
            ("tokenFile: /abs/t", .tokenFile("/abs/t")),
            ("tokenFile: t", .tokenFile("/home/me/.kube/t")),
            ("token: t, tokenFile: f", .tokenFile("/home/me/.kube/f")),
            ("username: a, password: b", .basic(username: "a", password: Sensitive("b"))),
            ("username: a", .basic(username: "a", password: Sensitive(""))),
            ("token: t, exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x}", .token(Sensitive("t"))),
            ("token: \"\"", .none),
        ] as [(String, Credentials)]
    )
    func `credentials by precedence`(user: String, credentials: Credentials) throws {
        #expect(try Self.resolve(user: user).credentials == credentials)
    }

    @Test(arguments: ["token: t, username: a", "tokenFile: f, password: b"])
    func `a token together with a password is an error`(user: String) {
        let error = #expect(throws: KubeconfigError.self) { try Self.resolve(user: user) }
        #expect(error?.field == "users[u].user.username")
    }

    @Test func `client certificates come as files or data, data first`() throws {
        let files = try Self.resolve(user: "client-certificate: c.crt, client-key: /k.key")
        #expect(
            files.clientCertificate
                == ClientCertificate(certificate: .file("/home/me/.kube/c.crt"), key: .file("/k.key"))
        )
        let pem = CredentialSource.data(Sensitive(Array(Self.pem.utf8)))
        let data = try Self.resolve(
            user: "client-certificate: c, client-key: k, client-certificate-data: \(Self.pemData), "
                + "client-key-data: \(Self.pemData), token: t"
        )
        #expect(data.clientCertificate == ClientCertificate(certificate: pem, key: pem))
        #expect(data.credentials == .token(Sensitive("t")))
    }

    @Test(arguments: [
        ("client-certificate: c", "client-key-data"), ("client-key: k", "client-certificate-data"),
        ("client-key-data: \(pemData)", "client-certificate-data"),
    ])
    func `half of a client certificate is an error`(user: String, field: String) {
        let error = #expect(throws: KubeconfigError.self) { try Self.resolve(user: user) }
        #expect(error?.field == "users[u].user.\(field)")
    }

    @Test(arguments: ["token: t", "username: a, password: b", "client-certificate: c, client-key: k"])
    func `credentials go over https only, and it is said that they do not`(user: String) throws {
        let configuration = try Self.resolve(cluster: "server: http://h", user: user + ", as: someone")
        #expect(configuration.credentials == .none && configuration.clientCertificate == nil)
        #expect(configuration.warnings.count == 1 && configuration.warnings[0].contains("http://h"))
        // Doing without it would mean to act as somebody else than asked for.
        #expect(configuration.impersonation?.user == "someone")
        #expect(try Self.resolve(user: user).warnings.isEmpty)
    }

    @Test func `impersonation`() throws {
        let user = "as: me, as-uid: \"7\", as-groups: [g, h], as-user-extra: {Scopes/x: [b, a], k: [v]}"
        let identity = try #require(try Self.resolve(user: user).impersonation)
        #expect(
            identity.headers.map { "\($0.0): \($0.1)" } == [
                "Impersonate-User: me", "Impersonate-Uid: 7", "Impersonate-Group: g", "Impersonate-Group: h",
                "Impersonate-Extra-Scopes%2Fx: b", "Impersonate-Extra-Scopes%2Fx: a", "Impersonate-Extra-k: v",
            ]
        )
        #expect(
            Impersonation.serviceAccount(namespace: "ns", name: "sa").headers.map(\.1) == [
                "system:serviceaccount:ns:sa"
            ]
        )
        let odd = Impersonation(user: "u", extra: ["a%b\u{7}ä": ["v"]])
        #expect(odd.headers[1].0 == "Impersonate-Extra-a%25b%07%C3%A4")
    }

    @Test(arguments: ["as-uid: \"7\"", "as-groups: [g]", "as-user-extra: {k: [v]}"])
    func `impersonation needs a user`(user: String) {
        let error = #expect(throws: KubeconfigError.self) { try Self.resolve(user: user) }
        #expect(error?.field == "users[u].user.as")
    }

    @Test(arguments: [
        ("gcp", "gke-gcloud-auth-plugin"), ("azure", "kubelogin"), ("oidc", "oidc-login"), ("other", "exec plugin"),
    ])
    func `auth providers are gone, and the remedy is named`(provider: String, remedy: String) {
        let error = #expect(throws: KubeconfigError.self) {
            try Self.resolve(user: "auth-provider: {name: \(provider), config: {a: b}}")
        }
        #expect(error?.field == "users[u].user.auth-provider" && error?.message.contains(remedy) == true)
    }

    @Test func `a configuration shows no secret`() throws {
        let data = Data("-----BEGIN hunter2".utf8).base64EncodedString()
        for user in [
            "token: hunter2", "username: a, password: hunter2", "client-certificate: c, client-key-data: \(data)",
            "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x, env: [{name: A, value: hunter2}]}",
        ] {
            let configuration = try Self.resolve(
                cluster: "server: https://h, proxy-url: \"http://a:hunter2@p\"",
                user: user
            )
            var dumped = ""
            dump(configuration, to: &dumped)
            let bytes = "\(Array("-----BEGIN hunter2".utf8))"
            for text in ["\(configuration)", String(reflecting: configuration), dumped] {
                #expect(!text.contains("hunter2") && !text.contains(bytes))
            }
        }
    }
}
