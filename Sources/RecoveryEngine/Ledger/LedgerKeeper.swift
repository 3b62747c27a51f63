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
/// For each policy whose ladder names Rollback it follows the workloads of the policy's namespace. What is healthy when
/// the policy starts is taken at its word; a later revision has to stay healthy for `verify.forSeconds` first, or a bad
/// one would vouch for itself in its first good minute. Runs on the leader; when no policy asks, nothing is watched.
package final class LedgerKeeper: Sendable {
    private struct Workload: Hashable, Sendable {
        var kind: String
        var key: ObjectKey
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
        /// What the ConfigMaps hold, by the uid of their policy; they are this keeper's alone.
        var ledgers: [String: Known] = [:]
        /// The workloads without a place that people were told of, by the uid of their policy.
        var told: [String: [String]] = [:]
    }

    /// A ledger as it was last read or written.
    private struct Known: Sendable {
        var ledger: RevisionLedger
        var since: MonotonicInstant
    }

    /// How long a ledger is taken for what the ConfigMap holds, which a person may delete.
    private static let memory = Duration.seconds(300)

    private let client: KubernetesClient
    private let policies: Informer<RecoveryPolicy>
    private let informers: InformerConfiguration
    private let report: PolicyReporter
    private let context: RuntimeContext
    private let queue: WorkQueue<Workload>
    private let state = Mutex(State())
    private let newWatches = Signal()

    /// Makes a keeper; nothing runs yet.
    ///
    /// - Parameters:
    ///   - client: the hub, behind the leader's guard.
    ///   - policies: the cache of policies.
    ///   - informers: how workloads are listed and watched.
    ///   - report: who hears of a ledger that is full.
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
        }
        let controller = Controller(name: "ledger", queue: queue, context: context) { [weak self] workload in
            try await self?.look(at: workload) ?? .done
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
            state.ledgers = state.ledgers.filter { uids.contains($0.key) }
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
        // A policy may be new in a namespace that is followed already: then everything in it is news to the policy.
        for watch in changed { watch.announceAll() }
        newWatches.send()
    }

    private func makeWatch(_ namespace: String) -> NamespaceWorkloads {
        NamespaceWorkloads(namespace, client: client, configuration: informers, context: context) { [queue] kind, key in
            queue.add(Workload(kind: kind, key: key))
        }
    }

    private func runWatches() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                let watches = state.withLock { state in
                    defer { state.unstarted = [] }
                    return state.unstarted
                }
                for watch in watches { group.addTask { try await watch.run() } }
                try await newWatches.wait()
            }
        }
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
        guard sight.isHealthy else {
            state.withLock { $0.healthy[proof] = nil }
            return nil
        }
        let key = RevisionLedger.key(kind: sight.kind, name: sight.key.name)
        let ledger = try await ledger(of: policy)
        guard ledger.latest(key)?.template != sight.template else { return nil }
        let now = context.timeSource.now()
        let since = state.withLock { state in
            if let seen = state.healthy[proof], seen.template == sight.template { return seen.since }
            state.healthy[proof] = (sight.template, now)
            return now
        }
        let asked = Duration.seconds(policy.spec.verify?.effectiveForSeconds ?? VerifySettings().effectiveForSeconds)
        let rest = asked - since.duration(to: now)
        if ledger.knows(key), rest > .zero { return rest }
        // Who could give up a place, and who finds none, is known once all workloads are.
        if ledger.isFull, !ledger.knows(key), !watch.hasSynced { return .seconds(1) }
        try await record(RevisionLedger.Entry(template: sight.template, time: wallTime()), key, policy, ledger, watch)
        return nil
    }

    private func wallTime() -> Date {
        Date(timeIntervalSince1970: context.timeSource.wallTime().timeIntervalSince1970.rounded(.down))
    }

    private func ledger(of policy: RecoveryPolicy) async throws -> RevisionLedger {
        let now = context.timeSource.now()
        if let known = state.withLock({ $0.ledgers[policy.metadata.uid ?? ""] }),
            known.since.duration(to: now) < Self.memory
        {
            return known.ledger
        }
        let ledger: RevisionLedger
        do {
            let map = try await client.get(.configMaps, policy.ledgerKey)
            try await takeOver(map, policy)
            ledger = RevisionLedger(data: map.content["data"])
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            ledger = RevisionLedger(data: nil)
        }
        remember(ledger, policy)
        return ledger
    }

    /// Keeps the ledger of a policy that was deleted and made again: it would go with the one that is gone.
    private func takeOver(_ map: Unstructured, _ policy: RecoveryPolicy) async throws {
        let owners = (map["metadata", "ownerReferences"]?.arrayValue ?? [])
            .filter { $0["kind"]?.stringValue == RecoveryPolicy.resource.kind }
        guard !owners.isEmpty, !owners.contains(where: { $0["uid"]?.stringValue == policy.metadata.uid }) else {
            return
        }
        let metadata: JSONValue = [
            "uid": .string(map.uid), "resourceVersion": .string(map.resourceVersion),
            "ownerReferences": [policy.ledgerOwner],
        ]
        _ = try await client.patch(.configMaps, policy.ledgerKey, ["metadata": metadata], type: .merge)
    }

    private func remember(_ ledger: RevisionLedger?, _ policy: RecoveryPolicy) {
        let known = ledger.map { Known(ledger: $0, since: context.timeSource.now()) }
        state.withLock { $0.ledgers[policy.metadata.uid ?? ""] = known }
    }

    private func record(
        _ entry: RevisionLedger.Entry,
        _ key: String,
        _ policy: RecoveryPolicy,
        _ ledger: RevisionLedger,
        _ watch: NamespaceWorkloads
    ) async throws {
        var ledger = ledger
        var changes: [String: JSONValue] = [:]
        if ledger.isFull, !ledger.knows(key) {
            let present = watch.workloads.map { RevisionLedger.key(kind: $0.kind, name: $0.key.name) }
            for gone in ledger.keys.subtracting(present) {
                ledger.forget(gone)
                changes[gone] = .null
            }
        }
        guard let text = try ledger.record(entry, of: key) else { return tell(of: ledger, policy, watch) }
        changes[key] = .string(text)
        remember(nil, policy)
        do {
            let data: JSONValue = ["data": .object(JSONObject(changes))]
            _ = try await client.patch(.configMaps, policy.ledgerKey, data, type: .merge)
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            // A new one begins with this revision: what was known went with the ConfigMap.
            ledger = RevisionLedger(data: nil)
            _ = try ledger.record(entry, of: key)
            _ = try await client.create(.configMaps, policy.newLedger(["data": [key: .string(text)]]))
        }
        remember(ledger, policy)
        context.logger.info("healthy revision", ["policy": "\(policy.metadata.key)", "workload": key])
    }

    /// Says which workloads have no place in a ledger that is full, whenever they are others than before.
    private func tell(of ledger: RevisionLedger, _ policy: RecoveryPolicy, _ watch: NamespaceWorkloads) {
        let unkept = watch.workloads.filter(policy.covers)
            .map { RevisionLedger.key(kind: $0.kind, name: $0.key.name) }
            .filter { !ledger.knows($0) }.sorted()
        let isNews = state.withLock { $0.told.updateValue(unkept, forKey: policy.metadata.uid ?? "") != unkept }
        if isNews { report.ledgerIsFull(policy, unkept: unkept) }
    }
}
