internal import KubernetesCore
package import RecoveryAPI

/// Which policy governs a Recovery.
package enum PolicySelection: Sendable, Hashable {
    /// This one does.
    case policy(RecoveryPolicy)
    /// None matches: the configuration's settings apply.
    case ungoverned
    /// `spec.policyRef` names one that does not exist.
    case missing(name: String)
    /// One that may govern cannot be read; what it forbids is not known.
    case unreadable(name: String, reason: String)

    /// Finds the governing policy: `policyRef`, else of the matching ones the highest priority, then the oldest, then
    /// by name (design.md section 3).
    package static func select(for recovery: Recovery, facts: RecoveryFacts) -> PolicySelection {
        if let name = recovery.spec.policyRef?.name {
            if let named = facts.policies.first(where: { $0.metadata.name == name }) { return .policy(named) }
            return facts.unreadablePolicies[name].map { .unreadable(name: name, reason: $0) } ?? .missing(name: name)
        }
        if let (name, reason) = facts.unreadablePolicies.min(by: { $0.key < $1.key }) {
            return .unreadable(name: name, reason: reason)
        }
        let best = facts.policies
            .filter { matches($0, recovery, facts) }
            .min { $0.goesBefore($1) }
        return best.map(PolicySelection.policy) ?? .ungoverned
    }

    /// Whether every rule of `spec.match` that is given holds; without rules all of the namespace matches.
    private static func matches(_ policy: RecoveryPolicy, _ recovery: Recovery, _ facts: RecoveryFacts) -> Bool {
        guard let match = policy.spec.match else { return true }
        let error = recovery.spec.error
        guard
            contains(match.errorTypes, error.type),
            contains(match.codes, error.code),
            contains(match.components, error.component),
            reaches(match.minSeverity, error.effectiveSeverity)
        else { return false }
        if let selector = match.clusterSelector {
            guard let labels = facts.clusterLabels, selector.matches(labels) else { return false }
        }
        if let kinds = match.targetKinds, !kinds.isEmpty {
            guard let kind = recovery.spec.targetRef?.kind, kinds.contains(kind) else { return false }
        }
        if let selector = match.targetSelector {
            guard let labels = facts.targetLabels, selector.matches(labels) else { return false }
        }
        return true
    }

    /// A word that is not understood is above every severity: it must not widen the policy.
    private static func reaches(_ lowest: Open<Severity>?, _ severity: Severity) -> Bool {
        guard let lowest else { return true }
        return lowest.value.map { severity >= $0 } ?? false
    }

    private static func contains(_ allowed: [String]?, _ value: String?) -> Bool {
        guard let allowed, !allowed.isEmpty else { return true }
        return value.map(allowed.contains) ?? false
    }
}

extension RecoveryPolicy {
    /// Whether it governs what both match: by priority, then age, then name.
    func goesBefore(_ other: RecoveryPolicy) -> Bool {
        let priorities = (spec.effectivePriority, other.spec.effectivePriority)
        if priorities.0 != priorities.1 { return priorities.0 > priorities.1 }
        let ages = (metadata.creationTimestamp, other.metadata.creationTimestamp)
        if let older = ages.0, let newer = ages.1, older != newer { return older < newer }
        return (metadata.name ?? "") < (other.metadata.name ?? "")
    }
}
