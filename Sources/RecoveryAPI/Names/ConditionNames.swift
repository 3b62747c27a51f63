/// The condition types of all kinds; every one starts as Unknown.
package enum ConditionType {
    /// The spec is valid and inside the namespace fence.
    package static let accepted = "Accepted"
    /// All gates let the next action pass.
    package static let admitted = "Admitted"
    /// An attempt runs, or the next one is due.
    package static let progressing = "Progressing"
    /// The target stayed healthy for as long as asked.
    package static let verified = "Verified"
    /// The recovery ended, and how.
    package static let succeeded = "Succeeded"
    /// Nothing more happens without a person.
    package static let stalled = "Stalled"
    /// A policy can act; a cluster can be used; a placement runs.
    package static let ready = "Ready"
    /// More targets of a policy are unhealthy than it allows.
    package static let storming = "Storming"
    /// All that a policy's detection names is looked at.
    package static let detecting = "Detecting"
    /// No breaker of a policy is open.
    package static let breakersClosed = "BreakersClosed"
    /// The cluster's API server answers.
    package static let reachable = "Reachable"
    /// The cluster's API server knows the credential.
    package static let authenticated = "Authenticated"
    /// The credential has the required permissions.
    package static let authorized = "Authorized"
    /// The cluster's nodes and pods are counted.
    package static let capacityKnown = "CapacityKnown"
    /// The credential of a cluster is renewed before it ends, as its spec asks for.
    package static let credentialRenewed = "CredentialRenewed"
    /// What placements that are gone have left on a cluster is written down; only ever False, where it was too much.
    package static let leftoversKnown = "LeftoversKnown"
    /// A placement has its clusters.
    package static let scheduled = "Scheduled"
    /// Changes of a placement's objects are noticed as they happen; written where rights for that are missing.
    package static let driftWatched = "DriftWatched"
    /// A placement's objects are what the clusters have.
    package static let synced = "Synced"

    /// The condition types of a Recovery, in the order they are written.
    package static let recovery = [accepted, admitted, progressing, verified, succeeded, stalled]
    /// The condition types of a RecoveryPolicy.
    package static let policy = [ready, storming, breakersClosed]
    /// The condition types of a Migration.
    package static let migration = [accepted, progressing, succeeded]
    /// The condition types of a MemberCluster.
    package static let memberCluster = [reachable, authenticated, authorized, ready]
}

