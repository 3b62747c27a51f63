internal import ControllerRuntime
internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Timekeeping

extension RecoveryReconciler {
    /// Name of the index over Recoveries with an unfinished attempt.
    package static let unfinishedIndex = "unfinished"
    /// Name of the index over pending Recoveries by namespace.
    package static let pendingIndex = "pending"
    /// Name of the index over Recoveries that are not final by member cluster.
    package static let clusterIndex = "cluster"
    /// Name of the index over Recoveries that are not final by their target on the hub; see `HubTarget`.
    package static let targetIndex = "target"
    /// Name of the index over policies by namespace.
    package static let namespaceIndex = "namespace"

    /// Collects the facts and asks the core; a `policy` that was just read is newer than the cache's.
    ///
    /// Where the core asks what the next attempt would write, that is found out, unless only a glance was wanted.
    func decide(
        _ recovery: Recovery,
        hasSlot: Bool,
        policy: RecoveryPolicy? = nil,
        rehearses: Bool = true
    ) async throws -> RecoveryDecision {
        var facts = RecoveryFacts(
            configuration: environment.configuration,
            catalogue: environment.catalogue,
            identity: environment.identity(),
            controllerNamespace: environment.controllerNamespace
        )
        facts.errors = environment.errors()
        addPolicies(&facts, recovery, policy)
        facts.detection = environment.findings.finding(about: recovery, policies: facts.policies)
        facts.isRunningHere = environment.running[recovery.metadata.key] != nil
        facts.hasFreeSlot = hasSlot
        if let cluster = recovery.spec.clusterRef {
            let cached = environment.clusters.get(ObjectKey(name: cluster.name))
            facts.clusterLabels = cached?.metadata.labels
            facts.clusterConditions = cached?.status?.conditions ?? []
        }
        if let target = recovery.hubTarget { facts.targetConditions = environment.targets.conditions(of: target) }
        if recovery.status?.effective == nil {
            try await addAcceptanceFacts(&facts, recovery)
        }
        if recovery.isOpenedByDetection, !recovery.isFinal { try await addPlanFacts(&facts, recovery) }
        // Last, with nothing to wait for up to the verdict: one that ends meanwhile would wake nobody.
        facts.running = othersRunning(than: recovery.metadata.key)
        let decision = try RecoveryDecision.decide(recovery, facts: facts, now: environment.timeSource.wallTime())
        guard rehearses, case .rehearse(let status) = decision.action else { return decision }
        guard let name = status.currentRung?.name, let strategy = environment.registry[name] else {
            throw UnknownStrategy(name: status.currentRung?.name ?? "")
        }
        facts.rehearsal = try await environment.runner.rehearse(recovery, status, strategy)
        facts.running = othersRunning(than: recovery.metadata.key)
        return try RecoveryDecision.decide(recovery, facts: facts, now: environment.timeSource.wallTime())
    }

    private func addPolicies(_ facts: inout RecoveryFacts, _ recovery: Recovery, _ fresh: RecoveryPolicy?) {
        let namespace = recovery.metadata.namespace ?? ""
        let cached = environment.policies.byIndex(Self.namespaceIndex, namespace)
        facts.policies = cached.filter { $0.metadata.uid != fresh?.metadata.uid } + (fresh.map { [$0] } ?? [])
        for policy in facts.policies where policy.spec.limits?.maxUnhealthy != nil {
            facts.bases[policy.metadata.uid ?? ""] = environment.findings.base(of: policy.metadata.key)
        }
        for unreadable in environment.policies.undecodable where unreadable.key.namespace == namespace {
            facts.unreadablePolicies[unreadable.key.name] = unreadable.reason
        }
    }

    /// Attempts of other Recoveries: those of this process, and those that a predecessor has left unfinished.
    private func othersRunning(than key: ObjectKey) -> [RunningRecovery] {
        var found: [ObjectKey: RunningRecovery] = [:]
        for recovery in environment.recoveries.byIndex(Self.unfinishedIndex, "true") {
            found[recovery.metadata.key] = RunningRecovery(recovery)
        }
        for running in environment.running.recoveries { found[running.key] = running }
        found[key] = nil
        // Sorted: a verdict names the first one that is in the way, and a seeded run has to repeat itself.
        return found.values.sorted { $0.key < $1.key }
    }

