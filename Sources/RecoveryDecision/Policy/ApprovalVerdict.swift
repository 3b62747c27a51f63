package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// What becomes of a RecoveryApproval, by the Recovery as it was last written.
package struct ApprovalVerdict: Sendable, Hashable {
    /// Carried out or refused.
    package var result: ApprovalResult
    /// The result in words.
    package var message: String

    /// Judges an approval.
    ///
    /// - Parameters:
    ///   - approval: one that nobody has judged yet.
    ///   - recovery: the Recovery of that name as the server has it; nil when there is none.
    /// - Returns: nil while that is open.
    package static func judge(_ approval: RecoveryApproval, recovery: Recovery?) -> ApprovalVerdict? {
        let name = approval.spec.recoveryRef.name
        guard let recovery, approval.isAbout(recovery) else {
            return refused("there is no Recovery \(name) with uid \(approval.spec.recoveryRef.uid)")
        }
        guard approval.spec.decision.value != nil else {
            return refused("the decision \(approval.spec.decision.rawValue) is not known; write Approve or Reject")
        }
        guard let plan = recovery.status?.plan else {
            guard recovery.status?.effective != nil || recovery.isFinal else { return nil }
            return refused("Recovery \(name) has no plan that needs an approval")
        }
        guard plan.hash == approval.spec.planHash else {
            return refused(
                "the plan has changed: its hash is \(plan.hash) now; read status.plan of Recovery \(name) again"
            )
        }
        if let carriedOut = plan.approval {
            let isOwn = carriedOut == approval.metadata.name
            return ApprovalVerdict(
                result: .applied,
                message: isOwn ? "the decision was carried out" : "RecoveryApproval \(carriedOut) had decided alike"
            )
        }
        return recovery.isFinal ? refused("Recovery \(name) has ended before: \(recovery.state.rawValue)") : nil
    }

    private static func refused(_ message: String) -> ApprovalVerdict {
        ApprovalVerdict(result: .refused, message: message)
    }

    /// The status that tells it.
    package func status(of approval: RecoveryApproval, now: Date) -> RecoveryApprovalStatus {
        var status = approval.status ?? RecoveryApprovalStatus()
        status.observedGeneration = approval.metadata.generation
        status.result = result
        status.message = message
        status.time = now.wholeSecond
        var conditions = status.conditions ?? []
        conditions.set(
            Condition(
                type: ConditionType.accepted,
                status: result == .applied ? .true : .false,
                reason: result.rawValue,
                message: message,
                observedGeneration: approval.metadata.generation
            ),
            now: now.wholeSecond
        )
        status.conditions = conditions
        return status
    }
}
