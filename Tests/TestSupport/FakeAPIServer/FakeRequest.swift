public import HTTPTransport
public import JSON
public import KubernetesCore
public import Timekeeping

/// One request as the ``FakeAPIServer`` got it.
public struct FakeRequest: Sendable {
    /// Whose transport it came from.
    public let identity: String
    /// Position in the log, from 1.
    public let number: Int
    /// When it came.
    public let time: MonotonicInstant
    /// `GET`, `POST` and so on.
    public let method: String
    /// The path without the query, still percent-encoded.
    public let path: String
    /// The query, decoded.
    public let query: [String: String]
    /// As sent.
    public let headers: [HTTPHeader]
    /// As sent.
    public let body: [UInt8]
    /// The resource, object and subresource that the path names; nil for other paths.
    public let target: FakeTarget?

    /// Whether it opens a watch.
    public var isWatch: Bool { query["watch"] == "1" || query["watch"] == "true" }

    /// What it does, in RBAC's words.
    public var verb: APIVerb {
        switch method {
        case "GET" where isWatch: .watch
        case "GET" where target != nil && target?.name == nil: .list
        case "GET" where target != nil: .get
        case "POST" where target != nil: .create
        case "PUT": .update
        case "PATCH": .patch
        case "DELETE" where target?.name == nil: .deleteCollection
        case "DELETE": .delete
        default: .raw
        }
    }

    /// Whether it changes something.
    public var isWrite: Bool { method != "GET" && method != "HEAD" }

    /// The body as JSON; null when it is none.
    public var json: JSONValue {
        do { return try JSONValue(parsing: body) } catch { return .null }
    }

    /// The value of a header, whatever the case of its name.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// Whether it is about a resource, and about an object where one is given.
    public func concerns(_ resource: APIResource, _ key: ObjectKey? = nil) -> Bool {
        guard let target, target.collection == FakeCollection(resource) else { return false }
        return key == nil || key == target.key
    }

    init(_ request: HTTPRequest, identity: String, number: Int, time: MonotonicInstant) {
        let (path, query) = FakeURL.split(request.url)
        self.identity = identity
        self.number = number
        self.time = time
        self.path = path
        self.query = query
        method = request.method
        headers = request.headers
        body = request.body ?? []
        target = FakeTarget(path: path)
    }
}

/// All objects of one kind and version.
public struct FakeCollection: Sendable, Hashable, Comparable {
    /// The API group; empty for the core group.
    public let group: String
    /// The version within the group.
    public let version: String
    /// The plural in the path.
    public let plural: String

    init(group: String, version: String, plural: String) {
        self.group = group
        self.version = version
        self.plural = plural
    }

    init(_ resource: APIResource) {
        self.init(group: resource.group, version: resource.version, plural: resource.plural)
    }

    var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// Orders collections by group, version and plural.
    public static func < (left: FakeCollection, right: FakeCollection) -> Bool {
        (left.group, left.version, left.plural) < (right.group, right.version, right.plural)
    }
}

/// What the path of a request names.
public struct FakeTarget: Sendable, Hashable {
    /// The kind.
    public let collection: FakeCollection
    /// The namespace in the path.
    public let namespace: String?
    /// The object; nil for the collection.
    public let name: String?
    /// Such as `status`.
    public let subresource: String?

    /// The object's key; nil for the collection.
    public var key: ObjectKey? { name.map { ObjectKey(namespace: namespace, name: $0) } }

    /// Reads a path; nil when it names no resource.
    init?(path: String) {
        var parts = path.split(separator: "/").map { FakeURL.decode(String($0)) }[...]
        let group: String
        switch parts.popFirst() {
        case "api": group = ""
        case "apis":
            guard let named = parts.popFirst() else { return nil }
            group = named
        default: return nil
        }
        guard let version = parts.popFirst(), let first = parts.popFirst() else { return nil }
        // `/namespaces/x` alone is a Namespace; followed by a plural it is the place of other objects.
        if first == "namespaces", parts.count >= 2, !["status", "finalize"].contains(parts[parts.startIndex + 1]) {
            namespace = parts.popFirst()
            collection = FakeCollection(group: group, version: version, plural: parts.removeFirst())
        } else {
            namespace = nil
            collection = FakeCollection(group: group, version: version, plural: first)
        }
        name = parts.popFirst()
        subresource = parts.popFirst()
    }
}

/// Just enough of URLs for a fake.
enum FakeURL {
    /// The path, still encoded, and the decoded query of a URL.
    static func split(_ url: String) -> (path: String, query: [String: String]) {
        var rest = url[...]
        if !rest.hasPrefix("/") {
            // After the three slashes' worth of scheme and host comes the path.
            let pieces = rest.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: true)
            rest = pieces.count > 2 ? "/" + pieces[2] : "/"
        }
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var query: [String: String] = [:]
        for pair in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[decode(String(sides[0]))] = sides.count > 1 ? decode(String(sides[1])) : ""
        }
        return (String(parts[0]), query)
    }

    /// Decodes percent escapes and `+`.
    static func decode(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
