internal import FoundationEssentials
package import HTTPTransport
internal import JSON
package import KubernetesClient
package import KubernetesCore
package import RecoveryAPI
internal import Synchronization
package import Telemetry
package import Timekeeping

/// Why a member cluster has no client.
package enum MemberClientError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no MemberCluster of that name.
    case notFound(cluster: String)
    /// The Secret is missing, or holds no kubeconfig.
    case noKubeconfig(cluster: String, secret: String, problem: String)
    /// The kubeconfig cannot be used: the text names the field.
    case invalidKubeconfig(cluster: String, secret: String, problem: String)
    /// The kubeconfig is not self-contained: these fields reach out of the Secret.
    case unsafeKubeconfig(cluster: String, secret: String, fields: [String])

    /// What is wrong and where; never holds anything out of the Secret.
    package var description: String {
        switch self {
        case .notFound(let cluster): "MemberCluster \(cluster) does not exist"
        case .noKubeconfig(let cluster, let secret, let problem):
            "MemberCluster \(cluster): Secret \(secret) \(problem)"
        case .invalidKubeconfig(let cluster, let secret, let problem):
            "MemberCluster \(cluster): the kubeconfig in Secret \(secret) cannot be used: \(problem)"
        case .unsafeKubeconfig(let cluster, let secret, let fields):
            "MemberCluster \(cluster): the kubeconfig in Secret \(secret) must be self-contained; it uses "
                + fields.joined(separator: ", ")
        }
    }

    /// What a person can do about it.
    package var nextSteps: [String] {
        switch self {
        case .notFound(let cluster): ["Create MemberCluster \(cluster), or correct spec.clusterRef in a new Recovery"]
        case .noKubeconfig(_, let secret, _), .invalidKubeconfig(_, let secret, _):
            ["Put a kubeconfig into Secret \(secret): key kubeconfig, or value as Cluster API writes it"]
        case .unsafeKubeconfig(_, let secret, let fields):
            ["Replace \(fields.joined(separator: ", ")) in Secret \(secret) by embedded data or a token"]
                + (fields.contains { $0.hasSuffix(".exec") }
                    ? ["Or permit the plug-in, by its absolute path, with --allow-member-exec"] : [])
        }
    }
}

