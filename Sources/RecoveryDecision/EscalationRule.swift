package import RecoveryAPI

/// Who has to act once the controller gives up, and what there is to do.
package enum EscalationRule {
    /// Why the controller gives up.
    package enum Cause: Sendable, Hashable {
        /// All attempts of all rungs were made.
        case exhausted
        /// The whole recovery's deadline passed.
        case deadline
        /// An attempt found that no further one can help.
        case permanent(hasSteps: Bool)
    }

    /// The level: Guided when the strategy said what to do, Manual otherwise and for credentials and rights, which only a
    /// person can give, what the policy names once the ladder is
    /// exhausted, else what the error catalogue says, at least Guided as nobody else acts any more; severity Critical goes from Manual to Emergency.
    package static func level(for cause: Cause, recovery: Recovery, status: RecoveryStatus) -> EscalationLevel {
        let level: EscalationLevel
        switch cause {
        case .permanent(let hasSteps):
            level = hasSteps && recovery.spec.error.knownType != .clusterAuth ? .guided : .manual
        case .exhausted, .deadline:
            let known = status.effective?.escalation?.effectiveLevel ?? status.effective?.error?.level
            level = max(.guided, known ?? .standard)
        }
        let isCritical = recovery.spec.error.effectiveSeverity == .critical
        return isCritical && level == .manual ? .emergency : level
    }
}

extension RecoveryStatus {
    /// What a person should do: what the last attempt said, else what the error catalogue says about the
    /// code, else what the error type suggests.
    package func knownNextSteps(_ recovery: Recovery) -> [String] {
        if let steps = executions?.last(where: { $0.result?.nextSteps?.isEmpty == false })?.result?.nextSteps {
            return steps
        }
        if let steps = effective?.error?.steps, !steps.isEmpty {
            return steps + ["When the cause is removed, create a new Recovery; this one is final"]
        }
        return recovery.spec.error.suggestedNextSteps(target: target)
    }
}

extension ReportedError {
    /// First things to look at for an error type; a strategy that knows more says more.
    func suggestedNextSteps(target: ResolvedTarget?) -> [String] {
        let cluster = target?.cluster ?? "<cluster>"
        let last = "When the cause is removed, create a new Recovery; this one is final"
        switch knownType {
        case .clusterUnreachable, .clusterUnavailable, .networkConnectivity:
            return [
                "Look at the layer that failed: kubectl describe membercluster \(cluster)",
                "Check that the cluster's API server runs and that routes and firewalls let the controller reach it",
                last,
            ]
        case .clusterAuth:
            return [
                "Check the kubeconfig Secret of MemberCluster \(cluster): expired token or certificate, missing rights",
                "Put a valid kubeconfig into the Secret; the controller notices by itself",
                last,
            ]
        case .resourceConflict, .syncConflict:
            return [
                "Compare both writers' versions: kubectl get \(target?.kind ?? "<kind>") \(target?.name ?? "<name>") "
                    + "-o yaml --show-managed-fields",
                "Decide which writer owns the field, or set spec.parameters.resolution to TakeOurs or TakeTheirs",
                last,
            ]
        default:
            return [
                "Read status.executions of this Recovery for what was tried and what came of it",
                "Repair \(target?.kind ?? "the component") \(target?.name ?? component ?? "") by hand",
                last,
            ]
        }
    }
}