    /// Announces that a Recovery is about to run; false when its policy has no place left.
    func claim(_ recovery: Recovery, _ status: RecoveryStatus) -> Bool {
        // Without its lock: who gets that the API server decides.
        let description = RunningRecovery(key: recovery.metadata.key, policy: recovery.policyKey(under: status))
        let unfinished = environment.recoveries.byIndex(Self.unfinishedIndex, "true").map(RunningRecovery.init)
        let others = unfinished.filter { $0.policy == description.policy }.map(\.key)
        let limit = status.effective?.limits?.effectiveMaxConcurrent
        return environment.running.claim(description, limit: limit, besides: Set(others))
    }

    /// Takes the announcement back, unless the attempt runs; whoever waited for its place is looked at.
    func withdrawClaim(_ recovery: Recovery, _ status: RecoveryStatus) {
        guard environment.running.withdraw(recovery.metadata.key), let policy = recovery.policyKey(under: status),
            let next = policyWaiters.takeFirst(policy)
        else { return }
        environment.enqueue(next)
    }

    /// What a plan is made for, and who has approved it.
    private func addPlanFacts(_ facts: inout RecoveryFacts, _ recovery: Recovery) async throws {
        facts.approvals = environment.approvals.byIndex(
            ApprovalController.recoveryIndex,
            recovery.metadata.key.description
        )
        let isPlanned = facts.policies.contains { $0.spec.effectiveMode != .auto }
        guard isPlanned, recovery.spec.clusterRef == nil, let target = recovery.spec.targetRef else { return }
        let namespace = target.namespace.nonEmpty ?? recovery.metadata.namespace
        do {
            let resource = try await environment.client.discovery.resource(
                for: GroupVersionKind(apiVersion: target.apiVersion, kind: target.kind)
            )
            guard
                resource.isNamespaced == false || namespace == recovery.metadata.namespace
                    || recovery.metadata.namespace == environment.controllerNamespace
            else { return }
            let key = ObjectKey(namespace: resource.isNamespaced ? namespace : nil, name: target.name)
            let object = try await environment.client.get(resource, key)
            facts.targetVersion = "uid \(object.uid)" + (object.generation.map { ", generation \($0)" } ?? "")
            if object.generation == nil { facts.targetState = Self.shape(of: object) }
        } catch ClientError.noMatch {
            facts.targetVersion = "of a kind that the server does not know"
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            facts.targetVersion = "missing"
        } catch let error as ClientError where error.apiError?.isForbidden == true {
            // The strategy will say so, with what to do about it.
            return
        }
    }

    /// What changes when somebody gives an object another shape, and not with its status, as that of a Node every few
    /// minutes: an approved plan would never be the present one.
    static func shape(of object: Unstructured) -> String {
        // A digest of what is secret would tell whether a guess is right.
        if object.kind == "Secret" { return "resourceVersion \(object.resourceVersion)" }
        var content = object.content
        content["metadata"] = nil
        content["status"] = nil
        return "content \(SHA256.hexDigest(of: content.serialized()).prefix(16))"
    }

    private func addAcceptanceFacts(_ facts: inout RecoveryFacts, _ recovery: Recovery) async throws {
        facts.parameterViolations = environment.registry.parameterViolations
        if recovery.isOpenedByPolicy, let former = recovery.spec.parentRef?.name {
            facts.former = environment.recoveries.get(
                ObjectKey(namespace: recovery.metadata.namespace, name: former)
            )
        }
        guard let target = recovery.spec.targetRef, recovery.spec.clusterRef == nil else { return }
        let kind = GroupVersionKind(apiVersion: target.apiVersion, kind: target.kind)
        let resource: APIResource
        do {
            resource = try await environment.client.discovery.resource(for: kind)
        } catch ClientError.noMatch {
            return
        }
        facts.targetIsNamespaced = resource.isNamespaced
        let outside = NamespaceFence.violations(
            of: recovery,
            controllerNamespace: environment.controllerNamespace,
            targetIsNamespaced: resource.isNamespaced
        )
        guard outside.isEmpty else { return }
        let namespace = target.namespace.flatMap { $0.isEmpty ? nil : $0 } ?? recovery.metadata.namespace
        do {
            let object = try await environment.client.get(
                resource,
                ObjectKey(namespace: resource.isNamespaced ? namespace : nil, name: target.name)
            )
            facts.targetUID = object.uid
            facts.targetLabels = object.labels
        } catch let error as ClientError where error.apiError != nil {
            // Missing, or not ours to read: the strategy will say so, with what to do about it.
            return
        }
    }

