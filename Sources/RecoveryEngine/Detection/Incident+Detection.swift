internal import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision

extension Incident {
    /// The incident that a policy's detector reports.
    ///
    /// A Recovery that was Completed had a healthy target: what failed again since is another incident, even if the
    /// target was not well for as long as the detector asks. One whose target is still seen failing has proven nothing.
    ///
    /// - Parameters:
    ///   - report: what the detector says.
    ///   - policy: the detector's policy.
    ///   - last: the Recovery of this failure that was completed last; nil when there is none that was.
    package init(_ report: IncidentReport, policy: RecoveryPolicy, completed last: Recovery? = nil) {
        let failure = PolicyWatch.Failure(report.target, errorType: report.rule.errorType)
        self.init(failure, policy: policy)
        let (times, completed) = (report.times, last?.status?.completionTime)
        since = times.began ?? completed.map { $0.addingTimeInterval(1) } ?? .distantPast
        if let latest = times.latest {
            returned = latest
            if let completed, completed < latest { since = max(since, latest) }
        }
        if let completed, !report.rule.isLate, last?.isProvenForGood == false {
            since = max(since, completed.addingTimeInterval(1))
        }
        code = report.rule.code
        severity = report.rule.severity
        operation = "detect"
        reason = report.failure.reason
        message = report.failure.message
        context["detector"] = String(report.rule.name.prefix { $0 != " " })
    }

    /// Names a failure under a policy, without saying anything about it.
    package init(_ failure: PolicyWatch.Failure, policy: RecoveryPolicy) {
        self.init(errorType: failure.errorType, namespace: policy.metadata.namespace ?? "", since: .distantPast)
        self.policy = policy.metadata.name
        component = "detection"
        let reference = failure.target.reference
        if let cluster = failure.target.cluster {
            clusterRef = NameReference(name: cluster)
        } else if failure.target.isObject {
            targetRef = reference
        } else {
            subject = reference
            context = [Self.subjectKey: "\(reference.kind)/\(reference.name)"]
        }
    }

    /// The entry of the context that names what failed where there is no object to be repaired.
    static let subjectKey = "subject"
}

extension Recovery {
    /// Whether its strategy has seen all that there is to see, so that nobody looked at the target's health any more.
    fileprivate var isProvenForGood: Bool {
        let verified = status?.conditions?[type: ConditionType.verified]?.reason
        return status?.verifySettings != nil && verified == "Verified"
    }
}
