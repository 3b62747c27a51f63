package import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI

/// Chooses the clusters of a placement and says why; a pure function.
///
/// Filters come first, then scores: free capacity and spread; equal scores go by name. A copy that may stay where it is
/// never moves, and its decision stays as it was written. Of a copy that has to go the decision says `leaving`: it is
/// removed when the others are ready.
package enum PlacementScheduler {
    /// Chooses the clusters.
    ///
    /// The order of the candidates does not matter.
    ///
    /// - Parameters:
    ///   - request: what is asked for, and what was decided before.
    ///   - candidates: every MemberCluster; a decision about another one is dropped.
    ///   - now: the wall clock, for tolerations that end.
    /// - Returns: the decisions, and for every other cluster the reason.
    package static func schedule(
        _ request: PlacementRequest,
        _ candidates: [ClusterCandidate],
        now: Date
    ) -> PlacementPlan {
        var scheduling = Scheduling(request, candidates, now: now)
        scheduling.judgeCurrent()
        scheduling.dropTwins()
        scheduling.dropSurplus()
        scheduling.takeBack()
        scheduling.chooseNew()
        return scheduling.plan
    }
}

private struct Scheduling {
    let request: PlacementRequest
    let clusters: [ClusterCandidate]
    let byName: [String: ClusterCandidate]
    let filters: PlacementFilters
    let scores: PlacementScores
    var staying: [PlacementDecision] = []
    var leaving: [PlacementDecision] = []
    var rejected: [String: PlacementRejection] = [:]
    var recheckAt: Date?

