internal import FoundationEssentials
package import HTTPServer
internal import JSON

/// What the verbs do with the objects of a resource.
package struct ResourceHandlers: Sendable {
    let store: ObjectStore

    /// Makes handlers over a store.
    package init(store: ObjectStore) {
        self.store = store
    }

    /// A transaction whose failures are ``APIFailure``.
    func transaction<Outcome>(
        _ body: (inout ObjectStore.Transaction) throws(APIFailure) -> Outcome
    ) throws(APIFailure) -> Outcome {
        do {
            return try store.transaction(body)
        } catch let failure as APIFailure {
            throw failure
        } catch {
            throw .internalError("\(error)")
        }
    }

    /// GET of one object.
    ///
    /// - Throws: ``APIFailure`` 404 when there is none.
    package func get(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        guard let stored = store.transaction({ $0.get(call.resource.storage, call.objectName) }) else {
            throw call.notFound
        }
        guard call.mediaType != .json || !call.resource.servesStoredBytes else {
            return .encoded(stored.bytes, warnings: deprecation(call))
        }
        return try respond(Answer(try call.resource.served(stored)), to: call)
    }

    /// POST of a new object.
    ///
    /// - Throws: ``APIFailure``.
    package func create(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        let options = try WriteOptions(call.request, kind: "CreateOptions")
        var decoder = ObjectDecoder(call.resource, fieldValidation: options.fieldValidation)
        let object = try decoder.decode(call.request)
        let outcome = try transaction { tx throws(APIFailure) in try ObjectWriter(call, options).create(object, &tx) }
        return try respond(Answer(outcome.object, status: 201, warnings: decoder.warnings), to: call)
    }

    /// PUT of an object.
    ///
    /// - Throws: ``APIFailure``.
    package func update(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        let options = try WriteOptions(call.request, kind: "UpdateOptions")
        var decoder = ObjectDecoder(call.resource, fieldValidation: options.fieldValidation)
        let object = try decoder.decode(call.request)
        let mayCreate = call.info.subresource.isEmpty && UpdateStrategy.mayCreate(call.resource.definition)
        let outcome = try transaction { tx throws(APIFailure) in
            try ObjectWriter(call, options).update(mayCreate: mayCreate, &tx) { _ throws(APIFailure) in object }
        }
        return try respond(outcome, warnings: decoder.warnings, to: call)
    }

    /// PATCH of an object, server-side apply included.
    ///
    /// - Throws: ``APIFailure``.
    package func patch(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        let patch = try PatchRequest(call.request, call.resource)
        let options = try WriteOptions(call.request, kind: "PatchOptions", isApply: patch.isApply)
        let decoder = ObjectDecoder(call.resource, fieldValidation: options.fieldValidation)
        let writer = ObjectWriter(call, options, isApply: patch.isApply)
        let (outcome, warnings) = try transaction { tx throws(APIFailure) in
            var decoder = decoder
            let mayCreate = patch.isApply && call.info.subresource.isEmpty
            let outcome = try writer.update(mayCreate: mayCreate, &tx) { live throws(APIFailure) in
                try decoder.decode(patched: try patch.applied(to: live, writer, call))
            }
            return (outcome, decoder.warnings)
        }
        return try respond(outcome, warnings: warnings, to: call)
    }

    /// DELETE of one object.
    ///
    /// - Throws: ``APIFailure``.
    package func delete(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        let options = try DeleteOptions(call.request)
        let deletion = Deletion(call.resource, options, now: call.now)
        let outcome = try transaction { tx throws(APIFailure) in try deletion.delete(call.objectName, &tx) }
        switch outcome {
        case .marked(let object):
            return try respond(Answer(object, status: options.refusesOrphans ? 202 : 200), to: call)
        case .removed(let object) where DeletedObjects.areShown(call.resource.storage):
            return try respond(Answer(object), to: call)
        case .removed(let object):
            return .document(DeletedObjects.status(object, call.resource), as: MediaType(format: call.mediaType.format))
        }
    }

    // MARK: answers

    private func respond(
        _ outcome: ObjectWriter.Outcome,
        warnings: [String],
        to call: APICall
    ) throws(APIFailure) -> HTTPServerResponse {
        try respond(Answer(outcome.object, status: outcome.isCreated ? 201 : 200, warnings: warnings), to: call)
    }

    func respond(_ answer: Answer, to call: APICall) throws(APIFailure) -> HTTPServerResponse {
        .document(
            try ObjectRepresentation(call).document(answer.body),
            status: answer.status,
            as: call.mediaType,
            warnings: deprecation(call) + answer.warnings
        )
    }

    private func deprecation(_ call: APICall) -> [String] {
        call.resource.version.deprecationWarning.map { [$0] } ?? []
    }
}

extension PatchRequest {
    /// The object after the patch, not yet decoded.
    fileprivate func applied(
        to live: JSONValue?,
        _ writer: ObjectWriter,
        _ call: APICall
    ) throws(APIFailure) -> JSONValue {
        switch method {
        case .patch(let type, let document):
            guard let live else { throw call.notFound }
            return try PatchDocument.apply(document, type: type, to: live, schema: call.resource.version.schema)
        case .apply(let configuration):
            return try ServerSideApply.apply(
                config: configuration,
                live: live,
                manager: writer.options.manager,
                force: writer.options.isForced,
                in: writer.managedContext
            )
        }
    }
}

/// How answers speak of objects that are gone.
enum DeletedObjects {
    /// The kinds whose deletion is answered with the object.
    private static let shown: Set<ResourceID> = [
        Builtin.pods, Builtin.services, Builtin.serviceAccounts, Builtin.persistentVolumeClaims,
        ResourceID(group: "", plural: "persistentvolumes"), ResourceID(group: "", plural: "resourcequotas"),
        ResourceID(group: "", plural: "podtemplates"),
    ]

    static func areShown(_ resource: ResourceID) -> Bool { shown.contains(resource) }

    /// The `Status` that answers the other deletions.
    static func status(_ object: JSONValue, _ resource: ServedResource) -> JSONValue {
        var details: JSONValue = [
            "name": object["metadata"]?["name"] ?? "", "kind": .string(resource.id.plural), "uid": .string(object.uid),
        ]
        if !resource.id.group.isEmpty { details["group"] = .string(resource.id.group) }
        return [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "details": details,
        ]
    }
}
