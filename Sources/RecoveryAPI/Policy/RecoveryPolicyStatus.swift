package import FoundationEssentials
package import KubernetesCore

/// What a policy led to; storms, breakers and recent actions are kept here so that a restart forgets nothing.
package struct RecoveryPolicyStatus: Codable, Hashable, Sendable {
    /// The generation that the rest describes.
    package var observedGeneration: Int64?
    /// Targets that detection matches; without detection, those of its open Recoveries.
    package var matched: Int?
    /// Of those, the unhealthy ones.
    package var unhealthy: Int?
    /// `limits.maxUnhealthy` as an absolute number.
    package var maxUnhealthy: Int?
    /// Recoveries of this policy that run.
    package var inFlight: Int?
    /// The breakers that have counted something, at most 32.
    package var breakers: [BreakerStatus]?
    /// The value of the annotation `recovery.tmc.io/reset-breaker` that was carried out last.
    package var breakerReset: String?
    /// The storm that is going on.
    package var storm: StormStatus?
    /// The actions of the longest window, newest last, at most 100: for budget, cooldown and breakers.
    package var recentActions: [RecentAction]?
    /// The latest decisions, newest last, at most 10.
    package var lastDecisions: [PolicyDecision]?
    /// Ready, Storming, BreakersClosed.
    package var conditions: [Condition]?

    /// Makes an empty status.
    package init() {}

    /// How many decisions are kept.
    package static let maxDecisions = 10
    /// How many actions are kept.
    package static let maxRecentActions = 100
    /// How many breakers are kept.
    package static let maxBreakers = 32
}

/// One circuit breaker.
package struct BreakerStatus: Codable, Hashable, Sendable {
    /// What shares the breaker.
    package var scope: Open<BreakerScope>
    /// The strategy, target or cluster.
    package var key: String
    /// Where it stands.
    package var state: BreakerState
    /// Since when.
    package var since: Date?
    /// When an open breaker lets a probe through.
    package var nextProbeTime: Date?
    /// Failures in a row.
    package var consecutiveFailures: Int?
    /// Times it opened without closing for good; the open time grows with it.
    package var trips: Int?
    /// The calls in the window, newest last, at most 100.
    package var calls: [BreakerCall]?
    /// The action that is let through to try whether the breaker may close.
    package var probe: BreakerProbe?
    /// The latest changes of state, newest last, at most 10.
    package var history: [BreakerTransition]?

    /// Makes a closed breaker.
    package init(scope: BreakerScope, key: String) {
        self.scope = .known(scope)
        self.key = key
        self.state = .closed
    }

    /// How many calls are kept.
    package static let maxCalls = 100
    /// How many changes of state are kept.
    package static let maxHistory = 10
}

/// The one action that a half-open breaker lets through.
package struct BreakerProbe: Codable, Hashable, Sendable {
    /// The Recovery that acts.
    package var recovery: String
    /// Its uid.
    package var recoveryUID: String?
    /// Number of its attempt.
    package var attempt: Int
    /// When it began.
    package var since: Date

    /// Makes a probe.
    package init(recovery: String, recoveryUID: String?, attempt: Int, since: Date) {
        self.recovery = recovery
        self.recoveryUID = recoveryUID
        self.attempt = attempt
        self.since = since
    }
}

/// One call that a breaker has counted.
package struct BreakerCall: Codable, Hashable, Sendable {
    /// When the call ended.
    package var time: Date
    /// Whether it succeeded.
    package var success: Bool
    /// How long it took, in seconds.
    package var seconds: Int?

    /// Makes a call.
    package init(time: Date, success: Bool, seconds: Int? = nil) {
        self.time = time
        self.success = success
        self.seconds = seconds
    }
}

/// One change of a breaker's state.
package struct BreakerTransition: Codable, Hashable, Sendable {
    /// When it changed.
    package var time: Date
    /// The state after the change.
    package var state: BreakerState
    /// Why.
    package var reason: String?

    /// Makes a transition.
    package init(time: Date, state: BreakerState, reason: String? = nil) {
        self.time = time
        self.state = state
        self.reason = reason
    }
}

/// More targets unhealthy than the policy allows.
package struct StormStatus: Codable, Hashable, Sendable {
    /// When the storm began.
    package var since: Date
    /// Actions started since.
    package var actions: Int
    /// Since when the count has been within the limit; absent while it is not.
    package var calmSince: Date?

    /// Makes a storm that has begun.
    package init(since: Date, actions: Int = 0) {
        self.since = since
        self.actions = actions
    }
}

/// One action that counts for budget, cooldown and breakers.
package struct RecentAction: Codable, Hashable, Sendable {
    /// When it started.
    package var time: Date
    /// The target, as the name of its lock.
    package var target: String?
    /// The Recovery it belonged to.
    package var recovery: String?
    /// The uid of that Recovery.
    package var recoveryUID: String?
    /// Number of that Recovery's attempt.
    package var attempt: Int?
    /// The strategy that acted.
    package var strategy: String?
    /// The breaker that counts it.
    package var breaker: BreakerIdentity?
    /// Whether it counts in a storm.
    package var duringStorm: Bool?
    /// When it ended; absent while its outcome is open.
    package var endTime: Date?
    /// Whether it succeeded; absent while that is open, and when nobody knows.
    package var success: Bool?

    /// Makes an action.
    package init(time: Date, target: String? = nil, recovery: String? = nil, strategy: String? = nil) {
        self.time = time
        self.target = target
        self.recovery = recovery
        self.strategy = strategy
    }
}

/// Which of a policy's breakers.
package struct BreakerIdentity: Codable, Hashable, Sendable {
    /// What shares the breaker.
    package var scope: BreakerScope
    /// The strategy, target or cluster.
    package var key: String

    /// Names a breaker.
    package init(scope: BreakerScope, key: String) {
        self.scope = scope
        self.key = key
    }
}

/// One decision, for the reader: which gate said what, and when it looks again.
package struct PolicyDecision: Codable, Hashable, Sendable {
    /// When it was taken.
    package var time: Date
    /// The Recovery it was about.
    package var recovery: String?
    /// The target, in words.
    package var target: String?
    /// The gate that decided; absent when all let it pass.
    package var gate: String?
    /// A CamelCase reason.
    package var reason: String
    /// The decision in words.
    package var message: String?
    /// When it looks again.
    package var nextTime: Date?

    /// Makes a decision.
    package init(time: Date, reason: String) {
        self.time = time
        self.reason = reason
    }
}
