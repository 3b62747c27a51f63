package import KubernetesCore

/// What to look for, what to do about it, and how hard (`rcp`, namespaced).
package struct RecoveryPolicy: KubernetesObject, Hashable {
    package static let resource = APIResource(
        group: RecoveryAPI.group,
        version: RecoveryAPI.version,
        plural: "recoverypolicies",
        kind: "RecoveryPolicy",
        isNamespaced: true
    )

    package var metadata: ObjectMeta
    /// The policy itself.
    package var spec: RecoveryPolicySpec
    /// What it led to; absent until the controller has looked.
    package var status: RecoveryPolicyStatus?

    /// Makes a policy that the controller has not seen yet.
    package init(metadata: ObjectMeta, spec: RecoveryPolicySpec = RecoveryPolicySpec()) {
        self.metadata = metadata
        self.spec = spec
    }
}

/// How far the controller may go for what detection opens; Recoveries that people create run at once.
package enum PolicyMode: String, CaseIterable, Codable, Hashable {
    /// Writes what it would have done.
    case observe = "Observe"
    /// Waits for a RecoveryApproval that names the plan's hash.
    case approve = "Approve"
    /// Acts.
    case auto = "Auto"
}

/// What to do with an object that a GitOps tool owns.
package enum GitOpsMode: String, CaseIterable, Codable, Hashable {
    /// Leaves it alone.
    case `defer` = "Defer"
    /// Changes it; the tool may change it back.
    case override = "Override"
}

/// The settings of a policy; everything is optional.
package struct RecoveryPolicySpec: Codable, Hashable, Sendable {
    /// How far the controller may go; `Observe` when absent.
    package var mode: Open<PolicyMode>?
    /// Which of several matching policies governs: the highest; then the oldest, then by name.
    package var priority: Int?
    /// Stops detection and the start of actions.
    package var suspend: Bool?
    /// Where failures are noticed.
    package var detection: PolicyDetection?
    /// Which Recoveries the policy governs; absent, all of its namespace.
    package var match: PolicyMatch?
    /// The strategies to try, in order, at most 8: a ladder.
    package var strategies: [StrategyRung]?
    /// How health is proven after an action.
    package var verify: VerifySettings?
    /// How much may be done at once.
    package var limits: PolicyLimits?
    /// Seconds after a recovery in which the same failure counts as one that its last attempt did not repair; 600 when
    /// absent, 0 for none.
    package var resetAfterHealthySeconds: Int?
    /// When to stop trying.
    package var circuitBreaker: CircuitBreakerSettings?
    /// What follows the last rung.
    package var escalation: EscalationSettings?
    /// Who is told.
    package var notifications: [NotificationChannel]?
    /// Acts in this namespace as that ServiceAccount; empty counts as absent.
    package var serviceAccountName: String?
    /// What to do with objects that a GitOps tool owns; `Defer` when absent.
    package var gitOps: Open<GitOpsMode>?

    /// Makes an empty policy: it observes and has nothing to look at.
    package init() {}

    /// The mode, with the default applied; an unknown word counts as the most careful one.
    package var effectiveMode: PolicyMode { mode?.value ?? .observe }

    /// The priority, with the default applied.
    package var effectivePriority: Int { priority ?? 0 }

    /// For how long a target has to stay well after a recovery, with the default applied.
    package var effectiveResetAfterHealthySeconds: Int { resetAfterHealthySeconds ?? 600 }

    /// Whether detection and actions are stopped.
    package var isSuspended: Bool { suspend ?? false }

    /// How GitOps-managed objects are treated, with the default applied.
    package var effectiveGitOps: GitOpsMode { gitOps?.value ?? .defer }

    /// The ServiceAccount to act as, nil for the controller's own identity.
    package var effectiveServiceAccountName: String? { serviceAccountName.nonEmpty }
}

/// Which Recoveries a policy governs; every list that is present has to match.
package struct PolicyMatch: Codable, Hashable, Sendable {
    /// Error types, known or custom.
    package var errorTypes: [String]?
    /// Catalogue codes.
    package var codes: [String]?
    /// Components that report.
    package var components: [String]?
    /// The lowest severity.
    package var minSeverity: Open<Severity>?
    /// Labels of the MemberCluster.
    package var clusterSelector: LabelSelector?
    /// Kinds of the target, such as `Deployment`.
    package var targetKinds: [String]?
    /// Labels of the target.
    package var targetSelector: LabelSelector?

    /// Makes a match for everything.
    package init() {}
}