    /// Enters how an attempt has ended in its policy's books.
    func settleBooks(_ recovery: Recovery) async {
        do {
            try await environment.books.settle(recovery)
        } catch {
            // The books are brought up to date whenever they are opened, and when the cache has the outcome.
            environment.report.booksUnsettled(recovery, error)
        }
    }

    /// Gives the lock of a Recovery back and wakes who waits for it.
    func releaseLock(_ recovery: Recovery) async {
        guard let lock = recovery.status?.target.flatMap(LockKey.init) else { return }
        await release(lock, of: recovery)
    }

    /// Gives a lock back and wakes who waits for it.
    func release(_ lock: LockKey, of recovery: Recovery) async {
        do {
            try await environment.lock.release(lock, for: recovery)
        } catch {
            // The lock of a final Recovery is free all the same: the next one that wants it looks the holder up.
        }
        wakeWaiters(lock)
    }

    /// A member cluster can be reached again: Recoveries that wait there for their next attempt need not wait longer.
    ///
    /// A write that somebody else was faster with is left out: that Recovery is looked at anyway.
    func wake(cluster: String) async {
        for recovery in environment.recoveries.byIndex(Self.clusterIndex, cluster) {
            // What detection opened ends by itself when it sees the cluster well.
            guard recovery.metadata.labels?[MetadataName.fingerprint] == nil, var status = recovery.status,
                status.nextAttemptTime != nil, environment.running[recovery.metadata.key] == nil
            else { continue }
            status.nextAttemptTime = nil
            status.message = "member cluster \(cluster) can be reached again: the next attempt is due"
            do {
                _ = try await environment.writer.write(status, on: recovery)
            } catch {
                environment.enqueue(recovery.metadata.key)
            }
        }
    }

    /// Has everybody looked at who waits for the lock.
    func wakeWaiters(_ lock: LockKey) {
        for key in waiters.take(lock) { environment.enqueue(key) }
    }

    /// An attempt has ended: whoever it was in the way of is looked at.
    ///
    /// To be called when it has left the table of running attempts, and again when the cache no longer shows it:
    /// either is enough to hold others back.
    func attemptEnded(_ recovery: Recovery) {
        if let lock = recovery.status?.target.flatMap(LockKey.init) { wakeWaiters(lock) }
        if let policy = recovery.policyKey, let next = policyWaiters.takeFirst(policy) {
            environment.enqueue(next)
        }
    }

    /// Gives the place back; whoever waits longest with the highest priority has it then.
    func giveUpPlace(_ key: ObjectKey) {
        if let next = environment.slots.release(key) { environment.enqueue(next) }
    }
}

extension RunningRecovery {
    /// As the object describes it.
    init(_ recovery: Recovery) {
        self.init(
            key: recovery.metadata.key,
            lock: recovery.status?.target.flatMap(LockKey.init),
            policy: recovery.policyKey
        )
    }
}

extension Recovery {
    /// Whether an attempt runs, or was left unfinished by a controller that is gone.
    var hasRunningAttempt: Bool {
        !isFinal && status?.executions?.last?.state == .inProgress
    }

    /// When the object is to be deleted; nil while it is not final.
    var expiry: Date? {
        status?.completionTime?.addingTimeInterval(Double(spec.effectiveTTLSeconds))
    }

    /// Whether an attempt at it mostly waits for a cluster to answer.
    var waitsForCluster: Bool {
        [.clusterUnreachable, .clusterUnavailable, .networkConnectivity].contains(spec.error.knownType)
    }

    /// Where it goes in queues: the strategy's priority decides, severity breaks ties; what goes on after an
    /// interruption goes first.
    func queuePriority(_ environment: RecoveryReconciler.Environment) -> Int {
        let catalogue = environment.catalogue
        let byType = catalogue.candidates(forErrorType: spec.error.type).first ?? catalogue.fallback
        let isUnfinished = status?.executions?.last.map { !$0.state.isFinal } ?? false
        let place = Self.queuePlace(
            of: status?.priority ?? byType?.priority ?? 0,
            isOwn: metadata.namespace == environment.controllerNamespace
        )
        return place * 10 + spec.error.effectiveSeverity.rank + (isUnfinished ? 10_000 : 0)
    }

    /// What a priority counts for in queues: in the controller's own namespace as much as it says.
    ///
    /// Elsewhere policies choose it freely, and many tenants may ask for the highest: their order is kept up to 100 either
    /// way, below whatever the fleet's strategies have.
    static func queuePlace(of priority: Int, isOwn: Bool) -> Int {
        isOwn ? min(max(priority, -1_000), 1_000) : min(max(priority, -100), 100) - 100
    }
}
