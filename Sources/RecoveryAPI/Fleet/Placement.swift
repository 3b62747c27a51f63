package import FoundationEssentials
package import JSON
package import KubernetesCore

/// Objects to be kept on some clusters of the fleet (`plm`, namespaced).
package struct Placement: KubernetesObject, Hashable {
    package static let resource = APIResource(
        group: RecoveryAPI.group,
        version: RecoveryAPI.version,
        plural: "placements",
        kind: "Placement",
        isNamespaced: true
    )

    package var metadata: ObjectMeta
    /// What goes where.
    package var spec: PlacementSpec
    /// Where it went.
    package var status: PlacementStatus?

    /// Makes a placement that was not scheduled yet.
    package init(metadata: ObjectMeta, spec: PlacementSpec) {
        self.metadata = metadata
        self.spec = spec
    }
}

/// Which objects go to which clusters.
package struct PlacementSpec: Codable, Hashable, Sendable {
    /// The objects, complete, at most 100.
    package var manifests: [JSONValue]
    /// Labels of the clusters; absent, all.
    package var clusterSelector: LabelSelector?
    /// How many clusters get a copy; 1 when absent.
    package var clusterCount: Int?
    /// Taints of clusters that do not matter.
    package var tolerations: [ClusterToleration]?
    /// How copies are spread.
    package var spread: [SpreadConstraint]?

    /// Makes a placement on one cluster.
    package init(manifests: [JSONValue]) {
        self.manifests = manifests
    }

    /// How many clusters get a copy, with the default applied.
    package var effectiveClusterCount: Int { clusterCount ?? 1 }
}

/// How a toleration compares a taint's value.
package enum TolerationOperator: String, CaseIterable, Codable, Hashable {
    case equal = "Equal"
    case exists = "Exists"
}

/// Lets a placement stay on clusters with a taint.
package struct ClusterToleration: Codable, Hashable, Sendable {
    /// The taint's key; absent with `Exists`, every taint.
    package var key: String?
    /// How values are compared; `Equal` when absent.
    package var `operator`: Open<TolerationOperator>?
    /// The taint's value.
    package var value: String?
    /// The taint's effect; absent, all.
    package var effect: Open<TaintEffect>?
    /// For `NoExecute`: seconds that the copy stays; absent, for ever.
    package var tolerationSeconds: Int?

    /// Makes a toleration of one key.
    package init(key: String? = nil) {
        self.key = key
    }

    /// How values are compared, with the default applied.
    package var effectiveOperator: TolerationOperator { self.operator?.value ?? .equal }
}

/// What happens when copies cannot be spread as asked.
package enum UnsatisfiableSpread: String, CaseIterable, Codable, Hashable {
    case doNotPlace = "DoNotPlace"
    case placeAnyway = "PlaceAnyway"
}

/// Keeps copies apart.
package struct SpreadConstraint: Codable, Hashable, Sendable {
    /// `region`, `zone`, or a label of the MemberClusters.
    package var topologyKey: String
    /// How far the fullest and the emptiest domain may differ; 1 when absent.
    package var maxSkew: Int?
    /// What happens when that cannot be kept; `PlaceAnyway` when absent.
    package var whenUnsatisfiable: Open<UnsatisfiableSpread>?

    /// Makes a constraint.
    package init(topologyKey: String) {
        self.topologyKey = topologyKey
    }

    /// The difference, with the default applied.
    package var effectiveMaxSkew: Int { maxSkew ?? 1 }
    /// What happens otherwise, with the default applied.
    package var effectiveWhenUnsatisfiable: UnsatisfiableSpread { whenUnsatisfiable?.value ?? .placeAnyway }
}

/// Where the objects of a placement went.
package struct PlacementStatus: Codable, Hashable, Sendable {
    /// The generation that the rest describes.
    package var observedGeneration: Int64?
    /// The chosen clusters.
    package var decisions: [PlacementDecision]?
    /// Why others were not chosen, at most 100.
    package var rejected: [PlacementRejection]?
    /// The state of the objects on each cluster.
    package var clusters: [ClusterSyncStatus]?
    /// Clusters that were left: nothing goes there again by itself; at most 100.
    package var evacuated: [EvacuatedCluster]?
    /// Clusters that were left and have data of the placement still, which goes with it; at most 1000.
    package var keptOn: [String]?
    /// `Kind.group` of everything that may be on a cluster, so that what is no longer wanted is found there; at most 200.
    package var placedKinds: [String]?
    /// Clusters on which all objects are synced and ready.
    package var readyClusters: Int?
    /// Accepted, Scheduled, Synced, Ready; DriftWatched where rights to watch are missing.
    package var conditions: [Condition]?

    /// Makes an empty status.
    package init() {}
}

