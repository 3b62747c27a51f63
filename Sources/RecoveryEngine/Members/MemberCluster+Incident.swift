internal import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

extension MemberCluster {
    /// What the conditions show to be recovered from.
    ///
    /// One at a time: behind a cluster that does not answer nothing else is known.
    ///
    /// - Parameter namespace: the controller's own, where Recoveries of clusters live.
    /// - Returns: nil when no condition is False, and while the cluster is being deleted.
    package func incident(namespace: String) -> Incident? {
        let conditions = status?.conditions ?? []
        let failed = ConditionType.memberCluster.dropLast().lazy.compactMap { conditions[type: $0] }
            .first { $0.status == .false }
        guard !metadata.isBeingDeleted, let name = metadata.name, let failed else { return nil }
        var incident = Incident(
            failed.type == ConditionType.reachable ? .clusterUnreachable : .clusterAuth,
            namespace: namespace,
            since: failed.lastTransitionTime ?? .distantPast
        )
        incident.clusterRef = NameReference(name: name)
        incident.component = "membercluster"
        incident.operation = "probe"
        incident.reason = failed.reason
        incident.message = failed.message
        return incident
    }
}
