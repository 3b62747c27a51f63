import KubernetesCore
import Testing

struct KubeconfigParsingTests {
    @Test func `reads what kubectl writes and tolerates unknown fields`() throws {
        let file = try Kubeconfig.parse(
            """
            apiVersion: v1
            kind: Config
            preferences: {colors: true}
            future-field: {a: [1, 2]}
            current-context: main
            clusters:
            - name: prod
              cluster: {server: "https://10.0.0.1:6443", future: 1}
            contexts:
            - name: main
              context: {cluster: prod, user: admin, namespace: web}
            - name: other
              context: {cluster: prod}
            users:
            - name: admin
              user: {token: secret}
            """
        )
        #expect(file.currentContext == "main")
        #expect(file.contextNames == ["main", "other"])
        #expect(try file.resolve().namespace == "web")
    }

    @Test func `reads JSON`() throws {
        let file = try Kubeconfig.parse(
            #"{"contexts":[{"name":"c","context":{"cluster":"x"}}],"clusters":[{"name":"x","cluster":{"server":"https://h"}}]}"#
        )
        #expect(try file.resolve(context: "c").server == "https://h")
    }

    @Test(arguments: ["", "---\n", "apiVersion: v1\nkind: Config\nclusters: null\n"])
    func `an empty file has no contexts`(text: String) throws {
        let file = try Kubeconfig.parse(text)
        #expect(file.contextNames.isEmpty && file.currentContext == nil)
    }

    @Test(arguments: [
        ("kind: Pod", "kind"), ("apiVersion: v2", "apiVersion"), ("[]", ""), ("text", ""), ("clusters: {}", "clusters"),
        ("current-context: 5", "current-context"), ("current-context: [a]", "current-context"),
        ("clusters: [a]", "clusters[0]"), ("clusters: [{name: a}, {cluster: {}}]", "clusters[1].name"),
        ("clusters: [{name: 5}]", "clusters[0].name"), ("clusters: [{name: a, cluster: []}]", "clusters[a].cluster"),
        ("clusters: [{name: a}, {name: a}]", "clusters[1].name"), ("users: [{name: a}, {name: a}]", "users[1].name"),
        ("contexts: [{name: a}, {name: a}]", "contexts[1].name"),
        ("clusters: [{name: a, cluster: {server: 5}}]", "clusters[a].cluster.server"),
        (
            "clusters: [{name: a, cluster: {insecure-skip-tls-verify: \"true\"}}]",
            "clusters[a].cluster.insecure-skip-tls-verify"
        ),
        ("clusters: [{name: a, cluster: {extensions: [{name: 1}]}}]", "clusters[a].cluster.extensions[0].name"),
        ("users: [{name: a, user: {token: 12345}}]", "users[a].user.token"),
        ("users: [{name: a, user: {password: true}}]", "users[a].user.password"),
        ("users: [{name: a, user: {token: \"a\\nb\"}}]", "users[a].user.token"),
        ("users: [{name: a, user: {as: \"a\\rb\"}}]", "users[a].user.as"),
        ("users: [{name: a, user: {as-groups: g}}]", "users[a].user.as-groups"),
        ("users: [{name: a, user: {as-groups: [1]}}]", "users[a].user.as-groups[0]"),
        ("users: [{name: a, user: {as-groups: [\"a\\nb\"]}}]", "users[a].user.as-groups[0]"),
        ("users: [{name: a, user: {as-user-extra: {k: v}}}]", "users[a].user.as-user-extra.k"),
        ("users: [{name: a, user: {as-user-extra: {k: [\"a\\nb\"]}}}]", "users[a].user.as-user-extra.k[0]"),
        ("users: [{name: a, user: {exec: plugin}}]", "users[a].user.exec"),
        ("users: [{name: a, user: {exec: {args: x}}}]", "users[a].user.exec.args"),
        ("users: [{name: a, user: {exec: {env: [{value: v}]}}}]", "users[a].user.exec.env[0].name"),
        ("users: [{name: a, user: {exec: {provideClusterInfo: 1}}}]", "users[a].user.exec.provideClusterInfo"),
        ("users: [{name: a, user: {client-key-data: \"%%\"}}]", "users[a].user.client-key-data"),
        (
            "clusters: [{name: a, cluster: {certificate-authority-data: aGVsbG8=}}]",
            "clusters[a].cluster.certificate-authority-data"
        ),
        ("contexts: [{name: a, context: {namespace: 5}}]", "contexts[a].context.namespace"),
    ])
    func `wrong types and values are errors that name file and field`(text: String, field: String) {
        let error = #expect(throws: KubeconfigError.self) { try Kubeconfig.parse(text) }
        #expect(error?.file == "/home/me/.kube/config")
        #expect(error?.field == field)
        #expect(error.map { !$0.message.isEmpty } == true)
    }

    @Test(arguments: [
        ("a: 1\na: 2\n", 2), ("kind: Config\nusers:\n- name: a\n  user: {token: x, token: y}\n", 4),
        ("kind: Config\n\tusers: []\n", 2), ("clusters: [\n", 2), ("a: &x [1]\nb: *unknown\n", 2),
    ])
    func `what is no YAML or repeats a key is an error that names the line`(text: String, line: Int) {
        let error = #expect(throws: KubeconfigError.self) { try Kubeconfig.parse(text) }
        #expect(error?.line == line)
        #expect(error?.description.hasPrefix("/home/me/.kube/config:\(line): ") == true)
    }

