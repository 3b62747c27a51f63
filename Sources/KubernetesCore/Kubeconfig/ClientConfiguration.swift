/// How to reach one API server, and as whom: what a kubeconfig context or a pod's environment resolves to.
///
/// Certificates and tokens in files stay file references, since they are read again while the program runs.
public struct ClientConfiguration: Sendable, Hashable {
    /// The base URL, such as `https://10.0.0.1:6443`, without a slash at the end; may have a path.
    public var server: String
    /// The namespace of the context.
    public var namespace: String
    /// The certificates to trust; nil for those of the system.
    public var certificateAuthority: CredentialSource?
    /// The certificate to show; can come together with other credentials.
    public var clientCertificate: ClientCertificate?
    /// What each request carries.
    public var credentials: Credentials
    /// As whom the requests are to be done.
    public var impersonation: Impersonation?
    /// `http`, `https` or `socks5` URL of a proxy; descriptions leave it out, since it can hold a password.
    public var proxyURL: String? {
        get { proxy?.value }
        set { proxy = newValue.map { Sensitive($0) } }
    }
    private var proxy: Sensitive<String>?
    /// The name that the server's certificate must have, when it is not the host of `server`.
    public var tlsServerName: String?
    /// Whether anybody may pretend to be the server.
    public var insecureSkipTLSVerify: Bool
    /// Whether answers come uncompressed.
    public var disableCompression: Bool
    /// What the client calls itself; nil for its default.
    public var userAgent: String?
    /// What its user should know, such as credentials that are not used because the server speaks plain HTTP.
    public var warnings: [String]

    /// Makes a configuration; everything but the server has a default.
    public init(
        server: String,
        namespace: String = "default",
        certificateAuthority: CredentialSource? = nil,
        clientCertificate: ClientCertificate? = nil,
        credentials: Credentials = .none
    ) {
        self.server = server
        self.namespace = namespace
        self.certificateAuthority = certificateAuthority
        self.clientCertificate = clientCertificate
        self.credentials = credentials
        impersonation = nil
        tlsServerName = nil
        insecureSkipTLSVerify = false
        disableCompression = false
        userAgent = nil
        warnings = []
    }
}

/// Bytes that a configuration holds itself, or the file that holds them.
public enum CredentialSource: Sendable, Hashable {
    /// The bytes, usually PEM.
    case data(Sensitive<[UInt8]>)
    /// An absolute path, or one relative to the working directory.
    case file(String)
}

/// A TLS client certificate with its key.
public struct ClientCertificate: Sendable, Hashable {
    /// The certificate chain, PEM.
    public var certificate: CredentialSource
    /// The private key, PEM.
    public var key: CredentialSource

    /// Makes a pair.
    public init(certificate: CredentialSource, key: CredentialSource) {
        self.certificate = certificate
        self.key = key
    }
}

/// What proves to the server, in each request, who asks.
public enum Credentials: Sendable, Hashable {
    /// Nothing but perhaps a client certificate.
    case none
    /// A bearer token.
    case token(Sensitive<String>)
    /// A bearer token in a file that is replaced from time to time.
    case tokenFile(String)
    /// User name and password.
    case basic(username: String, password: Sensitive<String>)
    /// A program that knows.
    case exec(ExecConfiguration)
}
