import KubernetesCore
import Testing

struct UnsafeFieldsTests {
    static let exec = "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: "

    static func fields(
        cluster: String = "server: https://h",
        user: String = "",
        allowed: Set<String> = []
    ) throws -> [String] {
        try KubeconfigResolvingTests.file(cluster: cluster, user: user).unsafeFields(allowedCommands: allowed)
    }

    @Test(arguments: [
        "", "token: t", "username: a, password: b", "as: somebody",
        "client-certificate-data: \(KubeconfigResolvingTests.pemData), client-key-data: \(KubeconfigResolvingTests.pemData)",
    ])
    func `data and names are safe`(user: String) throws {
        let cluster =
            "server: https://h, certificate-authority-data: \(KubeconfigResolvingTests.pemData), proxy-url: \"http://p\""
        #expect(try Self.fields(cluster: cluster, user: user).isEmpty)
    }

    @Test(arguments: [
        ("client-certificate: c", ["users[u].user.client-certificate"]),
        ("client-key: k", ["users[u].user.client-key"]), ("tokenFile: /etc/passwd", ["users[u].user.tokenFile"]),
        ("token: t, tokenFile: f", ["users[u].user.tokenFile"]),
        ("client-key: k, client-key-data: \(KubeconfigResolvingTests.pemData)", ["users[u].user.client-key"]),
        ("auth-provider: {name: gcp}", ["users[u].user.auth-provider"]), ("\(exec) /bin/sh}", ["users[u].user.exec"]),
        ("exec: {}", ["users[u].user.exec"]),
        (
            "tokenFile: f, auth-provider: {name: gcp}, \(exec) x}",
            ["users[u].user.tokenFile", "users[u].user.auth-provider", "users[u].user.exec"]
        ),
    ])
    func `files and programs are named`(user: String, fields: [String]) throws {
        #expect(try Self.fields(user: user) == fields)
    }

    @Test func `the path of a CA is named`() throws {
        #expect(
            try Self.fields(cluster: "server: https://h, certificate-authority: ca")
                == ["clusters[c].cluster.certificate-authority"]
        )
    }

    @Test(arguments: [
        ("/bin/aws", true), ("aws", false), ("/bin/../bin/aws", false), ("bin/aws", false), ("/bin/sh", false),
    ])
    func `only a permitted absolute path may run`(command: String, isSafe: Bool) throws {
        let fields = try Self.fields(user: "\(Self.exec) \(command)}", allowed: ["/bin/aws", "aws"])
        #expect(fields.isEmpty == isSafe)
    }

    @Test(arguments: ["LD_PRELOAD", "LD_LIBRARY_PATH", "PATH"])
    func `a permitted program is not turned into another one`(variable: String) throws {
        let user = "\(Self.exec) /bin/aws, env: [{name: OK, value: a}, {name: \(variable), value: b}]}"
        #expect(try Self.fields(user: user, allowed: ["/bin/aws"]) == ["users[u].user.exec.env[\(variable)]"])
    }

    @Test func `only the context in question counts`() throws {
        let file = try Kubeconfig.parse(
            """
            current-context: safe
            contexts: [{name: safe, context: {cluster: c}}, {name: unsafe, context: {cluster: c, user: u}}]
            clusters: [{name: c, cluster: {server: "https://h"}}]
            users: [{name: u, user: {tokenFile: f}}]
            """
        )
        #expect(try file.unsafeFields().isEmpty)
        #expect(try file.unsafeFields(context: "unsafe") == ["users[u].user.tokenFile"])
        #expect(throws: KubeconfigError.self) { try file.unsafeFields(context: "none") }
    }
}

struct SensitiveTests {
    @Test func `nothing shows the value, not even what holds it`() {
        struct Holder {
            let secret = Sensitive("hunter2")
            let list = [Sensitive(["hunter2"])]
            let credentials = Credentials.token(Sensitive("hunter2"))
        }
        var dumped = ""
        dump(Holder(), to: &dumped)
        let texts = ["\(Holder())", String(reflecting: Holder()), String(describing: [Holder()]), dumped]
        for text in texts { #expect(!text.contains("hunter2") && text.contains("[redacted]")) }
        #expect("\(Sensitive("hunter2"))" == "[redacted]" && Sensitive("a") == Sensitive("a"))
    }
}
