/// As whom a request is to be done, when not as oneself; needs the `impersonate` right.
public struct Impersonation: Sendable, Hashable {
    /// The user's name, such as `system:serviceaccount:ns:name`.
    public var user: String
    /// The user's uid.
    public var uid: String?
    /// The user's groups; none means those that the server adds.
    public var groups: [String]
    /// Further facts, several values each.
    public var extra: [String: [String]]

    /// Makes an identity.
    public init(user: String, uid: String? = nil, groups: [String] = [], extra: [String: [String]] = [:]) {
        self.user = user
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }

    /// Acts as a ServiceAccount; the server adds its groups.
    public static func serviceAccount(namespace: String, name: String) -> Impersonation {
        Impersonation(user: "system:serviceaccount:\(namespace):\(name)")
    }

    /// The request headers, in a fixed order.
    ///
    /// Keys of `extra` are percent-encoded where a header name cannot hold them, as client-go does.
    public var headers: [(String, String)] {
        var headers = [("Impersonate-User", user)]
        if let uid { headers.append(("Impersonate-Uid", uid)) }
        headers += groups.map { ("Impersonate-Group", $0) }
        for (key, values) in extra.sorted(by: { $0.key < $1.key }) {
            headers += values.map { ("Impersonate-Extra-\(Self.escape(key))", $0) }
        }
        return headers
    }

    /// Encodes what is no token character (RFC 9110) and the percent sign itself.
    private static func escape(_ key: String) -> String {
        key.utf8.map { byte in
            let character = Character(Unicode.Scalar(byte))
            let isToken =
                byte < 0x80 && (character.isLetter || character.isNumber || "!#$&'*+-.^_`|~".contains(character))
            return isToken ? String(character) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
