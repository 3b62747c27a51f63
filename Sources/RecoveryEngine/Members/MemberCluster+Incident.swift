internal import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

extension MemberCluster {
    /// What the conditions show to be recovered from.
    ///
    /// - Parameter namespace: the controller's own, where Recoveries of clusters live.
    /// - Returns: nil when no condition is False, and while the cluster is being deleted.
    package func incident(namespace: String) -> Incident? {
        guard !metadata.isBeingDeleted, let name = metadata.name, let (type, failed) = failure else { return nil }
        var incident = Incident(type, namespace: namespace, since: failed.lastTransitionTime ?? .distantPast)
        incident.clusterRef = NameReference(name: name)
        incident.component = "membercluster"
        incident.operation = "probe"
        incident.reason = failed.reason
        incident.message = failed.message
        return incident
    }

    /// What fails, with the condition that shows it; nil when none is False.
    ///
    /// One at a time: behind a cluster that does not answer nothing else is known.
    var failure: (type: ErrorType, condition: Condition)? {
        [ErrorType.clusterUnreachable, .clusterAuth].lazy.compactMap { type in failure(type).map { (type, $0) } }.first
    }

    /// The condition that shows a failure of this type; nil while none is False.
    func failure(_ type: ErrorType) -> Condition? {
        let types =
            switch type {
            case .clusterUnreachable: [ConditionType.reachable]
            case .clusterAuth: [ConditionType.authenticated, ConditionType.authorized]
            default: [String]()
            }
        return types.lazy.compactMap { status?.conditions?[type: $0] }.first { $0.status == .false }
    }
}
