internal import ControllerRuntime
internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import Synchronization
internal import Telemetry
internal import Timekeeping

// Makes one member have what a placement declares, or nothing of it.
extension PlacementController {
    /// For members whose changes cannot be watched, or are not watched yet.
    static let fallbackLook = (unready: Duration.seconds(60), unwatched: Duration.seconds(300))
    /// How long news is kept back while other members of the placement are being looked at: a status that names a hundred
    /// copies is then written a few times, and not a hundred times.
    private static let collecting = Duration.seconds(1)
    private static let timeouts = (request: Duration.seconds(10), connect: Duration.seconds(5))

    /// Looks at one placement on one member and does what has to be done there.
    func sync(_ key: SyncKey) async throws -> ReconcileResult {
        try await environment.turns.take(key) { try await look(key) }
    }

    private func look(_ key: SyncKey) async throws -> ReconcileResult {
        defer { for parked in gate.next(key.cluster) { syncs.add(parked) } }
        let stored = environment.placements.store.get(key.placement)
        var isClear = true
        if let leftover = leftovers(key.placement, on: key.cluster).first(where: { $0.uid != stored?.metadata.uid }) {
            let cleared = try await clear(leftover, key)
            // What somebody holds there does not hold up a new placement of the name: an object that both want is a conflict.
            guard cleared == .requeue, stored != nil else { return cleared }
            isClear = false
        }
        guard let stored else { return .done }
        let result = try await look(at: stored, key)
        return result == .done && !isClear ? .requeue : result
    }

    private func look(at placement: Placement, _ key: SyncKey) async throws -> ReconcileResult {
        let facts = facts(placement)
        guard let duty = facts.duty(on: key.cluster) else {
            outcomes.settle(key)
            return .done
        }
        guard facts.isReady(key.cluster) else {
            note(.notReady, duty, facts, key)
            return .done
        }
        guard let client = client(of: key.cluster) else { return .requeue(after: .seconds(1)) }
        return try await entering(key) {
            do {
                return try await perform(duty, facts, key, client)
            } catch let error as ClientError {
                if case .refused = error { throw error }
                note(.unreachable("\(error)"), duty, facts, key)
                throw error
            }
        }
    }

    /// A client of a member that gives up soon, and that stops with the leadership.
    func client(of cluster: String) -> KubernetesClient? {
        environment.fleet.client(of: cluster)?
            .with(requestTimeout: Self.timeouts.request, connectTimeout: Self.timeouts.connect, retryPolicy: .none)
            .guarded { [mayLead = environment.mayLead] _ in
                guard mayLead() else {
                    throw AttemptFence.Refusal(
                        description: "this controller is no longer sure to be the leader",
                        isAboutLeadership: true
                    )
                }
            }
    }

    /// Runs work on a member when it is the key's turn.
    func entering(
        _ key: SyncKey,
        _ work: () async throws -> ReconcileResult
    ) async throws -> ReconcileResult {
        switch gate.enter(key, now: timeSource.now()) {
        case .parked: return .done
        case .closed(let duration): return .requeue(after: duration)
        case .open: break
        }
        var hasAnswered = true
        defer { gate.leave(key.cluster, hasAnswered: hasAnswered, now: timeSource.now()) }
        do {
            return try await work()
        } catch let error as ClientError where error.isUnanswered {
            hasAnswered = false
            metrics?.syncs.increment("Unreachable")
            environment.context.logger.debug("member does not answer", ["sync": "\(key)", "error": "\(error)"])
            return .requeue(after: .seconds(1))
        }
    }

    private func perform(
        _ duty: SyncDuty,
        _ facts: PlacementFacts,
        _ key: SyncKey,
        _ client: KubernetesClient
    ) async throws -> ReconcileResult {
        let objects = PlacedObjects(
            facts.placement,
            on: key.cluster,
            client: client,
            fence: environment.fence,
            memory: memory,
            appliedHash: facts.appliedHash(on: key.cluster),
            mayWrite: confirmation(of: duty, facts, key)
        )
        do {
            switch duty {
            case .place, .hold: return try await place(objects, duty, facts, key)
            case .leave: return try await leave(objects, facts, key)
            case .delete: return try await remove(objects, duty, facts, key)
            }
        } catch is CopyDecidedAnew {
            outcomes.settle(key)
            return .requeue
        }
    }

    /// Throws unless the hub itself says of the copy what the cache says: that may lag behind, above all that of a new leader.
    ///
    /// Asked before the first write only: while the key has its turn, no status forgets the copy.
    private func confirmation(
        of duty: SyncDuty,
        _ facts: PlacementFacts,
        _ key: SyncKey
    ) -> @Sendable () async throws -> Void {
        // A deletion is not taken back.
        guard duty != .delete else { return {} }
        let isConfirmed = Mutex(false)
        return { [self] in
            guard !isConfirmed.withLock({ $0 }) else { return }
            do {
                let live = try await environment.hub.get(Placement.self, key.placement)
                guard live.metadata.uid == facts.placement.metadata.uid else { throw CopyDecidedAnew() }
                let now = self.facts(live)
                let isSame = now.decision(on: key.cluster) == facts.decision(on: key.cluster)
                guard isSame, now.duty(on: key.cluster) == duty else { throw CopyDecidedAnew() }
            } catch let error as ClientError {
                if case .refused = error { throw error }
                throw CopyDecidedAnew()
            }
            isConfirmed.withLock { $0 = true }
        }
    }

