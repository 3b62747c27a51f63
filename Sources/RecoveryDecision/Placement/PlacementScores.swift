internal import KubernetesCore
internal import RecoveryAPI

/// How well clusters suit a placement: up to 40 for what they have free, up to 60 for keeping copies apart, less what
/// their taints cost.
struct PlacementScores {
    private static let capacityWeight = 40.0
    private static let spreadWeight = 60
    private static let taintCost = 30

    private let request: PlacementRequest
    private let filters: PlacementFilters
    /// The most that any cluster has free, resource by resource: what the others are measured by.
    private let most: ResourceAmounts

    init(_ filters: PlacementFilters, clusters: [ClusterCandidate]) {
        request = filters.request
        self.filters = filters
        most = clusters.compactMap(\.free).reduce(ResourceAmounts()) { $0.larger($1) }
    }

    /// The score of a new copy on a cluster, whose own score is known.
    func score(_ cluster: ClusterCandidate, own: Int, _ spread: SpreadCount) -> Int {
        max(0, own + spreadScore(cluster, spread))
    }

    /// The part of the score that the other copies do not matter to; below zero for taints.
    func ownScore(_ cluster: ClusterCandidate) -> Int {
        capacityScore(cluster) - filters.unpopularTaints(cluster).count * Self.taintCost
    }

    /// The mean, over CPU, memory and what is asked for, of what is left free; nothing while nobody has counted.
    func capacityScore(_ cluster: ClusterCandidate) -> Int {
        guard let free = cluster.free else { return 0 }
        let names = Set(request.demand.total.names + ["cpu", "memory"]).subtracting(["pods"]).sorted()
        let left = free - request.demand.total
        let shares = names.map { name in
            let whole = most[name].doubleValue
            return whole > 0 ? min(1, max(0, left[name].doubleValue / whole)) : 0
        }
        return Int(Self.capacityWeight * shares.reduce(0, +) / Double(max(1, names.count)))
    }

    private func spreadScore(_ cluster: ClusterCandidate, _ spread: SpreadCount) -> Int {
        guard !request.spread.isEmpty else { return Self.spreadWeight }
        let parts = request.spread.map { constraint in
            spread.excess(of: cluster, constraint.topologyKey).map { Self.spreadWeight / (1 + $0) } ?? 0
        }
        return parts.reduce(0, +) / request.spread.count
    }

    /// The score in words, without numbers that change with every pod.
    func explanation(_ cluster: ClusterCandidate) -> String {
        var parts = [cluster.free == nil ? "its capacity is not known" : "it has room for the pods"]
        for constraint in request.spread {
            if let domain = cluster.domain(constraint.topologyKey) {
                parts.append("\(constraint.topologyKey) \(domain)")
            }
        }
        let taints = filters.unpopularTaints(cluster).map(\.key)
        if !taints.isEmpty { parts.append("in spite of taint \(taints.joined(separator: ", "))") }
        return parts.joined(separator: "; ")
    }
}

/// How many copies each part of the fleet has.
struct SpreadCount {
    /// For each topology key, the copies by domain; a domain without copies has 0.
    private var copies: [String: [String: Int]] = [:]

    /// Counts the copies that stay; the domains are those of clusters that could take one.
    init(_ request: PlacementRequest, eligible: [ClusterCandidate], holding: [ClusterCandidate]) {
        for constraint in request.spread {
            let key = constraint.topologyKey
            copies[key] = Dictionary(
                (eligible + holding).compactMap { $0.domain(key) }.map { ($0, 0) },
                uniquingKeysWith: { first, _ in first }
            )
        }
        for cluster in holding { add(cluster) }
    }

    /// Counts one more copy.
    mutating func add(_ cluster: ClusterCandidate) {
        for key in copies.keys {
            guard let domain = cluster.domain(key) else { continue }
            copies[key]?[domain, default: 0] += 1
        }
    }

    /// How many copies the cluster's domain has more than the emptiest; nil when it lies in none.
    func excess(of cluster: ClusterCandidate, _ key: String) -> Int? {
        guard let domain = cluster.domain(key), let counts = copies[key] else { return nil }
        return (counts[domain] ?? 0) - (counts.values.min() ?? 0)
    }

    /// Why one more copy on the cluster would break a constraint that must hold; nil when it would not.
    func violation(_ cluster: ClusterCandidate, _ request: PlacementRequest) -> String? {
        guard !request.relaxed.contains(.spread) else { return nil }
        for constraint in request.spread where constraint.effectiveWhenUnsatisfiable == .doNotPlace {
            let key = constraint.topologyKey
            guard let excess = excess(of: cluster, key) else { return "it has no \(key) to spread by" }
            if excess + 1 > constraint.effectiveMaxSkew {
                return "one more copy in its \(key) would exceed maxSkew \(constraint.effectiveMaxSkew)"
            }
        }
        return nil
    }
}
