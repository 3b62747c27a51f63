internal import FoundationEssentials
internal import KubernetesCore
internal import Synchronization

/// Which Recoveries wait until their policy lets one more run, so that one is looked at as soon as one has ended.
///
/// One at a time, unlike the waiters of a lock: a policy can have thousands, and each look costs a read.
final class PolicyWaiters: Sendable {
    /// Who goes first: the highest priority, then the oldest, then by name.
    struct Rank: Sendable {
        var priority: Int
        var created: Date

        func goesBefore(_ other: Rank) -> Bool? {
            if priority != other.priority { return priority > other.priority }
            return created == other.created ? nil : created < other.created
        }
    }

    private let waiting = Mutex<[String: [ObjectKey: Rank]]>([:])

    func add(_ key: ObjectKey, _ rank: Rank, policyUID: String) {
        waiting.withLock { $0[policyUID, default: [:]][key] = rank }
    }

    /// Removes and returns the one that goes first.
    func takeFirst(_ policyUID: String) -> ObjectKey? {
        waiting.withLock { waiting in
            let first = waiting[policyUID]?.min { left, right in
                left.value.goesBefore(right.value) ?? (left.key < right.key)
            }
            guard let first else { return nil }
            waiting[policyUID]?[first.key] = nil
            if waiting[policyUID]?.isEmpty == true { waiting[policyUID] = nil }
            return first.key
        }
    }
}
