import KubernetesCore
import Testing

struct ConfigurationLoaderTests {
    static let account = "/var/run/secrets/kubernetes.io/serviceaccount"
    static let pod = ["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"]
    static let accountFiles = [
        "\(account)/ca.crt": "CA", "\(account)/token": "t", "\(account)/namespace": "pod-ns\n",
    ]

    /// A file whose server tells which one was used.
    static func file(_ name: String, context: String = "main") -> String {
        """
        current-context: \(context)
        contexts: [{name: \(context), context: {cluster: \(name)}}]
        clusters: [{name: \(name), cluster: {server: "https://\(name)"}}]
        """
    }

    struct Unreadable: Error, CustomStringConvertible {
        let description = "permission denied"
    }

    /// A loader on a file system of its own; the path `/secret` cannot be read.
    static func loader(_ environment: [String: String], _ files: [String: String] = [:]) -> ConfigurationLoader {
        ConfigurationLoader(environment: environment) { path in
            if path == "/secret" { throw Unreadable() }
            return files[path].map { Array($0.utf8) }
        }
    }

    static let home = ["HOME": "/home/me", "KUBECONFIG": ""]
    static let homeFile = ["/home/me/.kube/config": file("home")]

    @Test(
        arguments: [
            ("/flag", ["KUBECONFIG": "/env", "HOME": "/home/me"], "https://flag"),
            (nil, ["KUBECONFIG": "/env", "HOME": "/home/me"], "https://env"),
            (nil, ["KUBECONFIG": "", "HOME": "/home/me"], "https://10.0.0.1:443"),
            ("", ["HOME": "/home/me"], "https://10.0.0.1:443"),
        ] as [(String?, [String: String], String)]
    )
    func `flag, then KUBECONFIG, then the pod, then home`(
        flag: String?,
        environment: [String: String],
        server: String
    ) throws {
        let files = Self.accountFiles.merging(Self.homeFile) { $1 }.merging([
            "/flag": Self.file("flag"), "/env": Self.file("env"),
        ]) { $1 }
        let loader = Self.loader(environment.merging(Self.pod) { $1 }, files)
        #expect(try loader.load(kubeconfig: flag).server == server)
    }

    @Test func `outside of a pod the home directory counts`() throws {
        #expect(try Self.loader(Self.home, Self.homeFile).load().server == "https://home")
    }

    @Test func `a context named on the command line leaves the pod's account out`() throws {
        let environment = Self.home.merging(Self.pod) { $1 }
        let loader = Self.loader(environment, Self.homeFile.merging(Self.accountFiles) { $1 })
        #expect(try loader.load(context: "main").server == "https://home")
    }

    @Test func `the file of the flag must exist and is used alone`() throws {
        let loader = Self.loader(["KUBECONFIG": "/env"], ["/env": Self.file("env"), "/flag": Self.file("flag")])
        let error = #expect(throws: KubeconfigError.self) { try loader.load(kubeconfig: "/none") }
        #expect(error?.file == "/none" && error?.message.contains("--kubeconfig") == true)
        #expect(throws: KubeconfigError.self) { try loader.load(kubeconfig: "/flag", context: "env") }
    }

    @Test func `KUBECONFIG is a list: merged, each file once, missing ones skipped`() throws {
        let files = ["/a": Self.file("a"), "/b": Self.file("b", context: "second")]
        let loader = Self.loader(["KUBECONFIG": ":/none:/a::/b:/a:"], files)
        #expect(try loader.load().server == "https://a")
        #expect(try loader.load(context: "second").server == "https://b")
    }