    init(_ request: PlacementRequest, _ candidates: [ClusterCandidate], now: Date) {
        self.request = request
        byName = Dictionary(candidates.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        clusters = byName.values.sorted { $0.name < $1.name }
        filters = PlacementFilters(request: request, now: now)
        scores = PlacementScores(filters, clusters: clusters)
    }

    var plan: PlacementPlan {
        let decided = Set((staying + leaving).map(\.cluster))
        return PlacementPlan(
            decisions: staying + leaving,
            rejections: rejected.values.filter { !decided.contains($0.cluster) }.sorted { $0.cluster < $1.cluster },
            missing: max(0, needed),
            recheckAt: recheckAt
        )
    }

    /// How many copies are still to be placed; one that a Migration is only trying out is not counted.
    private var needed: Int { request.count - staying.count { !$0.isProvisional } }

    /// Sorts the decisions that there are into those that stay and those that leave.
    mutating func judgeCurrent() {
        var seen: Set<String> = []
        for decision in request.current where seen.insert(decision.cluster).inserted {
            guard let cluster = byName[decision.cluster] else {
                reject(decision.cluster, .clusterGone, "the MemberCluster does not exist any more")
                continue
            }
            guard !decision.isLeaving else {
                leaving.append(decision)
                continue
            }
            switch filters.stay(cluster) {
            case .stays: staying.append(decision)
            case .until(let date):
                staying.append(decision)
                recheckAt = min(recheckAt ?? date, date)
            case .goes(let reason, let message): leave(decision, reason, message)
            }
        }
    }

    private mutating func leave(_ decision: PlacementDecision, _ reason: PlacementRejectionReason, _ message: String) {
        var decision = decision
        decision.leaving = true
        decision.reason = "\(reason.rawValue): \(message)"
        leaving.append(decision)
    }

    private mutating func reject(_ cluster: String, _ reason: PlacementRejectionReason, _ message: String) {
        rejected[cluster] = PlacementRejection(cluster: cluster, reason: reason.rawValue, message: message)
    }

    /// Copies on MemberClusters that lead to one cluster are one copy: of those the healthy one keeps it, of equals the
    /// first by name.
    mutating func dropTwins() {
        let order = staying.filter { !$0.isProvisional }.compactMap { byName[$0.cluster] }.sorted {
            (request.healthy.contains($0.name) ? 0 : 1, $0.name) < (request.healthy.contains($1.name) ? 0 : 1, $1.name)
        }
        for cluster in order {
            guard let twin = twin(of: cluster, among: order),
                let index = staying.firstIndex(where: { $0.cluster == cluster.name })
            else { continue }
            leave(staying.remove(at: index), .sameCluster, Self.words(twin))
        }
    }

    /// The first of some MemberClusters that leads to the same cluster as this one; nil when that is none, or itself.
    private func twin(of cluster: ClusterCandidate, among others: [ClusterCandidate]) -> String? {
        guard let uid = cluster.clusterUID else { return nil }
        let first = others.first { $0.clusterUID == uid }?.name
        return first == cluster.name ? nil : first
    }

    private static func words(_ twin: String) -> String { "it leads to the same cluster as \(twin)" }

    /// The clusters with a copy that stays.
    private var holding: [ClusterCandidate] { staying.compactMap { byName[$0.cluster] } }

    /// Of more copies than asked for, those go first that are not ready, then those in the fullest domains, then those
    /// with the least room.
    mutating func dropSurplus() {
        while needed < 0 {
            let holding = staying.filter { !$0.isProvisional }.compactMap { byName[$0.cluster] }
            let spread = SpreadCount(request, eligible: [], holding: holding)
            let worst = holding.min { rank($0, spread) < rank($1, spread) }
            guard let worst, let index = staying.firstIndex(where: { $0.cluster == worst.name }) else { return }
            let decision = staying.remove(at: index)
            leave(decision, .surplus, "spec.clusterCount is \(request.count)")
        }
    }

    /// Lower goes first; of equals, the last by name.
    private func rank(_ cluster: ClusterCandidate, _ spread: SpreadCount) -> Rank {
        let excess = request.spread.map { spread.excess(of: cluster, $0.topologyKey) ?? 0 }.reduce(0, +)
        return Rank(
            isHealthy: request.healthy.contains(cluster.name),
            excess: excess,
            room: scores.capacityScore(cluster),
            name: cluster.name
        )
    }

    private struct Rank: Comparable {
        var isHealthy: Bool
        var excess: Int
        var room: Int
        var name: String

        static func < (left: Rank, right: Rank) -> Bool {
            if left.isHealthy != right.isHealthy { return !left.isHealthy }
            if left.excess != right.excess { return left.excess > right.excess }
            if left.room != right.room { return left.room < right.room }
            return left.name > right.name
        }
    }

    /// A copy that was to leave and may stay after all is better than a new one.
    mutating func takeBack() {
        let order = leaving.filter { decision in
            guard request.current.contains(where: { $0.cluster == decision.cluster && $0.isLeaving }),
                let cluster = byName[decision.cluster]
            else { return false }
            return cluster.isReady && filters.stay(cluster) == .stays && fits(decision, cluster)
        }
        .sorted {
            (request.healthy.contains($0.cluster) ? 0 : 1, $0.cluster) < (
                request.healthy.contains($1.cluster) ? 0 : 1, $1.cluster
            )
        }
        for decision in order where needed > 0 {
            if let cluster = byName[decision.cluster], twin(of: cluster, among: holding) != nil { continue }
            leaving.removeAll { $0.cluster == decision.cluster }
            var decision = decision
            decision.leaving = nil
            decision.reason = "the copy is there already"
            staying.append(decision)
        }
    }

    /// Whether a copy that a recovery has taken away for want of room is well after all, or has room now.
    private func fits(_ decision: PlacementDecision, _ cluster: ClusterCandidate) -> Bool {
        guard decision.reason?.hasPrefix(PlacementRejectionReason.leftByRecovery.rawValue) == true else { return true }
        return request.healthy.contains(cluster.name) || cluster.hasRoom(for: request.demand)
    }

    /// Takes the best of the clusters that pass, one after the other: each choice changes what is spread well.
    mutating func chooseNew() {
        let taken = Set((staying + leaving).map(\.cluster))
        var open: [ClusterCandidate] = []
        for cluster in clusters where !taken.contains(cluster.name) {
            rejected[cluster.name] = filters.rejection(cluster)
            guard rejected[cluster.name] == nil else { continue }
            if let twin = twin(of: cluster, among: holding + open) {
                reject(cluster.name, .sameCluster, Self.words(twin))
            } else {
                open.append(cluster)
            }
        }
        var spread = SpreadCount(request, eligible: open, holding: holding)
        var groups = self.groups(of: open)
        while needed > 0, let (index, score) = best(of: groups, spread), let choice = groups[index].popLast() {
            staying.append(decision(for: choice.cluster, score: score))
            spread.add(choice.cluster)
        }
        for cluster in groups.joined().map(\.cluster) {
            if needed > 0, let violation = spread.violation(cluster, request) {
                reject(cluster.name, .spreadUnsatisfied, violation)
            } else {
                reject(cluster.name, .lowerScore, "it would do; the chosen clusters were there before or fit better")
            }
        }
    }

    /// A cluster with the part of its score that no choice changes.
    private typealias Scored = (cluster: ClusterCandidate, own: Int)

    /// Clusters that only differ in their own score, the best of each group last: however many copies there are to place,
    /// each cluster is scored once, and each choice compares groups.
    private func groups(of open: [ClusterCandidate]) -> [[Scored]] {
        var groups: [[String?]: [Scored]] = [:]
        for cluster in open {
            let domains = request.spread.map { cluster.domain($0.topologyKey) }
            groups[domains, default: []].append((cluster, scores.ownScore(cluster)))
        }
        return groups.values.map { members in
            members.sorted { ($0.own, $1.cluster.name) < ($1.own, $0.cluster.name) }
        }
    }

    /// The group whose best cluster has the highest score, the first by name of equals.
    private func best(of groups: [[Scored]], _ spread: SpreadCount) -> (index: Int, score: Int)? {
        var best: (index: Int, score: Int, name: String)?
        for (index, group) in groups.enumerated() {
            guard let (cluster, own) = group.last, spread.violation(cluster, request) == nil else { continue }
            let score = scores.score(cluster, own: own, spread)
            if let known = best, (score, known.name) < (known.score, cluster.name) { continue }
            best = (index, score, cluster.name)
        }
        return best.map { ($0.index, $0.score) }
    }

    private func decision(for cluster: ClusterCandidate, score: Int) -> PlacementDecision {
        var reason = scores.explanation(cluster)
        if !request.relaxed.isEmpty {
            reason += "; relaxed: " + request.relaxed.sorted().map(\.rawValue).joined(separator: ", ")
        }
        var decision = PlacementDecision(cluster: cluster.name, reason: reason, score: score)
        decision.placedBy = request.placedBy
        return decision
    }
}
