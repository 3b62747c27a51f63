/// What detectors of a policy have in common, with the defaults applied.
package protocol FailureDetector: Sendable {
    /// Seconds of health after which the next failure is a new incident.
    var healthyForSeconds: Int? { get }
    /// The severity to open.
    var severity: Open<Severity>? { get }
}

/// A detector that waits until a failure has lasted.
package protocol LastingFailureDetector: FailureDetector {
    /// Seconds that the failure lasts before it is one.
    var forSeconds: Int? { get }
}

extension FailureDetector {
    /// Seconds of health after which the next failure is a new incident: 30 when absent.
    package var effectiveHealthyForSeconds: Int { healthyForSeconds ?? 30 }
    /// The severity to open: `Medium` when absent.
    package var effectiveSeverity: Severity { severity?.value ?? .standard }
}

extension LastingFailureDetector {
    /// Seconds that the failure lasts before it is one: 60 when absent.
    package var effectiveForSeconds: Int { forSeconds ?? 60 }
}

extension ConditionDetector: LastingFailureDetector {}
extension WorkloadDetector: LastingFailureDetector {}
extension NodeDetector: LastingFailureDetector {}
extension EventDetector: FailureDetector {}
extension HTTPProbe: FailureDetector {}
extension AlertDetector: FailureDetector {
    /// Alerts say themselves when they are resolved.
    package var healthyForSeconds: Int? { nil }
}
extension ClusterHealthDetector {
    /// Seconds of health after which the next failure is a new incident: 30 when absent.
    package var effectiveHealthyForSeconds: Int { healthyForSeconds ?? 30 }
}
