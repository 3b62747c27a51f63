package import ControllerRuntime
internal import FoundationEssentials
internal import JSON
package import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
internal import RecoveryDecision
internal import Synchronization
internal import Telemetry
internal import Timekeeping

/// Keeps the ledgers of healthy revisions, from which Rollback knows where to go back to.
///
/// For each policy whose ladder names Rollback it follows the workloads of the policy's namespace. With what is healthy when
/// the policy starts the ledger begins; whatever comes later, new workloads too, has to stay healthy for
/// `verify.forSeconds` first, or a bad revision would vouch for itself in its first good minute. What a rollback leaves is
/// vouched for no more, until that happens again. Runs on the leader; when no policy asks, nothing is watched.
package final class LedgerKeeper: Sendable {
    private struct Workload: Hashable, Sendable {
        var kind: String
        var key: ObjectKey
    }

    private enum Item: Hashable, Sendable {
        /// Whose ledger may have to begin.
        case policy(ObjectKey)
        case workload(Workload)
    }

    private struct Proof: Hashable, Sendable {
        var policy: ObjectKey
        var workload: Workload
    }

    private struct State: Sendable {
        var watches: [String: NamespaceWorkloads] = [:]
        var unstarted: [NamespaceWorkloads] = []
        /// Since when a template has been seen healthy without a break; a new leader begins anew.
        var healthy: [Proof: (template: String, since: MonotonicInstant)] = [:]
        /// The workloads without a place that people were told of, by the uid of their policy.
        var told: [String: [String]] = [:]
    }

    private let client: KubernetesClient
    private let policies: Informer<RecoveryPolicy>
    private let informers: InformerConfiguration
    private let report: PolicyReporter
    private let context: RuntimeContext
    private let store: LedgerStore
    private let queue: WorkQueue<Item>
    private let state = Mutex(State())
    private let newWatches = Signal()

    /// Makes a keeper; nothing runs yet.
    ///
    /// - Parameters:
    ///   - client: the hub, behind the leader's guard.
    ///   - policies: the cache of policies.
    ///   - informers: how workloads are listed and watched.
    ///   - report: who hears of a ledger that is full, whose name is taken, or that may not be kept.
    ///   - context: time, log and metrics.
    package init(
        client: KubernetesClient,
        policies: Informer<RecoveryPolicy>,
        informers: InformerConfiguration,
        report: PolicyReporter,
        context: RuntimeContext
    ) {
        self.client = client
        self.policies = policies
        self.informers = informers
        self.report = report
        self.context = context
        store = LedgerStore(client: client, report: report, timeSource: context.timeSource)
        queue = WorkQueue(name: "ledger", timeSource: context.timeSource, metrics: context.metrics)
    }

    /// Keeps the ledgers until cancelled.
    ///
    /// - Throws: `CancellationError`; `ControllerError`.
    package func run() async throws {
        let registration = policies.addHandler { [weak self] _ in self?.follow() }
        defer {
            registration.remove()
            state.withLock { $0 = State() }
            store.forget(allBut: [])
        }
        let controller = Controller(name: "ledger", queue: queue, context: context) { [weak self] item in
            switch item {
            case .policy(let key): try await self?.begin(key) ?? .done
            case .workload(let workload): try await self?.look(at: workload) ?? .done
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await controller.run() }
            group.addTask { try await self.runWatches() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Follows the namespaces of the policies that name Rollback, and no others.
    private func follow() {
        let asking = policies.store.list().filter(\.rollsBack)
        let wanted = Set(asking.compactMap(\.metadata.namespace))
        let (uids, keys) = (Set(asking.compactMap(\.metadata.uid)), Set(asking.map(\.metadata.key)))
        let (old, changed) = state.withLock { state in
            let old = state.watches.filter { !wanted.contains($0.key) }
            for namespace in old.keys { state.watches[namespace] = nil }
            state.told = state.told.filter { uids.contains($0.key) }
            state.healthy = state.healthy.filter { keys.contains($0.key.policy) }
            for namespace in wanted where state.watches[namespace] == nil {
                let watch = makeWatch(namespace)
                state.watches[namespace] = watch
                state.unstarted.append(watch)
            }
            return (old.values, wanted.compactMap { state.watches[$0] })
        }
        for watch in old { watch.end() }
        store.forget(allBut: uids)
        for key in keys { queue.add(.policy(key)) }
        // A policy may be new in a namespace that is followed already: then everything in it is news to the policy.
        for watch in changed { watch.announceAll() }
        newWatches.send()
    }

    private func makeWatch(_ namespace: String) -> NamespaceWorkloads {
        NamespaceWorkloads(namespace, client: client, configuration: informers, context: context) { [queue] kind, key in
            queue.add(.workload(Workload(kind: kind, key: key)))
        } onSync: { [queue, policies] in
            for policy in policies.store.list() where policy.metadata.namespace == namespace {
                queue.add(.policy(policy.metadata.key))
            }
        }
    }

    private func runWatches() async throws {
        try await newWatches.runEach(of: { state.withLock { $0.unstarted.takeAll() } }, run: { try await $0.run() })
    }

    // MARK: One policy

    /// Begins the ledger of a policy that has none with what is healthy now, as soon as it is known what there is.
    private func begin(_ key: ObjectKey) async throws -> ReconcileResult {
        guard let policy = policies.store.get(key), policy.rollsBack,
            let watch = state.withLock({ $0.watches[key.namespace ?? ""] }), watch.hasSynced
        else { return .done }
        switch try await store.find(policy) {
        case .ledger: return .done
        // A person may remove it, or grant what is missing.
        case .foreign, .refused: return .requeueAfter(LedgerStore.memory)
        case .missing: break
        }
        var ledger = RevisionLedger(data: nil)
        var data: [String: JSONValue] = [:]
        for sight in watch.workloads.sorted(by: { $0.key < $1.key }) where sight.isHealthy && policy.covers(sight) {
            let entry = RevisionLedger.Entry(template: sight.template, time: wallTime())
            data[sight.ledgerKey] = try ledger.record(entry, of: sight.ledgerKey).map { .string($0) }
        }
        guard try await store.begin(ledger, data, policy) else { return .requeueAfter(LedgerStore.memory) }
        context.logger.info("ledger begun", ["policy": "\(key)", "workloads": "\(data.count)"])
        // Some may have found no place.
        watch.announceAll()
        return .done
    }

    // MARK: One workload

    private func look(at workload: Workload) async throws -> ReconcileResult {
        let namespace = workload.key.namespace ?? ""
        guard let watch = state.withLock({ $0.watches[namespace] }),
            let sight = watch.workload(kind: workload.kind, workload.key)
        else { return .done }
        var next: Duration?
        for policy in policies.store.list() where policy.metadata.namespace == namespace && policy.rollsBack {
            guard policy.covers(sight) else { continue }
            let proof = Proof(policy: policy.metadata.key, workload: workload)
            guard let wait = try await prove(sight, proof, policy, watch) else { continue }
            next = min(next ?? wait, wait)
        }
        return next.map { .requeueAfter($0) } ?? .done
    }

    /// Records a healthy revision, or says after which time it may be.
    private func prove(
        _ sight: WorkloadSight,
        _ proof: Proof,
        _ policy: RecoveryPolicy,
        _ watch: NamespaceWorkloads
    ) async throws -> Duration? {
        guard sight.isHealthy || sight.lastRollback != nil, var ledger = try await ledger(of: policy) else {
            state.withLock { $0.healthy[proof] = nil }
            return nil
        }
        if let left = sight.lastRollback {
            let text = try ledger.leave(left.from, at: left.time, of: sight.ledgerKey)
            if let text { try await write([sight.ledgerKey: .string(text)], ledger, policy) }
        }
        guard sight.isHealthy, ledger.latest(sight.ledgerKey)?.template != sight.template else {
            state.withLock { $0.healthy[proof] = nil }
            return nil
        }
        let now = context.timeSource.now()
        let since = state.withLock { state in
            if let seen = state.healthy[proof], seen.template == sight.template { return seen.since }
            state.healthy[proof] = (sight.template, now)
            return now
        }
        let asked = Duration.seconds(policy.spec.verify?.effectiveForSeconds ?? VerifySettings().effectiveForSeconds)
        let rest = asked - since.duration(to: now)
        if rest > .zero { return rest }
        try await record(sight, policy, ledger, watch)
        return nil
    }

    private func wallTime() -> Date {
        Date(timeIntervalSince1970: context.timeSource.wallTime().timeIntervalSince1970.rounded(.down))
    }

    /// The ledger of a policy; one that is missing has to begin first.
    private func ledger(of policy: RecoveryPolicy) async throws -> RevisionLedger? {
        switch try await store.find(policy) {
        case .ledger(let ledger): return ledger
        case .foreign, .refused: return nil
        case .missing:
            queue.add(.policy(policy.metadata.key))
            return nil
        }
    }

    private func write(
        _ changes: [String: JSONValue],
        _ ledger: RevisionLedger,
        _ policy: RecoveryPolicy
    ) async throws {
        if try await !store.write(changes, of: ledger, policy) { queue.add(.policy(policy.metadata.key)) }
    }

    private func record(
        _ sight: WorkloadSight,
        _ policy: RecoveryPolicy,
        _ ledger: RevisionLedger,
        _ watch: NamespaceWorkloads
    ) async throws {
        var ledger = ledger
        var changes: [String: JSONValue] = [:]
        if ledger.isFull, !ledger.knows(sight.ledgerKey) {
            // Who could give up a place, and who finds none, is known once all workloads are: then all are looked at again.
            guard watch.hasSynced else { return }
            for gone in ledger.keys.subtracting(watch.workloads.map(\.ledgerKey)) {
                ledger.forget(gone)
                changes[gone] = .null
            }
        }
        let entry = RevisionLedger.Entry(template: sight.template, time: wallTime())
        guard let text = try ledger.record(entry, of: sight.ledgerKey) else { return tell(of: ledger, policy, watch) }
        changes[sight.ledgerKey] = .string(text)
        try await write(changes, ledger, policy)
        context.logger.info("healthy revision", ["policy": "\(policy.metadata.key)", "workload": sight.ledgerKey])
    }

    /// Says which workloads have no place in a ledger that is full, whenever they are others than before.
    private func tell(of ledger: RevisionLedger, _ policy: RecoveryPolicy, _ watch: NamespaceWorkloads) {
        let unkept = watch.workloads.filter(policy.covers).map(\.ledgerKey).filter { !ledger.knows($0) }.sorted()
        let isNews = state.withLock { $0.told.updateValue(unkept, forKey: policy.metadata.uid ?? "") != unkept }
        if isNews { report.ledgerIsFull(policy, unkept: unkept) }
    }
}