    @Test func `when no file of KUBECONFIG exists, only the pod is left, and it is said`() throws {
        let environment = ["KUBECONFIG": "/x:/y:/x", "HOME": "/home/me"]
        let error = #expect(throws: KubeconfigError.self) {
            try Self.loader(environment, Self.homeFile).load()
        }
        #expect(error?.file == "KUBECONFIG" && error?.message.contains("exists: /x, /y;") == true)
        let inPod = Self.loader(environment.merging(Self.pod) { $1 }, Self.accountFiles)
        #expect(try inPod.load().warnings == ["no file of KUBECONFIG exists: /x, /y"])
    }

    @Test(arguments: [[:], ["HOME": "/home/me"], ["KUBERNETES_SERVICE_HOST": "10.0.0.1"]] as [[String: String]])
    func `nothing at all is an error that says what to do`(environment: [String: String]) {
        let error = #expect(throws: KubeconfigError.self) { try Self.loader(environment).load() }
        #expect(error?.message.contains("--kubeconfig or KUBECONFIG") == true)
    }

    @Test func `a file that cannot be read is an error, not a missing file`() {
        for environment in [["KUBECONFIG": "/secret"], [:]] {
            let error = #expect(throws: KubeconfigError.self) {
                try Self.loader(environment).load(kubeconfig: environment.isEmpty ? "/secret" : nil)
            }
            #expect(error?.description == "/secret: cannot be read: permission denied")
        }
    }

    @Test func `a broken file is an error even when others would do`() {
        let loader = Self.loader(["KUBECONFIG": "/a:/b"], ["/a": Self.file("a"), "/b": "a: ["])
        let error = #expect(throws: KubeconfigError.self) { try loader.load() }
        #expect(error?.file == "/b" && error?.line != nil)
    }

    // MARK: In a pod

    @Test func `a pod uses its service account`() throws {
        let configuration = try Self.loader(Self.pod, Self.accountFiles).load()
        var expected = ClientConfiguration(server: "https://10.0.0.1:443", namespace: "pod-ns")
        expected.certificateAuthority = .file("\(Self.account)/ca.crt")
        expected.credentials = .tokenFile("\(Self.account)/token")
        #expect(configuration == expected)
        #expect(!configuration.insecureSkipTLSVerify)
    }

    @Test(arguments: [
        ("fd00::1", "https://[fd00::1]:443"), ("[fd00::1]", "https://[fd00::1]:443"), ("kube", "https://kube:443"),
    ])
    func `IPv6 addresses get brackets`(host: String, server: String) throws {
        var environment = Self.pod
        environment["KUBERNETES_SERVICE_HOST"] = host
        #expect(try Self.loader(environment, Self.accountFiles).inCluster().server == server)
    }

    @Test(arguments: ["ca.crt", "token"], [nil, ""] as [String?])
    func `a missing or empty CA or token is an error`(name: String, content: String?) {
        var files = Self.accountFiles
        files["\(Self.account)/\(name)"] = content
        let error = #expect(throws: KubeconfigError.self) { try Self.loader(Self.pod, files).inCluster() }
        #expect(error?.file == "\(Self.account)/\(name)")
    }

    @Test(arguments: ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"])
    func `outside of a pod there is no account`(name: String) {
        var environment = Self.pod
        environment[name] = ""
        let loader = Self.loader(environment, Self.accountFiles)
        #expect(!loader.isInCluster)
        #expect(throws: KubeconfigError.self) { try loader.inCluster() }
    }

    @Test func `the pod's namespace comes from POD_NAMESPACE, then from its account`() throws {
        #expect(try Self.loader(["POD_NAMESPACE": "env"], Self.accountFiles).podNamespace() == "env")
        #expect(try Self.loader(["POD_NAMESPACE": ""], Self.accountFiles).podNamespace() == "pod-ns")
        #expect(try Self.loader([:]).podNamespace() == nil)
        #expect(try Self.loader([:], ["\(Self.account)/namespace": " \n"]).podNamespace() == nil)
        var environment = Self.pod
        environment["POD_NAMESPACE"] = "env"
        #expect(try Self.loader(environment, Self.accountFiles).inCluster().namespace == "env")
        var files = Self.accountFiles
        files["\(Self.account)/namespace"] = nil
        #expect(try Self.loader(Self.pod, files).inCluster().namespace == "default")
    }
}
