internal import FoundationEssentials
internal import HTTPServer
internal import JSON

extension SandboxServer {
    private static let shortestToken: Int64 = 600
    private static let longestToken: Int64 = 1 << 32

    /// `serviceaccounts/NAME/token`: a new token for the account.
    func issueToken(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        var request = try RequestBody.parse(call.request, kind: "TokenRequest")
        guard request.objectValue != nil else { throw .badRequest("the body has to be a TokenRequest") }
        guard let account = store.get(Builtin.serviceAccounts, call.objectName) else { throw call.notFound }
        let seconds = request["spec"]?["expirationSeconds"]?.intValue ?? 3600
        if let why = Self.violation(ofLifetime: seconds) {
            throw .invalid(
                group: "authentication.k8s.io",
                kind: "TokenRequest",
                name: "",
                [.invalid("spec.expirationSeconds", .number(seconds), why)]
            )
        }
        var audiences = (request["spec"]?["audiences"]?.arrayValue ?? []).compactMap(\.stringValue)
        if audiences.isEmpty { audiences = [ServiceAccountTokens.issuer] }
        let expires = call.now.addingTimeInterval(Double(seconds))
        var metadata = request["metadata"]?.objectValue ?? [:]
        metadata["name"] = .string(call.info.name)
        metadata["namespace"] = .string(call.info.namespace)
        metadata["creationTimestamp"] = RFC3339.string(from: call.now).map { .string($0) }
        request["metadata"] = .object(metadata)
        request["kind"] = "TokenRequest"
        request["apiVersion"] = "authentication.k8s.io/v1"
        request.set(.array(audiences.map { .string($0) }), at: ["spec", "audiences"])
        request.set(.number(seconds), at: ["spec", "expirationSeconds"])
        request.set(request["spec"]?["boundObjectRef"] ?? .null, at: ["spec", "boundObjectRef"])
        let token = authenticator.accountTokens.issue(
            for: account,
            audiences: audiences,
            now: call.now,
            expires: expires
        )
        request["status"] = ["token": .string(token)]
        request.set(RFC3339.string(from: expires).map { .string($0) }, at: ["status", "expirationTimestamp"])
        return .document(request, status: 201, as: MediaType(format: call.mediaType.format))
    }

    private static func violation(ofLifetime seconds: Int64) -> String? {
        if seconds < shortestToken { return "may not specify a duration less than 10 minutes" }
        return seconds > longestToken ? "may not specify a duration larger than 2^32 seconds" : nil
    }
}
