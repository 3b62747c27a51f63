import HTTPTransport
import JSON
import KubernetesCore

/// What happens when the same request reaches the server twice.
///
/// This is the one place that decides it. libcurl sends a request again by itself when a kept connection turns out to
/// be dead before the first byte of the answer, and a server may ask for another try after it has done the work. Both
/// are allowed only where a second arrival does no harm.
enum ResendSafety: Sendable, Hashable {
    /// Twice is as good as once.
    case harmless
    /// The second arrival is refused (409 or 404), so the answer to a write may be a question: did it work already?
    case question
    /// The second arrival would act again: another generated name, another token, a successor deleted.
    case unsafe

    /// Judges a request by its verb and by the parts of its body that make it conditional.
    init(_ request: APIRequest) {
        switch request.verb {
        case .get, .list, .watch: self = .harmless
        case .create: self = Self.create(request)
        case .update: self = Self.isVersioned(request) ? .question : .harmless
        case .patch: self = Self.patch(request)
        case .delete: self = Self.hasPreconditions(request) ? .question : .unsafe
        case .deleteCollection: self = .unsafe
        case .raw: self = request.isIdempotent ? .harmless : .unsafe
        }
        if request.query.contains(where: { $0.0 == "dryRun" }) { self = .harmless }
    }

    /// Which connection may carry the request: watches hold theirs for minutes, unsafe ones need one that is alive.
    func reuse(for verb: APIVerb) -> ConnectionReuse {
        if verb == .watch { return .dedicated }
        return self == .unsafe ? .fresh : .pooled
    }

    private static func create(_ request: APIRequest) -> ResendSafety {
        if request.subresource != nil { return .unsafe }
        // Reviews store nothing.
        if request.resource?.plural.hasSuffix("reviews") == true { return .harmless }
        let name = part(of: request, ["metadata", "name"])?.stringValue ?? ""
        return name.isEmpty ? .unsafe : .question
    }

    private static func patch(_ request: APIRequest) -> ResendSafety {
        guard request.contentType == PatchType.json.contentType else {
            // Apply and merge patches say how it shall be, not what to do.
            return isVersioned(request) ? .question : .harmless
        }
        let operations = body(of: request)?.arrayValue ?? []
        let testsVersion = operations.contains {
            $0["op"]?.stringValue == "test" && $0["path"]?.stringValue == "/metadata/resourceVersion"
        }
        return testsVersion ? .question : .unsafe
    }

    private static func isVersioned(_ request: APIRequest) -> Bool {
        part(of: request, ["metadata", "resourceVersion"])?.stringValue?.isEmpty == false
    }

    private static func hasPreconditions(_ request: APIRequest) -> Bool {
        part(of: request, ["preconditions"])?.objectValue?.isEmpty == false
    }

    private static func part(of request: APIRequest, _ path: [String]) -> JSONValue? {
        body(of: request, projection: .all.keeping(path))?.value(at: path)
    }

    /// The body, or nil when there is none or it is not JSON, which the server will refuse anyway.
    private static func body(of request: APIRequest, projection: JSONProjection = .all) -> JSONValue? {
        guard let bytes = request.body,
            case .success(let value) = Result(catching: { try JSONValue(parsing: bytes, projection: projection) })
        else { return nil }
        return value
    }
}
