package import FoundationEssentials
package import KubernetesCore
internal import RecoveryAPI
package import RecoveryDecision
internal import Synchronization

/// The attempts that run in this process now.
package final class RunningAttempts: Sendable {
    /// One of them.
    package struct Entry: Sendable {
        /// What it writes its progress to, and takes requests to end from.
        package let journal: AttemptJournal
        /// As other Recoveries see it.
        package let description: RunningRecovery
        /// When it began.
        package let since: Date
    }

    private struct State {
        var entries: [ObjectKey: Entry] = [:]
        var claims: [ObjectKey: RunningRecovery] = [:]
    }

    private let state = Mutex(State())

    /// Makes an empty table.
    package init() {}

    /// The attempt that runs for a Recovery.
    package subscript(key: ObjectKey) -> Entry? {
        state.withLock { $0.entries[key] }
    }

    /// All of them.
    package var all: [Entry] { state.withLock { Array($0.entries.values) } }

    /// All of them, and those that are about to run.
    package var recoveries: [RunningRecovery] {
        state.withLock { $0.entries.values.map(\.description) + $0.claims.values }
    }

    /// Whether an attempt of the Recovery runs, or is about to.
    package func isTaken(_ key: ObjectKey) -> Bool {
        state.withLock { $0.entries[key] != nil || $0.claims[key] != nil }
    }

    /// How many run.
    package var count: Int { state.withLock { $0.entries.count } }

    /// Announces a Recovery that is about to run, so that of two workers which pass the policy's gate at the same time
    /// only one goes on.
    ///
    /// - Parameters:
    ///   - recovery: is announced until ``insert(_:)`` or ``withdraw(_:)``.
    ///   - limit: how many may run under its policy; nil for no limit.
    ///   - others: Recoveries that a predecessor has left unfinished under the same policy.
    /// - Returns: whether there is a place.
    package func claim(_ recovery: RunningRecovery, limit: Int?, besides others: Set<ObjectKey>) -> Bool {
        state.withLock { state in
            if let limit, let policy = recovery.policy {
                let mine = state.entries.values.map(\.description) + Array(state.claims.values)
                let running = others.union(mine.filter { $0.policy == policy }.map(\.key))
                guard running.subtracting([recovery.key]).count < limit else { return false }
            }
            state.claims[recovery.key] = recovery
            return true
        }
    }

    /// What was announced does not run after all; false when it does, or was not announced.
    package func withdraw(_ key: ObjectKey) -> Bool {
        state.withLock { $0.claims.removeValue(forKey: key) != nil }
    }

    package func insert(_ entry: Entry) {
        state.withLock { state in
            state.claims[entry.description.key] = nil
            state.entries[entry.description.key] = entry
        }
    }

    package func remove(_ key: ObjectKey) {
        state.withLock { $0.entries[key] = nil }
    }
}
