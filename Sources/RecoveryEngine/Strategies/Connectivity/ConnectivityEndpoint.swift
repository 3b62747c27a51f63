internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import Telemetry

/// An API server whose reachability is to be restored.
protocol ConnectivityEndpoint: Sendable {
    /// `member cluster edge-1`, for messages.
    var description: String { get }

    /// One look with a timeout: of the endpoint alone, or with real calls.
    ///
    /// - Throws: what says nothing about the server: a refused call, an unreachable hub, cancellation.
    func probe(_ timeout: Duration, exercising: Bool) async throws -> ClusterFinding

    /// Forgets everything that connections and clients were made from.
    ///
    /// - Returns: the words for the action.
    func refresh() async throws -> String

    /// Keeps a finding where people and programs look for it.
    func record(_ finding: ClusterFinding) async throws

    /// What a person can do about a finding.
    func nextSteps(_ finding: ClusterFinding) async throws -> [String]

    /// What a Recovery of this type that takes over is about.
    func successorSubject(for type: ErrorType) async throws -> SuccessorRequest.Subject
}

/// A member cluster, by its MemberCluster and kubeconfig Secret.
struct MemberEndpoint: ConnectivityEndpoint {
    let cluster: String
    let members: MemberClients
    let attempt: Attempt

    var description: String { "member cluster \(cluster)" }

    func probe(_ timeout: Duration, exercising: Bool) async throws -> ClusterFinding {
        do {
            // The Secret is read again every time: it may have been rotated meanwhile.
            let client = try await members.client(for: cluster).guarded { [fence = attempt.fence] in
                try fence.check($0, as: .member)
            }
            let probe = ClusterProbe(client, timeout: timeout, timeSource: attempt.timeSource)
            guard exercising else { return try await probe.testEndpoint() }
            return try await probe.exercise(members.cluster(cluster, fence: attempt.fence).spec)
        } catch let error as MemberClientError {
            guard let finding = ClusterFinding(error), error.isPassing else {
                if let finding = ClusterFinding(error) { try await record(finding) }
                throw StrategyFailure.permanent(error.description, nextSteps: error.nextSteps)
            }
            return finding
        }
    }

    func refresh() async throws -> String {
        await members.refresh(cluster)
        return "connections closed; kubeconfig and CA are read again"
    }

    /// Conditions are a report: when they cannot be written, the recovery goes on, and the action says so.
    func record(_ finding: ClusterFinding) async throws {
        let action = "UpdateClusterStatus"
        do {
            try await members.record(finding, of: cluster, fence: attempt.fence)
            attempt.note(action, .succeeded, "\(finding.verdict): \(finding.reason)")
        } catch let error as ClientError {
            if case .refused = error { throw error }
            attempt.note(action, .failed, "\(error)")
            attempt.logger.warning("cannot write the conditions", ["cluster": cluster, "error": "\(error)"])
        }
    }

    func nextSteps(_ finding: ClusterFinding) async throws -> [String] {
        let cluster = try await members.cluster(cluster, fence: attempt.fence)
        return finding.nextSteps(cluster: self.cluster, secret: members.secretName(of: cluster))
    }

    /// The cluster's one incident, which detection may have found already.
    func successorSubject(for type: ErrorType) async throws -> SuccessorRequest.Subject {
        let since = try await members.cluster(cluster, fence: attempt.fence).failure(type)?.lastTransitionTime
        return .cluster(cluster, since: since ?? attempt.execution.startTime ?? .distantPast)
    }
}

/// The hub itself: whoever reported its network as broken may have been cut off for a while.
struct HubEndpoint: ConnectivityEndpoint {
    let attempt: Attempt

    var description: String { "the hub" }

    func probe(_ timeout: Duration, exercising: Bool) async throws -> ClusterFinding {
        // The controller reads and writes its Recoveries there all the time: no further call proves more.
        let finding = try await ClusterProbe(attempt.client, timeout: timeout, timeSource: attempt.timeSource)
            .testEndpoint()
        guard finding.verdict == .unauthorized else { return finding }
        // Who may ask for it is no matter of the network: it answers.
        return ClusterFinding(.usable, reason: ClusterReason.answering, message: "it answers: \(finding.message)")
    }

    func refresh() async throws -> String {
        await attempt.client.closeIdleConnections()
        return "idle connections closed"
    }

    func record(_ finding: ClusterFinding) async throws {}

    func nextSteps(_ finding: ClusterFinding) async throws -> [String] {
        ["Check the API server of the hub: kubectl get --raw='/readyz?verbose'"]
    }

    func successorSubject(for type: ErrorType) async throws -> SuccessorRequest.Subject { .same }
}