    @Test(arguments: [
        ("server: 5", "", 5, "clusters[prod].cluster.server"), ("nothing: 1", "", 4, "clusters[prod].cluster.server"),
        ("server: ftp://h", "", 4, "clusters[prod].cluster.server"),
        ("server: https://h", "token: [t]", 9, "users[admin].user.token"),
        ("server: https://h", "tokenFile: f\n    username: u", 7, "users[admin].user.username"),
        ("server: https://h", "exec:\n      command: true", 10, "users[admin].user.exec.command"),
        ("server: https://h", "token: t", 11, "contexts[main].context.namespace"),
    ])
    func `errors of the content name the line of the field, or else of the entry`(
        cluster: String,
        user: String,
        line: Int,
        field: String
    ) {
        let error = #expect(throws: KubeconfigError.self) {
            try Kubeconfig.parse(
                """
                # a comment
                current-context: main
                clusters:
                - name: prod
                  cluster: {\(cluster)}
                users:
                - name: admin
                  user:
                    \(user.isEmpty ? "token: t" : user)
                contexts:
                - {name: main, context: {cluster: prod, user: admin, namespace: \(field.hasPrefix("contexts") ? "5" : "ns")}}
                """
            ).resolve()
        }
        #expect(error?.line == line && error?.field == field)
    }

    @Test func `aliases cannot multiply without end`() {
        let levels = (1...9).map { level in
            "a\(level): &a\(level) [\((0..<9).map { _ in "*a\(level - 1)" }.joined(separator: ","))]"
        }
        let bomb = (["a0: &a0 [x]"] + levels).joined(separator: "\n")
        #expect(throws: KubeconfigError.self) { try Kubeconfig.parse(bomb) }
    }

    @Test func `depth and size have limits`() {
        let deep = "a: " + String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(throws: KubeconfigError.self) { try Kubeconfig.parse(deep) }
        let large = "a: " + String(repeating: "x", count: 2 << 20)
        #expect(throws: KubeconfigError.self) { try Kubeconfig.parse(large) }
    }

    @Test func `errors never show a secret`() {
        for text in [
            "users: [{name: a, user: {token: [hunter2]}}]", "users: [{name: a, user: {client-key-data: hunter2}}]",
            "users: [{name: a, user: {token: \"hunter2\\n\"}}]", "users: [{name: a, user: {token: hunter2, token: b}}]",
        ] {
            let error = #expect(throws: KubeconfigError.self) { try Kubeconfig.parse(text) }
            #expect(error.map { !"\($0)".contains("hunter2") } == true)
        }
    }

    @Test func `a parsed file shows no secret`() throws {
        let file = try Kubeconfig.parse(
            "users: [{name: a, user: {token: hunter2, password: hunter2, exec: {env: [{name: A, value: hunter2}]}}}]"
        )
        var dumped = ""
        dump(file, to: &dumped)
        #expect(!"\(file)\(String(reflecting: file))\(dumped)".contains("hunter2"))
    }
}

struct KubeconfigMergingTests {
    private func file(_ name: String, _ text: String) throws -> Kubeconfig {
        try Kubeconfig.parse(Array(text.utf8), file: name)
    }

    @Test func `the first file wins entry by entry, as a whole, and with its current context`() throws {
        let merged = try #require(
            Kubeconfig.merge([
                file(
                    "/a/config",
                    """
                    clusters: [{name: x, cluster: {server: "https://first"}}]
                    users: [{name: u, user: {}}]
                    """
                ),
                file(
                    "/b/config",
                    """
                    current-context: second
                    clusters:
                    - {name: x, cluster: {server: "https://second", tls-server-name: extra}}
                    - {name: y, cluster: {server: "https://y", certificate-authority: ca.crt}}
                    users: [{name: u, user: {token: t}}]
                    contexts:
                    - {name: second, context: {cluster: x, user: u}}
                    - {name: y, context: {cluster: y}}
                    """
                ),
                file(
                    "/c/config",
                    """
                    current-context: third
                    contexts: [{name: second, context: {cluster: y}}, {name: third, context: {cluster: y}}]
                    """
                ),
            ])
        )
        #expect(merged.currentContext == "second")
        #expect(merged.contextNames == ["second", "y", "third"])
        let configuration = try merged.resolve()
        #expect(configuration.server == "https://first")
        // Fields are not mixed: the first file's entries have neither this name nor a token.
        #expect(configuration.tlsServerName == nil && configuration.credentials == .none)
        // Relative paths belong to the file that they stand in.
        #expect(try merged.resolve(context: "y").certificateAuthority == .file("/b/ca.crt"))
        #expect(try merged.resolve(context: "third").certificateAuthority == .file("/b/ca.crt"))
    }

    @Test func `nothing merged is nothing`() {
        #expect(Kubeconfig.merge([]) == nil)
    }
}

extension Kubeconfig {
    /// Parses a text as if it were the file of a home directory.
    static func parse(_ text: String) throws(KubeconfigError) -> Kubeconfig {
        try parse(Array(text.utf8), file: "/home/me/.kube/config")
    }
}
