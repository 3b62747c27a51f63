package import FoundationEssentials
package import KubernetesCore

/// What the controller knows about a Recovery; clocks, counters and locks live here and never in memory only.
///
/// The states are closed vocabularies: a word that a newer controller wrote makes decoding fail with its path, because
/// continuing a run that is not understood could repeat its actions.
package struct RecoveryStatus: Codable, Hashable, Sendable {
    /// The generation that the rest describes.
    package var observedGeneration: Int64?
    /// What is repaired, resolved at acceptance; the engine reads only this, never the spec.
    package var target: ResolvedTarget?
    /// The settings in force, resolved at acceptance; the engine reads only these, never the policy.
    package var effective: EffectiveSettings?
    /// SHA-256 (hexadecimal) of the spec's immutable fields at acceptance.
    package var specHash: String?
    /// How often the same failure was reported.
    package var occurrences: Occurrences?
    /// How often the target failed again soon after it was recovered; absent when this is no such failure.
    package var flapping: Flapping?
    /// The Recovery that took over.
    package var supersededBy: RecoveryReference?
    /// Where the recovery stands.
    package var state: RecoveryState?
    /// The strategy of the current rung.
    package var strategy: String?
    /// Position in the queue, higher first.
    package var priority: Int?
    /// Attempts reserved so far, over all rungs.
    package var attempts: Int?
    /// Index of the current rung in `effective.ladder`.
    package var rung: Int?
    /// Attempts reserved on the current rung.
    package var rungAttempts: Int?
    /// When the first attempt was reserved.
    package var startTime: Date?
    /// When a final state was reached.
    package var completionTime: Date?
    /// When the controller looks again.
    package var nextAttemptTime: Date?
    /// The whole recovery's deadline; moved by the length of every pause.
    package var deadline: Date?
    /// Since when the whole recovery's clock stands still (suspended, waiting for approval, or held by the books of the
    /// policy: storm, budget, cooldown, breaker).
    package var pausedTime: Date?
    /// Where it stands, in words.
    package var message: String?
    /// Who has to act.
    package var escalation: Escalation?
    /// What would be, or was, done; present in the modes Observe and Approve.
    package var plan: RecoveryPlan?
    /// The check that the target stays healthy.
    package var verification: Verification?
    /// The attempts, newest last, at most 20.
    package var executions: [RecoveryExecution]?
    /// Accepted, Admitted, Progressing, Verified, Succeeded, Stalled.
    package var conditions: [Condition]?

    /// Makes an empty status.
    package init() {}

    /// How many executions are kept.
    package static let maxExecutions = 20
}

/// The object that is repaired, with everything filled in that the spec left open.
package struct ResolvedTarget: Codable, Hashable, Sendable {
    /// The MemberCluster; absent, the hub.
    package var cluster: String?
    /// Group and version of the object; absent when the cluster itself is the target.
    package var apiVersion: String?
    /// Kind of the object.
    package var kind: String?
    /// Namespace of the object; absent for cluster-scoped ones.
    package var namespace: String?
    /// Name of the object.
    package var name: String?
    /// Uid of the object when it was found.
    package var uid: String?

    /// Makes a target; all nil means that there is none.
    package init(
        cluster: String? = nil,
        apiVersion: String? = nil,
        kind: String? = nil,
        namespace: String? = nil,
        name: String? = nil,
        uid: String? = nil
    ) {
        self.cluster = cluster
        self.apiVersion = apiVersion
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.uid = uid
    }
}

/// The settings a recovery runs under, stored in full so that editing or deleting a policy changes nothing.
package struct EffectiveSettings: Codable, Hashable, Sendable {
    /// The policy they came from; absent when none governs.
    package var policy: PolicySnapshot?
    /// What the policy allows the controller to do.
    package var mode: Open<PolicyMode>?
    /// The strategies to try, in order, with every setting filled in.
    package var ladder: [StrategyRung]?
    /// Caps the attempts of all rungs together.
    package var maxAttempts: Int?
    /// The whole recovery's time in seconds.
    package var timeoutSeconds: Int?
    /// The limits in force.
    package var limits: PolicyLimits?
    /// The circuit breaker in force.
    package var circuitBreaker: CircuitBreakerSettings?
    /// How health is proven after an action.
    package var verify: VerifySettings?
    /// What follows the last rung.
    package var escalation: EscalationSettings?
    /// The ServiceAccount that actions run as.
    package var serviceAccountName: String?
    /// What to do with objects that a GitOps tool owns.
    package var gitOps: Open<GitOpsMode>?
    /// What the error catalogue says about the error's code.
    package var error: CatalogueEntry?

    /// Makes empty settings.
    package init() {}
}