/// The clients of member clusters, made from the kubeconfig Secrets in the controller's own namespace.
///
/// The Secret is read live on every call; the client is made again when the Secret has changed. All members share one
/// transport, whose connections are apart by server and credentials.
package final class MemberClients: Sendable {
    private struct Entry: Sendable {
        var resourceVersion: String
        var client: KubernetesClient
        /// What the credential says of itself.
        var claims: CredentialClaims?
        /// Whether it was asked which cluster it leads to.
        var isIdentified = false
    }

    let hub: KubernetesClient
    let namespace: String
    let timeSource: any TimeSource
    private let transport: any HTTPTransport
    private let allowedCommands: Set<String>
    private let logger: Logger
    private let metrics: ClientMetrics?
    private let jitter: @Sendable () -> Double
    private let entries = Mutex<[String: Entry]>([:])

    /// Makes a registry without clients.
    ///
    /// - Parameters:
    ///   - hub: reads MemberClusters and Secrets.
    ///   - namespace: the controller's own: the only one whose Secrets are read.
    ///   - transport: carries the requests to all members.
    ///   - timeSource: time for the clients.
    ///   - logger: gets the warnings of the members' servers.
    ///   - metrics: the `rest_client_*` metrics, with the members' servers as hosts.
    ///   - allowedCommands: exec plug-ins that a Secret's kubeconfig may name, as absolute paths (`--allow-member-exec`).
    ///   - jitter: numbers from 0 up to 1 for the pauses between tries.
    package init(
        hub: KubernetesClient,
        namespace: String,
        transport: any HTTPTransport,
        timeSource: any TimeSource,
        logger: Logger,
        metrics: ClientMetrics? = nil,
        allowedCommands: Set<String> = [],
        jitter: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
    ) {
        self.hub = hub
        self.namespace = namespace
        self.transport = transport
        self.timeSource = timeSource
        self.logger = logger
        self.metrics = metrics
        self.jitter = jitter
        self.allowedCommands = allowedCommands
    }

    /// The client of a member, made again when its Secret has changed.
    ///
    /// - Throws: `MemberClientError`; `ClientError` when the hub cannot be asked.
    package func client(for name: String) async throws -> KubernetesClient {
        let cluster = try await cluster(name, through: hub)
        let key = ObjectKey(namespace: namespace, name: cluster.spec.kubeconfigSecretRef.name)
        let secret: Unstructured?
        do {
            secret = try await hub.get(.secrets, key)
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            secret = nil
        }
        return try client(for: cluster, secret: secret)
    }

    /// The client of a member from objects that were read before; made again when the Secret is another one.
    ///
    /// - Parameters:
    ///   - cluster: the MemberCluster.
    ///   - secret: its kubeconfig Secret; nil when there is none.
    /// - Returns: the client, the same one as long as the Secret is.
    /// - Throws: `MemberClientError`.
    package func client(for cluster: MemberCluster, secret: Unstructured?) throws -> KubernetesClient {
        let name = cluster.metadata.name ?? ""
        guard let secret else {
            throw MemberClientError.noKubeconfig(
                cluster: name,
                secret: cluster.spec.kubeconfigSecretRef.name,
                problem: "does not exist in namespace \(namespace)"
            )
        }
        let version = "\(secret.uid)/\(secret.resourceVersion)/\(cluster.spec.kubeconfigKeys)"
        if let entry = entries.withLock({ $0[name] }), entry.resourceVersion == version { return entry.client }
        let client = try makeClient(name, cluster, secret)
        let entry = Entry(
            resourceVersion: version,
            client: client,
            claims: CredentialClaims.of(client.configuration)
        )
        entries.withLock { $0[name] = entry }
        return client
    }

    /// What the credential of a member says of itself; nil when that is nothing, or there is no client.
    package func claims(_ name: String) -> CredentialClaims? {
        entries.withLock { $0[name]?.claims }
    }

    /// The client of a member that was made last, with what tells it from the next; nil when there is none.
    func current(_ name: String) -> (client: KubernetesClient, version: String)? {
        entries.withLock { entries in entries[name].map { ($0.client, $0.resourceVersion) } }
    }

    /// Whether the present client of a member was asked which cluster it leads to.
    func isIdentified(_ name: String) -> Bool {
        entries.withLock { $0[name]?.isIdentified ?? false }
    }

    /// Takes note that a client of a member, with this version, was asked which cluster it leads to.
    func noteIdentified(_ name: String, version: String?) {
        entries.withLock { if $0[name]?.resourceVersion == version { $0[name]?.isIdentified = true } }
    }

    /// Forgets the client of a member that is gone.
    package func forget(_ name: String) {
        entries.withLock { $0[name] = nil }
    }

    /// Forgets the client of a member and closes the idle connections, so that the next one starts from nothing.
    package func refresh(_ name: String) async {
        entries.withLock { $0[name] = nil }
        await transport.closeIdleConnections()
    }

    /// Reads a MemberCluster.
    ///
    /// - Throws: `MemberClientError.notFound`; `ClientError`.
    func cluster(_ name: String, through hub: KubernetesClient) async throws -> MemberCluster {
        do {
            return try await hub.get(MemberCluster.self, ObjectKey(namespace: nil, name: name))
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            throw MemberClientError.notFound(cluster: name)
        }
    }

    private func makeClient(
        _ name: String,
        _ cluster: MemberCluster,
        _ secret: Unstructured
    ) throws -> KubernetesClient {
        let secretName = cluster.spec.kubeconfigSecretRef.name
        let (_, bytes) = try Self.kubeconfig(of: cluster, in: secret)
        do {
            let kubeconfig = try Kubeconfig.parse(bytes, file: "Secret \(namespace)/\(secretName)")
            let fields = try kubeconfig.unsafeFields(allowedCommands: allowedCommands)
            guard fields.isEmpty else {
                throw MemberClientError.unsafeKubeconfig(cluster: name, secret: secretName, fields: fields)
            }
            let configuration = try kubeconfig.resolve()
            return KubernetesClient(
                configuration: configuration,
                transport: transport,
                timeSource: timeSource,
                logger: logger.with(["cluster": name]),
                metrics: metrics,
                jitter: jitter
            )
        } catch let error as KubeconfigError {
            throw MemberClientError.invalidKubeconfig(cluster: name, secret: secretName, problem: "\(error)")
        }
    }

    /// The entry of the Secret that holds the kubeconfig, and its bytes.
    static func kubeconfig(
        of cluster: MemberCluster,
        in secret: Unstructured
    ) throws(MemberClientError) -> (key: String, bytes: [UInt8]) {
        let name = cluster.metadata.name ?? ""
        let secretName = cluster.spec.kubeconfigSecretRef.name
        let data = secret.content["data"]
        for key in cluster.spec.kubeconfigKeys {
            guard let encoded = data?[key]?.stringValue else { continue }
            guard let bytes = Data(base64Encoded: encoded) else {
                throw .invalidKubeconfig(cluster: name, secret: secretName, problem: "not base64")
            }
            return (key, [UInt8](bytes))
        }
        throw .noKubeconfig(
            cluster: name,
            secret: secretName,
            problem: "has no key \(cluster.spec.kubeconfigKeys.joined(separator: " or "))"
        )
    }
}
