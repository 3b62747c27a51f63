package import FoundationEssentials
internal import JSON
internal import KubernetesCore
package import RecoveryAPI

/// An attempt that is about to start under a policy, as the policy's books know it.
package struct PolicyAction: Sendable, Hashable {
    /// The Recovery's name, uid and attempt.
    package var attempt: BreakerProbe
    /// The rung's strategy.
    package var strategy: String
    /// What is acted on.
    package var target: ResolvedTarget?
    /// The Recovery that this one has taken over from: its action is no reason to cool down.
    package var parent: String?
    /// The limits in force.
    package var limits: PolicyLimits?

    /// An attempt of an accepted Recovery; nil when it has no strategy.
    ///
    /// - Parameters:
    ///   - recovery: the object.
    ///   - status: its status, before or after the reservation.
    ///   - number: which of its attempts.
    ///   - now: the wall clock.
    package init?(_ recovery: Recovery, status: RecoveryStatus, attempt number: Int, now: Date) {
        guard let rung = status.currentRung else { return nil }
        attempt = BreakerProbe(
            recovery: recovery.metadata.name ?? "",
            recoveryUID: recovery.metadata.uid,
            attempt: number,
            since: now
        )
        strategy = rung.name
        target = status.target
        // A target that failed again soon after a recovery has to rest all the more.
        parent = recovery.isOpenedByPolicy ? nil : recovery.spec.parentRef?.name
        limits = status.effective?.limits
    }

    /// The name of the target's lock.
    var lock: String? { target.flatMap(LockKey.init)?.leaseName }

    /// The breaker of a scope that counts this action.
    func breaker(_ scope: BreakerScope) -> BreakerIdentity {
        let key =
            switch scope {
            case .strategy: strategy
            case .target: target?.words ?? "none"
            case .cluster: target?.cluster.nonEmpty ?? "hub"
            }
        return BreakerIdentity(scope: scope, key: key)
    }

    /// The entry in the books.
    func entry(breaker: BreakerIdentity?) -> RecentAction {
        var entry = RecentAction(time: attempt.since, target: lock, recovery: attempt.recovery, strategy: strategy)
        entry.recoveryUID = attempt.recoveryUID
        entry.attempt = attempt.attempt
        entry.breaker = breaker
        return entry
    }
}

/// What became of an action in the books.
package enum ActionOutcome: Sendable, Hashable {
    /// It may still be under way.
    case open
    /// It never started.
    case neverStarted
    /// It ended; `success` is nil when that says nothing about the target, such as a cancellation, or is lost.
    case ended(at: Date?, success: Bool?)

    /// What became of an attempt, by the Recovery as it is known.
    ///
    /// - Parameters:
    ///   - attempt: its number.
    ///   - recovery: the Recovery, at most too old; nil when it was deleted.
    package init(attempt: Int, of recovery: Recovery?) {
        guard let recovery else {
            self = .ended(at: nil, success: nil)
            return
        }
        let executions = recovery.status?.executions ?? []
        if let execution = executions.first(where: { $0.attempt == attempt }) {
            guard execution.state.isFinal else {
                self = .open
                return
            }
            let success: Bool? =
                switch execution.state {
                case .completed: true
                case .failed, .timeout: false
                case .cancelled, .pending, .inProgress: nil
                }
            self = .ended(at: execution.endTime, success: success)
        } else if let oldest = executions.first, oldest.attempt > attempt {
            self = .ended(at: nil, success: nil)
        } else {
            self = recovery.isFinal ? .neverStarted : .open
        }
    }
}

extension RecentAction {
    /// The attempt as breakers know it.
    var identity: BreakerProbe {
        BreakerProbe(recovery: recovery ?? "", recoveryUID: recoveryUID, attempt: attempt ?? 0, since: time)
    }
}

extension ResolvedTarget {
    /// `edge-1/Deployment.apps/production/web`, for messages and as the name of a breaker; parts that are absent are left
    /// out.
    package var words: String {
        let group = apiVersion.flatMap { $0.contains("/") ? String($0.prefix { $0 != "/" }) : nil }
        let kind = kind.map { kind in group.map { "\(kind).\($0)" } ?? kind }
        return [cluster, kind, namespace, name].compactMap { $0.nonEmpty }.joined(separator: "/")
    }
}

extension Date {
    /// As status and kubectl write it.
    package var text: String { RFC3339.string(from: self) ?? "a time without a calendar date" }
}
