internal import JSON

/// How many replicas each ReplicaSet of a Deployment is to have now, within `maxSurge` and `maxUnavailable`.
struct RolloutPlan {
    /// What the plan needs to know of a ReplicaSet.
    struct ReplicaSet: Equatable {
        /// Whether it has the present template.
        var isCurrent: Bool
        /// The number of its revision.
        var revision: Int
        /// `spec.replicas`.
        var replicas: Int
        /// `status.replicas`.
        var existing: Int
        /// `status.availableReplicas`.
        var available: Int
    }

    private let wanted: Int
    private let surge: Int
    private let unavailable: Int
    private let isRecreate: Bool
    private let isPaused: Bool
    private let sets: [ReplicaSet]

    init(deployment: JSONValue, sets: [ReplicaSet]) {
        wanted = deployment.count("spec", "replicas", default: 1)
        isRecreate = deployment["spec"]?["strategy"]?["type"]?.stringValue == "Recreate"
        isPaused = deployment["spec"]?["paused"]?.boolValue ?? false
        surge = Self.surge(of: deployment)
        unavailable = Self.unavailable(of: deployment, surge: surge)
        self.sets = sets
    }

    /// How many pods there may be above the wanted number.
    static func surge(of deployment: JSONValue) -> Int {
        guard deployment["spec"]?["strategy"]?["type"]?.stringValue != "Recreate" else { return 0 }
        let rolling = deployment["spec"]?["strategy"]?["rollingUpdate"]
        return share(
            rolling?["maxSurge"] ?? "25%",
            of: deployment.count("spec", "replicas", default: 1),
            roundsUp: true
        )
    }

    /// How many pods may be missing: one at least where no surge is allowed, or nothing could move.
    static func unavailable(of deployment: JSONValue, surge: Int) -> Int {
        let rolling = deployment["spec"]?["strategy"]?["rollingUpdate"]
        let wanted = deployment.count("spec", "replicas", default: 1)
        let missing = share(rolling?["maxUnavailable"] ?? "25%", of: wanted, roundsUp: false)
        return min(wanted, missing == 0 && surge == 0 ? 1 : missing)
    }

    /// A number or a percentage of `total`.
    static func share(_ value: JSONValue, of total: Int, roundsUp: Bool) -> Int {
        if let number = value.intValue { return Int(min(max(number, 0), 1_000_000)) }
        guard let text = value.stringValue, text.hasSuffix("%"), let percent = Int(text.dropLast()) else { return 0 }
        let product = total * min(max(percent, 0), 1000)
        return (product + (roundsUp ? 99 : 0)) / 100
    }

    /// The ReplicaSets to scale, by their position, and to what.
    func replicas() -> [Int: Int] {
        guard let current = sets.firstIndex(where: \.isCurrent) else { return isPaused ? scaledNewest() : [:] }
        let old = sets.indices.filter { $0 != current }.sorted { sets[$0].revision < sets[$1].revision }
        if isPaused { return scaledNewest() }
        var result = isRecreate ? recreated(current, old) : rolled(current, old)
        result = result.filter { sets[$0.key].replicas != $0.value }
        return result
    }

    /// While it is paused a Deployment only follows changes of its size.
    private func scaledNewest() -> [Int: Int] {
        let active = sets.indices.filter { sets[$0].replicas > 0 }
        guard active.count == 1 else { return [:] }
        return [active[0]: wanted]
    }

    private func recreated(_ current: Int, _ old: [Int]) -> [Int: Int] {
        var result = Dictionary(uniqueKeysWithValues: old.map { ($0, 0) })
        if old.allSatisfy({ sets[$0].existing == 0 }) { result[current] = wanted }
        return result
    }

    private func rolled(_ current: Int, _ old: [Int]) -> [Int: Int] {
        var result: [Int: Int] = [:]
        let total = sets.map(\.replicas).reduce(0, +)
        let mine = sets[current].replicas
        if mine > wanted {
            result[current] = wanted
        } else {
            result[current] = min(wanted, mine + max(0, wanted + surge - total))
        }
        // Those that are not available may always go; of the others only as many as leave enough.
        let missing = max(0, sets[current].replicas - sets[current].available)
        var spare = total - (wanted - unavailable) - missing
        for index in old where spare > 0 {
            let broken = min(spare, max(0, sets[index].replicas - sets[index].available))
            result[index] = sets[index].replicas - broken
            spare -= broken
        }
        var available = sets.map(\.available).reduce(0, +) - (wanted - unavailable)
        for index in old where available > 0 && spare > 0 {
            let left = result[index] ?? sets[index].replicas
            let removed = min(left, available, spare)
            result[index] = left - removed
            available -= removed
            spare -= removed
        }
        return result
    }
}
