internal import FoundationEssentials
package import JSON
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
internal import Synchronization
package import Timekeeping

/// What an attempt has done so far, and its one way to write that to status.
///
/// Single writer: while the attempt runs, only this journal writes the Recovery's status, one write after another.
package final class AttemptJournal: Sendable {
    /// When a request to end is heard.
    private enum Heed {
        case atOnce, atSafePoints, later
    }

    private struct State {
        var recovery: Recovery
        var actions: [ActionRecord]
        var stop: StopReason?
        var heed = Heed.atOnce
        var isClosed = false

        /// What can be taken back is taken back before the attempt ends: not in the middle of doing it.
        static func heed(having actions: [ActionRecord]) -> Heed {
            actions.standingChanges.isEmpty ? .atOnce : .atSafePoints
        }
    }

    private let writer: StatusWriter
    private let timeSource: any TimeSource
    private let executionID: String
    private let state: Mutex<State>
    private let stopRequested = Latch()
    private let endRequested = Latch()

    /// Makes the journal of the last execution of `recovery`, with the actions that it has recorded already.
    package init(recovery: Recovery, writer: StatusWriter, timeSource: any TimeSource) {
        self.writer = writer
        self.timeSource = timeSource
        let execution = recovery.status?.executions?.last
        executionID = execution?.id ?? ""
        let heed = execution?.isHalfDone == true ? Heed.later : nil
        let actions = execution?.result?.actions ?? []
        state = Mutex(State(recovery: recovery, actions: actions, heed: heed ?? State.heed(having: actions)))
    }

    /// The Recovery as it was last written.
    package var recovery: Recovery { state.withLock { $0.recovery } }

    /// The actions so far, in order.
    package var actions: [ActionRecord] { state.withLock { $0.actions } }

    /// What is recorded about an action; the latest record counts.
    package func recorded(_ name: String) -> ActionRecord? {
        state.withLock { state in state.actions.last { $0.name == name } }
    }

    /// Notes the outcome of an action without writing it: it goes out with the next write.
    ///
    /// The inverse and the facts of a started action stay with its outcome, and with a later run of it: what was first is
    /// undone.
    package func note(
        _ name: String,
        _ result: ActionResult,
        _ message: String,
        inverse: JSONValue? = nil,
        facts: JSONValue? = nil
    ) {
        var record = ActionRecord(
            name,
            result,
            message: message.isEmpty ? nil : String(message.prefix(RecoveryStatus.maxMessageLength)),
            time: timeSource.wallTime().wholeSecond
        )
        state.withLock { state in
            guard !state.isClosed else { return }
            let before = state.actions.last { $0.name == name }
            record.inverse = before?.inverse ?? inverse
            record.facts = before?.facts ?? facts
            if let index = state.actions.lastIndex(where: { $0.name == name && $0.result == .started }) {
                state.actions[index] = record
            } else {
                state.actions.append(record)
            }
            if state.heed == .atOnce { state.heed = State.heed(having: state.actions) }
            // The oldest finished actions go first; a started one has to stay, as its outcome is open, and so has one that
            // may have to be undone, or tells how to go on.
            while state.actions.count > ExecutionResult.maxActions,
                let oldest = state.actions.firstIndex(where: {
                    $0.result != .started && $0.inverse == nil && $0.facts == nil
                })
            {
                state.actions.remove(at: oldest)
            }
        }
    }

    /// The attempt has ended: what the strategy still notes or wants to write belongs to no attempt any more.
    package func close() {
        state.withLock { $0.isClosed = true }
    }

    /// Writes the actions noted so far into the running execution.
    ///
    /// Where the Recovery was deleted, there is nowhere to write to any more: what it has changed is taken back all the
    /// same.
    ///
    /// - Throws: `StatusWriteFailure` when somebody else has the Recovery now, or a `ClientError`.
    package func flush() async throws {
        let (recovery, actions, isClosed) = state.withLock { ($0.recovery, $0.actions, $0.isClosed) }
        if isClosed { throw StatusWriteFailure.overtaken(recovery) }
        guard var status = recovery.status, let last = status.executions?.indices.last else { return }
        var result = status.executions?[last].result ?? ExecutionResult()
        result.actions = actions
        status.executions?[last].result = result
        do {
            try await write(status)
        } catch StatusWriteFailure.gone where state.withLock({ $0.stop == .deleted && $0.heed == .later }) {}
    }

    /// Writes a whole status, such as the settlement of the attempt.
    ///
    /// - Throws: `StatusWriteFailure` when somebody else has the Recovery now, or a `ClientError`.
    package func write(_ status: RecoveryStatus) async throws {
        let (base, wasClosed) = state.withLock { ($0.recovery, $0.isClosed) }
        let written = try await writer.write(status, on: base, toleratesSpecChanges: true)
        // What was begun before the attempt ended may be answered after its settlement, which is newer.
        state.withLock { if $0.isClosed == wasClosed { $0.recovery = written } }
        if let reason = try StopReason.asked(by: written) { requestStop(reason) }
    }

    /// Goes on from the live Recovery, when what was written in between can only have been this attempt: a write that was
    /// under way when it ended.
    ///
    /// - Returns: false when somebody else has the Recovery now.
    package func adopt(_ live: Recovery) -> Bool {
        state.withLock { state in
            let mine = state.recovery.status?.executions?.last
            guard state.isClosed, !live.isFinal, let found = live.status?.executions?.last, found.id == executionID,
                found.state == .inProgress, found.holder == mine?.holder, found.fencingToken == mine?.fencingToken
            else { return false }
            state.recovery = live
            return true
        }
    }

    /// Asks the attempt to end: for a suspension, or where there is something to take back, at its next safe point, else
    /// at once.
    ///
    /// The first reason counts, but everything is stronger than a suspension.
    package func requestStop(_ reason: StopReason) {
        state.withLock { state in
            if state.stop == nil || state.stop == .suspended { state.stop = reason }
        }
        announceStop()
    }

    /// From now on no request to end is heard until ``allowEnd()``: what was begun would be lost half done.
    ///
    /// - Throws: `AttemptStopped` when the attempt was asked to end before.
    package func putOffEnd() throws {
        try state.withLock { state in
            if let reason = state.stop, state.heed != .later { throw AttemptStopped(reason) }
            state.heed = .later
        }
    }

    /// From now on nothing ends the attempt until ``allowEnd()``: what it has changed is taken back, which is what it was
    /// asked to end for, or has failed for.
    ///
    /// - Throws: `AttemptStopped` when it was suspended before: then whoever goes on with it does that.
    func beginTakingBack() throws {
        try state.withLock { state in
            if state.stop == .suspended, state.heed != .later { throw AttemptStopped(.suspended) }
            state.heed = .later
        }
    }

    /// From now on all requests to end are heard at safe points, where the strategy ends what would go on without it.
    ///
    /// - Throws: `AttemptStopped` when the attempt was asked to end before.
    package func endAtSafePoints() throws {
        try state.withLock { state in
            if let reason = state.stop { throw AttemptStopped(reason) }
            state.heed = .atSafePoints
        }
    }

    /// Hears requests to end again, those that came meanwhile included.
    package func allowEnd() {
        state.withLock { $0.heed = State.heed(having: $0.actions) }
        announceStop()
    }

    private func announceStop() {
        let (stop, heed) = state.withLock { ($0.stop, $0.heed) }
        guard let stop, heed != .later else { return }
        stopRequested.open()
        if stop != .suspended, heed == .atOnce { endRequested.open() }
    }

    /// Why the attempt was asked to end; nil when it was not.
    package var stopReason: StopReason? { state.withLock { $0.stop } }

    /// Suspends until the attempt is asked to end, at once or at a safe point.
    package func stopRequest() async throws -> StopReason {
        try await stopRequested.wait()
        return state.withLock { $0.stop } ?? .cancelled
    }

    /// Suspends until the attempt is asked to end at once.
    package func endRequest() async throws -> StopReason {
        try await endRequested.wait()
        return state.withLock { $0.stop } ?? .cancelled
    }

    /// Throws when the attempt was asked to end.
    ///
    /// - Throws: `AttemptStopped`.
    package func checkStop() throws {
        if let reason = state.withLock({ $0.heed == .later ? nil : $0.stop }) { throw AttemptStopped(reason) }
    }
}
