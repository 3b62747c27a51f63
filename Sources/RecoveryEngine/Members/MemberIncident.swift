package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// A failure of a member cluster that needs a Recovery: one for each condition that is False.
package struct MemberIncident: Sendable, Hashable {
    /// The cluster's name.
    package var cluster: String
    /// What to recover from.
    package var errorType: ErrorType
    /// The condition's reason.
    package var reason: String
    /// The condition's message.
    package var message: String
    /// Since when the condition is False.
    package var since: Date

    /// The incidents that the conditions of a cluster show; none while it is being deleted.
    package static func incidents(of cluster: MemberCluster) -> [MemberIncident] {
        guard !cluster.metadata.isBeingDeleted, let name = cluster.metadata.name else { return [] }
        let conditions = cluster.status?.conditions ?? []
        // One at a time: behind a cluster that does not answer nothing else is known.
        let failed = ConditionType.memberCluster.dropLast().lazy.compactMap { conditions[type: $0] }
            .first { $0.status == .false }
        guard let failed else { return [] }
        return [
            MemberIncident(
                cluster: name,
                errorType: failed.type == ConditionType.reachable ? .clusterUnreachable : .clusterAuth,
                reason: failed.reason,
                message: failed.message,
                since: failed.lastTransitionTime ?? .distantPast
            )
        ]
    }

    /// The hexadecimal digits that name the incident: cluster and error type.
    package var fingerprint: String {
        LockKey(target)?.fingerprint(errorType: errorType.rawValue) ?? ""
    }

    /// Whether a Recovery is already about this incident: it is under way, or was opened since the condition is False.
    ///
    /// One that failed stays the answer until the cluster was well in between: another one would fail alike.
    package func isCovered(by recovery: Recovery) -> Bool {
        guard recovery.metadata.labels?[MetadataName.fingerprint] == fingerprint else { return false }
        if !recovery.isFinal { return true }
        return (recovery.metadata.creationTimestamp ?? .distantPast) >= since
    }

    /// The Recovery to create, numbered one above those that are there.
    ///
    /// - Parameters:
    ///   - namespace: the controller's own.
    ///   - others: the Recoveries with the same fingerprint.
    /// - Returns: the object, named and labelled so that the incident is found again by it.
    package func recovery(namespace: String, after others: [Recovery]) -> Recovery {
        let numbers = others.compactMap {
            RecoveryNaming.number(in: $0.metadata.name ?? "", fingerprint: fingerprint)
        }
        let number = (numbers.max() ?? 0) + 1
        var error = ReportedError(type: errorType.rawValue)
        error.component = "membercluster"
        error.operation = "probe"
        error.severity = .known(.high)
        error.message = String("\(reason): \(message)".prefix(1_024))
        error.context = ["reason": reason]
        var spec = RecoverySpec(error: error)
        spec.clusterRef = NameReference(name: cluster)
        var metadata = ObjectMeta(
            name: RecoveryNaming.name(target: target, fingerprint: fingerprint, number: number),
            namespace: namespace
        )
        metadata.labels = [
            MetadataName.fingerprint: fingerprint, MetadataName.errorType: errorType.rawValue,
            MetadataName.cluster: String(cluster.prefix(63)),
        ]
        return Recovery(metadata: metadata, spec: spec)
    }

    private var target: ResolvedTarget { ResolvedTarget(cluster: cluster) }
}
