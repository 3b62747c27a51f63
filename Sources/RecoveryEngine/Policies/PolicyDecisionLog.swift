internal import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Synchronization

/// The latest decisions about Recoveries under a policy, until they are written to its status.
///
/// For the reader only: nothing is decided by them, so they may be lost in a crash.
final class PolicyDecisionLog: Sendable {
    private let decisions = Mutex<[ObjectKey: [PolicyDecision]]>([:])

    /// Makes an empty log.
    init() {}

    /// Notes what was decided about a Recovery.
    ///
    /// - Parameters:
    ///   - verdict: the gate that holds it; nil when an attempt begins.
    ///   - recovery: the Recovery after the decision was written.
    ///   - now: the wall clock.
    /// - Returns: the policy whose status should tell; nil when none governs.
    func note(_ verdict: GateVerdict?, _ recovery: Recovery, now: Date) -> ObjectKey? {
        guard let policy = recovery.policyKey, let status = recovery.status else { return nil }
        var decision = PolicyDecision(
            time: now.wholeSecond,
            reason: verdict?.gate.rawValue ?? ConditionReason.admitted
        )
        decision.recovery = recovery.metadata.name
        decision.target = status.target?.words
        decision.gate = verdict?.gate.rawValue
        decision.message = String((verdict?.message ?? status.message ?? "").prefix(RecoveryStatus.maxMessageLength))
        decision.nextTime = verdict?.recheckAt?.wholeSecond
        decisions.withLock { decisions in
            let all = (decisions[policy] ?? []) + [decision]
            decisions[policy] = Array(all.suffix(RecoveryPolicyStatus.maxDecisions))
        }
        return policy
    }

    /// What was noted and is not written yet.
    func pending(_ policy: ObjectKey) -> [PolicyDecision] {
        decisions.withLock { $0[policy] ?? [] }
    }

    /// These are written, or the policy is gone.
    func remove(_ written: [PolicyDecision], _ policy: ObjectKey) {
        decisions.withLock { decisions in
            decisions[policy]?.removeAll { written.contains($0) }
            if decisions[policy]?.isEmpty == true { decisions[policy] = nil }
        }
    }
}

extension Recovery {
    /// The policy that it was accepted under.
    var policyKey: ObjectKey? { policyKey(under: status) }

    /// The policy that it is accepted under by a status that may not be written yet.
    func policyKey(under status: RecoveryStatus?) -> ObjectKey? {
        (status?.effective?.policy?.name).map { ObjectKey(namespace: metadata.namespace, name: $0) }
    }
}
