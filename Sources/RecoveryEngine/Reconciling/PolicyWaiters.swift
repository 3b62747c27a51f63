internal import FoundationEssentials
internal import KubernetesCore
internal import Synchronization

/// Which Recoveries wait until their policy lets one more run, so that one is looked at as soon as one has ended.
///
/// One at a time, unlike the waiters of a lock: a policy can have thousands, and each look costs a read. Who is woken and
/// does not begin has to pass that on (``leave(_:)``), or the others would not hear of the free place.
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

    private struct State {
        var waiting: [ObjectKey: [ObjectKey: Rank]] = [:]
        /// The policy of everybody who waits.
        var policies: [ObjectKey: ObjectKey] = [:]
        /// The policy of everybody who was woken and has not been looked at since.
        var woken: [ObjectKey: ObjectKey] = [:]

        mutating func remove(_ key: ObjectKey) {
            guard let policy = policies.removeValue(forKey: key) else { return }
            waiting[policy]?[key] = nil
            if waiting[policy]?.isEmpty == true { waiting[policy] = nil }
        }
    }

    private let state = Mutex(State())

    /// How many wait, or have been woken and not looked at.
    var count: Int { state.withLock { $0.policies.count + $0.woken.count } }

    func add(_ key: ObjectKey, _ rank: Rank, policy: ObjectKey) {
        state.withLock { state in
            state.remove(key)
            state.waiting[policy, default: [:]][key] = rank
            state.policies[key] = policy
            state.woken[key] = nil
        }
    }

    /// Removes and returns the one that goes first.
    func takeFirst(_ policy: ObjectKey) -> ObjectKey? {
        state.withLock { state in
            let first = state.waiting[policy]?.min { left, right in
                left.value.goesBefore(right.value) ?? (left.key < right.key)
            }
            guard let first else { return nil }
            state.remove(first.key)
            state.woken[first.key] = policy
            return first.key
        }
    }

    /// Removes one that waits no longer.
    ///
    /// - Returns: the policy under which it had been woken; nil when it had not.
    func leave(_ key: ObjectKey) -> ObjectKey? {
        state.withLock { state in
            state.remove(key)
            return state.woken.removeValue(forKey: key)
        }
    }
}
