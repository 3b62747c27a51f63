internal import FoundationEssentials
internal import JSON
package import KubernetesCore
package import RecoveryAPI
internal import RecoveryDecision

/// What there is to tell people about a Recovery that waits for them.
package struct RecoveryNotice: Sendable, Hashable {
    /// Who has to act.
    package var level: EscalationLevel
    /// The Recovery.
    package var recovery: ObjectKey
    /// Where it stands.
    package var state: RecoveryState
    /// The error's type, code and severity.
    package var error: ReportedError
    /// The target, such as `Deployment production/web on edge-1`.
    package var target: String
    /// What happened, in one sentence.
    package var message: String
    /// Why it was escalated, as a CamelCase word.
    package var reason: String
    /// What a person should do.
    package var nextSteps: [String]
    /// When it was escalated.
    package var time: String
    /// The same for the same failure of the same target at the same level, whichever Recovery is about it.
    package var fingerprint: String

    /// Reads a Recovery; nil when nobody has to act.
    package init?(_ recovery: Recovery) {
        guard let status = recovery.status, let escalation = status.escalation, escalation.level > .automatic else {
            return nil
        }
        level = escalation.level
        self.recovery = recovery.metadata.key
        state = recovery.state
        error = recovery.spec.error
        target = Self.words(status.target)
        message = status.message ?? error.message ?? "no details"
        reason = escalation.reason ?? ""
        nextSteps = escalation.nextSteps ?? []
        time = escalation.time.flatMap { RFC3339.string(from: $0) } ?? ""
        let what = status.target.flatMap(LockKey.init)?.leaseName ?? recovery.metadata.uid ?? "\(recovery.metadata.key)"
        fingerprint = "\(what)/\(error.type)/\(level.rawValue)"
    }

    private static func words(_ target: ResolvedTarget?) -> String {
        guard let target else { return "no target" }
        let place = target.cluster.map { " on \($0)" } ?? ""
        guard let kind = target.kind, let name = target.name else { return "cluster \(target.cluster ?? "")" }
        return "\(kind) \(target.namespace.map { "\($0)/" } ?? "")\(name)\(place)"
    }

    /// The headline.
    package var title: String { "[\(level.rawValue)] \(error.type) of \(target): recovery \(state.rawValue)" }

    /// Everything, for people.
    package var text: String {
        let steps = nextSteps.enumerated().map { "\($0.offset + 1). \($0.element)" }
        return ([title, message, "Recovery \(recovery), \(reason) at \(time)"] + steps).joined(separator: "\n")
    }
}
