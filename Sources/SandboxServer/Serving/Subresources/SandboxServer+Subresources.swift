internal import FoundationEssentials
internal import HTTPServer
internal import JSON

extension SandboxServer {
    /// Answers a path behind an object.
    func answerSubresource(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        let version = call.resource.version
        switch (call.info.subresource, call.resource.storage) {
        case ("status", _) where version.hasStatus: return try readOrWrite(call)
        case ("scale", _) where version.scale != nil: return try answerScale(call)
        case ("token", Builtin.serviceAccounts): return try createOnly(call, issueToken)
        case ("eviction", Builtin.pods): return try createOnly(call, evict)
        case ("binding", Builtin.pods): return try createOnly(call, bind)
        case ("log", Builtin.pods):
            guard call.info.verb == "get" else { throw .methodNotAllowed }
            return try PodLog.answer(call, store)
        case ("finalize", Builtin.namespaces):
            guard call.info.verb == "update" else { throw .methodNotAllowed }
            return try finalize(call)
        default: throw call.resource.definition.isCustom ? call.notFound : .unknownResource
        }
    }

    private func readOrWrite(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        switch call.info.verb {
        case "get": return try handlers.get(call)
        case "update": return try handlers.update(call)
        case "patch": return try handlers.patch(call)
        default: throw .methodNotAllowed
        }
    }

    private func createOnly(
        _ call: APICall,
        _ handler: (APICall) throws(APIFailure) -> HTTPServerResponse
    ) throws(APIFailure) -> HTTPServerResponse {
        guard call.info.verb == "create" else { throw .methodNotAllowed }
        return try handler(call)
    }

    /// The answer to what was done and has no object.
    static let created = HTTPServerResponse.document(
        ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201],
        status: 201
    )

    /// `namespaces/NAME/finalize`: who empties the namespace takes its finalizer off.
    private func finalize(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        let options = try WriteOptions(call.request, kind: "UpdateOptions")
        var decoder = ObjectDecoder(call.resource, fieldValidation: .ignore)
        let body = try decoder.decode(call.request)
        let outcome = try handlers.transaction { tx throws(APIFailure) in
            try ObjectWriter(call, options).update(&tx) { live throws(APIFailure) in
                guard var changed = live else { throw call.notFound }
                let finalizers = body["spec"]?["finalizers"]
                changed.set(finalizers == [] ? nil : finalizers, at: ["spec", "finalizers"])
                return changed
            }
        }
        return try handlers.respond(Answer(outcome.object, warnings: decoder.warnings), to: call)
    }
}
