internal import ControllerRuntime
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Timekeeping

/// A workload, less all that the ledger does not need.
struct WorkloadSight: Sendable, Hashable {
    let key: ObjectKey
    let kind: String
    let labels: [String: String]
    /// `WorkloadTemplate.hash` of its pod template.
    let template: String
    /// Whether all its pods run the template and are ready; without any pod nothing is proven.
    let isHealthy: Bool
    /// What the last rollback has left, if there was one.
    let lastRollback: OwnMark?

    /// The key of the workload in a ledger.
    var ledgerKey: String { RevisionLedger.key(kind: kind, name: key.name) }

    /// Reads a Deployment, StatefulSet or DaemonSet.
    init(_ content: JSONValue) {
        let object = Unstructured(content)
        key = object.key
        kind = object.kind
        labels = object.labels
        template = WorkloadTemplate.hash(object["spec", "template"] ?? .null)
        let pods = object["status", "readyReplicas"]?.intValue ?? object["status", "numberReady"]?.intValue ?? 0
        isHealthy = pods > 0 && WorkloadReadiness.problem(of: object) == nil
        lastRollback = OwnMark(object, strategy: StrategyName.rollback)
    }
}

/// Follows the workloads of one namespace, until it is told to end.
final class NamespaceWorkloads: Sendable {
    private let informers: [Informer<WorkloadSight>]
    private let onChange: @Sendable (_ kind: String, ObjectKey) -> Void
    private let onSync: @Sendable () -> Void
    private let ended = Latch()

    /// Makes informers that do nothing until ``run()``; `onChange` hears of every workload that changes, `onSync` once all
    /// are known, before `onChange` hears of all of them again.
    init(
        _ namespace: String,
        client: KubernetesClient,
        configuration: InformerConfiguration,
        context: RuntimeContext,
        onChange: @escaping @Sendable (_ kind: String, ObjectKey) -> Void,
        onSync: @escaping @Sendable () -> Void
    ) {
        self.onChange = onChange
        self.onSync = onSync
        informers = WorkloadTarget.kinds.map { resource in
            Informer(
                client: client,
                source: InformerSource(
                    resource: resource,
                    scope: WatchScope(namespace: namespace),
                    decoder: ObjectDecoder { WorkloadSight($0) }
                ),
                configuration: configuration,
                context: RuntimeContext(timeSource: context.timeSource, logger: context.logger)
            )
        }
        for informer in informers {
            informer.addHandler { event in
                switch event {
                case .added(let object, _), .updated(_, let object): onChange(object.kind, object.key)
                case .deleted, .deletedFinalStateUnknown, .undecodable: break
                }
            }
        }
    }

    /// A workload as it was last seen.
    func workload(kind: String, _ key: ObjectKey) -> WorkloadSight? {
        informers.first { $0.resource.kind == kind }?.store.get(key)
    }

    /// All workloads that are known.
    var workloads: [WorkloadSight] { informers.flatMap { $0.store.list() } }

    /// Whether those are all there are.
    var hasSynced: Bool { informers.allSatisfy(\.hasSynced.isOpen) }

    /// Tells of all workloads that are known.
    func announceAll() {
        for workload in workloads { onChange(workload.kind, workload.key) }
    }

    /// Follows until ``end()``.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for informer in informers { group.addTask { try await informer.run() } }
            group.addTask {
                for informer in self.informers { try await informer.hasSynced.wait() }
                self.onSync()
                self.announceAll()
                try await self.ended.wait()
            }
            group.addTask { try await self.ended.wait() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Has ``run()`` return.
    func end() { ended.open() }
}
