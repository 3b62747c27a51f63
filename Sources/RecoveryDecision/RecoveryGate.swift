package import FoundationEssentials

/// What can hold the start of an action, in the order in which it is asked (design.md section 4).
///
/// The raw value is the machine-readable reason in the condition `Admitted` and the `gate` label of metrics and logs.
package enum RecoveryGate: String, Sendable, Hashable, CaseIterable {
    /// The policy that `spec.policyRef` names does not exist.
    case policyNotFound = "PolicyNotFound"
    /// A policy of the namespace, or the one that `spec.policyRef` names, cannot be read: what it forbids is not known.
    case policyUnreadable = "PolicyUnreadable"
    /// `spec.suspend` is true.
    case suspended = "Suspended"
    /// The governing policy is suspended.
    case policySuspended = "PolicySuspended"
    /// The last attempt failed a short while ago.
    case backingOff = "BackingOff"
    /// The informers have not delivered their first list yet; before acceptance this is asked first, because which
    /// policies exist is not known before.
    case warmingUp = "WarmingUp"
    /// The policy's mode is Observe, and detection has opened the Recovery.
    case observeOnly = "ObserveOnly"
    /// The policy's mode is Approve, and nobody has approved the plan as it is.
    case awaitingApproval = "AwaitingApproval"
    /// More of the policy's targets are unhealthy than it allows, and as many actions have started as may meanwhile.
    case tooManyUnhealthy = "TooManyUnhealthy"
    /// No longer so many targets are unhealthy, but not for long enough.
    case stormCooldown = "StormCooldown"
    /// As many actions were started in the window as the policy's budget allows.
    case budgetExhausted = "BudgetExhausted"
    /// Another Recovery has acted on the same target a short while ago.
    case coolingDown = "CoolingDown"
    /// The policy's circuit breaker is open.
    case breakerOpen = "BreakerOpen"
    /// Another Recovery works on the same target.
    case targetLocked = "TargetLocked"
    /// As many attempts run as the policy allows.
    case policyConcurrency = "PolicyConcurrencyLimit"
    /// As many attempts run as the controller may run at one time.
    case concurrency = "ConcurrencyLimit"

    /// Whether it can hold for longer than others should have to wait for the same target.
    package var isLasting: Bool {
        switch self {
        case .backingOff, .targetLocked, .policyConcurrency, .concurrency: false
        default: true
        }
    }
}

/// A gate that holds a Recovery: which one, why, and when the controller looks again.
package struct GateVerdict: Sendable, Hashable {
    /// The gate.
    package var gate: RecoveryGate
    /// Why it holds, for people; names what would open it.
    package var message: String
    /// When the controller looks again even if nothing changes before; nil when only a change can open the gate.
    package var recheckAt: Date?

    /// Makes a verdict.
    package init(_ gate: RecoveryGate, _ message: String, recheckAt: Date? = nil) {
        self.gate = gate
        self.message = message
        self.recheckAt = recheckAt
    }
}

extension GateVerdict {
    /// What a policy forbids is not known.
    static func policyUnreadable(_ name: String, _ reason: String, recheckAt: Date? = nil) -> GateVerdict {
        GateVerdict(
            .policyUnreadable,
            "RecoveryPolicy \(name) cannot be read: \(reason); correct it, or delete it",
            recheckAt: recheckAt
        )
    }

    /// The informers are not complete; with a deadline, that is when the wait ends at the latest.
    static func warmingUp(until deadline: Date?) -> GateVerdict {
        GateVerdict(.warmingUp, "the controller's caches are not complete yet", recheckAt: deadline)
    }
}
