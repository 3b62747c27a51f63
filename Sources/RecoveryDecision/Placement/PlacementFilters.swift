internal import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI

/// The filters of the scheduler, in order: the first that says no is the one that status names.
struct PlacementFilters {
    let request: PlacementRequest
    let now: Date

    /// Why a new copy cannot go to a cluster; nil when it can, as far as the cluster itself is asked.
    func rejection(_ cluster: ClusterCandidate) -> PlacementRejection? {
        let checks: [(PlacementRejectionReason, (ClusterCandidate) -> String?)] = [
            (.notReady, { $0.isReady ? nil : "its condition Ready is not True" }),
            (.outsideFence, { $0.fenceProblem }),
            (.evacuated, { evacuation($0) }),
            (.selectorMismatch, { matchesSelector($0) ? nil : "spec.clusterSelector does not match its labels" }),
            (.unschedulable, { $0.isUnschedulable ? "spec.unschedulable is true" : nil }),
            (.taintNotTolerated, { taintThatKeepsAway($0) }),
            (.apiNotAvailable, { missingAPI($0) }),
            (.insufficientCapacity, { shortage($0) }),
        ]
        for (reason, check) in checks {
            guard let message = check(cluster) else { continue }
            return PlacementRejection(cluster: cluster.name, reason: reason.rawValue, message: message)
        }
        return nil
    }

    /// What becomes of a copy that is on a cluster already.
    enum Stay: Equatable {
        /// It stays.
        case stays
        /// It is tolerated until then.
        case until(Date)
        /// It has to go.
        case goes(PlacementRejectionReason, String)
    }

    /// Whether a copy may stay where it is.
    ///
    /// A cluster that is not ready, full or closed for new copies is no reason to go: leaving it is the decision of a
    /// recovery or a migration.
    func stay(_ cluster: ClusterCandidate) -> Stay {
        if let problem = cluster.fenceProblem { return .goes(.outsideFence, problem) }
        if let reason = evacuation(cluster) { return .goes(.evacuated, reason) }
        if let reason = request.leave[cluster.name] { return .goes(.leftByRecovery, reason) }
        if !matchesSelector(cluster) {
            return .goes(.selectorMismatch, "spec.clusterSelector does not match its labels any more")
        }
        var end: Date?
        for taint in cluster.taints where taint.effect.value == .noExecute {
            switch tolerance(of: taint) {
            case .always: continue
            case .never: return .goes(.taintNotTolerated, taint.text)
            case .until(let date) where date <= now:
                return .goes(.taintNotTolerated, "\(taint.text), which was tolerated for a time")
            case .until(let date): end = min(end ?? date, date)
            }
        }
        return end.map(Stay.until) ?? .stays
    }

    private func matchesSelector(_ cluster: ClusterCandidate) -> Bool {
        request.selector?.matches(cluster.labels) ?? true
    }

    private func evacuation(_ cluster: ClusterCandidate) -> String? {
        request.evacuated[cluster.name].map { "it was left (\($0)); only a Migration that names it puts a copy back" }
    }

    private func missingAPI(_ cluster: ClusterCandidate) -> String? {
        let missing = request.demand.kinds.intersection(cluster.missingKinds)
        guard !missing.isEmpty else { return nil }
        return "it does not serve \(missing.map { "\($0.apiVersion) \($0.kind)" }.sorted().joined(separator: ", "))"
    }

    private func shortage(_ cluster: ClusterCandidate) -> String? {
        let all = cluster.free.map { request.demand.total.shortage(in: $0) } ?? []
        if !all.isEmpty { return "the pods need \(all.joined(separator: ", "))" + reservedWords(cluster) }
        let one = cluster.largestNodeFree.map { request.demand.largestPod.shortage(in: $0) } ?? []
        return one.isEmpty ? nil : "no node has room for the largest pod: \(one.joined(separator: ", "))"
    }
}

extension PlacementFilters {
    /// What is free and not to be had: for whoever sees room on the cluster.
    private func reservedWords(_ cluster: ClusterCandidate) -> String {
        let names = request.demand.total.names.filter { cluster.reserved[$0] > .zero }
        guard !names.isEmpty else { return "" }
        let taken = names.map { "\($0) \(cluster.reserved[$0])" }.joined(separator: ", ")
        return "; copies on their way there take \(taken)"
    }

    private enum Tolerance {
        case always
        case until(Date)
        case never
    }

    /// How long a taint is tolerated; the shortest of several limited tolerations counts, as in Kubernetes.
    ///
    /// A limit has nothing to count from while the taint has no `timeAdded`: then it is tolerated.
    private func tolerance(of taint: ClusterTaint) -> Tolerance {
        let matching = request.tolerations.filter { $0.tolerates(taint) }
        guard !matching.isEmpty else { return .never }
        let limits = matching.compactMap(\.tolerationSeconds)
        guard let limit = limits.min(), let added = taint.timeAdded else { return .always }
        return .until(added.addingTimeInterval(Double(limit)))
    }

    /// The first taint that keeps new copies away; a toleration that has run out is none.
    private func taintThatKeepsAway(_ cluster: ClusterCandidate) -> String? {
        for taint in cluster.taints where taint.effect.value != .preferNoSchedule {
            if request.relaxed.contains(.taints), taint.effect.value == .noSchedule { continue }
            switch tolerance(of: taint) {
            case .always: continue
            case .until(let date) where date > now: continue
            case .until, .never: return taint.text
            }
        }
        return nil
    }

    /// The taints that count against a cluster without keeping copies away.
    func unpopularTaints(_ cluster: ClusterCandidate) -> [ClusterTaint] {
        cluster.taints.filter { taint in
            let isSoft =
                taint.effect.value == .preferNoSchedule
                || (taint.effect.value == .noSchedule && request.relaxed.contains(.taints))
            return isSoft && !request.tolerations.contains { $0.tolerates(taint) }
        }
    }
}

/// Why a cluster gets no copy: the filter that said no.
package enum PlacementRejectionReason: String, Sendable, CaseIterable {
    case notReady = "NotReady"
    case outsideFence = "OutsideFence"
    case evacuated = "Evacuated"
    case selectorMismatch = "SelectorMismatch"
    case unschedulable = "Unschedulable"
    case taintNotTolerated = "TaintNotTolerated"
    case apiNotAvailable = "APINotAvailable"
    case insufficientCapacity = "InsufficientCapacity"
    /// Another MemberCluster that leads to the same cluster has the copy, or comes first.
    case sameCluster = "SameCluster"
    /// A spread constraint with `DoNotPlace`.
    case spreadUnsatisfied = "SpreadUnsatisfied"
    /// It would do, others fit better.
    case lowerScore = "LowerScore"
    /// A recovery has left it.
    case leftByRecovery = "LeftByRecovery"
    /// There are more copies than asked for.
    case surplus = "Surplus"
    /// The MemberCluster does not exist any more.
    case clusterGone = "ClusterGone"
}

extension ClusterTaint {
    /// The taint as kubectl writes it.
    fileprivate var text: String {
        let value = value.map { $0.isEmpty ? "" : "=\($0)" } ?? ""
        return "taint \(key)\(value):\(effect.rawValue)"
    }
}

extension ClusterToleration {
    /// Whether this is about the taint, by the rules of Kubernetes.
    fileprivate func tolerates(_ taint: ClusterTaint) -> Bool {
        if let effect, effect.rawValue != taint.effect.rawValue { return false }
        let key = key ?? ""
        if key.isEmpty { return effectiveOperator == .exists }
        guard key == taint.key else { return false }
        return effectiveOperator == .exists || (value ?? "") == (taint.value ?? "")
    }
}
