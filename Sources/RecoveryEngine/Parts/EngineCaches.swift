internal import ControllerRuntime
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Timekeeping

/// What an engine knows of the hub, one cache for each kind of ours; nothing is read until they run.
struct EngineCaches {
    let recoveries: Informer<Recovery>
    let policies: Informer<RecoveryPolicy>
    let approvals: Informer<RecoveryApproval>
    let clusters: Informer<MemberCluster>
    let placements: Informer<Placement>
    let migrations: Informer<Migration>

    init(_ dependencies: RecoveryEngine.Dependencies, _ context: RuntimeContext) {
        func cache<Object: KubernetesObject>(
            _ scope: WatchScope,
            _ indexes: [String: Store<Object>.IndexFunction] = [:]
        ) -> Informer<Object> {
            Informer(
                client: dependencies.client,
                scope: scope,
                indexes: indexes,
                configuration: dependencies.informers,
                context: context
            )
        }
        let scope = WatchScope(namespace: dependencies.namespace)
        recoveries = cache(scope, RecoveryReconciler.recoveryIndexes)
        policies = cache(scope, RecoveryReconciler.policyIndexes)
        approvals = cache(scope, [ApprovalController.recoveryIndex: { [$0.recoveryKey.description] }])
        clusters = cache(WatchScope())
        placements = cache(scope, PlacementController.indexes)
        migrations = cache(scope, MigrationController.indexes)
    }

    /// How well those that every decision needs know the API server.
    func health(at now: MonotonicInstant) -> [ComponentHealth.Cache] {
        [recoveries.health(at: now), policies.health(at: now), clusters.health(at: now)]
    }
}

extension Informer {
    fileprivate func health(at now: MonotonicInstant) -> ComponentHealth.Cache {
        ComponentHealth.Cache(
            kind: resource.kind,
            hasSynced: hasSynced.isOpen,
            silence: disconnectedSince.map { $0.duration(to: now) } ?? .zero
        )
    }
}

extension RecoveryReconciler {
    /// The indexes that the decisions need; see `unfinishedIndex` and `pendingIndex`.
    static let recoveryIndexes: [String: Store<Recovery>.IndexFunction] = [
        unfinishedIndex: { $0.hasRunningAttempt ? ["true"] : [] },
        IncidentReporter.fingerprintIndex: { recovery in
            recovery.metadata.labels?[MetadataName.fingerprint].map { [$0] } ?? []
        },
        clusterIndex: { recovery in
            recovery.isFinal ? [] : recovery.status?.target?.cluster.map { [$0] } ?? []
        },
        PolicyController.policyIndex: { recovery in
            recovery.isFinal ? [] : recovery.policyKey.map { [$0.description] } ?? []
        },
        targetIndex: { recovery in recovery.isFinal ? [] : recovery.hubTarget.map { [$0.indexKey] } ?? [] },
        pendingIndex: { recovery in
            recovery.state == .pending ? [recovery.metadata.namespace ?? ""] : []
        },
    ]

    /// Policies by namespace.
    static let policyIndexes: [String: Store<RecoveryPolicy>.IndexFunction] = [
        namespaceIndex: { [$0.metadata.namespace ?? ""] }
    ]
}
