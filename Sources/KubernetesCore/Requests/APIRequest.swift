/// What is done to a resource, in the words of RBAC and of the audit log.
public enum APIVerb: String, Sendable, Hashable, CaseIterable {
    /// Reads one object.
    case get
    /// Reads a collection.
    case list
    /// Follows a collection.
    case watch
    /// Makes an object.
    case create
    /// Replaces an object.
    case update
    /// Changes parts of an object.
    case patch
    /// Removes one object.
    case delete
    /// Removes a collection.
    case deleteCollection = "deletecollection"
    /// Anything else, by its path.
    case raw
}

/// One request to a Kubernetes API server, complete but for server, credentials and time limits.
///
/// It is made by the static builders, sent by `KubernetesClient`, and can be looked at in tests without any network:
///
/// ```swift
/// let request = APIRequest.list(.pods, namespace: "default", options: ListOptions(limit: 500))
/// request.target   // "/api/v1/namespaces/default/pods?limit=500"
/// ```
///
/// Its description shows method and target only, never the body.
public struct APIRequest: Sendable {
    /// What is done.
    public var verb: APIVerb
    /// To which resource; nil for raw paths.
    public var resource: APIResource?
    /// In which namespace; nil for all, or for cluster-scoped objects.
    public var namespace: String?
    /// To which object; nil for collections.
    public var name: String?
    /// To which part of the object, such as `status`.
    public var subresource: String?
    /// The HTTP method.
    public var method: String
    /// The path, percent-encoded, from the server's root.
    public var path: String
    /// Query parameters, not encoded, in the order in which they are sent.
    public var query: [(String, String)]
    /// The type of the body; nil without body.
    public var contentType: String?
    /// What may be answered.
    public var accept: String
    /// The body; nil when there is none.
    public var body: [UInt8]?

    /// Makes a request from its parts; prefer the builders.
    public init(
        verb: APIVerb,
        resource: APIResource?,
        namespace: String? = nil,
        name: String? = nil,
        subresource: String? = nil,
        method: String,
        path: String,
        query: [(String, String)] = [],
        contentType: String? = nil,
        accept: String = MediaType.json,
        body: [UInt8]? = nil
    ) {
        self.verb = verb
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.subresource = subresource
        self.method = method
        self.path = path
        self.query = query
        self.contentType = contentType
        self.accept = accept
        self.body = body
    }

    /// Path and encoded query: what follows the server's base URL.
    public var target: String {
        guard !query.isEmpty else { return path }
        let pairs = query.map { "\(PercentEncoding.query($0.0))=\(PercentEncoding.query($0.1))" }
        return path + "?" + pairs.joined(separator: "&")
    }

    /// Whether it only reads, so that it may be sent again after a lost connection.
    ///
    /// Writes are never sent again blindly: whether the first one took effect is unknown.
    public var isIdempotent: Bool { method == "GET" || method == "HEAD" || method == "OPTIONS" }

    /// The object it names; nil for collections and raw paths.
    public var key: ObjectKey? { name.map { ObjectKey(namespace: namespace, name: $0) } }

    /// Whether request or answer hold secrets, so that no part of a body may appear in an error or a log.
    public var isSensitive: Bool {
        switch (resource?.group, resource?.plural, subresource) {
        case ("", "secrets", _), ("", "serviceaccounts", "token"), ("authentication.k8s.io", _, _): true
        default: false
        }
    }

    /// `resource/subresource` for metrics and messages; `raw` for raw paths, so that labels stay few.
    public var resourceDescription: String {
        guard let resource else { return "raw" }
        return subresource.map { "\(resource)/\($0)" } ?? resource.description
    }
}

extension APIRequest: CustomStringConvertible, CustomReflectable {
    /// Method and target.
    public var description: String { "\(method) \(target)" }

    /// Hides the body from `dump` and reflection.
    public var customMirror: Mirror { Mirror(self, children: ["method": method, "target": target]) }
}

/// The media types that Kubernetes uses.
public enum MediaType {
    /// Plain JSON.
    public static let json = "application/json"
    /// YAML or JSON for server-side apply.
    public static let apply = "application/apply-patch+yaml"
    /// An object reduced to its metadata; plain JSON from servers that cannot.
    public static let metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
    /// A list reduced to metadata; plain JSON from servers that cannot.
    public static let metadataOnlyList =
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
}
