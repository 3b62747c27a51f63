package import KubernetesClient

extension MemberClients {
    /// The client of a member behind an attempt's fence: what `RecoveryEngine.Dependencies.members` wants.
    ///
    /// - Throws: `StrategyFailure`, with what a person can do, when the member has no client; `ClientError` when the
    ///   hub cannot be asked.
    package func guardedClient(_ cluster: String, _ fence: AttemptFence) async throws -> KubernetesClient {
        do {
            return try await client(for: cluster).guarded { try fence.check($0, as: .member) }
        } catch let error as MemberClientError {
            throw error.isPassing
                ? StrategyFailure.transient(error.description, nextSteps: error.nextSteps)
                : StrategyFailure.permanent(error.description, nextSteps: error.nextSteps)
        }
    }
}

extension MemberClientError {
    /// Whether it may be gone the next time: a Secret that is being replaced is missing for a moment.
    package var isPassing: Bool {
        if case .noKubeconfig = self { true } else { false }
    }
}
