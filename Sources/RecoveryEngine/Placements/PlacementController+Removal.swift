internal import ControllerRuntime
internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Timekeeping

/// How far the removal of a deleted placement from one member is.
enum PlacementRemoval: Sendable, Hashable {
    /// Nothing is there any more.
    case done
    /// It is being worked on, or the member does not answer: what is waited for, and for how long.
    case awaited(String, Duration)
    /// Nobody can tell, and nobody waits any longer; the text says why.
    case givenUp(String)
}

extension PlacementFacts {
    /// How far the removal from a member is: a deletion waits for each of them for a limited time, whatever it says.
    ///
    /// - Parameters:
    ///   - cluster: the member.
    ///   - thresholds: how long it is waited for, and how long for a look at one that seems to answer.
    ///   - known: for how long this process has known the placement: whoever was away looks once before giving up.
    /// - Returns: how far it is.
    func removal(from cluster: String, _ thresholds: PlacementThresholds, known: Duration) -> PlacementRemoval {
        let outcome = outcomes[cluster].flatMap { $0.duty == .delete ? $0 : nil }
        if outcome?.isRemoved == true { return .done }
        guard isRegistered(cluster) else { return .givenUp("its MemberCluster is gone") }
        let limit = thresholds.removedWithin
        let left = limit - .seconds(now.timeIntervalSince(placement.metadata.deletionTimestamp ?? now))
        let words: String
        switch outcome?.result {
        case _ where unreadable.contains(cluster): words = "its MemberCluster cannot be read"
        case _ where !isReady(cluster): words = "it does not answer"
        case .removed(let removal): words = "waits for \(removal.leaving.prefix(3).joined(separator: ", "))"
        case .unreachable(let message): words = message
        case .placed, .notReady, nil:
            let left = max(left, .zero - known) + thresholds.lookedWithin
            return left > .zero ? .awaited("objects are being removed", left) : .givenUp("nobody could look there")
        }
        return left > .zero ? .awaited(words, left) : .givenUp("\(words), for \(limit.components.seconds) s")
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
    ///
    /// - Parameters:
    ///   - facts: what is known of it.
    ///   - known: for how long this process has known it.
    /// - Returns: when to look again.
    /// - Throws: `ClientError`.
    func finish(_ facts: PlacementFacts, known: Duration) async throws -> ReconcileResult {
        let placement = facts.placement
        guard let finalizers = placement.metadata.finalizers, finalizers.contains(MetadataName.finalizer) else {
            outcomes.forget(placement.metadata.key)
            return .done
        }
        var waits: [String] = []
        var left: [(cluster: String, why: String)] = []
        var recheck: Duration?
        for cluster in facts.targets {
            switch facts.removal(from: cluster, environment.thresholds, known: known) {
            case .done: break
            case .givenUp(let why): left.append((cluster, why))
            case .awaited(let message, let duration):
                waits.append("\(cluster): \(message)")
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
        // Written down before the placement goes: whoever leads when the member answers again finds it there.
        for cluster in left.map(\.cluster) + facts.keptOnUnseen where facts.isRegistered(cluster) {
            try await remember(placement, on: cluster)
        }
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
        }
        outcomes.forget(placement.metadata.key)
    }
}
