package import FoundationEssentials
package import KubernetesCore
package import RecoveryAPI

/// What a copy that is decided will take of a cluster, where its pods are not counted there yet.
package struct CapacityReservation: Sendable, Hashable {
    /// What the pods will ask for.
    package var amounts: ResourceAmounts
    /// When the pods are sure to be counted; nil while nothing was applied.
    package var end: Date?

    /// Reserves amounts, for good or until then.
    package init(_ amounts: ResourceAmounts, until end: Date? = nil) {
        self.amounts = amounts
        self.end = end
    }
}

/// What decided copies will take of each cluster until their pods are there and counted.
///
/// Capacity is counted from pods, and between the decision for a copy and its pods lie a write, a sync and the member's
/// controllers: without this book two placements that are decided in the same second would get the same room.
///
/// ```swift
/// var book = ReservationBook()
/// book.set(placement.reservations(), of: placement.metadata.key)
/// let free = capacity.free - book.amounts(on: "edge", besides: other, now: now)
/// ```
package struct ReservationBook: Sendable {
    fileprivate struct Cluster: Sendable {
        var held: [ObjectKey: CapacityReservation] = [:]
        /// The sum; nil when it has to be made anew.
        ///
        /// Huge amounts are held at the end of the range: taking one off a sum would not give back what there was before.
        var sum: ResourceAmounts?
        /// When the first of them ends.
        var firstEnd: Date?
    }

    private var clusters: [String: Cluster] = [:]
    private var clustersOf: [ObjectKey: Set<String>] = [:]

    /// A book without entries.
    package init() {}

    /// Replaces what a placement has reserved.
    ///
    /// - Parameters:
    ///   - reservations: by cluster.
    ///   - placement: whose they are.
    /// - Returns: whether anything is free now that was not before.
    @discardableResult
    package mutating func set(_ reservations: [String: CapacityReservation], of placement: ObjectKey) -> Bool {
        var hasFreed = false
        for name in clustersOf[placement] ?? [] where reservations[name] == nil {
            clusters[name]?.remove(placement)
            if clusters[name]?.held.isEmpty == true { clusters[name] = nil }
            hasFreed = true
        }
        for (name, reservation) in reservations { clusters[name, default: Cluster()].put(reservation, of: placement) }
        clustersOf[placement] = reservations.isEmpty ? nil : Set(reservations.keys)
        return hasFreed
    }

    /// What all placements but one have reserved on a cluster.
    package mutating func amounts(on cluster: String, besides placement: ObjectKey, now: Date) -> ResourceAmounts {
        guard clusters[cluster] != nil else { return ResourceAmounts() }
        for ended in clusters[cluster]?.dropEnded(now) ?? [] {
            clustersOf[ended]?.remove(cluster)
            if clustersOf[ended]?.isEmpty == true { clustersOf[ended] = nil }
        }
        guard let entry = clusters[cluster], !entry.held.isEmpty else {
            clusters[cluster] = nil
            return ResourceAmounts()
        }
        if entry.held[placement] != nil {
            return entry.held.filter { $0.key != placement }.values.map(\.amounts).reduce(ResourceAmounts(), +)
        }
        let sum = entry.sum ?? entry.held.values.map(\.amounts).reduce(ResourceAmounts(), +)
        clusters[cluster]?.sum = sum
        return sum
    }

    /// When the next reservation ends by itself; nil when none does.
    package func nextEnd(after now: Date) -> Date? { clusters.values.compactMap { $0.nextEnd(after: now) }.min() }
}

extension ReservationBook.Cluster {
    fileprivate mutating func put(_ reservation: CapacityReservation, of placement: ObjectKey) {
        guard held[placement] != reservation else { return }
        sum = held[placement] == nil ? sum.map { $0 + reservation.amounts } : nil
        held[placement] = reservation
        firstEnd = [firstEnd, reservation.end].compactMap { $0 }.min()
    }

    fileprivate mutating func remove(_ placement: ObjectKey) {
        held[placement] = nil
        sum = nil
    }

    /// Nobody takes out what has ended on a cluster that nobody asks about any more.
    fileprivate func nextEnd(after now: Date) -> Date? {
        guard let firstEnd, firstEnd <= now else { return firstEnd }
        return held.values.compactMap(\.end).filter { $0 > now }.min()
    }

    /// Takes out what has ended, and says whose it was.
    fileprivate mutating func dropEnded(_ now: Date) -> [ObjectKey] {
        guard let firstEnd, firstEnd <= now else { return [] }
        let ended = held.filter { $0.value.end.map { $0 <= now } ?? false }.map(\.key)
        for placement in ended { remove(placement) }
        self.firstEnd = held.values.compactMap(\.end).min()
        return ended
    }
}

extension Placement {
    /// How long after they were applied pods may take to be made and counted: by the member's controllers, and by the
    /// watch of its pods.
    package static let countedWithin: TimeInterval = 15

    /// What the copies that are decided will take, by cluster, where their pods are not counted yet.
    ///
    /// A copy counts from its decision until it is ready, or for `countedWithin` after it was applied. One that is refused
    /// does not: nobody can tell which of its pods are there.
    package func reservations() -> [String: CapacityReservation] {
        guard !metadata.isBeingDeleted else { return [:] }
        let states = (status?.clusters ?? []).map { ($0.cluster, $0) }
        let copies = Dictionary(states, uniquingKeysWith: { first, _ in first })
        var ends: [String: Date?] = [:]
        for decision in status?.decisions ?? [] where !decision.isLeaving {
            let copy = copies[decision.cluster] ?? ClusterSyncStatus(cluster: decision.cluster, state: .pending)
            if copy.state == .failed || copy.isReady { continue }
            if copy.hash == nil {
                ends.updateValue(nil, forKey: decision.cluster)
            } else if let applied = copy.lastSyncTime {
                ends.updateValue(applied.addingTimeInterval(Self.countedWithin), forKey: decision.cluster)
            }
        }
        guard !ends.isEmpty else { return [:] }
        let demand = PlacementDemand(manifests: spec.manifests).total
        guard !demand.names.isEmpty else { return [:] }
        return ends.mapValues { CapacityReservation(demand, until: $0) }
    }
}
