/// Finds the configuration of a client, in the order in which controller-runtime looks for it.
///
/// `--kubeconfig`, then `$KUBECONFIG`, then the pod's service account, then `~/.kube/config`. It does no IO of its
/// own: the environment and a way to read files are given to it.
///
/// ```swift
/// let loader = ConfigurationLoader(environment: environment, readFile: read)
/// let configuration = try loader.load(kubeconfig: flag, context: nil)
/// ```
public struct ConfigurationLoader: Sendable {
    /// Where the kubelet puts a pod's token, CA and namespace.
    public static let serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The process environment.
    public var environment: [String: String]
    /// Reads a file; nil when there is none.
    public var readFile: @Sendable (_ path: String) throws -> [UInt8]?

    /// Makes a loader.
    public init(
        environment: [String: String],
        readFile: @escaping @Sendable (_ path: String) throws -> [UInt8]?
    ) {
        self.environment = environment
        self.readFile = readFile
    }

    /// Finds and resolves the configuration.
    ///
    /// - Parameters:
    ///   - kubeconfig: the file of `--kubeconfig`, which must exist and is used alone.
    ///   - context: nil for the current context; naming one leaves the pod's service account out.
    /// - Returns: the configuration; its warnings say what was passed over.
    /// - Throws: ``KubeconfigError`` that names file, line and field.
    public func load(kubeconfig: String? = nil, context: String? = nil) throws(KubeconfigError) -> ClientConfiguration {
        if let kubeconfig, !kubeconfig.isEmpty {
            guard let file = try parse(kubeconfig) else {
                throw KubeconfigError(file: kubeconfig, field: "", message: "there is no such file; check --kubeconfig")
            }
            return try file.resolve(context: context)
        }
        let listed = kubeconfigList
        if let merged = Kubeconfig.merge(try parse(listed)) { return try merged.resolve(context: context) }
        let missing = listed.isEmpty ? nil : "no file of KUBECONFIG exists: \(listed.joined(separator: ", "))"
        if context == nil, isInCluster {
            var configuration = try inCluster()
            if let missing { configuration.warnings.append(missing) }
            return configuration
        }
        if missing == nil, let home = variable("HOME"), let file = try parse("\(home)/.kube/config") {
            return try file.resolve(context: context)
        }
        throw KubeconfigError(
            file: missing == nil ? "~/.kube/config" : "KUBECONFIG",
            field: "",
            message: (missing ?? "there is no such file")
                + "; use --kubeconfig or KUBECONFIG, or run inside of a cluster"
        )
    }

    /// The files of `$KUBECONFIG`, each once.
    private var kubeconfigList: [String] {
        var seen: Set<String> = []
        return (variable("KUBECONFIG") ?? "").split(separator: ":").map(String.init).filter { seen.insert($0).inserted }
    }

    private func parse(_ files: [String]) throws(KubeconfigError) -> [Kubeconfig] {
        var found: [Kubeconfig] = []
        for path in files {
            if let file = try parse(path) { found.append(file) }
        }
        return found
    }

    /// Reads and parses a file; nil when there is none.
    private func parse(_ path: String) throws(KubeconfigError) -> Kubeconfig? {
        guard let bytes = try read(path) else { return nil }
        return try Kubeconfig.parse(bytes, file: path)
    }

    private func read(_ path: String) throws(KubeconfigError) -> [UInt8]? {
        do {
            return try readFile(path)
        } catch {
            throw KubeconfigError(file: path, field: "", message: "cannot be read: \(error)")
        }
    }

    /// A variable that is set and not empty.
    private func variable(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension ConfigurationLoader {
    /// Whether the environment is that of a pod.
    public var isInCluster: Bool {
        variable("KUBERNETES_SERVICE_HOST") != nil && variable("KUBERNETES_SERVICE_PORT") != nil
    }

    /// The configuration of a pod from its environment and its service account's files.
    ///
    /// - Throws: ``KubeconfigError``; a missing CA is an error, never a reason to trust everybody.
    public func inCluster() throws(KubeconfigError) -> ClientConfiguration {
        guard let host = variable("KUBERNETES_SERVICE_HOST"), let port = variable("KUBERNETES_SERVICE_PORT") else {
            throw KubeconfigError(
                file: "in-cluster configuration",
                field: "KUBERNETES_SERVICE_HOST",
                message: "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod"
            )
        }
        let authority = Self.serviceAccountDirectory + "/ca.crt"
        let token = Self.serviceAccountDirectory + "/token"
        for path in [authority, token] where try read(path)?.isEmpty ?? true {
            throw KubeconfigError(
                file: path,
                field: "",
                message: "is missing or empty; set automountServiceAccountToken: true for the pod"
            )
        }
        // An IPv6 address needs brackets in a URL.
        let address = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        return ClientConfiguration(
            server: "https://\(address):\(port)",
            namespace: try podNamespace() ?? "default",
            certificateAuthority: .file(authority),
            credentials: .tokenFile(token)
        )
    }

    /// The namespace in which this program runs: `POD_NAMESPACE`, else the service account's; nil outside of a pod.
    ///
    /// - Throws: ``KubeconfigError`` when the service account's file is there but cannot be read.
    public func podNamespace() throws(KubeconfigError) -> String? {
        if let namespace = variable("POD_NAMESPACE") { return namespace }
        guard let bytes = try read(Self.serviceAccountDirectory + "/namespace") else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        return text.isEmpty ? nil : text
    }
}
