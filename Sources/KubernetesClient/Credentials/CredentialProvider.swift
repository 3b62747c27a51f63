import FoundationEssentials
import KubernetesCore
import Telemetry
import Timekeeping

/// What one request shows to the server.
struct RequestCredential: Sendable, Hashable {
    /// The value of the `Authorization` header.
    var authorization: Sensitive<String>?
    /// A client certificate and its key, PEM, that take the place of the configuration's.
    var certificate: Sensitive<CertificatePair>?
}

/// A certificate chain and its key, both PEM.
struct CertificatePair: Sendable, Hashable {
    var certificate: [UInt8]
    var key: [UInt8]
}

/// Where requests get their credentials from.
protocol CredentialProvider: Sendable {
    /// What to send now.
    ///
    /// - Throws: ``CredentialError``, `CancellationError`.
    func current() async throws -> RequestCredential
    /// Looks for newer ones after the server has answered 401.
    ///
    /// - Returns: whether what ``current()`` gives now differs from `rejected`.
    func renew(rejected: RequestCredential) async throws -> Bool
}

/// Credentials that the configuration itself holds, or none.
struct StaticCredential: CredentialProvider {
    private let credential: RequestCredential

    init(authorization: String?) {
        credential = RequestCredential(authorization: authorization.map(Sensitive.init))
    }

    func current() async throws -> RequestCredential { credential }

    func renew(rejected: RequestCredential) async throws -> Bool { false }
}

/// What providers need from their surroundings.
struct CredentialContext: Sendable {
    var timeSource: any TimeSource
    var logger: Logger
    var metrics: ClientMetrics?
    var readFile: @Sendable (String) throws(FileReadError) -> [UInt8]
    var commandRunner: any CommandRunner
    /// What exec plug-ins inherit.
    var environment: [String: String]

    /// The machine's own files, programs and environment.
    init(timeSource: any TimeSource, logger: Logger, metrics: ClientMetrics?) {
        self.timeSource = timeSource
        self.logger = logger
        self.metrics = metrics
        readFile = { path throws(FileReadError) in try SmallFile.read(path) }
        commandRunner = ProcessCommandRunner()
        environment = ProcessInfo.processInfo.environment
    }

    /// The provider for a configuration's credentials; none at all over plain HTTP, where anybody could read them.
    func provider(for configuration: ClientConfiguration) -> any CredentialProvider {
        guard configuration.server.lowercased().hasPrefix("https://") else {
            return StaticCredential(authorization: nil)
        }
        return switch configuration.credentials {
        case .none:
            StaticCredential(authorization: nil)
        case .token(let token):
            StaticCredential(authorization: "Bearer \(token.value)")
        case .basic(let username, let password):
            StaticCredential(
                authorization: "Basic " + Data("\(username):\(password.value)".utf8).base64EncodedString()
            )
        case .tokenFile(let path):
            TokenFileCredential(path: path, context: self)
        case .exec(let plugin):
            ExecCredentialProvider(plugin: plugin, context: self)
        }
    }
}