    /// Removes a copy for those that stay, while none of those is being removed for it.
    private func leave(
        _ objects: PlacedObjects,
        _ facts: PlacementFacts,
        _ key: SyncKey
    ) async throws -> ReconcileResult {
        let staying = facts.decisions.filter { !$0.isLeaving }.map(\.cluster)
        guard outcomes.beginRemoval(key, for: staying) else { return .requeue(after: .seconds(1)) }
        defer { outcomes.endRemoval(key) }
        guard let elsewhere = try await replacements(staying, facts, key) else { return .requeue }
        return try await remove(objects, .leave, facts, key, elsewhere: elsewhere)
    }

    private func remove(
        _ objects: PlacedObjects,
        _ duty: SyncDuty,
        _ facts: PlacementFacts,
        _ key: SyncKey,
        elsewhere: [String: String] = [:]
    ) async throws -> ReconcileResult {
        let removal = try await objects.remove(keepingData: duty == .leave, elsewhere: elsewhere)
        metrics?.syncs.increment("Removed")
        tell(removal, facts, key)
        note(.removed(removal), duty, facts, key)
        return removal.isComplete ? .done : .requeue
    }

    /// The objects of the copies that replace this one, by uid, with their cluster; nil unless those are well by a look at
    /// them now: where nobody watches, and while a watch is broken, the latest look at them may be old.
    private func replacements(
        _ staying: [String],
        _ facts: PlacementFacts,
        _ key: SyncKey
    ) async throws -> [String: String]? {
        var found: [String: String] = [:]
        for cluster in staying {
            for uid in facts.outcomes[cluster]?.state?.uids ?? [] { found[uid] = cluster }
        }
        // What has begun is gone in part: there is no way back.
        if case .removed(let removal) = facts.outcomes[key.cluster]?.result {
            return found.merging(removal.shared) { latest, _ in latest }
        }
        var isAnyWell = false
        for cluster in staying {
            let state = try await lookAgain(at: cluster, facts)
            for uid in state?.uids ?? [] { found[uid] = cluster }
            if state?.isReady == true {
                isAnyWell = true
            } else {
                syncs.add(SyncKey(placement: key.placement, cluster: cluster))
                // What a failover left behind goes for any copy that is well, another one only for all of them.
                if !facts.isLeftover(key.cluster) { return nil }
            }
        }
        return isAnyWell ? found : nil
    }

    /// What a member has now of a copy that was well; nil when it was not, or the member does not answer.
    private func lookAgain(at cluster: String, _ facts: PlacementFacts) async throws -> PlacedState? {
        guard facts.isServed(by: cluster), let client = client(of: cluster) else { return nil }
        do {
            return try await PlacedObjects(
                facts.placement,
                on: cluster,
                client: client,
                fence: environment.fence,
                memory: memory
            ).inspect()
        } catch let error as ClientError {
            if case .refused = error { throw error }
            return nil
        }
    }

    private func place(
        _ objects: PlacedObjects,
        _ duty: SyncDuty,
        _ facts: PlacementFacts,
        _ key: SyncKey
    ) async throws -> ReconcileResult {
        let (found, state): (PlacedState, PlacedState)
        var hasRepaired = false
        if duty == .place {
            outcomes.forgetRemoval(key)
            (found, state) = try await objects.sync()
            hasRepaired = tellRepairs(from: found, to: state, facts, key)
        } else {
            found = try await objects.inspect()
            state = found
        }
        let kinds = Set(state.objects.compactMap(\.resource))
        environment.fleet.watchPlaced(kinds: kinds, of: key.placement, on: key.cluster)
        let watching = environment.fleet.watching(kinds, on: key.cluster)
        let outcome = note(
            .placed(state),
            duty,
            facts,
            key,
            watching,
            hasApplied: state != found,
            hasRepaired: hasRepaired
        )
        metrics?.syncs.increment(state.resultLabel)
        if outcome.failures > 0 { return .requeue(after: .seconds(min(300, 1 << min(outcome.failures - 1, 9)))) }
        let pause = outcome.repairs.pause(now: timeSource.now())
        guard state.isReady else { return .requeue(after: max(pause, Self.fallbackLook.unready)) }
        guard watching == .watched else { return .requeue(after: Self.fallbackLook.unwatched) }
        return outcome.repairs.isFight ? .requeue(after: DriftRepairs.memory) : .done
    }

    // MARK: Outcomes

