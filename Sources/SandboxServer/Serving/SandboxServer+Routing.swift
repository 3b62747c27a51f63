internal import FoundationEssentials
package import HTTPServer
internal import JSON
internal import Timekeeping

extension SandboxServer {
    /// Answers one request.
    package func handle(_ request: HTTPServerRequest) async -> HTTPServerResponse {
        let info = RequestInfo(request)
        let fault = faults.decide(info, userAgent: request.header("User-Agent") ?? "")
        if fault.delay > .zero {
            do {
                try await timeSource.sleep(for: fault.delay)
            } catch {
                return .none
            }
        }
        if fault.isRefused { return .none }
        if let failure = fault.failure { return .failure(failure) }
        do throws(APIFailure) {
            return try answer(request, info, fault.watch)
        } catch {
            return .failure(error)
        }
    }

    private func answer(
        _ request: HTTPServerRequest,
        _ info: RequestInfo,
        _ fault: WatchFault
    ) throws(APIFailure) -> HTTPServerResponse {
        let now = timeSource.wallTime()
        let user = try user(of: request, now: now)
        try authorizer.check(AccessAttributes(info), by: user)
        guard info.isResource else { return try answerPath(request, info) }
        if let entry = VirtualResources.entry(group: info.group, version: info.version, plural: info.plural) {
            return try answerVirtual(entry, request, info, user, now)
        }
        guard let resource = registry.resource(group: info.group, version: info.version, plural: info.plural) else {
            guard registry.isBuiltin(group: info.group) else { return .pageNotFound }
            throw .unknownResource
        }
        let call = APICall(
            request: request,
            info: info,
            resource: resource,
            user: user,
            mediaType: try MediaType.negotiate(accept: request.header("Accept")),
            now: now
        )
        guard try isInScope(call) else { return .pageNotFound }
        if info.verb == "watch" { return try watch(call, fault) }
        return info.subresource.isEmpty ? try answer(call) : try answerSubresource(call)
    }

    private func watch(_ call: APICall, _ fault: WatchFault) throws(APIFailure) -> HTTPServerResponse {
        guard call.mediaType.format == .json, call.info.subresource.isEmpty else { throw .methodNotAllowed }
        var options = try call.listOptions()
        options.isWatch = true
        let stream = try watches.watch(
            WatchRequest(
                resource: call.resource.storage,
                namespace: call.listNamespace,
                apiVersion: call.resource.storageAPIVersion,
                kind: call.resource.definition.kind,
                options: options,
                representation: try ObjectRepresentation.watch(call, timeSource: timeSource),
                fault: fault
            )
        )
        return HTTPServerResponse(
            status: 200,
            headers: [
                HTTPServerHeader(name: "Content-Type", value: call.mediaType.contentType),
                HTTPServerHeader(name: "Cache-Control", value: "no-cache, private"),
            ],
            stream: stream
        )
    }

    private func user(of request: HTTPServerRequest, now: Date) throws(APIFailure) -> UserInfo {
        let user = try authenticator.user(of: request, now: now)
        guard let other = try Authenticator.impersonated(by: request) else { return user }
        for attributes in other.impersonationAttributes { try authorizer.check(attributes, by: user) }
        return other
    }

    /// Paths of namespaced objects have a namespace, those of others have none.
    ///
    /// - Returns: false for paths of custom resources that nobody serves.
    private func isInScope(_ call: APICall) throws(APIFailure) -> Bool {
        let info = call.info
        let isOfCluster = info.name.isEmpty && ["list", "watch"].contains(info.verb)
        let isNamespace = call.resource.id == Builtin.namespaces
        let fits =
            call.resource.definition.isNamespaced
            ? !info.namespace.isEmpty || isOfCluster : info.namespace.isEmpty || isNamespace
        if fits || call.resource.definition.isCustom { return fits }
        guard call.resource.definition.isNamespaced, info.name.isEmpty else { throw .unknownResource }
        throw .methodNotAllowed
    }

    private func answer(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        let isCollection = call.info.name.isEmpty
        switch call.info.verb {
        case "get": return try handlers.get(call)
        case "list": return try handlers.list(call)
        case "create" where isCollection:
            if call.resource.definition.isTerminating { throw .terminating(call.resource.id) }
            return try handlers.create(call)
        case "update" where !isCollection: return try handlers.update(call)
        case "patch" where !isCollection: return try handlers.patch(call)
        case "delete": return try handlers.delete(call)
        case "deletecollection" where call.resource.id != Builtin.namespaces:
            return try handlers.deleteCollection(call)
        default: throw .methodNotAllowed
        }
    }
}

extension UserInfo {
    /// What somebody has to be allowed to do to act as this user.
    fileprivate var impersonationAttributes: [AccessAttributes] {
        var all: [AccessAttributes] = []
        func add(_ plural: String, _ name: String, namespace: String = "") {
            var attributes = AccessAttributes(verb: "impersonate")
            attributes.plural = plural
            attributes.name = name
            attributes.namespace = namespace
            all.append(attributes)
        }
        let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 4, parts.prefix(2).elementsEqual(["system", "serviceaccount"]) {
            add("serviceaccounts", parts[3], namespace: parts[2])
        } else {
            add("users", name)
        }
        for group in groups where group != Self.authenticatedGroup && !group.hasPrefix("system:serviceaccounts") {
            add("groups", group)
        }
        return all
    }
}
