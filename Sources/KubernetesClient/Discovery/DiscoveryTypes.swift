public import KubernetesCore

/// An API group and the versions in which it is served.
public struct APIGroup: Sendable, Hashable {
    /// The name; empty for the core group.
    public var name: String
    /// The versions, the preferred one first.
    public var versions: [String]
}

/// A resource as the server describes it.
public struct DiscoveredResource: Sendable, Hashable {
    /// Where it is served.
    public var resource: APIResource
    /// What can be done with it.
    public var verbs: Set<String>
    /// Its short names, such as `po`.
    public var shortNames: [String]
    /// Its subresources, such as `status`.
    public var subresources: Set<String>
}

/// A group and version whose resources could not be read.
public struct DiscoveryFailure: Sendable {
    /// The group.
    public var group: String
    /// The version.
    public var version: String
    /// Why.
    public var error: ClientError
}

/// The answer of `/version`.
public struct ServerVersion: Sendable, Hashable, Codable {
    /// Usually `1`.
    public var major: String
    /// Such as `20`, or `20+` on some providers.
    public var minor: String
    /// Such as `v1.20.2`.
    public var gitVersion: String

    /// The minor version as a number; nil when it is none.
    public var minorNumber: Int? { Int(minor.prefix { $0.isASCII && $0.isNumber }) }
}

/// A group with one of its versions.
struct GroupVersion: Hashable {
    var group: String
    var version: String

    var path: String {
        let version = PercentEncoding.segment(version)
        return group.isEmpty ? "/api/\(version)" : "/apis/\(PercentEncoding.segment(group))/\(version)"
    }
}
