import JSON
import Synchronization
import Telemetry
import Timekeeping

// One attempt to get or keep the lease, and giving it back: the shell around the state machine.
extension LeaderElector {
    /// Goes through the steps of one attempt; a request that fails or hangs is a failed attempt, not an error.
    ///
    /// - Parameter bound: When the attempt must have ended; nil for a candidate, which has time.
    /// - Returns: How it ended.
    /// - Throws: `CancellationError` only.
    func attempt(until bound: MonotonicInstant?) async throws -> LeaderElectionState.Outcome {
        let oldHolder = state.withLock { $0.observedHolder }
        var step = state.withLock { $0.begin(now: timeSource.now(), wall: timeSource.wallTime()) }
        while true {
            if case .finished(let outcome) = step {
                reportHolder(since: oldHolder)
                return outcome
            }
            let sentAt = timeSource.now()
            if case .read = step, isLeader { instruments.tookSlowPath() }
            do {
                step = try await perform(step, sentAt: sentAt, until: bound)
            } catch {
                try Task.checkCancellation()
                logger.warning("leader election request failed", ["error": "\(error)"])
                step = state.withLock { $0.failed() }
            }
        }
    }

    /// Sends the request of one step, with the time limit of a single request.
    private func perform(
        _ step: LeaderElectionState.Step,
        sentAt: MonotonicInstant,
        until bound: MonotonicInstant?
    ) async throws -> LeaderElectionState.Step {
        let limit = sentAt.advanced(by: configuration.requestTimeout)
        let deadline = bound.map { min($0, limit) } ?? limit
        let answer = try await withDeadline(deadline, timeSource) { [store] () -> JSONValue? in
            switch step {
            case .read: return try await store.read()
            case .create(let lease): return try await store.create(lease)
            case .update(let lease): return try await store.update(lease)
            case .finished: return nil
            }
        }
        let now = timeSource.now()
        guard case .read = step else {
            feedWatchdog(sentAt: sentAt)
            return state.withLock { $0.written(answer ?? .null, sentAt: sentAt, now: now) }
        }
        return state.withLock { $0.read(answer, now: now, wall: timeSource.wallTime()) }
    }

    private func reportHolder(since oldHolder: String) {
        let holder = state.withLock { $0.observedHolder }
        guard holder != oldHolder, holder != configuration.identity, !holder.isEmpty else { return }
        logger.info("new leader", ["holder": holder])
    }

    /// Takes our name off the lease, so that a successor need not wait for its end; gives up at the renew deadline.
    ///
    /// A conflict means that somebody changed the Lease in between, or that a renewal which was cut off has arrived
    /// after all: it is soon read again.
    ///
    /// - Throws: `CancellationError` only; a lease that cannot be released runs out by itself.
    func release() async throws {
        stepDown()
        // A cancelled task makes no more requests.
        guard !Task.isCancelled, state.withLock({ $0.mayHoldLease }) else { return }
        let end = timeSource.now().advanced(by: configuration.renewDeadline)
        while timeSource.now() < end {
            do {
                let deadline = min(end, timeSource.now().advanced(by: configuration.requestTimeout))
                try await withDeadline(deadline, timeSource) { [self] in
                    let found = try await store.read()
                    let lease = state.withLock { $0.released(found, wall: timeSource.wallTime()) }
                    guard let lease else { return }
                    _ = try await store.update(lease)
                    logger.info("lease released")
                }
                return
            } catch {
                try Task.checkCancellation()
                logger.warning("lease not released yet", ["error": "\(error)"])
                let wait = error is LeaseConflict ? Duration.milliseconds(100) : .seconds(1)
                try await timeSource.sleep(until: min(end, timeSource.now().advanced(by: wait)))
            }
        }
    }
}
