package import HTTPServer

extension RequestInfo {
    /// Reads a request as the API server does: the path decides what is meant, the method what is done with it.
    package init(_ request: HTTPServerRequest) {
        self.init(verb: request.method.lowercased(), path: request.path)
        guard !hasEmptyParts else { return }
        var parts = request.path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)[...]
        switch parts.first {
        case "api" where parts.count > 2:
            version = parts[1]
            parts = parts.dropFirst(2)
        case "apis" where parts.count > 3:
            group = parts[1]
            version = parts[2]
            parts = parts.dropFirst(3)
        default:
            return
        }
        let isLegacyWatch = parts.first == "watch"
        if isLegacyWatch { parts = parts.dropFirst() }
        takeNamespace(&parts)
        plural = parts.popFirst() ?? ""
        name = parts.popFirst() ?? ""
        // What follows the subresource is a path of its own, as behind `proxy`.
        subresource = parts.joined(separator: "/")
        verb = Self.verb(request, isCollection: name.isEmpty, isLegacyWatch: isLegacyWatch)
    }

    /// Whether the path names a resource of the API.
    package var isResource: Bool { !plural.isEmpty }

    /// Whether the path has two slashes in a row, at its beginning or its end excepted.
    package var hasEmptyParts: Bool {
        let isSlash = { (character: Character) in character == "/" }
        return String(path.drop(while: isSlash).reversed().drop(while: isSlash)).contains("//")
    }

    private mutating func takeNamespace(_ parts: inout ArraySlice<String>) {
        guard parts.first == "namespaces", let namespace = parts.dropFirst().first else { return }
        self.namespace = namespace
        let following = parts.dropFirst(2).first
        // The namespace's own subresources; everything else behind its name lies inside it.
        if let following, following != "status", following != "finalize" { parts = parts.dropFirst(2) }
    }

    private static func verb(_ request: HTTPServerRequest, isCollection: Bool, isLegacyWatch: Bool) -> String {
        switch request.method {
        case "POST": return "create"
        case "PUT": return "update"
        case "PATCH": return "patch"
        case "DELETE": return isCollection ? "deletecollection" : "delete"
        case "GET", "HEAD":
            if isLegacyWatch { return "watch" }
            guard isCollection else { return "get" }
            return QueryFlag.isSet("watch", in: request) ? "watch" : "list"
        default: return request.method.lowercased()
        }
    }
}

/// Booleans in queries: present without a value, `1` and `true` are yes.
package enum QueryFlag {
    /// Whether the request sets the flag.
    package static func isSet(_ name: String, in request: HTTPServerRequest) -> Bool {
        guard let value = request.queryValue(name) else { return false }
        return value != "false" && value != "0"
    }
}
