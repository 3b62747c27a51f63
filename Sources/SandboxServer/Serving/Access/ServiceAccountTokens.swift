package import FoundationEssentials
internal import JSON
internal import Synchronization

/// The tokens that were issued for ServiceAccounts.
///
/// They look like the JSON web tokens of a real server, so that clients can read them. What counts is whether this
/// server remembers them: nothing is signed.
package final class ServiceAccountTokens: Sendable {
    private struct Issued {
        var user: UserInfo
        var audiences: [String]
        var expires: Date
    }

    /// How a token was found.
    package struct Holder: Sendable {
        /// The ServiceAccount.
        package let user: UserInfo
        /// For whom the token is.
        package let audiences: [String]
    }

    private let issued = Mutex<[String: Issued]>([:])
    /// What the tokens say of their issuer, and whom they are for when nobody says otherwise.
    package static let issuer = "https://kubernetes.default.svc.cluster.local"

    /// Begins without tokens.
    package init() {}

    /// Makes a token that holds until `expires`.
    package func issue(
        for account: StoredObject,
        audiences: [String],
        now: Date,
        expires: Date
    ) -> String {
        let namespace = account.name.namespace
        let user = UserInfo.serviceAccount(namespace: namespace, name: account.name.name, uid: account.uid)
        let claims: JSONValue = [
            "aud": .array(audiences.map { .string($0) }), "iss": .string(Self.issuer),
            "iat": .number(Int64(now.timeIntervalSince1970)), "nbf": .number(Int64(now.timeIntervalSince1970)),
            "exp": .number(Int64(expires.timeIntervalSince1970)), "jti": .string(UUID().uuidString.lowercased()),
            "kubernetes.io": [
                "namespace": .string(namespace),
                "serviceaccount": ["name": .string(account.name.name), "uid": .string(account.uid)],
            ],
            "sub": .string(user.name),
        ]
        let header: JSONValue = ["alg": "none", "typ": "JWT"]
        let secret = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        let token = [header.serialized(), claims.serialized(), secret].map(Self.base64URL).joined(separator: ".")
        issued.withLock { issued in
            if issued.count > 1000 { issued = issued.filter { $0.value.expires > now } }
            issued[token] = Issued(user: user, audiences: audiences, expires: expires)
        }
        return token
    }

    /// Whose token it is; nil when it is unknown or has expired.
    package func holder(of token: String, now: Date) -> Holder? {
        issued.withLock { issued in
            guard let entry = issued[token] else { return nil }
            guard entry.expires > now else {
                issued[token] = nil
                return nil
            }
            return Holder(user: entry.user, audiences: entry.audiences)
        }
    }

    private static func base64URL(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