/// A chosen cluster.
package struct PlacementDecision: Codable, Hashable, Sendable {
    /// Name of the MemberCluster.
    package var cluster: String
    /// Why it was chosen.
    package var reason: String?
    /// Its score; higher is better.
    package var score: Int?
    /// Who decided: `Scheduler`, `Migration/<name>` or `Recovery/<name>`.
    package var placedBy: String?
    /// The uid of the Migration in `placedBy`: another one of its name is another one.
    package var migrationUID: String?
    /// Whether the copy goes as soon as all that stay are synced and ready.
    package var leaving: Bool?

    /// Whether the copy is to go, with the default applied.
    package var isLeaving: Bool { leaving ?? false }
    /// Whether a Migration has asked for the copy and has not cut over to it yet.
    ///
    /// Until then it is one more than the placement asks for, and nobody but that Migration moves a copy.
    package var isProvisional: Bool {
        !isLeaving && reason == Self.migrating && placedBy?.hasPrefix(Self.migrationPrefix) == true
    }

    /// Reason of a decision that a Migration has not cut over to.
    package static let migrating = "Migrating"
    /// How `placedBy` begins for a Migration.
    package static let migrationPrefix = "Migration/"

    /// Makes a decision.
    package init(cluster: String, reason: String? = nil, score: Int? = nil) {
        self.cluster = cluster
        self.reason = reason
        self.score = score
    }
}

/// A cluster that was not chosen.
package struct PlacementRejection: Codable, Hashable, Sendable {
    /// Name of the MemberCluster.
    package var cluster: String
    /// A CamelCase reason: the filter that said no.
    package var reason: String
    /// The reason in words.
    package var message: String?

    /// Makes a rejection.
    package init(cluster: String, reason: String, message: String? = nil) {
        self.cluster = cluster
        self.reason = reason
        self.message = message
    }
}

/// A cluster that a placement has left; only a Migration that names it as `to` lifts that.
package struct EvacuatedCluster: Codable, Hashable, Sendable {
    /// Name of the MemberCluster.
    package var cluster: String
    /// Why it was left, in CamelCase.
    package var reason: String
    /// When it was left.
    package var time: Date
    /// The Migration that moved the copy away.
    package var migration: String?
    /// Whether objects of the copy may still be there, because the cluster did not answer.
    package var leftovers: Bool?

    /// Makes an entry.
    package init(cluster: String, reason: String, time: Date, migration: String? = nil, leftovers: Bool? = nil) {
        self.cluster = cluster
        self.reason = reason
        self.time = time
        self.migration = migration
        self.leftovers = leftovers
    }

    /// Whether objects may still be there, with the default applied.
    package var hasLeftovers: Bool { leftovers ?? false }
}

/// How far the objects of a placement are on one cluster.
package enum SyncState: String, CaseIterable, Codable, Hashable {
    case pending = "Pending"
    case synced = "Synced"
    case failed = "Failed"
}

/// The state of a placement on one cluster.
package struct ClusterSyncStatus: Codable, Hashable, Sendable {
    /// Name of the MemberCluster.
    package var cluster: String
    /// How far the objects are.
    package var state: SyncState
    /// SHA-256 (hexadecimal) of the manifests that were applied last.
    package var hash: String?
    /// `clusterUID` of the MemberCluster when they were there.
    package var clusterUID: String?
    /// When they were applied.
    package var lastSyncTime: Date?
    /// Whether the workloads among them are ready.
    package var ready: Bool?
    /// The state in words.
    package var message: String?

    /// Makes a state.
    package init(cluster: String, state: SyncState) {
        self.cluster = cluster
        self.state = state
    }

    /// Whether all objects are there as they should be, and ready.
    package var isReady: Bool { state == .synced && ready == true }
}
