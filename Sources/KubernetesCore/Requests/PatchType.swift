/// How the body of a patch is meant.
public enum PatchType: Sendable, Hashable {
    /// JSON Patch: a list of operations (RFC 6902); see ``JSONPatch``.
    case json
    /// JSON Merge Patch (RFC 7386): lists are replaced as a whole, null removes.
    case merge
    /// Strategic merge: lists by merge keys; built-in kinds only, custom resources answer 415.
    case strategic
    /// Server-side apply: the fields that `fieldManager` wants; `force` takes fields that others own.
    case apply(fieldManager: String, force: Bool)

    /// The media type that tells the server.
    public var contentType: String {
        switch self {
        case .json: "application/json-patch+json"
        case .merge: "application/merge-patch+json"
        case .strategic: "application/strategic-merge-patch+json"
        case .apply: MediaType.apply
        }
    }
}
