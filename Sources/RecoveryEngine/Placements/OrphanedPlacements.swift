internal import KubernetesCore
internal import RecoveryAPI
internal import Synchronization

/// Placements that are gone while a member still had their objects: remembered by this process, so that the objects go
/// as soon as the member answers.
final class OrphanedPlacements: Sendable {
    private let placements = Mutex<[SyncKey: Placement]>([:])
    private static let maxEntries = 1_000

    /// Remembers what was left on a member.
    func add(_ placement: Placement, on cluster: String) {
        placements.withLock { placements in
            guard placements.count < Self.maxEntries else { return }
            placements[SyncKey(placement: placement.metadata.key, cluster: cluster)] = placement
        }
    }

    /// What was left on a member.
    func keys(on cluster: String) -> [SyncKey] {
        placements.withLock { $0.keys.filter { $0.cluster == cluster } }.sorted { $0.placement < $1.placement }
    }

    /// The placement that was left, as it was at its end.
    subscript(key: SyncKey) -> Placement? { placements.withLock { $0[key] } }

    /// Forgets what is not there any more.
    func remove(_ key: SyncKey) {
        placements.withLock { $0[key] = nil }
    }
}
