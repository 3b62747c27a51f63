internal import FoundationEssentials
internal import HTTPServer
internal import JSON

extension SandboxServer {
    /// Answers a path that is no resource: discovery, version, health, OpenAPI.
    func answerPath(_ request: HTTPServerRequest, _ info: RequestInfo) throws(APIFailure) -> HTTPServerResponse {
        if let health = ServerInformation.health(request) { return health }
        if request.path == FaultPlan.path { return faults.handleAdmin(request) }
        if request.path.hasPrefix("/openapi/") { return document(request) }
        if info.hasEmptyParts { return try answerOdd(request.path) }
        let parts = request.path.split(separator: "/").map(String.init)
        let mediaType = try MediaType.negotiate(accept: request.header("Accept"), shapes: [.aggregatedDiscovery])
        let isAggregated = mediaType.shape == .aggregatedDiscovery
        let plain = MediaType(format: mediaType.format)
        guard request.method == "GET" || request.method == "HEAD" else {
            return isKnown(parts) ? .failure(.methodNotAllowed) : .pageNotFound
        }
        switch (parts.first, parts.count) {
        case (nil, 0): return .document(["paths": .array(rootPaths.map { .string($0) })], as: plain)
        case ("version", 1): return .document(ServerInformation.version, as: plain)
        case ("api", 1), ("apis", 1):
            let isCore = parts[0] == "api"
            let discovery = Discovery(registry)
            if isAggregated { return .document(discovery.aggregated(isCore: isCore), as: mediaType) }
            return .document(isCore ? discovery.legacyVersions(serverAddress: address) : discovery.groupList, as: plain)
        case ("api", 2): return try found(Discovery(registry).resources(group: "", version: parts[1]), "", plain)
        case ("apis", 2): return try found(Discovery(registry).group(parts[1]), parts[1], plain)
        case ("apis", 3):
            return try found(Discovery(registry).resources(group: parts[1], version: parts[2]), parts[1], plain)
        default: return .pageNotFound
        }
    }

    /// Below a served version the routes of the API know nothing of empty parts, elsewhere nobody does.
    private func answerOdd(_ path: String) throws(APIFailure) -> HTTPServerResponse {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        let isServed =
            switch parts.first {
            case "api": parts.count > 2 && Discovery(registry).resources(group: "", version: parts[1]) != nil
            case "apis": parts.count > 3 && Discovery(registry).resources(group: parts[1], version: parts[2]) != nil
            default: false
            }
        guard isServed else { return .pageNotFound }
        throw .unknownResource
    }

    private func document(_ request: HTTPServerRequest) -> HTTPServerResponse {
        let accept = request.header("Accept") ?? ""
        guard let answer = openAPIDocument(path: request.path, accept: accept) else { return .pageNotFound }
        let tag = "\"\(answer.hash)\""
        var headers = [
            HTTPServerHeader(name: "Content-Type", value: answer.contentType),
            HTTPServerHeader(name: "Etag", value: tag),
        ]
        if request.header("If-None-Match") == tag { return HTTPServerResponse(status: 304, headers: headers) }
        // The index of version 3 names documents by their hash, so these never change.
        let isNamed = request.queryValue("hash") == answer.hash
        headers.append(
            HTTPServerHeader(name: "Cache-Control", value: isNamed ? "public, immutable" : "no-cache, private")
        )
        return HTTPServerResponse(status: 200, headers: headers, body: answer.bytes)
    }

    private func isKnown(_ parts: [String]) -> Bool {
        guard let first = parts.first else { return true }
        return ["version", "api", "apis"].contains(first)
    }

    private func found(
        _ document: JSONValue?,
        _ group: String,
        _ mediaType: MediaType
    ) throws(APIFailure) -> HTTPServerResponse {
        if let document { return .document(document, as: mediaType) }
        guard registry.isBuiltin(group: group) else { return .pageNotFound }
        throw .unknownResource
    }

    private var rootPaths: [String] {
        var paths = ["/api", "/api/v1", "/apis"]
        for definition in registry.all where !definition.id.group.isEmpty {
            for path in ["/apis/\(definition.id.group)"]
                + definition.versions.map({ "/apis/\(definition.id.group)/\($0.name)" })
            where !paths.contains(path) { paths.append(path) }
        }
        return (paths + ["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]).sorted()
    }

    /// Answers the resources that are not stored.
    func answerVirtual(
        _ entry: VirtualResources.Entry,
        _ request: HTTPServerRequest,
        _ info: RequestInfo,
        _ user: UserInfo,
        _ now: Date
    ) throws(APIFailure) -> HTTPServerResponse {
        guard info.verb == "create", info.name.isEmpty, info.subresource.isEmpty else { throw .methodNotAllowed }
        let mediaType = try MediaType.negotiate(accept: request.header("Accept"))
        var body = try RequestBody.parse(request, kind: entry.kind)
        guard body.objectValue != nil else { throw .badRequest("the body has to be a \(entry.kind)") }
        body["kind"] = .string(entry.kind)
        body["apiVersion"] = .string(entry.group.isEmpty ? entry.version : "\(entry.group)/\(entry.version)")
        if entry.kind == "Binding" { return try bind(body, namespace: info.namespace, now: now) }
        if entry.kind == "LocalSubjectAccessReview" {
            body.set(.string(info.namespace), at: ["spec", "resourceAttributes", "namespace"])
        }
        body["metadata"] = body["metadata"] ?? [:]
        let answer = try reviews.answer(entry.kind, body, user: user, now: now)
        return .document(answer, status: 201, as: MediaType(format: mediaType.format))
    }
}
