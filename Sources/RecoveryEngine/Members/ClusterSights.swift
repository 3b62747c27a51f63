internal import KubernetesCore
internal import Synchronization

/// Probes of member clusters that failed in a row, as this process has seen them itself: a new leader neither opens a
/// Recovery nor lets one act on its predecessor's word.
package final class ClusterSights: Sendable {
    private let failures = Mutex<[ObjectKey: Int]>([:])
    private let listener = Mutex<(@Sendable () -> Void)?>(nil)

    /// Makes sights of a process that has probed nothing yet.
    package init() {}

    /// How many probes in a row have failed; nil before the first one.
    func failures(of cluster: ObjectKey) -> Int? { failures.withLock { $0[cluster] } }

    /// Counts a probe.
    ///
    /// - Returns: how many in a row have failed.
    func note(_ cluster: ObjectKey, isUsable: Bool) -> Int {
        let (before, after) = failures.withLock { failures in
            let before = failures[cluster]
            let after = isUsable ? 0 : min(before ?? 0, 1_000) + 1
            failures[cluster] = after
            return (before, after)
        }
        // Each failure in a row may be the one that a threshold asks for.
        if before != after { listener.withLock { $0 }?() }
        return after
    }

    /// A cluster is gone.
    func forget(_ cluster: ObjectKey) {
        failures.withLock { $0[cluster] = nil }
    }

    /// Has `body` called when a probe tells something new; it must not wait.
    func onNews(_ body: @escaping @Sendable () -> Void) {
        listener.withLock { $0 = body }
    }
}
