package import FoundationEssentials
package import HTTPServer

/// Finds out who sends a request.
package struct Authenticator: Sendable {
    /// The administrator's token; nil when nobody has to bring one.
    package let token: String?
    /// The tokens of ServiceAccounts.
    package let accountTokens: ServiceAccountTokens

    /// Makes an authenticator.
    package init(token: String?, accountTokens: ServiceAccountTokens) {
        self.token = token
        self.accountTokens = accountTokens
    }

    /// The user of the request's credentials, before impersonation.
    ///
    /// - Throws: ``APIFailure`` 401 for credentials that are not known.
    package func user(of request: HTTPServerRequest, now: Date) throws(APIFailure) -> UserInfo {
        let words = (request.header("Authorization") ?? "").split(separator: " ")
        // Nobody looks at other schemes: who brings them is who brings nothing.
        guard words.count >= 2, words[0].lowercased() == "bearer" else {
            return token == nil ? .administrator : .anonymous
        }
        let bearer = String(words[1])
        if let token, Self.isEqual(token, bearer) { return .administrator }
        guard let holder = accountTokens.holder(of: bearer, now: now),
            holder.audiences.contains(ServiceAccountTokens.issuer)
        else { throw .unauthorized }
        return holder.user
    }

    /// Compares in a time that does not tell how much is right.
    private static func isEqual(_ left: String, _ right: String) -> Bool {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        var difference = left.count ^ right.count
        for (index, byte) in right.enumerated() {
            difference |= Int(byte ^ (left.isEmpty ? 0 : left[index % left.count]))
        }
        return difference == 0
    }

    /// The user that the request wants to act as; nil without impersonation.
    ///
    /// - Throws: ``APIFailure`` 500 when groups are named and no user, as the API server answers.
    package static func impersonated(by request: HTTPServerRequest) throws(APIFailure) -> UserInfo? {
        let values = { (name: String) in
            request.headers.filter { $0.name.lowercased() == name }.map(\.value)
        }
        let groups = values("impersonate-group")
        guard let name = values("impersonate-user").first, !name.isEmpty else {
            guard groups.isEmpty, values("impersonate-uid").isEmpty else {
                throw .internalError("requested \(groups) without impersonating a user")
            }
            return nil
        }
        var user = UserInfo(name: name, groups: groups)
        let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if groups.isEmpty, parts.count == 4, parts.prefix(2).elementsEqual(["system", "serviceaccount"]) {
            user = .serviceAccount(namespace: parts[2], name: parts[3])
        } else if name != UserInfo.anonymous.name, !groups.contains(UserInfo.authenticatedGroup) {
            user.groups.append(UserInfo.authenticatedGroup)
        }
        user.uid = values("impersonate-uid").first ?? ""
        for header in request.headers where header.name.lowercased().hasPrefix("impersonate-extra-") {
            user.extra[String(header.name.lowercased().dropFirst("impersonate-extra-".count)), default: []]
                .append(header.value)
        }
        return user
    }
}