/// Which policy, in which version, settings came from.
package struct PolicySnapshot: Codable, Hashable, Sendable {
    /// Name of the policy.
    package var name: String
    /// Uid of the policy.
    package var uid: String?
    /// Generation of the policy at acceptance.
    package var generation: Int64?
    /// SHA-256 (hexadecimal) of the policy's canonical spec.
    package var hash: String?

    /// Makes a snapshot.
    package init(name: String, uid: String? = nil, generation: Int64? = nil, hash: String? = nil) {
        self.name = name
        self.uid = uid
        self.generation = generation
        self.hash = hash
    }
}

/// How often one incident was reported.
package struct Occurrences: Codable, Hashable, Sendable {
    /// Number of reports, the first included.
    package var count: Int
    /// Time of the latest report.
    package var lastTime: Date?
    /// When, after it had ended, detection saw that the failure was over; one that comes later is another incident.
    package var healedTime: Date?

    /// Makes a count.
    package init(count: Int, lastTime: Date? = nil, healedTime: Date? = nil) {
        self.count = count
        self.lastTime = lastTime
        self.healedTime = healedTime
    }
}

/// How often, in a row, a target failed again soon after an attempt had recovered it.
package struct Flapping: Codable, Hashable, Sendable {
    /// Number of failures that came back.
    package var count: Int
    /// When the first of those recoveries was completed.
    package var since: Date

    /// Makes a count.
    package init(count: Int, since: Date) {
        self.count = count
        self.since = since
    }
}

/// Who has to act, since when and why.
package struct Escalation: Codable, Hashable, Sendable {
    /// The level reached.
    package var level: EscalationLevel
    /// A CamelCase reason.
    package var reason: String?
    /// When the level was reached.
    package var time: Date?
    /// What a person should do, in order.
    package var nextSteps: [String]?
    /// When the channels of the policy that ask for this level had all been told; absent while that is open.
    package var notifiedTime: Date?
    /// When those channels that keep incidents open had been told that the failure is over.
    package var resolvedTime: Date?

    /// Makes an escalation.
    package init(level: EscalationLevel, reason: String? = nil, time: Date? = nil, nextSteps: [String]? = nil) {
        self.level = level
        self.reason = reason
        self.time = time
        self.nextSteps = nextSteps
    }
}

/// What a strategy is going to do, from a server-side dry run.
package struct RecoveryPlan: Codable, Hashable, Sendable {
    /// SHA-256 (hexadecimal) of the steps; an approval names it.
    package var hash: String
    /// The strategy that planned.
    package var strategy: String?
    /// When the plan was made.
    package var time: Date?
    /// Since when the recovery has been waiting for a person, or only observing.
    package var waitingSince: Date?
    /// When the channels of the policy that ask for it had all been told that this plan waits for an approval.
    package var notifiedTime: Date?
    /// The policy's mode that it has been waiting in since then; another mode begins another wait.
    package var mode: Open<PolicyMode>?
    /// Name of the RecoveryApproval whose decision was carried out.
    package var approval: String?
    /// What it would do, in words, then the single writes, in order.
    package var steps: [PlannedStep]?
    /// For Observe: what became of the target without us.
    package var outcome: String?

    /// How many steps are kept.
    package static let maxSteps = 32

    /// Makes a plan.
    package init(hash: String, strategy: String? = nil, time: Date? = nil, steps: [PlannedStep]? = nil) {
        self.hash = hash
        self.strategy = strategy
        self.time = time
        self.steps = steps
    }
}

/// One write that a plan contains.
package struct PlannedStep: Codable, Hashable, Sendable {
    /// What the step does, in words.
    package var description: String
    /// The object that would be written.
    package var target: TargetReference?
    /// What the write changes, as a JSON merge patch by a dry run; of a long one the beginning.
    package var patch: String?
    /// Whose pods the step evicts; a plan stays as it is while they are among these, whichever pods those are.
    package var podsOf: [String]?

    /// How many of those are kept.
    package static let maxPodsOf = 64

    /// Makes a step.
    package init(description: String, target: TargetReference? = nil, patch: String? = nil) {
        self.description = description
        self.target = target
        self.patch = patch
    }
}

/// The check, after an action, that the target stays healthy.
package struct Verification: Codable, Hashable, Sendable {
    /// When the check began.
    package var startTime: Date?
    /// Since when the target has been healthy without a break; absent while it is not.
    package var healthyTime: Date?
    /// When the check counts as failed.
    package var deadline: Date?

    /// Makes a check.
    package init(startTime: Date? = nil, healthyTime: Date? = nil, deadline: Date? = nil) {
        self.startTime = startTime
        self.healthyTime = healthyTime
        self.deadline = deadline
    }
}
