package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision

extension Incident {
    /// The incident that a policy's detector reports.
    ///
    /// A Recovery that was Completed had a healthy target: what failed again since is another incident, even if the
    /// target was not well for as long as the detector asks.
    ///
    /// - Parameters:
    ///   - report: what the detector says.
    ///   - policy: the detector's policy.
    ///   - completed: when the newest Recovery of this failure was completed; nil when there is none that was.
    package init(_ report: IncidentReport, policy: RecoveryPolicy, completed: Date? = nil) {
        let failure = PolicyWatch.Failure(report.target, errorType: report.rule.errorType)
        self.init(failure, policy: policy)
        let times = report.times
        since = times.began ?? completed.map { $0.addingTimeInterval(1) } ?? .distantPast
        if let latest = times.latest {
            returned = latest
            if let completed, completed < latest { since = max(since, latest) }
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
        if failure.target.isObject {
            targetRef = reference
        } else {
            subject = reference
            context = [Self.subjectKey: "\(reference.kind)/\(reference.name)"]
        }
    }

    /// The entry of the context that names what failed where there is no object to be repaired.
    static let subjectKey = "subject"
}
