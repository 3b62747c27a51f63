public import FoundationEssentials
import JSON
public import KubernetesCore

/// One right, as RBAC names it.
public struct AccessAttributes: Sendable, Hashable {
    /// The verb, such as `get` or `patch`.
    public var verb: String
    /// The API group; empty for core.
    public var group: String
    /// The resource's plural, such as `pods`.
    public var resource: String
    /// The subresource, such as `status`; nil for the object itself.
    public var subresource: String?
    /// The namespace; nil asks about all of them, or about cluster-scoped resources.
    public var namespace: String?
    /// The object; nil asks about all of them.
    public var name: String?

    /// Names a right.
    public init(
        verb: String,
        group: String = "",
        resource: String,
        subresource: String? = nil,
        namespace: String? = nil,
        name: String? = nil
    ) {
        self.verb = verb
        self.group = group
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
    }
}

/// The server's answer to whether the client has a right.
public struct AccessDecision: Sendable, Hashable {
    /// Whether it has.
    public var isAllowed: Bool
    /// Why, or why not; often empty.
    public var reason: String
    /// What went wrong while the server was deciding; empty when nothing did.
    public var evaluationError: String
}

/// A token that was made for a service account.
public struct ServiceAccountToken: Sendable, Hashable {
    /// The token.
    public var token: Sensitive<String>
    /// When it ends; the server may choose another time than was asked for.
    public var expiration: Date
}

extension KubernetesClient {
    /// Asks whether the client itself (or whom it impersonates) has a right.
    public func canI(_ attributes: AccessAttributes) async throws -> AccessDecision {
        var wanted: JSONValue = [
            "verb": .string(attributes.verb), "group": .string(attributes.group),
            "resource": .string(attributes.resource),
        ]
        wanted["subresource"] = attributes.subresource.map(JSONValue.string)
        wanted["namespace"] = attributes.namespace.map(JSONValue.string)
        wanted["name"] = attributes.name.map(JSONValue.string)
        let resource = APIResource.selfSubjectAccessReviews
        let review: JSONValue = [
            "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind),
            "spec": ["resourceAttributes": wanted],
        ]
        let answer = try await send(.create(resource, namespace: nil, body: review)).json()
        return AccessDecision(
            isAllowed: answer.value(at: ["status", "allowed"])?.boolValue ?? false,
            reason: answer.value(at: ["status", "reason"])?.stringValue ?? "",
            evaluationError: answer.value(at: ["status", "evaluationError"])?.stringValue ?? ""
        )
    }

    /// Makes a token for a service account (TokenRequest).
    ///
    /// - Parameters:
    ///   - serviceAccount: its namespace and name.
    ///   - audiences: for whom the token is meant; empty means the API server.
    ///   - expirationSeconds: at least 600.
    /// - Returns: the token, which never appears in descriptions.
    /// - Throws: ``ClientError``.
    public func requestToken(
        for serviceAccount: ObjectKey,
        audiences: [String] = [],
        expirationSeconds: Int64 = 3_600
    ) async throws -> ServiceAccountToken {
        var spec: JSONValue = ["expirationSeconds": .number(JSONNumber(expirationSeconds))]
        if !audiences.isEmpty { spec["audiences"] = .array(audiences.map(JSONValue.string)) }
        let request = APIRequest.createSubresource(
            "token",
            of: .serviceAccounts,
            serviceAccount,
            body: ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec]
        )
        let response = try await send(request)
        let answer = try response.json()
        guard let token = answer.value(at: ["status", "token"])?.stringValue, !token.isEmpty,
            let end = answer.value(at: ["status", "expirationTimestamp"])?.stringValue,
            let expiration = RFC3339.date(from: end)
        else {
            throw ClientError.decoding(
                ObjectFormatError("no token or no expiration in the answer"),
                request: response.request
            )
        }
        return ServiceAccountToken(token: Sensitive(token), expiration: expiration)
    }
}
