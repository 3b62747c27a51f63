internal import ControllerRuntime
internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Timekeeping

// Decides about a placement and writes what is known of it.
extension PlacementController {
    /// How long a new placement waits until somebody has counted what the members have free.
    private static let countingPatience = Duration.seconds(15)

    /// Looks at one placement.
    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        guard let placement = environment.placements.store.get(key) else {
            outcomes.forget(key)
            environment.fleet.keepPlaced(of: key, on: [])
            for cluster in members.all.keys where !leftovers(key, on: cluster).isEmpty {
                syncs.add(SyncKey(placement: key, cluster: cluster))
            }
            return .done
        }
        let known = outcomes.firstSeen(key, now: timeSource.now()).duration(to: timeSource.now())
        var facts = facts(placement)
        if placement.metadata.isBeingDeleted { return try await finish(facts, known: known) }
        let (reason, found) = facts.violations
        guard found.isEmpty else {
            environment.reservations.release(key)
            try await write(facts.rejectedStatus(reason, found), facts)
            return .done
        }
        if placement.metadata.finalizers?.contains(MetadataName.finalizer) != true {
            facts.placement = try await addFinalizer(placement)
        }
        let (plan, planRecheck) = await plan(facts, patience: Self.countingPatience - known)
        let status = facts.status(after: plan)
        facts.placement = try await write(status, facts)
        let targets = Set(facts.targets)
        outcomes.keep(targets, of: key)
        environment.fleet.keepPlaced(of: key, on: targets)
        startSyncs(facts)
        let (incidents, incidentRecheck) = facts.incidents(status, environment.thresholds)
        for incident in incidents { try await environment.incidents.report(incident) }
        let recheck = [planRecheck, incidentRecheck].compactMap { $0 }.min()
        return recheck.map { .requeue(after: $0) } ?? .done
    }

    /// Has every member looked at that needs it.
    func startSyncs(_ facts: PlacementFacts) {
        let clusters = facts.targets.filter { facts.needsSync($0) }
        let placement = facts.placement.metadata.key
        outcomes.expectLooks(at: clusters, of: placement)
        for cluster in clusters { syncs.add(SyncKey(placement: placement, cluster: cluster)) }
    }

    // MARK: Scheduling

    /// Where copies go; nil while that is a Migration's affair, or while nobody has counted what is free.
    private func plan(_ facts: PlacementFacts, patience: Duration) async -> (PlacementPlan?, Duration?) {
        let (key, reservations) = (facts.placement.metadata.key, environment.reservations)
        // A MemberCluster that nobody can read is there, and not gone: its copies stay decided until somebody corrects it.
        guard !facts.decisions.contains(where: { $0.isProvisional || facts.unreadable.contains($0.cluster) }) else {
            reservations.release(key)
            return (nil, nil)
        }
        let request = PlacementRequest(facts.placement)
        let decided = Set(facts.decisions.map(\.cluster))
        var candidates = facts.members.values.map { candidate($0, facts) }
        var pauses: [Duration] = []
        var asked: Set<String> = []
        while true {
            let plan = reservations.decide(key, request, candidates, now: facts.now)
            let chosen = plan.clusters.filter { !decided.contains($0) }
            let isCounted = chosen.allSatisfy { environment.fleet.observation(of: $0) != .unknown }
            if !isCounted, !request.demand.total.names.isEmpty, patience > .zero {
                reservations.release(key)
                return (nil, patience)
            }
            let new = chosen.filter { asked.insert($0).inserted }
            guard !new.isEmpty else {
                // What asks for no room waits for none.
                let isCrowdedOut = plan.missing > 0 && !request.demand.total.names.isEmpty
                let end = isCrowdedOut ? reservations.nextEnd(after: facts.now) : nil
                let ends = [plan.recheckAt, end].compactMap { $0 }
                let recheck = ends.min().map { Duration.seconds(max(1, $0.timeIntervalSince(facts.now))) }
                return (plan, (pauses + [recheck].compactMap { $0 }).min())
            }
            // Only those that would be chosen are asked what they serve: it costs requests.
            for (cluster, missing) in await missingKinds(request.demand.kinds, on: new) {
                guard let index = candidates.firstIndex(where: { $0.name == cluster }) else { continue }
                if let missing {
                    candidates[index].missingKinds = missing
                } else {
                    // Who does not answer gets no new copy this time, whatever the probes have not noticed yet.
                    candidates[index].isReady = false
                    pauses.append(gate.pause(of: cluster, now: timeSource.now()) ?? .seconds(1))
                }
            }
        }
    }

    private func candidate(_ cluster: MemberCluster, _ facts: PlacementFacts) -> ClusterCandidate {
        var candidate = ClusterCandidate(cluster)
        candidate.fenceProblem = facts.fenceProblem(cluster)
        // What others have reserved comes off when it is decided.
        candidate.count(environment.fleet.capacity(of: candidate.name), reserved: ResourceAmounts())
        return candidate
    }

    /// What members do not serve, all asked at one time; nil for those that do not answer, or did not a while ago.
    private func missingKinds(
        _ kinds: Set<GroupVersionKind>,
        on clusters: [String]
    ) async -> [(cluster: String, missing: Set<GroupVersionKind>?)] {
        await withTaskGroup(of: (cluster: String, missing: Set<GroupVersionKind>?).self) { group in
            for cluster in clusters {
                group.addTask { [self] in
                    guard gate.pause(of: cluster, now: timeSource.now()) == nil else { return (cluster, nil) }
                    let missing = await environment.fleet.missing(kinds, on: cluster)
                    if missing == nil { gate.close(cluster, now: timeSource.now()) }
                    return (cluster, missing)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    // MARK: Writes

    /// Writes a status if it has news, on top of the version that was read, and tells about what changed.
    ///
    /// - Returns: the placement with that status.
    /// - Throws: `ClientError`; after a conflict everything is looked at again.
    @discardableResult
    func write(_ status: PlacementStatus, _ facts: PlacementFacts) async throws -> Placement {
        let placement = facts.placement
        guard status != placement.status else { return placement }
        let before = try placement.status.map { try JSONValue(encoding: $0) } ?? .object([:])
        let change = JSONMergePatch.diff(from: before, to: try JSONValue(encoding: status))
        let written = try await environment.hub.patch(
            Placement.self,
            placement.metadata.key,
            ["metadata": placement.precondition, "status": change],
            type: .merge,
            subresource: "status",
            options: WriteOptions(fieldManager: MetadataName.fieldManager)
        )
        for (type, reason, message) in PlacementNews.events(from: placement.status, to: status) {
            record(type, reason, message, about: placement)
        }
        return written
    }

    private func addFinalizer(_ placement: Placement) async throws -> Placement {
        try await patchFinalizers(placement, (placement.metadata.finalizers ?? []) + [MetadataName.finalizer])
    }

    func patchFinalizers(_ placement: Placement, _ finalizers: [String]) async throws -> Placement {
        var metadata = placement.precondition
        metadata["finalizers"] = .array(finalizers.map(JSONValue.string))
        return try await environment.hub.patch(
            Placement.self,
            placement.metadata.key,
            ["metadata": metadata],
            type: .merge,
            options: WriteOptions(fieldManager: MetadataName.fieldManager)
        )
    }

    func record(_ type: EventType, _ reason: String, _ message: String, about placement: Placement) {
        environment.recorder.record(
            type,
            reason: reason,
            message: message,
            about: ObjectReference(
                apiVersion: RecoveryAPI.apiVersion,
                kind: Placement.resource.kind,
                namespace: placement.metadata.namespace,
                name: placement.metadata.name,
                uid: placement.metadata.uid
            )
        )
    }
}

extension Placement {
    /// The version and identity that a write builds on.
    fileprivate var precondition: JSONValue {
        var fields: JSONValue = .object([:])
        fields["resourceVersion"] = metadata.resourceVersion.map(JSONValue.string)
        fields["uid"] = metadata.uid.map(JSONValue.string)
        return fields
    }
}
