import FoundationEssentials
import KubernetesCore
import Testing

@testable import KubernetesClient

/// Real files; the rules themselves are tested in KubernetesCoreTests.
struct ConfigurationTests {
    private static func withDirectory(_ body: (URL) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "config-\(UUID())")
        try FileManager.default.createDirectory(
            at: directory.appending(path: ".kube"),
            withIntermediateDirectories: true
        )
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(directory)
    }

    private static func kubeconfig(_ server: String) -> Data {
        Data(
            """
            current-context: c
            contexts: [{name: c, context: {cluster: c, user: u}}, {name: d, context: {cluster: c, namespace: dn}}]
            clusters: [{name: c, cluster: {server: "\(server)"}}]
            users: [{name: u, user: {token: t}}]
            """.utf8
        )
    }

    @Test("The flag wins over KUBECONFIG, which wins over the home directory")
    func findsFiles() throws {
        try Self.withDirectory { directory in
            let flag = directory.appending(path: "flag")
            let variable = directory.appending(path: "variable")
            try Self.kubeconfig("https://flag").write(to: flag)
            try Self.kubeconfig("https://variable").write(to: variable)
            try Self.kubeconfig("https://home").write(to: directory.appending(path: ".kube/config"))
            let home = ["HOME": directory.path]
            let both = home.merging(["KUBECONFIG": "/missing:\(variable.path)"]) { $1 }
            func server(_ kubeconfig: String?, _ environment: [String: String]) throws -> String {
                try KubernetesClient.loadConfiguration(kubeconfig: kubeconfig, environment: environment).server
            }
            #expect(try server(flag.path, both) == "https://flag")
            #expect(try server(nil, both) == "https://variable")
            #expect(try server("", home) == "https://home")
        }
    }

    @Test("A context can be chosen")
    func choosesContexts() throws {
        try Self.withDirectory { directory in
            let file = directory.appending(path: "config")
            try Self.kubeconfig("https://h").write(to: file)
            let configuration = try KubernetesClient.loadConfiguration(
                kubeconfig: file.path,
                context: "d",
                environment: [:]
            )
            #expect(configuration.namespace == "dn")
            let current = try KubernetesClient.loadConfiguration(kubeconfig: file.path, context: "", environment: [:])
            #expect(current.credentials == .token(Sensitive("t")))
        }
    }

    @Test("The cluster's own network is not worth compressing for")
    func disablesCompressionInCluster() throws {
        try Self.withDirectory { directory in
            let file = directory.appending(path: "config")
            try Self.kubeconfig("https://[fd00::1]:443").write(to: file)
            func isDisabled(_ host: String) throws -> Bool {
                try KubernetesClient.loadConfiguration(
                    kubeconfig: file.path,
                    environment: ["KUBERNETES_SERVICE_HOST": host]
                ).disableCompression
            }
            #expect(try isDisabled("fd00::1"))
            #expect(try !isDisabled("10.0.0.1"))
            #expect(try !isDisabled(""))
        }
    }

    @Test("Nothing to be found, missing and unreadable files are errors that name them")
    func reportsErrors() throws {
        try Self.withDirectory { directory in
            for (kubeconfig, name) in [
                (nil, "~/.kube/config"), ("/missing", "/missing"), (directory.path, directory.path),
            ] {
                do {
                    _ = try KubernetesClient.loadConfiguration(
                        kubeconfig: kubeconfig,
                        environment: ["HOME": directory.path]
                    )
                    Issue.record("loaded")
                } catch ClientError.configuration(let error) {
                    #expect("\(error)".contains(name))
                }
            }
        }
    }

    @Test("The pod's namespace comes from its environment")
    func findsTheNamespace() throws {
        #expect(try KubernetesClient.podNamespace(environment: ["POD_NAMESPACE": "mine"]) == "mine")
    }

    @Test("Small files are read whole, large and missing ones refused")
    func readsFiles() throws {
        try Self.withDirectory { directory in
            let file = directory.appending(path: "file")
            let content = [UInt8](repeating: 7, count: 100_000)
            try Data(content).write(to: file)
            #expect(try SmallFile.read(file.path) == content)
            try Data(count: SmallFile.maxBytes + 1).write(to: file)
            #expect(throws: FileReadError.self) { try SmallFile.read(file.path) }
            do throws(FileReadError) {
                _ = try SmallFile.read("/missing")
            } catch {
                #expect(error.isMissing)
                #expect("\(error)" == "/missing: No such file or directory")
            }
        }
    }

    @Test(
        "Hosts are read from server URLs",
        arguments: [
            ("https://api.test:6443/base", "api.test:6443", "api.test"), ("https://[::1]:6443", "[::1]:6443", "::1"),
            ("http://user@h", "h", "h"), ("h:1", "h:1", "h"), ("", "", ""),
        ]
    )
    func readsHosts(server: String, address: String, host: String) {
        #expect(ServerAddress.hostAndPort(of: server) == address)
        #expect(ServerAddress.host(of: server) == host)
    }
}