/// The reasons of conditions, decisions and escalations: what a program may compare.
package enum ConditionReason {
    /// Every condition is Unknown first.
    package static let notYetKnown = "NotYetKnown"

    // Accepted
    /// The spec is valid.
    package static let valid = "Valid"
    /// The spec breaks a rule; the message names the field.
    package static let invalidSpec = "InvalidSpec"
    /// The target, cluster or namespace is outside the namespace fence.
    package static let outsideFence = "OutsideFence"
    /// An immutable field was changed after acceptance.
    package static let specChanged = "SpecChanged"
    /// The forced strategy is not registered or not enabled.
    package static let unknownStrategy = "UnknownStrategy"
    /// No strategy fits and none may be used as a fallback.
    package static let noStrategy = "NoStrategy"
    /// `policyRef` names a policy that does not exist.
    package static let policyNotFound = "PolicyNotFound"
    /// `clusterRef` names a cluster that does not exist.
    package static let clusterNotFound = "ClusterNotFound"
    /// The target does not exist.
    package static let targetNotFound = "TargetNotFound"
    /// A ServiceAccount is required and none is named.
    package static let serviceAccountRequired = "ServiceAccountRequired"
    /// The ServiceAccount that `spec.serviceAccountName` names does not exist.
    package static let serviceAccountNotFound = "ServiceAccountNotFound"

    // Ended without an action
    /// The policy whose detection opened it is gone, or looks elsewhere now and had nothing done yet.
    package static let noLongerWatched = "NoLongerWatched"

    // Admitted: one for each gate
    /// Every gate let the action pass.
    package static let admitted = "Admitted"
    /// `spec.suspend` of the Recovery or its policy.
    package static let suspended = "Suspended"
    /// This leader has not seen enough of the world yet.
    package static let warmingUp = "WarmingUp"
    /// The policy's mode is Observe.
    package static let observeOnly = "ObserveOnly"
    /// The policy's mode is Approve and nobody has.
    package static let awaitingApproval = "AwaitingApproval"
    /// A RecoveryApproval said no.
    package static let rejected = "Rejected"
    /// Too many targets are unhealthy.
    package static let tooManyUnhealthy = "TooManyUnhealthy"
    /// How many targets are unhealthy cannot be seen, so that nothing starts under a limit of them.
    package static let detectionBlind = "DetectionBlind"
    /// No longer too many targets are unhealthy, but not for long enough.
    package static let stormCooldown = "StormCooldown"
    /// The window's actions are used up.
    package static let budgetExhausted = "BudgetExhausted"
    /// The target was recovered a short while ago.
    package static let coolingDown = "CoolingDown"
    /// The circuit breaker is open.
    package static let breakerOpen = "BreakerOpen"
    /// As many recoveries run as may.
    package static let concurrencyLimit = "ConcurrencyLimit"
    /// Another Recovery holds the target.
    package static let targetLocked = "TargetLocked"
    /// The next attempt is not due yet.
    package static let backingOff = "BackingOff"

    // Progressing, Verified
    /// An attempt runs.
    package static let attemptRunning = "AttemptRunning"
    /// Nothing is left to do.
    package static let finished = "Finished"
    /// The target is watched until it stayed healthy long enough.
    package static let verifying = "Verifying"
    /// The target stayed healthy.
    package static let targetHealthy = "TargetHealthy"
    /// The target is not healthy.
    package static let targetUnhealthy = "TargetUnhealthy"
    /// A person undid what a strategy did.
    package static let humanOverride = "HumanOverride"

    // Succeeded, Stalled, escalation
    /// A strategy repaired the target.
    package static let recovered = "Recovered"
    /// The target became healthy before anything was done.
    package static let selfHealed = "SelfHealed"
    /// The target failed again soon after it was recovered, as often as the ladder has attempts for.
    package static let flapping = "Flapping"
    /// The policy's books have let no further attempt start for a day.
    package static let heldTooLong = "HeldTooLong"
    /// Every attempt of every rung failed.
    package static let attemptsExhausted = "AttemptsExhausted"
    /// Another attempt cannot help.
    package static let permanentFailure = "PermanentFailure"
    /// The whole recovery's time ran out.
    package static let deadlineExceeded = "DeadlineExceeded"
    /// A person cancelled.
    package static let cancelled = "Cancelled"
    /// Another Recovery took over.
    package static let superseded = "Superseded"
    /// Someone else has to act.
    package static let escalated = "Escalated"
    /// The error is not retryable and no strategy is named.
    package static let notRetryable = "NotRetryable"
}

/// The reasons of Kubernetes events on a Recovery, its target and its policy.
package enum EventReason {
    package static let started = "RecoveryStarted"
    package static let completed = "RecoveryCompleted"
    package static let failed = "RecoveryFailed"
    package static let timeout = "RecoveryTimeout"
    package static let cancelled = "RecoveryCancelled"
    package static let retrying = "RecoveryRetrying"
    package static let blocked = "RecoveryBlocked"
    package static let escalated = "RecoveryEscalated"
    /// The object has a field of the wrong type, so nobody can tell what it asks for.
    package static let unreadable = "RecoveryUnreadable"
    /// A policy has a field of the wrong type, so nobody can tell what it asks for.
    package static let policyUnreadable = "PolicyUnreadable"
    /// It has the name of a Recovery that the controller was to open, and is about something else.
    package static let nameTaken = "IncidentNameTaken"
    package static let stormBegan = "StormBegan"
    package static let stormEnded = "StormEnded"
    package static let breakerOpened = "CircuitBreakerOpened"
    package static let breakerHalfOpened = "CircuitBreakerHalfOpened"
    package static let breakerClosed = "CircuitBreakerClosed"
    /// A policy's ledger of healthy revisions has no place for some of its workloads.
    package static let ledgerFull = "LedgerFull"
    /// A ConfigMap that is nobody's ledger has the name of a policy's.
    package static let ledgerNameTaken = "LedgerNameTaken"
    /// The controller may not read or write a policy's ledger.
    package static let ledgerRefused = "LedgerRefused"

    /// The reasons that come as events of type Warning; all others are Normal.
    package static let warnings: Set<String> = [
        failed, timeout, retrying, blocked, escalated, unreadable, policyUnreadable, nameTaken, breakerOpened,
        stormBegan, ledgerFull, ledgerNameTaken, ledgerRefused,
    ]
}
