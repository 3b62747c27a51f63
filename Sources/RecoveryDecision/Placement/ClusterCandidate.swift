package import KubernetesCore
package import RecoveryAPI

/// What the scheduler has to know of a member cluster.
package struct ClusterCandidate: Sendable, Hashable {
    /// Name of the MemberCluster.
    package var name: String
    /// The identity of the cluster that it leads to; nil when nobody knows it.
    package var clusterUID: String?
    /// Its labels.
    package var labels: [String: String]
    /// Its region.
    package var region: String?
    /// Its zone.
    package var zone: String?
    /// Its taints.
    package var taints: [ClusterTaint]
    /// Whether new copies are kept away.
    package var isUnschedulable: Bool
    /// Whether its condition `Ready` is True.
    package var isReady: Bool
    /// Why the fence keeps the placement away; nil when it may go there.
    package var fenceProblem: String?
    /// Kinds of the demand that the cluster is known not to serve.
    package var missingKinds: Set<GroupVersionKind>
    /// What the nodes have left for pods, without what is reserved; nil when nobody has counted.
    package var free: ResourceAmounts?
    /// What copies that are on their way there will take.
    package private(set) var reserved = ResourceAmounts()
    /// The most that one node has left, resource by resource; nil when nobody has counted.
    package var largestNodeFree: ResourceAmounts?

    /// A ready cluster without taints that nothing else is known of.
    package init(name: String) {
        self.name = name
        labels = [:]
        taints = []
        isUnschedulable = false
        isReady = true
        missingKinds = []
    }

    /// What the MemberCluster itself tells; fence, kinds and capacity are for the caller to fill in.
    package init(_ cluster: MemberCluster) {
        self.init(name: cluster.metadata.name ?? "")
        clusterUID = cluster.status?.clusterUID
        labels = cluster.metadata.labels ?? [:]
        region = cluster.spec.region
        zone = cluster.spec.zone
        taints = cluster.spec.taints ?? []
        isUnschedulable = cluster.spec.isUnschedulable
        isReady =
            cluster.status?.conditions?[type: ConditionType.ready]?.status == .true
            && cluster.metadata.deletionTimestamp == nil
    }

    /// Takes off what copies that are on their way there will take.
    package mutating func reserve(_ amounts: ResourceAmounts) {
        guard !amounts.names.isEmpty else { return }
        reserved += amounts
        free = free.map { $0 - amounts }
    }

    /// Whether what is known to be free is enough for a demand; false while nobody has counted.
    package func hasRoom(for demand: PlacementDemand) -> Bool {
        guard let free, let largestNodeFree else { return false }
        return demand.total.shortage(in: free).isEmpty && demand.largestPod.shortage(in: largestNodeFree).isEmpty
    }

    /// The part of the fleet that the cluster lies in: its region, its zone, or the value of a label.
    func domain(_ topologyKey: String) -> String? {
        switch topologyKey {
        case "region": region ?? labels[topologyKey]
        case "zone": zone ?? labels[topologyKey]
        default: labels[topologyKey]
        }
    }
}
