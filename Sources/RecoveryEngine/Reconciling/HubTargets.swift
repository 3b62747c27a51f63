internal import ControllerRuntime
package import KubernetesCore
package import RecoveryAPI

/// A Placement or Migration on the hub that a Recovery is about.
package struct HubTarget: Sendable, Hashable {
    /// The kind, one of ours.
    package var kind: String
    /// Namespace and name.
    package var key: ObjectKey

    /// As the index over Recoveries has it.
    var indexKey: String { "\(kind) \(key)" }
}

extension Recovery {
    /// The object of ours on the hub that this is about; nil when it is about something else.
    package var hubTarget: HubTarget? {
        guard spec.clusterRef == nil, let target = spec.targetRef, target.apiVersion == RecoveryAPI.apiVersion else {
            return nil
        }
        let namespace = target.namespace.nonEmpty ?? metadata.namespace
        return HubTarget(kind: target.kind, key: ObjectKey(namespace: namespace, name: target.name))
    }
}

/// The caches of the kinds that Recoveries can be about on the hub.
package struct HubTargets: Sendable {
    let placements: Store<Placement>
    let migrations: Store<Migration>

    /// The conditions of a target as the cache has them; empty when it is not there.
    func conditions(of target: HubTarget) -> [Condition] {
        switch target.kind {
        case Placement.resource.kind: placements.get(target.key)?.status?.conditions ?? []
        case Migration.resource.kind: migrations.get(target.key)?.status?.conditions ?? []
        default: []
        }
    }
}

extension RecoveryEngine {
    /// Has everybody looked at whose target on the hub has other conditions now: it may be well again.
    func watchTargets() {
        placements.addHandler { [recoveries, queue, reconciler] event in
            guard case .updated(let old, let new) = event, old.status?.conditions != new.status?.conditions else {
                return
            }
            let target = HubTarget(kind: Placement.resource.kind, key: new.metadata.key)
            Self.wake(target, recoveries.store, queue, reconciler)
        }
        migrations.addHandler { [recoveries, queue, reconciler] event in
            guard case .updated(let old, let new) = event, old.status?.conditions != new.status?.conditions else {
                return
            }
            let target = HubTarget(kind: Migration.resource.kind, key: new.metadata.key)
            Self.wake(target, recoveries.store, queue, reconciler)
        }
    }

    private static func wake(
        _ target: HubTarget,
        _ recoveries: Store<Recovery>,
        _ queue: WorkQueue<ObjectKey>,
        _ reconciler: RecoveryReconciler
    ) {
        // Sorted, so that a seeded run repeats itself.
        let concerned = recoveries.byIndex(RecoveryReconciler.targetIndex, target.indexKey)
        for recovery in concerned.sorted(by: { $0.metadata.key < $1.metadata.key }) {
            queue.add(recovery.metadata.key, priority: recovery.queuePriority(reconciler.environment))
        }
    }
}
