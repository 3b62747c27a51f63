internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import Timekeeping

/// One attempt to be accepted by a member cluster again: read anew, test, renew, prove.
struct ClusterAuthRun {
    let attempt: Attempt
    let members: MemberClients
    let endpoint: MemberEndpoint

    /// How long a call may take.
    private static let timeout = Duration.seconds(10)
    private static let renewal = "RenewCredential"

    func recover() async throws -> StrategyResult {
        try await attempt.read("RereadCredential") { try await endpoint.refresh() }
        var finding = try await look("TestCredential")
        let cluster = try await members.cluster(endpoint.cluster, fence: attempt.fence)
        if finding.verdict == .usable, let renewal = renewal(of: cluster) {
            try await renew(renewal, cluster)
            finding = try await look("ProveAccess")
        }
        try await endpoint.record(finding)
        switch finding.verdict {
        case .usable:
            return StrategyResult(
                message: "\(endpoint.description) accepts the credential: \(finding.message)",
                metrics: metrics()
            )
        case .unreachable: throw try await handover(finding)
        case .unconfigured:
            throw StrategyFailure.transient(finding.description, nextSteps: try await endpoint.nextSteps(finding))
        case .unasked: throw unavailable(finding, cluster)
        case .unauthenticated: throw refused(finding, cluster)
        case .unauthorized:
            throw StrategyFailure.permanent(
                "\(endpoint.description) knows the credential and refuses what is required: \(finding.message)",
                nextSteps: grants(cluster),
                metrics: metrics()
            )
        }
    }

    /// Real calls with the credential, noted as an action.
    private func look(_ action: String) async throws -> ClusterFinding {
        try attempt.journal.checkStop()
        let finding = try await endpoint.probe(Self.timeout, exercising: true)
        attempt.note(action, finding.verdict == .usable ? .succeeded : .failed, "\(finding)")
        return finding
    }

    /// How the credential is to be renewed: when that is due, and when this attempt has begun it before an interruption.
    private func renewal(of cluster: MemberCluster) -> CredentialRenewal? {
        if attempt.journal.recorded(Self.renewal) != nil { return cluster.spec.credentialRenewal }
        return members.renewalDue(of: cluster, at: attempt.timeSource.wallTime())
    }

    private func renew(_ renewal: CredentialRenewal, _ cluster: MemberCluster) async throws {
        // Written already when the one in the Secret is not near its end any more.
        let isRenewed = {
            _ = try await members.client(for: endpoint.cluster)
            return members.renewalDue(of: cluster, at: attempt.timeSource.wallTime()) == nil
        }
        try await attempt.mutate(Self.renewal, alreadyDone: isRenewed) {
            do {
                let end = try await members.renew(renewal, of: cluster, fence: attempt.fence)
                let account = renewal.serviceAccountRef
                return "token of ServiceAccount \(account.namespace)/\(account.name), valid until "
                    + (end.flatMap { RFC3339.string(from: $0) } ?? "an unknown time")
            } catch let error as ClientError where error.apiError?.isConflict == true {
                // The controller renews by itself too, and a proxy may have sent the write twice.
                guard try await isRenewed() else { throw error }
                return "renewed by another write meanwhile"
            } catch let error as ClientError {
                let secret = members.secretName(of: cluster)
                guard let missing = renewal.missingRight(error, cluster: endpoint.cluster, secret: secret) else {
                    throw error
                }
                throw StrategyFailure.permanent("the credential cannot be renewed: \(error)", nextSteps: [missing])
            }
        }
    }

    private func metrics() -> [String: String] {
        guard let end = members.claims(endpoint.cluster)?.end else { return [:] }
        return ["credentialExpiration": RFC3339.string(from: end) ?? ""]
    }

    /// The plug-in prints no credential, so nobody was asked: it may work the next time, and else is a person's matter.
    private func unavailable(_ finding: ClusterFinding, _ cluster: MemberCluster) -> StrategyFailure {
        let secret = members.secretName(of: cluster)
        return .transient(
            "\(endpoint.description) was not asked: the exec plug-in gives no credential (\(finding.message))",
            nextSteps: [
                "Run the plug-in named in Secret \(secret) as the controller does, and correct what it complains about",
                "Or put a kubeconfig with a token or a client certificate into Secret \(secret)",
            ]
        )
    }

    /// The server does not know who asks: says what is wrong with the credential, as far as that can be seen.
    private func refused(_ finding: ClusterFinding, _ cluster: MemberCluster) -> StrategyFailure {
        let secret = members.secretName(of: cluster)
        let now = attempt.timeSource.wallTime()
        let diagnosis: String
        if let end = members.claims(endpoint.cluster)?.end, end <= now {
            diagnosis = "the credential expired at \(RFC3339.string(from: end) ?? "an unknown time")"
        } else {
            diagnosis = "the credential was revoked, or is of another cluster"
        }
        var steps = [
            "Put a kubeconfig with a valid credential into Secret \(secret): it is used as soon as it is there"
        ]
        if cluster.spec.credentialRenewal == nil {
            steps.append(
                "To have it renewed before it ends: set spec.credentialRenewal.serviceAccountRef of MemberCluster "
                    + endpoint.cluster
            )
        }
        return .permanent(
            "\(endpoint.description) refuses the credential in Secret \(secret): \(diagnosis) (\(finding.message))",
            nextSteps: steps,
            metrics: metrics()
        )
    }

    /// No matter of credentials: the cluster does not answer.
    private func handover(_ finding: ClusterFinding) async throws -> StrategyFailure {
        let found = "\(endpoint.description) does not answer: \(finding)"
        var error = attempt.successorError(.clusterUnreachable, found)
        error.context = ["reason": finding.reason]
        let subject = try await endpoint.successorSubject(for: .clusterUnreachable)
        return .superseded(SuccessorRequest(error: error, subject: subject), found)
    }

    /// The manifest that grants what is missing with all else that is needed.
    private func grants(_ cluster: MemberCluster) -> [String] {
        let user = members.claims(endpoint.cluster)?.user
        let grant =
            "On \(endpoint.cluster), grant what is needed: kubectl apply this\n"
            + PermissionGrant.manifest(for: cluster, user: user)
        guard cluster.spec.requiredPermissions?.isEmpty != false else { return [grant] }
        return [
            grant,
            "Or list what the credential has to be permitted in spec.requiredPermissions of MemberCluster "
                + "\(endpoint.cluster): then it need not list namespaces",
        ]
    }
}
