import Foundation
import JSON
import KubernetesCore
import Testing

struct ExecConfigurationTests {
    static let v1 = "apiVersion: client.authentication.k8s.io/v1"
    static let v1beta1 = "apiVersion: client.authentication.k8s.io/v1beta1"

    static func exec(_ settings: String, cluster: String = "server: https://h") throws -> ExecConfiguration {
        let configuration = try KubeconfigResolvingTests.resolve(cluster: cluster, user: "exec: {\(settings)}")
        guard case .exec(let exec) = configuration.credentials else { throw Missing() }
        return exec
    }

    struct Missing: Error {}

    @Test func `everything that an entry says is taken over`() throws {
        let exec = try Self.exec(
            "\(Self.v1), command: aws, args: [eks, get-token], env: [{name: A, value: b}, {name: C}], "
                + "installHint: get it, interactiveMode: Never"
        )
        #expect(exec.apiVersion == .v1 && exec.command == "aws" && exec.arguments == ["eks", "get-token"])
        #expect(exec.environment == [.init(name: "A", value: "b"), .init(name: "C", value: "")])
        #expect(exec.installHint == "get it" && exec.interactiveMode == .never)
        #expect(!exec.provideClusterInfo && exec.cluster == nil)
    }

    @Test(
        arguments: [
            ("\(v1beta1), command: x", .ifAvailable), ("\(v1beta1), command: x, interactiveMode: Always", .always),
            ("\(v1), command: x, interactiveMode: IfAvailable", .ifAvailable),
        ] as [(String, ExecConfiguration.InteractiveMode)]
    )
    func `only v1beta1 has a default mode`(settings: String, mode: ExecConfiguration.InteractiveMode) throws {
        #expect(try Self.exec(settings).interactiveMode == mode)
    }

    @Test(arguments: [
        ("\(v1), command: x", "interactiveMode"), ("\(v1), command: x, interactiveMode: Sometimes", "interactiveMode"),
        ("command: x, interactiveMode: Never", "apiVersion"),
        ("apiVersion: client.authentication.k8s.io/v1alpha1, command: x", "apiVersion"),
        ("\(v1), interactiveMode: Never", "command"),
    ])
    func `what v1 requires is an error when missing`(settings: String, field: String) {
        let error = #expect(throws: KubeconfigError.self) { try Self.exec(settings) }
        #expect(error?.field == "users[u].user.exec.\(field)")
    }

    @Test(arguments: [
        ("plugin", "plugin"), ("/bin/plugin", "/bin/plugin"), ("./plugin", "/home/me/.kube/./plugin"),
        ("bin/plugin", "/home/me/.kube/bin/plugin"),
    ])
    func `a command with a slash is a path from the file's directory`(command: String, path: String) throws {
        #expect(try Self.exec("\(Self.v1beta1), command: \(command)").command == path)
    }

    @Test(arguments: ["token: t", "username: a, password: b", "client-certificate: c, client-key: k"])
    func `a plugin is skipped when there are other credentials`(user: String) throws {
        let configuration = try KubeconfigResolvingTests.resolve(
            user: "\(user), exec: {\(Self.v1beta1), command: x}"
        )
        if case .exec = configuration.credentials { Issue.record("the plugin is used") }
    }

