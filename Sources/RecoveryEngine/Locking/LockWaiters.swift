internal import KubernetesCore
internal import RecoveryAPI
internal import Synchronization

/// Which Recoveries wait for which target's lock, so that they are looked at as soon as it is free.
final class LockWaiters: Sendable {
    private let waiting = Mutex<[LockKey: Set<ObjectKey>]>([:])

    func add(_ key: ObjectKey, for lock: LockKey) {
        waiting.withLock { _ = $0[lock, default: []].insert(key) }
    }

    func remove(_ key: ObjectKey, for lock: LockKey) {
        waiting.withLock { waiting in
            waiting[lock]?.remove(key)
            if waiting[lock]?.isEmpty == true { waiting[lock] = nil }
        }
    }

    /// Removes and returns all who wait for the lock, sorted, so that a seeded run repeats itself.
    func take(_ lock: LockKey) -> [ObjectKey] {
        waiting.withLock { $0.removeValue(forKey: lock) ?? [] }.sorted()
    }
}
