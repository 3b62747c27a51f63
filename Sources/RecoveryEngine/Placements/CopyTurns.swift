internal import KubernetesCore
internal import Synchronization
internal import Timekeeping

/// One at a time writes to the copy of a placement on a member: the placement controller, or a strategy.
///
/// Who has the turn looks at the hub first, and what that says stays true until the write is done: a copy that was to stay
/// a moment ago is not made again after the controller has removed it, when no status names it any more.
package final class CopyTurns: Sendable {
    private let taken = Mutex<[SyncKey: Latch]>([:])

    /// Nobody has a turn.
    package init() {}

    /// Runs `body` when nobody else writes to the copy.
    ///
    /// - Throws: what `body` throws; `CancellationError` while it waits.
    func take<Value>(_ key: SyncKey, _ body: () async throws -> Value) async throws -> Value {
        let turn = Latch()
        while let other = taken.withLock({ taken -> Latch? in
            if let other = taken[key] { return other }
            taken[key] = turn
            return nil
        }) {
            try await other.wait()
        }
        defer {
            taken.withLock { $0[key] = nil }
            turn.open()
        }
        return try await body()
    }
}
