import JSON
import YAML

/// One kubeconfig file, or several merged into one.
///
/// ```swift
/// let file = try Kubeconfig.parse(bytes, file: "/root/.kube/config")
/// let configuration = try file.resolve(context: nil)
/// ```
public struct Kubeconfig: Sendable, Hashable {
    /// A named entry with the file that it comes from.
    struct Entry<Content: Sendable & Hashable>: Sendable, Hashable {
        var name: String
        var file: String
        /// Where the entry starts in its file, for messages.
        var line: Int?
        var content: Content
    }

    /// How a server is reached and recognised.
    struct Cluster: Sendable, Hashable {
        var server: String?
        var tlsServerName: String?
        var insecureSkipTLSVerify = false
        var certificateAuthority: String?
        var certificateAuthorityData: [UInt8]?
        var proxyURL: String?
        var disableCompression = false
        /// The extension meant for exec plugins.
        var execConfig: JSONValue?
    }

    /// Who the client is.
    struct User: Sendable, Hashable {
        var clientCertificate: String?
        var clientCertificateData: [UInt8]?
        var clientKey: String?
        var clientKeyData: Sensitive<[UInt8]>?
        var token: Sensitive<String>?
        var tokenFile: String?
        var username: String?
        var password: Sensitive<String>?
        var impersonate: String?
        var impersonateUID: String?
        var impersonateGroups: [String] = []
        var impersonateExtra: [String: [String]] = [:]
        var authProvider: String?
        var exec: Exec?
    }

    /// A program that prints credentials, not yet checked.
    struct Exec: Sendable, Hashable {
        var apiVersion: String?
        var command: String?
        var arguments: [String] = []
        var environment: [ExecConfiguration.EnvironmentVariable] = []
        var installHint: String?
        var provideClusterInfo = false
        var interactiveMode: String?
    }

    /// A pair of server and user.
    struct Context: Sendable, Hashable {
        var cluster: String?
        var user: String?
        var namespace: String?
    }

    /// The context that is used when none is named; nil when the file says nothing.
    public internal(set) var currentContext: String?
    /// Which file names the current context, or the only file; for messages.
    var file: String
    var clusters: [Entry<Cluster>] = []
    var users: [Entry<User>] = []
    var contexts: [Entry<Context>] = []

    /// The names of all contexts, in the order of the files.
    public var contextNames: [String] { contexts.map(\.name) }

    /// Merges files by kubectl's rules: the first file wins, entry by entry, and so does the first current-context.
    ///
    /// An entry is taken as a whole: its fields are not mixed with those of another file.
    ///
    /// - Parameter files: in the order of `$KUBECONFIG`.
    /// - Returns: the union; nil when there is no file.
    public static func merge(_ files: [Kubeconfig]) -> Kubeconfig? {
        guard var merged = files.first else { return nil }
        for file in files.dropFirst() {
            if merged.currentContext == nil, let context = file.currentContext {
                merged.currentContext = context
                merged.file = file.file
            }
            merged.clusters += file.clusters.filter { new in !merged.clusters.contains { $0.name == new.name } }
            merged.users += file.users.filter { new in !merged.users.contains { $0.name == new.name } }
            merged.contexts += file.contexts.filter { new in !merged.contexts.contains { $0.name == new.name } }
        }
        return merged
    }
}
