/// Names a kind of Kubernetes object: `apps/v1, Kind=Deployment`.
///
/// The core group is the empty string.
public struct GroupVersionKind: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The API group; empty for the core group.
    public var group: String
    /// The version within the group, such as `v1`.
    public var version: String
    /// The kind, such as `Deployment`.
    public var kind: String

    /// Makes the name from its three parts.
    public init(group: String, version: String, kind: String) {
        self.group = group
        self.version = version
        self.kind = kind
    }

    /// Makes the name from the two fields that every object carries.
    ///
    /// `apiVersion` is `v1` (core) or `group/version`; what follows the first slash is the version.
    public init(apiVersion: String, kind: String) {
        let parts = apiVersion.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        self.init(
            group: parts.count == 2 ? String(parts[0]) : "",
            version: String(parts.last ?? ""),
            kind: kind
        )
    }

    /// The `apiVersion` field of objects of this kind: `v1` or `group/version`.
    public var apiVersion: String {
        group.isEmpty ? version : "\(group)/\(version)"
    }

    /// `Kind.version.group`, as kubectl prints it; without the group for core kinds.
    public var description: String {
        group.isEmpty ? "\(kind).\(version)" : "\(kind).\(version).\(group)"
    }
}
