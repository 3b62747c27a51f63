internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Timekeeping

/// What the members of the fleet have right now: asked one by one, nothing taken from a cache.
struct FleetSurvey: Sendable {
    /// The most members that are asked at one time.
    private static let width = 8
    /// How long each of a member's answers may take.
    private static let timeout = Duration.seconds(15)

    let attempt: Attempt
    let reservations: CapacityReservations
    private var fence: PlacementFence { attempt.placementFence.fence }

    /// What was found of one member.
    private struct Answer: Sendable {
        var candidate: ClusterCandidate
        /// What its nodes have, in words, or why nobody knows.
        var words: String
    }

    /// The candidates for a Placement, as counted, and what they have left in words: what others have reserved comes off
    /// when it is decided.
    ///
    /// A member that is not ready, or that the placement may not use, is not asked: it takes no copy anyway.
    ///
    /// - Throws: `ClientError` when the hub does not answer.
    func candidates(for placement: Placement) async throws -> (clusters: [ClusterCandidate], words: String) {
        let labels = try await attempt.placementFence.namespaceLabels(of: placement)
        let demand = PlacementDemand(manifests: placement.spec.manifests)
        // As the controller: the ServiceAccount that an attempt acts as is of one namespace, and sees no MemberClusters.
        let members = try await attempt.placementFence.hub.list(MemberCluster.self).items
        let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
            var waiting = members[...]
            var answers: [Answer] = []
            for member in waiting.prefix(Self.width) {
                group.addTask { try await answer(of: member, placement, labels, demand) }
            }
            waiting = waiting.dropFirst(Self.width)
            while let answer = try await group.next() {
                answers.append(answer)
                if let member = waiting.popFirst() {
                    group.addTask { try await self.answer(of: member, placement, labels, demand) }
                }
            }
            return answers.sorted { $0.candidate.name < $1.candidate.name }
        }
        let words = answers.isEmpty ? "there is no MemberCluster" : answers.map(\.words).joined(separator: "; ")
        return (answers.map(\.candidate), words)
    }

    private func answer(
        of member: MemberCluster,
        _ placement: Placement,
        _ labels: [String: String]?,
        _ demand: PlacementDemand
    ) async throws -> Answer {
        var candidate = ClusterCandidate(member)
        if !fence.allows(member, namespace: placement.metadata.namespace, labels: labels) {
            candidate.fenceProblem =
                "its spec.allowedNamespaces does not match namespace \(placement.metadata.namespace ?? "")"
            return Answer(candidate: candidate, words: "\(candidate.name): not for this namespace")
        }
        guard candidate.isReady else { return Answer(candidate: candidate, words: "\(candidate.name): not ready") }
        do {
            let client = try await attempt.member(candidate.name).with(requestTimeout: Self.timeout)
            candidate.missingKinds = try await missingKinds(demand, client)
            let capacity = try await ClusterCapacity.counted(by: client)
            let reserved = reservations.amounts(
                on: candidate.name,
                besides: placement.metadata.key,
                now: attempt.timeSource.wallTime()
            )
            candidate.count(capacity, reserved: ResourceAmounts())
            let words = Self.words((candidate.free ?? ResourceAmounts()) - reserved, capacity, demand)
            return Answer(candidate: candidate, words: "\(candidate.name): \(words)")
        } catch let failure as StrategyFailure {
            candidate.isReady = false
            return Answer(candidate: candidate, words: "\(candidate.name): \(failure)")
        } catch let error as ClientError {
            if case .refused = error { throw error }
            // It may forbid to count its pods and still take a copy; who does not answer takes none.
            candidate.isReady = error.apiError?.isForbidden ?? false
            return Answer(candidate: candidate, words: "\(candidate.name): cannot be counted, \(error)")
        }
    }

    private func missingKinds(
        _ demand: PlacementDemand,
        _ client: KubernetesClient
    ) async throws -> Set<GroupVersionKind> {
        var missing: Set<GroupVersionKind> = []
        for kind in demand.kinds {
            do {
                _ = try await client.discovery.resource(for: kind)
            } catch ClientError.noMatch {
                missing.insert(kind)
            }
        }
        return missing
    }

    private static func words(
        _ free: ResourceAmounts,
        _ capacity: ClusterCapacity,
        _ demand: PlacementDemand
    ) -> String {
        let names = Set(demand.total.names).union(["cpu", "memory"]).subtracting(["pods"]).sorted()
        return names.map { "\($0) \(free[$0]) of \(capacity.allocatable[$0]) free" }.joined(separator: ", ")
    }
}
