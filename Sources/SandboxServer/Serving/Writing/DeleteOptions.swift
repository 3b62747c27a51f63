package import HTTPServer
internal import JSON

/// What a DELETE asks for, in its body or in its query.
package struct DeleteOptions: Sendable, Hashable {
    /// What becomes of the objects that it owns.
    package enum Propagation: String, Sendable, Hashable, CaseIterable {
        case foreground = "Foreground"
        case background = "Background"
        case orphan = "Orphan"
    }

    /// Whether nothing is to be deleted.
    package var isDryRun = false
    /// How long a pod may take; nil for the object's own time.
    package var gracePeriodSeconds: Int64?
    /// What becomes of owned objects; nil for what the kind does.
    package var propagation: Propagation?
    /// The object has to have this uid.
    package var uid: String?
    /// The object has to have this version.
    package var resourceVersion: String?
    /// Whether the client said `orphanDependents: false`, which changes the status of the answer.
    package var refusesOrphans = false

    /// Deletes as the kind does.
    package init() {}

    /// Reads body and query; what the body says counts more.
    ///
    /// - Throws: ``APIFailure`` 400, 413, 415 and 422 for what cannot be read or is not known.
    package init(_ request: HTTPServerRequest) throws(APIFailure) {
        var body: JSONValue = [:]
        if !request.body.isEmpty { body = try Self.body(request) }
        var causes: [APIFailure.Cause] = []
        var dryRun = (body["dryRun"]?.arrayValue ?? []).compactMap(\.stringValue)
        if request.body.isEmpty { dryRun += request.query.filter { $0.name == "dryRun" }.map(\.value) }
        isDryRun = WriteOptions.dryRun(dryRun, &causes)
        let query = { (name: String) in request.body.isEmpty ? request.queryValue(name) : nil }
        gracePeriodSeconds = try Self.grace(body["gracePeriodSeconds"], query("gracePeriodSeconds"))
        uid = body["preconditions"]?["uid"]?.stringValue
        resourceVersion = body["preconditions"]?["resourceVersion"]?.stringValue
        let policy = body["propagationPolicy"]?.stringValue ?? query("propagationPolicy")
        let orphans =
            body["orphanDependents"]?.boolValue ?? query("orphanDependents").map { $0 != "false" && $0 != "0" }
        propagation = Self.propagation(policy, orphans, &causes)
        refusesOrphans = orphans == false
        guard causes.isEmpty else {
            throw .invalid(group: "meta.k8s.io", kind: "DeleteOptions", name: "", causes)
        }
    }

    private static func body(_ request: HTTPServerRequest) throws(APIFailure) -> JSONValue {
        let format = try MediaType.ofBody(contentType: request.header("Content-Type"))
        let value = try RequestBody.parse(request.body, format: format) { text in
            .badRequest("couldn't get version/kind; \(text)")
        }
        let kind = value["kind"]?.stringValue ?? "DeleteOptions"
        guard value.objectValue != nil, kind == "DeleteOptions" else {
            let version = value["apiVersion"]?.stringValue ?? ""
            throw .badRequest(
                "no kind \(kind.goQuoted) is registered for version \(version.goQuoted) in scheme "
                    + "\"k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27\""
            )
        }
        return value
    }

    /// A negative time is the shortest one.
    private static func grace(_ body: JSONValue?, _ query: String?) throws(APIFailure) -> Int64? {
        if let body, !body.isNull {
            guard let seconds = body.intValue else {
                throw .badRequest(
                    "json: cannot unmarshal \(body.goKind) into Go struct field DeleteOptions.gracePeriodSeconds of "
                        + "type int64"
                )
            }
            return seconds < 0 ? 1 : seconds
        }
        return try ListOptions.integer(query).map { $0 < 0 ? 1 : $0 }
    }

    private static func propagation(
        _ policy: String?,
        _ orphans: Bool?,
        _ causes: inout [APIFailure.Cause]
    ) -> Propagation? {
        guard let policy, !policy.isEmpty else {
            return orphans.map { $0 ? .orphan : .background }
        }
        if orphans != nil {
            causes.append(
                .invalid(
                    "propagationPolicy",
                    .string(policy),
                    "orphanDependents and deletionPropagation cannot be both set"
                )
            )
        }
        guard let chosen = Propagation(rawValue: policy) else {
            causes.append(
                .notSupported("propagationPolicy", .string(policy), ["Background", "Foreground", "Orphan"])
            )
            return nil
        }
        return chosen
    }
}