    /// Keeps what came of a look, and has the placement's status follow when that is another one than before.
    @discardableResult
    private func note(
        _ result: SyncOutcome.Result,
        _ duty: SyncDuty,
        _ facts: PlacementFacts,
        _ key: SyncKey,
        _ watching: PlacedWatching = .unknown,
        hasApplied: Bool = false,
        hasRepaired: Bool = false
    ) -> SyncOutcome {
        let uid = facts.placement.metadata.uid ?? ""
        let before = facts.outcomes[key.cluster]
        var outcome = SyncOutcome(
            uid: uid,
            generation: facts.placement.metadata.generation,
            duty: duty,
            migrationUID: facts.decision(on: key.cluster)?.migrationUID,
            result: result,
            syncTime: before?.syncTime
        )
        outcome.clusterUID = facts.members[key.cluster]?.status?.clusterUID
        // While nobody knows, it is as it was.
        outcome.unwatched = before?.unwatched
        if case .forbidden(let rights) = watching { outcome.unwatched = rights }
        if watching == .watched { outcome.unwatched = nil }
        let now = timeSource.wallTime()
        if hasApplied {
            outcome.syncTime = Date(timeIntervalSinceReferenceDate: now.timeIntervalSinceReferenceDate.rounded(.down))
        }
        outcome.repairs = before?.repairs ?? DriftRepairs()
        outcome.repairs.note(hasRepaired: hasRepaired, now: timeSource.now())
        if let state = outcome.state {
            outcome.count(state, after: before, now: timeSource.now(), wallTime: now)
        } else {
            (outcome.failures, outcome.lastFailure) = (before?.failures ?? 0, before?.lastFailure)
            outcome.unreadySince = before?.unreadySince
        }
        let areMoreAwaited = outcomes.set(outcome, for: key)
        if outcome != before { queue.add(key.placement, after: areMoreAwaited ? Self.collecting : .zero) }
        return outcome
    }

    /// Says whether anything was repaired.
    private func tellRepairs(
        from found: PlacedState,
        to state: PlacedState,
        _ facts: PlacementFacts,
        _ key: SyncKey
    ) -> Bool {
        // What was never there, or was declared in another way before, is no drift.
        guard !found.isOutdated else { return false }
        let repaired = zip(found.objects, state.objects).filter { $0.verdict != .inSync && $1.verdict == .inSync }
        guard !repaired.isEmpty else { return false }
        metrics?.repairs.increment(by: Double(repaired.count))
        let words = "\(key.cluster): repaired \(found.drift.prefix(3).joined(separator: "; "))"
        record(.normal, "PlacementDriftRepaired", words, about: facts.placement)
        return true
    }

    private func tell(_ removal: PlacedRemoval, _ facts: PlacementFacts, _ key: SyncKey) {
        for cluster in Set(removal.shared.values).sorted() {
            let count = removal.shared.values.count { $0 == cluster }
            let words =
                "MemberClusters \(key.cluster) and \(cluster) lead to one API server: \(count) objects stay, as they are "
                + "the copy on \(cluster); delete one of the two"
            record(.warning, "MemberClusterRegisteredTwice", words, about: facts.placement)
        }
        let isAnyThere = !removal.removed.isEmpty || !removal.kept.isEmpty || !removal.excluded.isEmpty
        guard isAnyThere, facts.outcomes[key.cluster]?.isRemoved != true else { return }
        var words = "\(key.cluster): removed \(removal.removed.count) objects"
        if !removal.kept.isEmpty { words += "; kept as data: \(removal.kept.prefix(5).joined(separator: ", "))" }
        if !removal.excluded.isEmpty {
            words += "; left alone by label: \(removal.excluded.prefix(5).joined(separator: ", "))"
        }
        record(.normal, "PlacementCopyRemoved", words, about: facts.placement)
    }
}

/// The hub does not say, or not any more, what is about to be done with a copy.
private struct CopyDecidedAnew: Error {}

extension SyncOutcome {
    /// Counts failures, at most one in a second: a burst of changes must not make an incident of one refusal.
    fileprivate mutating func count(
        _ state: PlacedState,
        after before: SyncOutcome?,
        now: MonotonicInstant,
        wallTime: Date
    ) {
        if !state.conflicts.isEmpty || !state.refusals.isEmpty {
            let earlier = before?.failures ?? 0
            let isSoon = before?.lastFailure.map { $0.duration(to: now) < .seconds(1) } ?? false
            failures = earlier > 0 && isSoon ? earlier : min(earlier + 1, 1_000)
            lastFailure = earlier > 0 && isSoon ? before?.lastFailure : now
        } else if !state.isReady {
            unreadySince = before?.unreadySince ?? wallTime
        }
    }
}

extension PlacedState {
    /// For the metric.
    fileprivate var resultLabel: String {
        if !conflicts.isEmpty { return "Conflict" }
        if !refusals.isEmpty { return "Failed" }
        return isReady ? "Synced" : "Pending"
    }
}
