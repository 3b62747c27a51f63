package import JSON
package import KubernetesCore
package import RecoveryAPI

/// An attempt that runs, or is reserved by a controller that is gone, as other Recoveries see it.
package struct RunningRecovery: Sendable, Hashable {
    /// The Recovery that runs.
    package var key: ObjectKey
    /// What it has locked.
    package var lock: LockKey?
    /// The policy it runs under; one that is made again under the same name is the same.
    package var policy: ObjectKey?

    /// Describes a running Recovery.
    package init(key: ObjectKey, lock: LockKey? = nil, policy: ObjectKey? = nil) {
        self.key = key
        self.lock = lock
        self.policy = policy
    }
}

/// Who decides: goes into every reservation.
package struct ControllerIdentity: Sendable, Hashable {
    /// The identity of this process, as in the leader lease.
    package var holder: String
    /// The lease's transitions: a later leader has a higher one; zero without leader election.
    package var fencingToken: Int

    /// Makes an identity.
    package init(holder: String, fencingToken: Int = 0) {
        self.holder = holder
        self.fencingToken = fencingToken
    }
}

/// Everything beside the Recovery itself that a decision depends on; the shell collects it, the core only reads it.
package struct RecoveryFacts: Sendable {
    /// Settings from `--config`.
    package var configuration: EngineConfiguration
    /// The strategies that may run.
    package var catalogue: StrategyCatalogue
    /// The Recovery that `spec.parentRef` names, where detection has opened this one because the target failed again; needed
    /// for acceptance only.
    package var former: Recovery?
    /// What error codes mean.
    package var errors = ErrorCatalogue.standard
    /// The policies of the Recovery's namespace.
    package var policies: [RecoveryPolicy] = []
    /// Policies of the namespace that cannot be read, by name, with the reason.
    package var unreadablePolicies: [String: String] = [:]
    /// Labels of the MemberCluster that `clusterRef` names; nil when there is none.
    package var clusterLabels: [String: String]?
    /// The MemberCluster that `clusterRef` names, as the cache has it.
    package var clusterConditions: [Condition] = []
    /// The conditions of a Placement or Migration on the hub that is the target, as the cache has them.
    package var targetConditions: [Condition] = []
    /// Labels of the target where they are known.
    package var targetLabels: [String: String]?
    /// The uid of the target where it is known.
    package var targetUID: String?
    /// Generation and uid of the target, in words, where a plan needs them.
    package var targetVersion: String?
    /// The resourceVersion of a target whose kind counts no generations, in words: it changes with every report on its state.
    package var targetState: String?
    /// What the next attempt would write, by a rehearsal that was just made; nil when none was.
    package var rehearsal: [PlannedStep]?
    /// The approvals that name the Recovery.
    package var approvals: [RecoveryApproval] = []
    /// Who decides.
    package var identity: ControllerIdentity
    /// The controller's own namespace: the only one whose Recoveries reach beyond their namespace.
    package var controllerNamespace: String
    /// Whether the target's kind is namespaced; nil when no server knows the kind or there is no target.
    package var targetIsNamespaced: Bool?
    /// What the strategy of that name finds wrong with parameters, at `spec.parameters`; pure.
    package var parameterViolations:
        @Sendable (_ strategy: String, _ parameters: [String: JSONValue]) ->
            [FieldViolation] = { _, _ in [] }
    /// The other Recoveries that run.
    package var running: [RunningRecovery] = []
    /// Whether this controller runs an attempt of the Recovery right now.
    package var isRunningHere = false
    /// Whether the informers have delivered their first list.
    package var isWarmedUp = true
    /// What detection says now about the failure, if it has opened the Recovery.
    package var detection = DetectionFinding.unwatched
    /// How many targets the detection of policies sees, by the uid of the policy; without those that do not see them all.
    package var bases: [String: DetectionBase] = [:]
    /// Whether one more attempt may run in this process.
    package var hasFreeSlot = true

    /// Who has to name a ServiceAccount.
    var accounts: ServiceAccountRule {
        ServiceAccountRule(
            catalogue: catalogue,
            isMandatory: configuration.requiresServiceAccount,
            controllerNamespace: controllerNamespace
        )
    }

    /// Makes facts with nothing running.
    package init(
        configuration: EngineConfiguration,
        catalogue: StrategyCatalogue,
        identity: ControllerIdentity,
        controllerNamespace: String
    ) {
        self.configuration = configuration
        self.catalogue = catalogue
        self.identity = identity
        self.controllerNamespace = controllerNamespace
    }
}
