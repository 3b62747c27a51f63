package import FoundationEssentials
internal import JSON
package import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
internal import Timekeeping
internal import YAML

extension MemberClients {
    /// How the credential of a member is to be renewed, when that is due now.
    package func renewalDue(of cluster: MemberCluster, at now: Date) -> CredentialRenewal? {
        guard let renewal = cluster.spec.credentialRenewal,
            renewal.isDue(claims(cluster.metadata.name ?? ""), at: now)
        else { return nil }
        return renewal
    }

    /// Renews a credential within an attempt: as the controller, whose Secret it is, but behind the attempt's fence.
    package func renew(
        _ renewal: CredentialRenewal,
        of cluster: MemberCluster,
        fence: AttemptFence
    ) async throws -> Date? {
        try await renew(renewal, of: cluster, through: hub.guarded { _ in try fence.checkOpen() })
    }

    /// Has the member make a token for its ServiceAccount, and puts it into the kubeconfig Secret.
    ///
    /// The user of the current context then has the token and nothing else. Nothing is done where the Secret has a new
    /// credential already. Of two writers at the same time the later one fails, and its token is never used.
    ///
    /// - Parameters:
    ///   - renewal: whose token, and for how long.
    ///   - cluster: the MemberCluster; its present credential has to be accepted still.
    ///   - hub: writes the Secret.
    /// - Returns: when the credential in the Secret ends now; nil when it does not say.
    /// - Throws: `ClientError`; `MemberClientError` when the kubeconfig cannot be changed.
    package func renew(
        _ renewal: CredentialRenewal,
        of cluster: MemberCluster,
        through hub: KubernetesClient
    ) async throws -> Date? {
        let account = renewal.serviceAccountRef
        let secretName = cluster.spec.kubeconfigSecretRef.name
        let key = ObjectKey(namespace: namespace, name: secretName)
        let secret = try await hub.get(.secrets, key)
        let member = try client(for: cluster, secret: secret)
        let claims = CredentialClaims.of(member.configuration)
        guard renewal.isDue(claims, at: timeSource.wallTime()) else { return claims?.end }
        let token = try await member.requestToken(
            for: ObjectKey(namespace: account.namespace, name: account.name),
            expirationSeconds: Int64(renewal.effectiveExpirationSeconds)
        )
        let (entry, bytes) = try Self.kubeconfig(of: cluster, in: secret)
        let changed: [UInt8]
        do {
            changed = try KubeconfigDocument.replacing(token: token.token, in: bytes)
        } catch {
            throw MemberClientError.invalidKubeconfig(
                cluster: cluster.metadata.name ?? "",
                secret: secretName,
                problem: "\(error)"
            )
        }
        _ = try await hub.patch(
            .secrets,
            key,
            [
                "metadata": ["resourceVersion": .string(secret.resourceVersion)],
                "data": .object([entry: .string(Data(changed).base64EncodedString())]),
            ],
            type: .merge,
            options: WriteOptions(fieldManager: MetadataName.fieldManager)
        )
        return token.expiration
    }
}

extension CredentialRenewal {
    /// Whether a credential that says this of itself is to be renewed now.
    func isDue(_ claims: CredentialClaims?, at now: Date) -> Bool {
        claims?.isDue(at: now, before: Double(effectiveRenewBeforeSeconds)) ?? false
    }
}

/// A kubeconfig as a document that can be changed; everything that is not changed is kept.
enum KubeconfigDocument {
    /// Gives the user of the current context a token in place of what it had.
    ///
    /// - Throws: `YAMLError`; ``Problem`` when the current context leads to no user.
    static func replacing(token: Sensitive<String>, in bytes: [UInt8]) throws -> [UInt8] {
        var document = try YAMLDocument.parse(bytes, source: "kubeconfig")
        let context = document["current-context"]?.stringValue
        let contexts = document["contexts"]?.arrayValue ?? []
        let user = contexts.first { $0["name"]?.stringValue == context }?["context"]?["user"]?.stringValue
        var users = document["users"]?.arrayValue ?? []
        guard let user, let index = users.firstIndex(where: { $0["name"]?.stringValue == user }) else {
            throw Problem(description: "current-context \(context ?? "") leads to no entry of users")
        }
        var content = users[index]["user"] ?? [:]
        for field in replaced { content[field] = nil }
        content["token"] = .string(token.value)
        users[index]["user"] = content
        document["users"] = .array(users)
        return Array(YAMLDocument.emit(document).utf8)
    }

    /// Why a kubeconfig cannot be changed.
    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    /// Other ways to say who the client is; a server that does not accept one of them refuses the whole request.
    private static let replaced = [
        "client-certificate-data", "client-key-data", "client-certificate", "client-key", "tokenFile", "username",
        "password", "exec", "auth-provider",
    ]
}