    @Test func `a broken plugin entry is an error even when it is skipped`() {
        #expect(throws: KubeconfigError.self) {
            try KubeconfigResolvingTests.resolve(user: "token: t, exec: {\(Self.v1)}")
        }
    }

    @Test func `a hint cannot drive a terminal and is not endless`() throws {
        let exec = try Self.exec(
            #"\#(Self.v1beta1), command: x, installHint: "a\e[31m\nb\#(String(repeating: "c", count: 2000))""#
        )
        #expect(exec.installHint?.hasPrefix("a [31m bccc") == true)
        #expect(exec.installHint?.count == 1024)
    }

    @Test func `the plugin learns of the cluster when it asks`() throws {
        let exec = try Self.exec(
            "\(Self.v1beta1), command: x, provideClusterInfo: true",
            cluster: "server: https://h/, tls-server-name: api, certificate-authority-data: "
                + "\(KubeconfigResolvingTests.pemData), proxy-url: \"http://p\", disable-compression: true, extensions: "
                + "[{name: other, extension: 1}, {name: client.authentication.k8s.io/exec, extension: {audience: me}}]"
        )
        let request = try JSONValue(parsing: ExecCredential.request(for: exec, isInteractive: true))
        #expect(
            request == [
                "apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential",
                "spec": [
                    "interactive": true,
                    "cluster": [
                        "server": "https://h", "tls-server-name": "api", "proxy-url": "http://p",
                        "certificate-authority-data": .string(KubeconfigResolvingTests.pemData),
                        "disable-compression": true, "config": ["audience": "me"],
                    ],
                ],
            ]
        )
    }

    @Test func `a CA from a file is handed over by who has read it, and insecure is told`() throws {
        let file = try Self.exec(
            "\(Self.v1beta1), command: x, provideClusterInfo: true",
            cluster: "server: https://h, certificate-authority: ca"
        )
        #expect(file.cluster?.certificateAuthority == .file("/home/me/.kube/ca"))
        let text = ExecCredential.request(for: file, certificateAuthority: Array("PEM".utf8), isInteractive: false)
        #expect(try JSONValue(parsing: text).value(at: ["spec", "cluster", "certificate-authority-data"]) == "UEVN")
        let insecure = try Self.exec(
            "\(Self.v1beta1), command: x, provideClusterInfo: true",
            cluster: "server: https://h, insecure-skip-tls-verify: true"
        )
        let request = try JSONValue(parsing: ExecCredential.request(for: insecure, isInteractive: false))
        #expect(request.value(at: ["spec", "cluster", "insecure-skip-tls-verify"]) == true)
    }

    @Test func `the plugin does not learn of the cluster when it does not ask`() throws {
        let exec = try Self.exec("\(Self.v1), command: x, interactiveMode: Never")
        #expect(
            try JSONValue(parsing: ExecCredential.request(for: exec, isInteractive: false)) == [
                "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                "spec": ["interactive": false],
            ]
        )
    }
}

struct ExecCredentialTests {
    static func parse(
        _ status: String,
        version: String = "v1",
        kind: String = "ExecCredential"
    ) throws -> ExecCredential {
        let text =
            #"{"apiVersion":"client.authentication.k8s.io/\#(version)","kind":"\#(kind)","status":\#(status)}"#
        return try ExecCredential(parsing: Array(text.utf8), expecting: .v1)
    }

    @Test func `a token with an end`() throws {
        let credential = try Self.parse(#"{"token":"t","expirationTimestamp":"2026-11-21T04:47:45Z"}"#)
        #expect(credential.token == Sensitive("t") && credential.clientCertificate == nil)
        #expect(credential.expiration == Timestamp.parse("2026-11-21T04:47:45Z"))
        #expect(try Self.parse(#"{"token":"t"}"#).expiration == nil)
    }

    @Test func `a certificate with its key`() throws {
        let credential = try Self.parse(#"{"clientCertificateData":"c","clientKeyData":"k","token":null}"#)
        let pair = ClientCertificate(
            certificate: .data(Sensitive(Array("c".utf8))),
            key: .data(Sensitive(Array("k".utf8)))
        )
        #expect(credential.clientCertificate == pair && credential.token == nil)
    }

    @Test func `YAML is understood too`() throws {
        let text = "apiVersion: client.authentication.k8s.io/v1\nkind: ExecCredential\nstatus:\n  token: t\n"
        #expect(try ExecCredential(parsing: Array(text.utf8), expecting: .v1).token == Sensitive("t"))
    }

    @Test(arguments: [
        "{}", "null", "[]", #"{"token":""}"#, #"{"token":5}"#, #"{"token":"a b"}"#, #"{"token":"a\nb"}"#,
        #"{"clientCertificateData":"hunter2"}"#, #"{"clientKeyData":"hunter2","token":"t"}"#,
        #"{"token":"hunter2","expirationTimestamp":"soon"}"#, #"{"token":"hunter2","expirationTimestamp":5}"#,
    ])
    func `anything else is an error that shows nothing of it`(status: String) {
        let error = #expect(throws: ExecCredentialError.self) { try Self.parse(status) }
        #expect(error.map { !$0.description.contains("hunter2") && !$0.description.isEmpty } == true)
    }

    @Test func `kind and version must be those asked for`() {
        #expect(throws: ExecCredentialError.self) { try Self.parse(#"{"token":"t"}"#, kind: "Pod") }
        #expect(throws: ExecCredentialError.self) { try Self.parse(#"{"token":"t"}"#, version: "v1beta1") }
    }

    @Test(arguments: ["", "not found", "{", "[1]", "a: b: hunter2", "{\"token\":\"hunter2\""])
    func `other output is an error that shows nothing of it`(output: String) {
        let error = #expect(throws: ExecCredentialError.self) {
            try ExecCredential(parsing: Array(output.utf8), expecting: .v1)
        }
        #expect(error.map { !$0.description.contains("hunter2") } == true)
    }
}
