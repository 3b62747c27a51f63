internal import ControllerRuntime
internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import Timekeeping

/// How far the removal of a deleted placement from one member is.
enum PlacementRemoval: Sendable, Hashable {
    /// Nothing is there any more.
    case done
    /// It is being worked on; the text says what is waited for.
    case underWay(String)
    /// The member does not answer, and is waited for so long.
    case awaited(Duration)
    /// Nobody can tell, and nobody waits any longer; the text says why.
    case givenUp(String)
}

extension PlacementFacts {
    /// How far the removal from a member is: a deletion waits for members that answer, and a limited time for others.
    func removal(from cluster: String, within limit: Duration) -> PlacementRemoval {
        let outcome = outcomes[cluster]
        if let outcome, outcome.duty == .delete, outcome.isRemoved { return .done }
        guard let member = members[cluster] else { return .givenUp("its MemberCluster is gone") }
        if isReady(cluster) {
            switch outcome?.result {
            case .removed(let removal):
                return .underWay("waits for \(removal.leaving.prefix(3).joined(separator: ", "))")
            case .unreachable(let message): return .underWay(message)
            case .placed, .notReady, nil: return .underWay("objects are being removed")
            }
        }
        let deletion = placement.metadata.deletionTimestamp ?? now
        let since = max(deletion, member.status?.conditions?[type: ConditionType.ready]?.lastTransitionTime ?? deletion)
        let left = limit - .seconds(now.timeIntervalSince(since))
        return left > .zero ? .awaited(left) : .givenUp("it has not answered for \(limit.components.seconds) s")
    }

    /// The status of a placement that is being deleted.
    func removingStatus(_ message: String) -> PlacementStatus {
        var status = placement.status ?? PlacementStatus()
        var conditions = status.conditions ?? []
        conditions.set(
            Condition(
                type: ConditionType.ready,
                status: .false,
                reason: PlacementReason.removing,
                message: String(message.prefix(1_024)),
                observedGeneration: placement.metadata.generation
            ),
            now: now
        )
        status.conditions = conditions
        return status
    }
}

// The end of a placement.
extension PlacementController {
    /// Removes the objects of a deleted placement from all members, then lets it go; a dead member holds that up for a
    /// limited time only.
    func finish(_ facts: PlacementFacts) async throws -> ReconcileResult {
        let placement = facts.placement
        guard let finalizers = placement.metadata.finalizers, finalizers.contains(MetadataName.finalizer) else {
            outcomes.forget(placement.metadata.key)
            return .done
        }
        var waits: [String] = []
        var left: [(cluster: String, why: String)] = []
        var recheck: Duration?
        for cluster in facts.targets {
            switch facts.removal(from: cluster, within: environment.thresholds.removedWithin) {
            case .done: break
            case .underWay(let message): waits.append("\(cluster): \(message)")
            case .givenUp(let why): left.append((cluster, why))
            case .awaited(let duration):
                waits.append("\(cluster) does not answer")
                recheck = min(recheck ?? duration, duration)
            }
        }
        startSyncs(facts)
        guard waits.isEmpty else {
            try await write(facts.removingStatus(waits.joined(separator: "; ")), facts)
            return recheck.map { .requeue(after: max($0, .seconds(1))) } ?? .done
        }
        try await release(facts, left, finalizers)
        return .done
    }

    private func release(
        _ facts: PlacementFacts,
        _ left: [(cluster: String, why: String)],
        _ finalizers: [String]
    ) async throws {
        let placement = facts.placement
        do {
            _ = try await patchFinalizers(placement, finalizers.filter { $0 != MetadataName.finalizer })
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            // Gone already: somebody else took the finalizer away.
        }
        for (cluster, why) in left {
            record(
                .warning,
                "PlacementLeftBehind",
                "objects with the label \(MetadataName.placementUID)=\(placement.metadata.uid ?? "") may be left on "
                    + "\(cluster): \(why)",
                about: placement
            )
            if facts.members[cluster] != nil { orphans.add(placement, on: cluster) }
        }
        outcomes.forget(placement.metadata.key)
    }
}
