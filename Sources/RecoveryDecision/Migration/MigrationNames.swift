/// The checkpoints in `status.completedSteps` of a Migration: what is done for good, in this order.
package enum MigrationStepName {
    /// Both ends and the target's answers to the prechecks were found good.
    package static let prechecked = "Prechecked"
    /// The Placement asks for a copy on the target.
    package static let targetAdded = "TargetAdded"
    /// The copy on the target is synced and ready.
    package static let targetVerified = "TargetVerified"
    /// The source is out of the decisions, or leaving.
    package static let cutOver = "CutOver"
    /// Nothing of the copy is left on the source, or it goes as soon as the source answers.
    package static let sourceCleaned = "SourceCleaned"
    /// From here on everything is undone.
    package static let rollbackStarted = "RollbackStarted"
    /// The target has no copy any more.
    package static let targetRemoved = "TargetRemoved"

    /// The checkpoints of a move that succeeds.
    package static let forward = [prechecked, targetAdded, targetVerified, cutOver, sourceCleaned]
}

/// The reasons in the conditions of a Migration and of its findings.
package enum MigrationReason {
    // What holds it, or makes it fail
    package static let waitingForMigration = "WaitingForMigration"
    package static let placementNotFound = "PlacementNotFound"
    package static let placementGone = "PlacementGone"
    package static let sourceLost = "SourceLost"
    package static let sourceReady = "SourceReady"
    package static let sourceUnknown = "SourceUnknown"
    package static let targetNotReady = "TargetNotReady"
    package static let notPlaced = "NotPlaced"
    package static let alreadyPlaced = "AlreadyPlaced"
    package static let failbackNever = "FailbackNever"
    package static let leftoversRemain = "LeftoversRemain"
    package static let decisionGone = "DecisionGone"
    package static let syncFailed = "SyncFailed"
    package static let waitingForTarget = "WaitingForTarget"
    package static let waitingForSource = "WaitingForSource"
    package static let deadlineExceeded = "DeadlineExceeded"
    package static let rollbackUnfinished = "RollbackUnfinished"
    package static let rollbackImpossible = "RollbackImpossible"

    // What the prechecks on the target find
    package static let apiNotAvailable = "APINotAvailable"
    package static let namespaceMissing = "NamespaceMissing"
    package static let nameTaken = "NameTaken"
    package static let quotaExceeded = "QuotaExceeded"
    package static let insufficientCapacity = "InsufficientCapacity"
    package static let refusedByTarget = "RefusedByTarget"
    package static let targetNotAnswering = "TargetNotAnswering"

    // How it goes and ends
    package static let resumed = "Resumed"
    package static let rollingBack = "RollingBack"
    package static let migrated = "Migrated"
    package static let rolledBack = "RolledBack"
    package static let finished = "Finished"
}

/// The reasons of Kubernetes events on a Migration.
package enum MigrationEvent {
    package static let started = "MigrationStarted"
    package static let progressed = "MigrationProgressed"
    package static let stalled = "MigrationStalled"
    package static let rollingBack = "MigrationRollingBack"
    package static let completed = "MigrationCompleted"
    package static let rolledBack = "MigrationRolledBack"
    package static let failed = "MigrationFailed"
}
