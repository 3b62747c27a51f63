package import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
internal import Synchronization

/// What detection says now, for those who decide about Recoveries and policies; written by the DetectionController.
package final class DetectionFindings: Sendable {
    private struct Entry: Sendable {
        var findings: [PolicyWatch.Failure: DetectionFinding]
        var base: DetectionBase?
        /// What detectors see failing that look at the targets themselves.
        var failing: Set<PolicyWatch.Failure>
        /// Error types of detectors that do not see all they should.
        var blind: Set<String>
    }

    private let entries = Mutex<[ObjectKey: Entry]>([:])

    /// Makes findings of a process that has not looked at anything yet.
    package init() {}

    /// What is known now of the failure that a Recovery was opened for.
    ///
    /// - Parameters:
    ///   - recovery: any Recovery.
    ///   - policies: the policies of its namespace, as the cache has them.
    /// - Returns: `unwatched` for those that no policy's detection has opened, or whose policy no longer looks.
    package func finding(about recovery: Recovery, policies: [RecoveryPolicy]) -> DetectionFinding {
        guard let (policy, failure) = subject(of: recovery, policies: policies) else { return .unwatched }
        guard let entry = entries.withLock({ $0[policy] }) else { return .unseen }
        return entry.findings[failure] ?? (entry.blind.contains(failure.errorType) ? .unseen : .unwatched)
    }

    /// Whether the target of a Recovery that detection has opened is seen failing now.
    ///
    /// What events and alerts say does not count: they tell late that a failure is over.
    package func isSeenFailing(_ recovery: Recovery, policies: [RecoveryPolicy]) -> Bool {
        guard let (policy, failure) = subject(of: recovery, policies: policies) else { return false }
        return entries.withLock { $0[policy]?.failing.contains(failure) ?? false }
    }

    /// The policy whose detection has opened a Recovery and still looks, and what for; nil when there is none.
    private func subject(
        of recovery: Recovery,
        policies: [RecoveryPolicy]
    ) -> (policy: ObjectKey, failure: PolicyWatch.Failure)? {
        guard recovery.metadata.labels?[MetadataName.fingerprint] != nil,
            let name = recovery.spec.policyRef?.name,
            let policy = policies.first(where: { $0.metadata.name == name }), policy.hasDetection,
            let failure = PolicyWatch.Failure(recovery)
        else { return nil }
        return (policy.metadata.key, failure)
    }

    /// How many targets the detectors of a policy match, and how many of them fail; nil while they do not see them all.
    package func base(of policy: ObjectKey) -> DetectionBase? {
        entries.withLock { $0[policy]?.base }
    }

    /// Notes what the detectors of a policy see; without a base, that they do not see all targets.
    func note(_ watch: PolicyWatch, _ base: DetectionBase?, blind: Set<DetectionRule>, of policy: ObjectKey) {
        let entry = Entry(
            findings: watch.allFindings,
            base: base,
            failing: watch.presentFailures,
            blind: Set(blind.map(\.errorType))
        )
        entries.withLock { $0[policy] = entry }
    }

    /// The policy is gone, or looks at nothing any more.
    func forget(_ policy: ObjectKey) {
        entries.withLock { $0[policy] = nil }
    }
}

extension RecoveryPolicy {
    /// Whether anything is to be looked at; a policy that is suspended looks at nothing.
    var hasDetection: Bool { spec.detection != nil && !spec.isSuspended && !metadata.isBeingDeleted }
}

extension PolicyWatch.Failure {
    /// What a Recovery that detection has opened is about; nil when it names nothing.
    init?(_ recovery: Recovery) {
        let type = recovery.spec.error.type
        if let cluster = recovery.spec.clusterRef {
            // Detection does not look at objects on members.
            guard recovery.spec.targetRef == nil else { return nil }
            self.init(.cluster(cluster.name), errorType: type)
            return
        }
        if let reference = recovery.spec.targetRef {
            self.init(DetectedTarget(reference), errorType: type)
            return
        }
        let subject = recovery.spec.error.context?[Incident.subjectKey]?.split(separator: "/", maxSplits: 1) ?? []
        guard subject.count == 2 else { return nil }
        let namespace = recovery.metadata.namespace ?? ""
        self.init(.subject(String(subject[0]), String(subject[1]), namespace: namespace), errorType: type)
    }
}
