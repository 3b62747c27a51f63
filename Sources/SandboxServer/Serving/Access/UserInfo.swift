package import JSON

/// Who sends a request.
package struct UserInfo: Sendable, Hashable {
    /// As `system:serviceaccount:default:builder`.
    package var name: String
    /// As `system:authenticated`.
    package var groups: [String]
    /// The uid; empty when it is not known.
    package var uid = ""
    /// More facts, as the node that a token is bound to.
    package var extra: [String: [String]] = [:]

    /// Names a user.
    package init(name: String, groups: [String]) {
        self.name = name
        self.groups = groups
    }

    /// The administrator, who may do everything.
    package static let administrator = UserInfo(name: "admin", groups: [mastersGroup, authenticatedGroup])
    /// Whoever brings no credentials where they are demanded.
    package static let anonymous = UserInfo(name: "system:anonymous", groups: ["system:unauthenticated"])

    /// Members may do everything.
    static let mastersGroup = "system:masters"
    /// Everybody with credentials.
    static let authenticatedGroup = "system:authenticated"

    /// A ServiceAccount.
    package static func serviceAccount(namespace: String, name: String, uid: String = "") -> UserInfo {
        var user = UserInfo(
            name: "system:serviceaccount:\(namespace):\(name)",
            groups: ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", authenticatedGroup]
        )
        user.uid = uid
        return user
    }

    /// Whether nothing is forbidden.
    package var isAdministrator: Bool { groups.contains(Self.mastersGroup) }

    /// As reviews show it.
    package var value: JSONValue {
        var value: JSONValue = [
            "username": .string(name), "groups": .array(groups.map { .string($0) }),
        ]
        if !uid.isEmpty { value["uid"] = .string(uid) }
        if !extra.isEmpty { value["extra"] = .object(extra.mapValues { .array($0.map { .string($0) }) }) }
        return value
    }
}
