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

    private let entries = Mutex<[ObjectKey: Entry]>([:])

    /// Makes an empty table.
    package init() {}

    /// The attempt that runs for a Recovery.
    package subscript(key: ObjectKey) -> Entry? {
        entries.withLock { $0[key] }
    }

    /// All of them.
    package var all: [Entry] { entries.withLock { Array($0.values) } }

    /// How many run.
    package var count: Int { entries.withLock { $0.count } }

    package func insert(_ entry: Entry) {
        entries.withLock { $0[entry.description.key] = entry }
    }

    package func remove(_ key: ObjectKey) {
        entries.withLock { $0[key] = nil }
    }
}
