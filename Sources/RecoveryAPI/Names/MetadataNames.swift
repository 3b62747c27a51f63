/// Labels, annotations and finalizers of the group.
package enum MetadataName {
    /// Label: `LockKey.fingerprint(errorType:)` of an incident that detection opened.
    package static let fingerprint = "recovery.tmc.io/fingerprint"
    /// Label: name of the policy that opened a Recovery, or that a ledger belongs to.
    package static let policy = "recovery.tmc.io/policy"
    /// Label: error type of a Recovery that detection opened.
    package static let errorType = "recovery.tmc.io/error-type"
    /// Label: the MemberCluster that a Recovery is about.
    package static let cluster = "recovery.tmc.io/cluster"
    /// Label on a target: `true` keeps every action away from it.
    package static let exclude = "recovery.tmc.io/exclude"
    /// Label on a placed object: uid of its Placement; members are watched by it.
    package static let placementUID = "recovery.tmc.io/placement-uid"
    /// Annotation on a target: when Generic touched it, so that its own controller looks again.
    package static let touchedAt = "recovery.tmc.io/touched-at"
    /// Annotation on a policy: a new value closes its open breakers.
    package static let resetBreaker = "recovery.tmc.io/reset-breaker"
    /// Finalizer of a Placement: its objects are removed from the clusters first.
    package static let finalizer = "recovery.tmc.io/cleanup"
    /// Field manager and event source of everything the controller writes.
    package static let fieldManager = "recovery-controller"
}

/// The names of the strategies that are built in, as policies and Recoveries write them.
package enum StrategyName {
    package static let clusterConnectivity = "ClusterConnectivity"
    package static let clusterAuth = "ClusterAuth"
    package static let resourceConflict = "ResourceConflict"
    package static let placement = "Placement"
    package static let sync = "Sync"
    package static let migration = "Migration"
    package static let generic = "Generic"
    package static let restart = "Restart"
    package static let rollback = "Rollback"
    package static let scale = "Scale"
    package static let recreate = "Recreate"
    package static let cordonAndDrain = "CordonAndDrain"
    package static let job = "Job"
    package static let webhook = "Webhook"
}
