package import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI

/// What became of the renewal of a credential when it was looked at last.
package enum RenewalStanding: Sendable, Hashable {
    /// It is not due, or was done.
    case upToDate
    /// It was due, or can never be, and was not done: a condition's reason, and the words.
    case failed(reason: String, message: String)
}

extension MemberCluster {
    /// The status with the condition `CredentialRenewed`, which only clusters with `credentialRenewal` have.
    ///
    /// - Parameters:
    ///   - status: the status otherwise, conditions included.
    ///   - standing: what was found; nil keeps what was known.
    ///   - now: when.
    /// - Returns: the new status; the receiver does not change.
    package func status(
        _ status: MemberClusterStatus,
        with standing: RenewalStanding?,
        now: Date
    ) -> MemberClusterStatus {
        var new = status
        guard spec.credentialRenewal != nil else {
            new.conditions?.removeAll { $0.type == ConditionType.credentialRenewed }
            return new
        }
        guard let standing else { return status }
        var condition = Condition(type: ConditionType.credentialRenewed, status: .true, reason: "UpToDate")
        if case .failed(let reason, let message) = standing {
            (condition.status, condition.reason) = (.false, reason)
            condition.message = String(message.prefix(1_024))
        }
        condition.observedGeneration = metadata.generation
        var conditions = status.conditions ?? []
        conditions.set(condition, now: now)
        new.conditions = conditions
        return new
    }
}

extension CredentialRenewal {
    /// Which right is missing where, and how to grant it, when a server has refused a step of the renewal.
    ///
    /// - Parameters:
    ///   - error: what the renewal ended with.
    ///   - cluster: the member's name.
    ///   - secret: `namespace/name` of its kubeconfig Secret.
    /// - Returns: nil for every other error.
    func missingRight(_ error: ClientError, cluster: String, secret: String) -> String? {
        guard let refusal = error.apiError, refusal.isForbidden else { return nil }
        guard refusal.resource.hasPrefix(APIResource.serviceAccounts.plural) else {
            return
                "the hub does not permit to patch Secret \(secret): apply the Role tmc-recovery-strategy-cluster-auth of "
                + "manifests/rbac-strategies.yaml"
        }
        let rule = String(decoding: PermissionGrant.tokenRule(serviceAccountRef).serialized(), as: UTF8.self)
        return "\(cluster) does not permit the credential to make tokens of ServiceAccount "
            + "\(serviceAccountRef.namespace)/\(serviceAccountRef.name): grant there, by a Role in namespace "
            + "\(serviceAccountRef.namespace), \(rule)"
    }
}
