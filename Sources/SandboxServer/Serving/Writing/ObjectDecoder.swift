internal import FoundationEssentials
package import HTTPServer
package import JSON

/// Makes an object of the resource's kind out of what a client sent: checks its type and drops what the schema does
/// not know, as Go's decoders do.
package struct ObjectDecoder: Sendable {
    private let resource: ServedResource
    private let fieldValidation: WriteOptions.FieldValidation
    /// What was dropped, for `Warning` headers.
    package private(set) var warnings: [String] = []

    /// Makes a decoder for one request.
    package init(_ resource: ServedResource, fieldValidation: WriteOptions.FieldValidation) {
        self.resource = resource
        self.fieldValidation = fieldValidation
    }

    private var kind: String { resource.definition.kind }

    /// The object in the body of a create or update.
    ///
    /// - Throws: ``APIFailure`` 400, 413 or 415 with the words of the API server.
    package mutating func decode(_ request: HTTPServerRequest) throws(APIFailure) -> JSONValue {
        let body = try RequestBody.parse(request, kind: kind)
        var strict: [String] = []
        if fieldValidation != .ignore, try MediaType.ofBody(contentType: request.header("Content-Type")) == .json {
            strict = StrictDecoding.duplicateFields(in: request.body)
        }
        let object = try typed(body, bytes: request.body)
        return try accept(object, strict: strict, failure: undecodable)
    }

    /// The object that a patch made.
    ///
    /// - Throws: ``APIFailure`` 422 for unknown fields when they are not allowed, 400 for values of wrong types.
    package mutating func decode(patched: JSONValue) throws(APIFailure) -> JSONValue {
        let object = try typed(patched, bytes: [])
        return try accept(object, strict: []) { text in
            .invalid(group: "", kind: "", name: "", [.invalid("patch", .string(patched.text), text)])
        }
    }

    // MARK: type

    /// Fills in and checks `apiVersion` and `kind`.
    private func typed(_ body: JSONValue, bytes: [UInt8]) throws(APIFailure) -> JSONValue {
        guard case .object = body else {
            throw unrecognized(
                "couldn't get version/kind; json parse error: json: cannot unmarshal \(body.goKind) into Go value of "
                    + "type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string "
                    + "\"json:\\\"kind,omitempty\\\"\" }",
                bytes
            )
        }
        var object = body
        let sentKind = object["kind"]?.stringValue ?? ""
        let sentVersion = object["apiVersion"]?.stringValue ?? ""
        if resource.definition.isCustom {
            if sentKind.isEmpty {
                throw unrecognized("Object 'Kind' is missing in '\(String(decoding: bytes, as: UTF8.self))'", bytes)
            }
            if sentVersion != resource.apiVersion { throw versionMismatch(sentVersion) }
            if sentKind != kind {
                let cause = APIFailure.Cause.invalid("kind", .string(sentKind), "must be \(kind)")
                throw resource.invalid(name: object["metadata"]?["name"]?.stringValue ?? "", [cause])
            }
        } else {
            try checkBuiltin(kind: sentKind, apiVersion: sentVersion)
        }
        object["kind"] = .string(kind)
        object["apiVersion"] = .string(resource.apiVersion)
        return object
    }

    private func checkBuiltin(kind sentKind: String, apiVersion sentVersion: String) throws(APIFailure) {
        let sent = sentVersion.isEmpty ? resource.apiVersion : sentVersion
        guard !sentKind.isEmpty, sentKind != kind || sent != resource.apiVersion else { return }
        let version = sent.split(separator: "/").last.map(String.init) ?? sent
        let prefix = "\(sentKind) in version \"\(version)\" cannot be handled as a \(kind): "
        let isKnown = BuiltinCatalogue.definitions.contains { definition in
            definition.kind == sentKind && definition.versions.contains { definition.apiVersion($0.name) == sent }
        }
        guard isKnown else {
            throw .badRequest(
                prefix + "no kind \"\(sentKind)\" is registered for version \"\(sent)\" in scheme "
                    + "\"pkg/api/legacyscheme/scheme.go:30\""
            )
        }
        if sentKind == kind { throw versionMismatch(sent) }
        throw .badRequest(
            prefix + "converting (\(version).\(sentKind)) to (\(resource.goPackage).\(kind)): unknown conversion"
        )
    }

    private func versionMismatch(_ sent: String) -> APIFailure {
        .badRequest(
            "the API version in the data (\(sent)) does not match the expected API version (\(resource.apiVersion))"
        )
    }

    private func unrecognized(_ what: String, _ bytes: [UInt8]) -> APIFailure {
        .badRequest(
            "the object provided is unrecognized (must be of type \(kind)): \(what) (\(RequestBody.summary(bytes)))"
        )
    }

    // MARK: fields

    private var undecodable: (String) -> APIFailure {
        let prefix = "\(kind) in version \"\(resource.version.name)\" cannot be handled as a \(kind): "
        return { .badRequest(prefix + $0) }
    }

    /// How Go decodes the kind; custom resources are decoded as they are, but for their metadata.
    private var decoding: TypedDecoding? {
        let definition = resource.definition
        guard !definition.isCustom else { return nil }
        return TypedDecoding(group: definition.id.group, version: resource.version.name, kind: kind)
    }

    private func mismatch(_ object: JSONValue) -> String? {
        if let decoding { return decoding.mismatch(object) }
        return TypedDecoding.metadata.mismatch(object["metadata"] ?? .null, path: "metadata")
    }

    private mutating func accept(
        _ object: JSONValue,
        strict duplicates: [String],
        failure: (String) -> APIFailure
    ) throws(APIFailure) -> JSONValue {
        var object = object
        if let mismatch = mismatch(object) { throw undecodable(mismatch) }
        if let decoding { object = decoding.normalized(object) }
        object["metadata"] = TypedDecoding.metadata.normalized(object["metadata"] ?? [:])
        let unknown = StrictDecoding.unknownFields(resource.version.schema.prune(&object))
        if resource.storage == CustomResources.id { warnings += CustomResources.warnings(for: object) }
        let strict = duplicates + unknown
        switch fieldValidation {
        case .ignore: break
        case .warn: warnings += strict
        case .strict where !strict.isEmpty:
            throw failure("strict decoding error: \(strict.joined(separator: ", "))")
        case .strict: break
        }
        return object
    }
}
