internal import KubernetesCore
package import RecoveryAPI

/// A member cluster as its conditions and the probes of this process show it.
package struct ObservedCluster: Sendable, Hashable {
    /// The cluster as the cache has it.
    package var cluster: MemberCluster
    /// Probes in a row that failed, as this process has seen them; nil before the first one.
    package var failuresSeen: Int?

    /// Puts together what is known of a cluster.
    package init(_ cluster: MemberCluster, failuresSeen: Int?) {
        self.cluster = cluster
        self.failuresSeen = failuresSeen
    }

    /// The failures of clusters, with the conditions that show them.
    ///
    /// Behind a cluster that does not answer nothing else is known.
    package static let failures: [(type: ErrorType, conditions: [String])] = [
        (.clusterUnreachable, [ConditionType.reachable]),
        (.clusterAuth, [ConditionType.authenticated, ConditionType.authorized]),
    ]

    /// The condition that shows a failure, whoever has seen it.
    func failed(_ conditions: [String]) -> Condition? {
        let all = cluster.status?.conditions ?? []
        return conditions.compactMap { all[type: $0] }.first { $0.status == .false }
    }

    /// How the cluster looks: a predecessor's word is not enough, neither for a failure nor for health.
    func verdict(_ conditions: [String]) -> TargetVerdict {
        guard let failuresSeen else { return .unknown }
        if let failed = failed(conditions) {
            guard failuresSeen >= max(1, cluster.spec.effectiveProbe.effectiveFailureThreshold) else { return .unknown }
            return .failing(
                TargetFailure(reason: failed.reason, message: failed.message, since: failed.lastTransitionTime)
            )
        }
        let all = cluster.status?.conditions ?? []
        return failuresSeen == 0 && conditions.allSatisfy { all.isTrue($0) } ? .healthy : .unknown
    }
}

extension ClusterHealthDetector {
    /// What this detector sees of each cluster that it selects.
    ///
    /// - Parameters:
    ///   - rule: the rule of one of the failures.
    ///   - conditions: what shows that failure.
    ///   - clusters: all clusters of the policy.
    /// - Returns: one sighting for each.
    func sightings(_ rule: DetectionRule, _ conditions: [String], _ clusters: [ObservedCluster]) -> [Sighting] {
        clusters.compactMap { observed in
            guard let name = observed.cluster.metadata.name, selects(observed.cluster) else { return nil }
            return Sighting(
                rule,
                .cluster(name),
                observed.verdict(conditions),
                isSuspect: observed.failed(conditions) != nil
            )
        }
    }

    fileprivate func selects(_ cluster: MemberCluster) -> Bool {
        isEnabled && !cluster.metadata.isBeingDeleted
            && clusterSelector?.matches(cluster.metadata.labels ?? [:]) ?? true
    }
}

extension [RecoveryPolicy] {
    /// The policy whose detection takes a cluster's failures: of those that name it, the one that would govern.
    ///
    /// - Parameters:
    ///   - cluster: the cluster.
    ///   - controllerNamespace: the only namespace whose policies may look at clusters.
    /// - Returns: nil when none does; then its Recoveries are governed by `spec.match` as any other.
    package func governing(_ cluster: MemberCluster, controllerNamespace: String) -> RecoveryPolicy? {
        filter { policy in
            policy.metadata.namespace == controllerNamespace && !policy.metadata.isBeingDeleted
                && !policy.spec.isSuspended && policy.spec.detection?.clusterHealth?.selects(cluster) == true
                && policy.validate().isEmpty
        }.min { $0.goesBefore($1) }
    }
}
