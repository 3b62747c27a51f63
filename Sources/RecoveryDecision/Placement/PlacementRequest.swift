package import FoundationEssentials
package import KubernetesCore
package import RecoveryAPI

/// A constraint that a policy may allow a recovery to relax.
///
/// Only such as let a copy stay where it is once it is there: whatever else were relaxed, the next look of the
/// scheduler would take it back.
package enum PlacementRelaxation: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Spread constraints with `DoNotPlace` count as `PlaceAnyway`.
    case spread
    /// Taints with `NoSchedule` count as `PreferNoSchedule`; `NoExecute` is never relaxed.
    case taints

    /// Orders by the harm, least first: constraints are relaxed in this order.
    package static func < (left: PlacementRelaxation, right: PlacementRelaxation) -> Bool {
        allCases.firstIndex(of: left) ?? 0 < allCases.firstIndex(of: right) ?? 0
    }
}

/// What the scheduler is asked: where the copies of one placement go.
package struct PlacementRequest: Sendable, Hashable {
    /// How many clusters get a copy.
    package var count: Int
    /// Labels of the clusters; nil, all.
    package var selector: LabelSelector?
    /// Taints that do not matter.
    package var tolerations: [ClusterToleration]
    /// How copies are spread.
    package var spread: [SpreadConstraint]
    /// What one copy needs.
    package var demand: PlacementDemand
    /// What was decided before.
    package var current: [PlacementDecision]
    /// Clusters whose copy is synced and ready: of too many copies they are the last to go.
    package var healthy: Set<String>
    /// Clusters that were left and get no copy again by themselves, with the reason.
    package var evacuated: [String: String]
    /// Clusters that a recovery wants to leave, with the reason.
    package var leave: [String: String]
    /// What a policy allows to relax.
    package var relaxed: Set<PlacementRelaxation>
    /// Who decides: `Scheduler`, `Migration/<name>` or `Recovery/<name>`.
    package var placedBy: String

    /// The name that decisions of the placement controller carry.
    package static let scheduler = "Scheduler"

    /// The request that follows from a placement's spec and status.
    package init(_ placement: Placement) {
        count = placement.spec.effectiveClusterCount
        selector = placement.spec.clusterSelector
        tolerations = placement.spec.tolerations ?? []
        spread = placement.spec.spread ?? []
        demand = PlacementDemand(manifests: placement.spec.manifests)
        current = placement.status?.decisions ?? []
        healthy = Set(
            (placement.status?.clusters ?? []).filter { $0.state == .synced && $0.ready == true }.map(\.cluster)
        )
        evacuated = Dictionary(
            // One that was away and is back may be chosen as any other.
            (placement.status?.evacuated ?? []).filter { !$0.wasGone }.map { ($0.cluster, $0.reason) },
            uniquingKeysWith: { first, _ in first }
        )
        leave = [:]
        relaxed = []
        placedBy = Self.scheduler
    }
}

extension EvacuatedCluster {
    /// Whether it was left only because its MemberCluster was deleted.
    package var wasGone: Bool { reason == PlacementRejectionReason.clusterGone.rawValue }
}

/// What the scheduler answers.
package struct PlacementPlan: Sendable, Hashable {
    /// The decisions to write: those that stay in their order, then new ones, then those that leave.
    package var decisions: [PlacementDecision]
    /// Every other cluster with the reason, by name.
    package var rejections: [PlacementRejection]
    /// How many copies found no cluster.
    package var missing: Int
    /// When a copy that is only tolerated for a time has to go; nil when none is.
    package var recheckAt: Date?

    /// The clusters that a copy is decided for, without those that it leaves.
    package var clusters: [String] { decisions.filter { !$0.isLeaving }.map(\.cluster) }
    /// The clusters that a copy leaves as soon as the others are ready.
    package var leaving: [String] { decisions.filter { $0.isLeaving }.map(\.cluster) }

    /// Every rejection in words, for messages and next steps.
    package var rejectionTexts: [String] {
        rejections.map { "\($0.cluster): \($0.reason)" + ($0.message.map { ", \($0)" } ?? "") }
    }
}
