public import JSON

/// A program that prints credentials (client.authentication.k8s.io).
public struct ExecConfiguration: Sendable, Hashable {
    /// The versions of the protocol.
    public enum APIVersion: String, Sendable, Hashable, CaseIterable {
        /// The current one.
        case v1 = "client.authentication.k8s.io/v1"
        /// The older one, which many kubeconfigs still name.
        case v1beta1 = "client.authentication.k8s.io/v1beta1"
    }

    /// Whether the program may talk to a person.
    public enum InteractiveMode: String, Sendable, Hashable, CaseIterable {
        /// It never does.
        case never = "Never"
        /// It does when there is a terminal.
        case ifAvailable = "IfAvailable"
        /// It must, so it cannot be used without a terminal.
        case always = "Always"
    }

    /// The protocol.
    public var apiVersion: APIVersion
    /// The program: a path, or a name that is looked up in PATH.
    public var command: String
    /// Its arguments.
    public var arguments: [String]
    /// What is added to its environment, in order.
    public var environment: [EnvironmentVariable]
    /// How to get the program, for the message when it is missing; without control characters.
    public var installHint: String?
    /// Whether it is told about the cluster.
    public var provideClusterInfo: Bool
    /// Whether it may ask somebody.
    public var interactiveMode: InteractiveMode
    /// The cluster, as told when `provideClusterInfo` is set.
    public var cluster: Cluster?

    /// One variable; values can be secrets.
    public struct EnvironmentVariable: Sendable, Hashable {
        /// The name.
        public var name: String
        /// The value.
        public var value: Sensitive<String>

        /// Makes a variable.
        public init(name: String, value: String) {
            self.name = name
            self.value = Sensitive(value)
        }
    }

    /// The cluster for which credentials are wanted.
    public struct Cluster: Sendable, Hashable {
        /// The base URL.
        public var server: String
        /// The name its certificate must have.
        public var tlsServerName: String?
        /// Whether the server is not verified.
        public var insecureSkipTLSVerify: Bool
        /// The certificates to trust; a file must have been read before.
        public var certificateAuthority: CredentialSource?
        /// The proxy; can hold a password.
        public var proxyURL: Sensitive<String>?
        /// Whether answers come uncompressed.
        public var disableCompression: Bool
        /// The cluster's extension named `client.authentication.k8s.io/exec`.
        public var config: JSONValue?
    }

    /// Makes a configuration.
    public init(apiVersion: APIVersion, command: String, interactiveMode: InteractiveMode = .ifAvailable) {
        self.apiVersion = apiVersion
        self.command = command
        self.interactiveMode = interactiveMode
        arguments = []
        environment = []
        provideClusterInfo = false
    }
}
