package import FoundationEssentials
package import KubernetesCore
internal import RecoveryAPI
package import RecoveryDecision
internal import Synchronization

/// The room that decided copies will take on the members, shared by all who ask what is free there.
///
/// Two sources: what the placements' own status says, and decisions of this process that are not in the cache yet.
/// Deciding is one at a time, so that each decision sees those before it. Nothing here has to outlive the process: the
/// next leader reads it from the placements, and asks again for a Migration that has not asked for its copy yet.
package final class CapacityReservations: Sendable {
    /// Who decides about a placement: each gives back what it has reserved itself, and nothing of the other's.
    enum Decider: CaseIterable {
        /// The placement controller.
        case scheduler
        /// The Recovery of the placement that is being worked on.
        case recovery
        /// The Migration whose turn it is.
        case migration
    }

    private struct State: Sendable {
        var book = ReservationBook()
        var written: [ObjectKey: [String: CapacityReservation]] = [:]
        var decided: [ObjectKey: [Decider: [String: CapacityReservation]]] = [:]

        /// Replaces what somebody has decided and not written yet, as far as is known.
        mutating func decide(_ clusters: [String: CapacityReservation]?, _ placement: ObjectKey, by decider: Decider) {
            decided[placement, default: [:]][decider] = clusters
            if decided[placement]?.isEmpty == true { decided[placement] = nil }
        }

        /// Brings the book up to date with all sources.
        mutating func enter(_ placement: ObjectKey) -> Bool {
            var all = written[placement] ?? [:]
            for decider in Decider.allCases {
                all.merge(decided[placement]?[decider] ?? [:]) { first, _ in first }
            }
            return book.set(all, of: placement)
        }
    }

    private let state = Mutex(State())

    /// Nothing is reserved.
    package init() {}

    /// What all placements but one will take of a member.
    package func amounts(on cluster: String, besides placement: ObjectKey, now: Date) -> ResourceAmounts {
        state.withLock { $0.book.amounts(on: cluster, besides: placement, now: now) }
    }

    /// When something ends to be reserved by itself; nil when nothing does.
    func nextEnd(after now: Date) -> Date? { state.withLock { $0.book.nextEnd(after: now) } }

    /// Takes note of a placement as the hub has it.
    ///
    /// - Returns: whether anything became free.
    func observe(_ placement: Placement) -> Bool {
        let key = placement.metadata.key
        let found = placement.reservations()
        // A copy that is leaving is an earlier one.
        let clusters = Set((placement.status?.decisions ?? []).filter { !$0.isLeaving }.map(\.cluster))
        return state.withLock { state in
            if state.written[key] == nil, state.decided[key] == nil, found.isEmpty { return false }
            state.written[key] = found.isEmpty ? nil : found
            // What was decided here and is written now is counted by what is written.
            for (decider, decided) in state.decided[key] ?? [:] where decided.keys.allSatisfy(clusters.contains) {
                state.decide(nil, key, by: decider)
            }
            return state.enter(key)
        }
    }

    /// Forgets a placement that is gone.
    ///
    /// - Returns: whether anything became free.
    func forget(_ placement: ObjectKey) -> Bool {
        state.withLock { state in
            state.written[placement] = nil
            state.decided[placement] = nil
            return state.enter(placement)
        }
    }

    /// Decides about a placement while nobody else does, and reserves what is new in the plan.
    ///
    /// - Parameters:
    ///   - placement: which one; what an earlier plan of it has reserved is given back.
    ///   - request: what is asked for.
    ///   - candidates: the clusters, as counted; what others have reserved is taken off.
    ///   - decider: who decides; nil, somebody who only wants to know: nothing is reserved.
    ///   - now: the wall clock.
    /// - Returns: the plan.
    func decide(
        _ placement: ObjectKey,
        _ request: PlacementRequest,
        _ candidates: [ClusterCandidate],
        by decider: Decider? = .scheduler,
        now: Date
    ) -> PlacementPlan {
        guard !request.demand.total.names.isEmpty else {
            return PlacementScheduler.schedule(request, candidates, now: now)
        }
        return state.withLock { state in
            var reserved = candidates
            for index in reserved.indices {
                reserved[index].reserve(state.book.amounts(on: reserved[index].name, besides: placement, now: now))
            }
            let plan = PlacementScheduler.schedule(request, reserved, now: now)
            guard let decider else { return plan }
            let known = Set(request.current.map(\.cluster))
            let new = plan.clusters.filter { !known.contains($0) }
            let reserving = new.map { ($0, CapacityReservation(request.demand.total)) }
            state.decide(
                new.isEmpty ? nil : Dictionary(reserving, uniquingKeysWith: { first, _ in first }),
                placement,
                by: decider
            )
            _ = state.enter(placement)
            return plan
        }
    }

    /// Gives back what was decided for a placement and is not going to be written.
    ///
    /// - Returns: whether anything became free.
    @discardableResult
    func release(_ placement: ObjectKey, by decider: Decider = .scheduler) -> Bool {
        state.withLock { state in
            guard state.decided[placement]?[decider] != nil else { return false }
            state.decide(nil, placement, by: decider)
            return state.enter(placement)
        }
    }
}
