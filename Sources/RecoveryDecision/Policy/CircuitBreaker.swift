package import FoundationEssentials
package import RecoveryAPI

/// One circuit breaker of a policy: stops trying what keeps failing, and tries again with a single probe.
///
/// ```
/// Closed --too many failures--> Open --openSeconds--> HalfOpen --probe succeeds--> Closed
///                                 ^---probe fails or takes too long----|
/// ```
/// Pure: all it knows is in `status`, which is stored in the policy's status and survives every restart.
package struct CircuitBreaker: Sendable, Hashable {
    /// What it says about one more action.
    package enum Gate: Sendable, Hashable {
        /// It is closed.
        case passes
        /// It is open, and this action is the one that tries whether it may close.
        case probes
        /// It is open: why, and when it looks again; without a time only a person can close it.
        case holds(String, recheckAt: Date?)
    }

    /// Why a closed one opens.
    private enum Opening: String {
        case consecutiveFailures = "ConsecutiveFailures"
        case failureRate = "FailureRate"
        case slowCalls = "SlowCalls"
    }

    /// Where it stands.
    package private(set) var status: BreakerStatus
    private let settings: CircuitBreakerSettings

    /// Takes a breaker up as it is stored.
    package init(_ status: BreakerStatus, settings: CircuitBreakerSettings) {
        self.status = status
        self.settings = settings
    }

    /// How it is called in messages.
    private var name: String { "the circuit breaker of \(status.scope.rawValue.lowercased()) \(status.key)" }

    // MARK: Actions

    /// Says whether an action may start.
    package func gate(for action: BreakerProbe, now: Date) -> Gate {
        switch status.state {
        case .closed: return .passes
        case .open: return gateWhileOpen(now: now)
        case .halfOpen:
            guard let probe = status.probe, !probe.isSame(as: action) else { return .probes }
            let limit = probeLimit(probe)
            if limit <= now { return reopened(at: limit).gate(for: action, now: now) }
            return .holds("\(name) is half open: it waits for what Recovery \(probe.recovery) tries", recheckAt: limit)
        }
    }

    private func gateWhileOpen(now: Date) -> Gate {
        let open = "\(name) is open after \(cause)"
        if settings.effectiveReset == .manual {
            let remedy = "close it with a new value of the policy's annotation \(MetadataName.resetBreaker)"
            return .holds("\(open); \(remedy)", recheckAt: nil)
        }
        guard let next = status.nextProbeTime, next > now else { return .probes }
        return .holds("\(open); one action may try again at \(next.text)", recheckAt: next)
    }

    /// What opened it: a probe that does not succeed only keeps it open.
    private var cause: String {
        let openings = (status.history ?? []).filter { $0.state == .open }
        switch openings.compactMap({ $0.reason.flatMap(Opening.init(rawValue:)) }).last {
        case .failureRate: return "too many failures"
        case .slowCalls: return "too many slow calls"
        case .consecutiveFailures, nil: return "\(status.consecutiveFailures ?? 0) failures in a row"
        }
    }

    private func reopened(at time: Date) -> CircuitBreaker {
        var copy = self
        copy.open(reason: "ProbeTimedOut", now: time)
        return copy
    }

    /// An action that it let pass starts.
    package mutating func begin(_ action: BreakerProbe, now: Date) {
        expireProbe(now: now)
        guard case .probes = gate(for: action, now: now) else { return }
        status.probe = action
        guard status.state != .halfOpen else { return }
        move(to: .halfOpen, reason: "Probing", now: now)
        status.nextProbeTime = nil
    }

    /// An action that it let pass has ended.
    ///
    /// What began before it opened and ends afterwards changes nothing.
    ///
    /// - Parameters:
    ///   - call: when it ended, how, and how long it took.
    ///   - action: which one it was.
    ///   - isRedeployment: whether it moved workloads, which may fail more often in a row.
    package mutating func record(_ call: BreakerCall, by action: BreakerProbe, isRedeployment: Bool) {
        switch status.state {
        case .open: return
        case .halfOpen:
            guard status.probe?.isSame(as: action) == true else { return }
            if call.success {
                close(reason: "ProbeSucceeded", now: call.time)
            } else {
                countFailure()
                open(reason: "ProbeFailed", now: call.time)
            }
        case .closed:
            count(call)
            guard settings.effectiveForce != .closed, let reason = reasonToOpen(isRedeployment: isRedeployment) else {
                return
            }
            open(reason: reason.rawValue, now: call.time)
        }
    }

    /// Nobody will ever know how an action has ended: as a probe it makes room for another one.
    package mutating func forget(_ action: BreakerProbe, now: Date) {
        guard status.state == .halfOpen, status.probe?.isSame(as: action) == true else { return }
        move(to: .open, reason: "ProbeLost", now: now)
        status.probe = nil
        status.nextProbeTime = now
    }

    /// A probe that takes too long counts as one that failed.
    package mutating func expireProbe(now: Date) {
        guard status.state == .halfOpen, let probe = status.probe, probeLimit(probe) <= now else { return }
        open(reason: "ProbeTimedOut", now: probeLimit(probe))
    }

    /// A person closes it.
    package mutating func reset(now: Date) {
        guard status.state != .closed else { return }
        close(reason: "Reset", now: now)
        status.trips = nil
    }

    /// When it changes by itself; nil when it does not.
    package var nextChange: Date? {
        status.state == .halfOpen ? status.probe.map(probeLimit) : nil
    }

    private func probeLimit(_ probe: BreakerProbe) -> Date {
        probe.since.addingTimeInterval(Double(settings.effectiveHalfOpenMaxSeconds))
    }

    // MARK: States

    private mutating func move(to state: BreakerState, reason: String, now: Date) {
        status.state = state
        status.since = now
        let change = BreakerTransition(time: now, state: state, reason: reason)
        status.history = Array(((status.history ?? []) + [change]).suffix(BreakerStatus.maxHistory))
    }

    private mutating func open(reason: String, now: Date) {
        move(to: .open, reason: reason, now: now)
        // Never above what makes the open time as long as it may be.
        let trips = min(max(0, status.trips ?? 0), Self.most) + 1
        status.trips = trips
        status.probe = nil
        status.calls = nil
        status.nextProbeTime =
            settings.effectiveReset == .manual ? nil : now.addingTimeInterval(openSeconds(trips: trips))
    }

    private mutating func close(reason: String, now: Date) {
        move(to: .closed, reason: reason, now: now)
        status.nextProbeTime = nil
        status.consecutiveFailures = nil
        status.calls = nil
        status.probe = nil
    }

    /// Counters end here, whatever somebody may have written into the status.
    private static let most = 1_000_000

    private func openSeconds(trips: Int) -> Double {
        let rule = BackoffRule(
            initial: .seconds(settings.effectiveOpenSeconds),
            factorPercent: settings.effectiveOpenGrowthPercent,
            maximum: .seconds(settings.effectiveMaxOpenSeconds),
            spreadPercent: 0
        )
        return (rule.delay(afterAttempt: trips, seed: "") / .seconds(1)).rounded(.up)
    }

    // MARK: Counting

    private mutating func countFailure() {
        status.consecutiveFailures = min(max(0, status.consecutiveFailures ?? 0), Self.most) + 1
    }

    private mutating func count(_ call: BreakerCall) {
        if call.success { status.consecutiveFailures = nil } else { countFailure() }
        var calls = (status.calls ?? []) + [call]
        switch settings.effectiveWindowType {
        case .count: calls = Array(calls.suffix(max(1, settings.effectiveWindowSize)))
        case .time:
            let from = call.time.addingTimeInterval(-Double(settings.effectiveWindowSeconds))
            calls = calls.filter { $0.time > from }
        }
        status.calls = Array(calls.suffix(BreakerStatus.maxCalls))
        // Closed for good: it has worked for longer than it was open.
        if call.success, let since = status.since, let trips = status.trips,
            call.time.timeIntervalSince(since) >= openSeconds(trips: trips)
        {
            status.trips = nil
        }
    }

    private func reasonToOpen(isRedeployment: Bool) -> Opening? {
        if (status.consecutiveFailures ?? 0) >= settings.effectiveFailureThreshold(isRedeployment: isRedeployment) {
            return .consecutiveFailures
        }
        let calls = status.calls ?? []
        guard calls.count >= max(1, settings.effectiveMinimumCalls) else { return nil }
        let failures = calls.count { !$0.success }
        if failures > 0, Self.share(failures, of: calls) >= settings.effectiveFailureRatePercent {
            return .failureRate
        }
        guard let limit = settings.slowCallSeconds else { return nil }
        let slow = calls.count { ($0.seconds ?? 0) >= limit }
        return slow > 0 && Self.share(slow, of: calls) >= settings.effectiveSlowCallRatePercent ? .slowCalls : nil
    }

    /// In per cent, rounded down: at least a whole number of per cent is as much as the exact share is.
    private static func share(_ count: Int, of calls: [BreakerCall]) -> Int {
        count * 100 / max(1, calls.count)
    }
}

extension BreakerProbe {
    /// Whether both are the same attempt of the same Recovery.
    func isSame(as other: BreakerProbe) -> Bool {
        recoveryUID == other.recoveryUID && recovery == other.recovery && attempt == other.attempt
    }
}
