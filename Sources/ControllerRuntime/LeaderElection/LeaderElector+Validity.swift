import Synchronization
public import Timekeeping

// What the rest of the program may ask about leadership, from any thread.
extension LeaderElector {
    /// Whether this process holds the lease as far as it knows; it may already be too old to write.
    public var isLeader: Bool { state.withLock { $0.isLeading } }

    /// Until when writes may be issued, which should bound the timeout of every write; nil while not leading.
    public var writeDeadline: MonotonicInstant? { state.withLock { $0.writeDeadline } }

    /// Whether a write may be issued now.
    public var isValid: Bool {
        guard let writeDeadline else { return false }
        return timeSource.now() < writeDeadline
    }

    /// The Lease's `leaseTransitions` of this term, higher in every later term; nil while not leading.
    public var fencingToken: Int64? { state.withLock { $0.fencingToken } }

    /// What the gate of `KubernetesClient.guarded(by:)` asks: lets a write pass only while it is safe.
    ///
    /// - Throws: ``LeadershipLost`` when this process does not lead or its last renewal is too old.
    public func requireLeadership() throws {
        guard isValid else { throw LeadershipLost(reason: .notValid) }
    }

    /// A health check: fails when this process leads, but has long not renewed.
    ///
    /// That is a process whose election is stuck while the rest looks alive; without the check it stays up for ever.
    ///
    /// - Parameter tolerance: How long beyond the lease's duration is still taken for slow and not for stuck.
    /// - Throws: ``LeadershipLost`` when unhealthy.
    public func checkHealth(tolerance: Duration = .seconds(20)) throws {
        guard let renewedAt = state.withLock({ $0.renewedAt }) else { return }
        let limit = renewedAt.advanced(by: configuration.leaseDuration).advanced(by: tolerance)
        guard timeSource.now() <= limit else { throw LeadershipLost(reason: .notRenewed) }
    }
}
