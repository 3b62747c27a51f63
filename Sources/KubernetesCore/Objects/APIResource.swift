/// A kind of object as the API server serves it: where it lives in the URL space and what its objects are called.
///
/// ```swift
/// APIResource.pods.path(ObjectKey(namespace: "default", name: "web"), subresource: "status")
/// // "/api/v1/namespaces/default/pods/web/status"
/// ```
public struct APIResource: Sendable, Hashable, CustomStringConvertible {
    /// The API group; empty for the core group.
    public var group: String
    /// The version within the group.
    public var version: String
    /// The lower-case plural of the URL, such as `deployments`.
    public var plural: String
    /// The kind of its objects.
    public var kind: String
    /// Whether its objects live in namespaces.
    public var isNamespaced: Bool

    /// Names a resource.
    public init(group: String, version: String, plural: String, kind: String, isNamespaced: Bool = true) {
        self.group = group
        self.version = version
        self.plural = plural
        self.kind = kind
        self.isNamespaced = isNamespaced
    }

    /// The `apiVersion` field of its objects.
    public var apiVersion: String { groupVersionKind.apiVersion }

    /// The group, version and kind of its objects.
    public var groupVersionKind: GroupVersionKind {
        GroupVersionKind(group: group, version: version, kind: kind)
    }

    /// `plural` for core resources, else `plural.group`, as kubectl and RBAC name it.
    public var description: String { group.isEmpty ? plural : "\(plural).\(group)" }

    /// The path of the whole collection, or of its part in one namespace.
    ///
    /// The namespace is ignored for cluster-scoped resources; nil or empty means all namespaces.
    public func collectionPath(namespace: String?) -> String {
        var path = group.isEmpty ? "/api/" : "/apis/\(PercentEncoding.segment(group))/"
        path += PercentEncoding.segment(version)
        if isNamespaced, let namespace, !namespace.isEmpty {
            path += "/namespaces/\(PercentEncoding.segment(namespace))"
        }
        return path + "/\(PercentEncoding.segment(plural))"
    }

    /// The path of one object or of one of its subresources (`status`, `scale`, `eviction`, `token`).
    ///
    /// Every segment is percent-encoded, so a hostile name cannot reach another path.
    public func path(_ key: ObjectKey, subresource: String? = nil) -> String {
        let object = collectionPath(namespace: key.namespace) + "/\(PercentEncoding.segment(key.name))"
        guard let subresource else { return object }
        return object + "/\(PercentEncoding.segment(subresource))"
    }
}
