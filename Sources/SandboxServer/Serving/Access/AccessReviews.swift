package import FoundationEssentials
package import JSON

/// The reviews: resources that are answered and not stored.
package struct AccessReviews: Sendable {
    private let authorizer: Authorizer
    private let authenticator: Authenticator

    /// Makes the reviews over those who decide.
    package init(authorizer: Authorizer, authenticator: Authenticator) {
        self.authorizer = authorizer
        self.authenticator = authenticator
    }

    /// Answers a review.
    ///
    /// - Throws: ``APIFailure`` 422 when the review does not say what it asks about.
    package func answer(
        _ kind: String,
        _ review: JSONValue,
        user: UserInfo,
        now: Date
    ) throws(APIFailure) -> JSONValue {
        var answer = review
        switch kind {
        case "SelfSubjectReview":
            if let time = RFC3339.string(from: now) {
                answer.set(.string(time), at: ["metadata", "creationTimestamp"])
            }
            answer["status"] = ["userInfo": user.value]
        case "SelfSubjectAccessReview":
            answer["status"] = try access(review, kind, by: user)
        case "SubjectAccessReview", "LocalSubjectAccessReview":
            answer["status"] = try access(review, kind, by: try subject(review, kind))
        case "SelfSubjectRulesReview":
            answer["status"] = try rules(review, of: user)
        default:
            answer["status"] = token(review, now: now)
        }
        return answer
    }

    private func subject(_ review: JSONValue, _ kind: String) throws(APIFailure) -> UserInfo {
        let spec = review["spec"] ?? [:]
        let name = spec["user"]?.stringValue ?? ""
        let groups = (spec["groups"]?.arrayValue ?? []).compactMap(\.stringValue)
        guard !name.isEmpty || !groups.isEmpty else {
            throw .invalid(
                group: "authorization.k8s.io",
                kind: kind,
                name: "",
                [.invalid("spec.user", "", "at least one of user or group must be specified")]
            )
        }
        return UserInfo(name: name, groups: groups)
    }

    private func access(
        _ review: JSONValue,
        _ kind: String,
        by user: UserInfo
    ) throws(APIFailure) -> JSONValue {
        let resource = review["spec"]?["resourceAttributes"].flatMap { $0.isNull ? nil : $0 }
        let path = review["spec"]?["nonResourceAttributes"].flatMap { $0.isNull ? nil : $0 }
        guard (resource == nil) != (path == nil) else {
            let why =
                resource == nil
                ? "exactly one of nonResourceAttributes or resourceAttributes must be specified"
                : "cannot be specified in combination with resourceAttributes"
            throw .invalid(
                group: "authorization.k8s.io",
                kind: kind,
                name: "",
                [
                    .invalid(
                        resource == nil ? "spec.resourceAttributes" : "spec.nonResourceAttributes",
                        path ?? .null,
                        why
                    )
                ]
            )
        }
        let text = { (value: JSONValue?, key: String) in value?[key]?.stringValue ?? "" }
        var attributes = AccessAttributes(verb: text(resource ?? path, "verb"))
        attributes.group = text(resource, "group")
        attributes.plural = text(resource, "resource")
        attributes.subresource = text(resource, "subresource")
        attributes.namespace = text(resource, "namespace")
        attributes.name = text(resource, "name")
        attributes.path = text(path, "path")
        return ["allowed": .bool(try authorizer.allows(attributes, to: user))]
    }

    private func rules(_ review: JSONValue, of user: UserInfo) throws(APIFailure) -> JSONValue {
        let namespace = review["spec"]?["namespace"]?.stringValue ?? ""
        guard !namespace.isEmpty else { throw .badRequest("no namespace on request") }
        var rules: [PolicyRule] = []
        if user.isAdministrator {
            rules.append(PolicyRule(["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]]))
            rules.append(PolicyRule(["verbs": ["*"], "nonResourceURLs": ["*"]]))
        }
        rules += try authorizer.rules(for: user, namespace: namespace)
        return [
            "incomplete": false,
            "resourceRules": .array(rules.filter { $0.paths.isEmpty }.map(\.value)),
            "nonResourceRules": .array(rules.filter { !$0.paths.isEmpty }.map(\.value)),
        ]
    }

    private func token(_ review: JSONValue, now: Date) -> JSONValue {
        let token = review["spec"]?["token"]?.stringValue ?? ""
        let audiences = (review["spec"]?["audiences"]?.arrayValue ?? []).compactMap(\.stringValue)
        if let administrator = authenticator.token, administrator == token {
            return ["authenticated": true, "user": UserInfo.administrator.value]
        }
        let wanted = audiences.isEmpty ? [ServiceAccountTokens.issuer] : audiences
        guard let holder = authenticator.accountTokens.holder(of: token, now: now) else {
            return ["user": [:], "error": "invalid bearer token"]
        }
        let common = wanted.filter { holder.audiences.contains($0) }
        guard !common.isEmpty else {
            return ["user": [:], "error": "token audiences are invalid for the target audiences"]
        }
        return [
            "authenticated": true, "user": holder.user.value,
            "audiences": .array(common.map { .string($0) }),
        ]
    }
}
