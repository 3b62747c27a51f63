package import FoundationEssentials
package import KubernetesCore

/// A cluster of the fleet (`mcl`, cluster scoped).
package struct MemberCluster: KubernetesObject, Hashable {
    package static let resource = APIResource(
        group: RecoveryAPI.group,
        version: RecoveryAPI.version,
        plural: "memberclusters",
        kind: "MemberCluster",
        isNamespaced: false
    )

    package var metadata: ObjectMeta
    /// How to reach the cluster and what it may be used for.
    package var spec: MemberClusterSpec
    /// What the probes found.
    package var status: MemberClusterStatus?

    /// Makes a cluster that was not probed yet.
    package init(metadata: ObjectMeta, spec: MemberClusterSpec) {
        self.metadata = metadata
        self.spec = spec
    }
}

/// How to reach a cluster and what it may be used for; selectors read `metadata.labels`.
package struct MemberClusterSpec: Codable, Hashable, Sendable {
    /// A Secret of the controller's own namespace; without key, `kubeconfig` or else `value` (as Cluster API has it).
    package var kubeconfigSecretRef: SecretReference
    /// Renews the credential by TokenRequest before it expires.
    package var credentialRenewal: CredentialRenewal?
    /// Tenant namespaces, by their labels, that may place objects here; absent, none.
    package var allowedNamespaces: LabelSelector?
    /// The region.
    package var region: String?
    /// The zone.
    package var zone: String?
    /// Keeps placements away that do not tolerate them.
    package var taints: [ClusterTaint]?
    /// Keeps new placements away.
    package var unschedulable: Bool?
    /// How health is asked.
    package var probe: ProbeSettings?
    /// What the credential has to be allowed to do.
    package var requiredPermissions: [RequiredPermission]?

    /// Makes a spec from its Secret.
    package init(kubeconfigSecretRef: SecretReference) {
        self.kubeconfigSecretRef = kubeconfigSecretRef
    }

    /// Whether new placements are kept away.
    package var isUnschedulable: Bool { unschedulable ?? false }
    /// The probe, with the default applied.
    package var effectiveProbe: ProbeSettings { probe ?? ProbeSettings() }
    /// The entries of the Secret to look for, in order.
    package var kubeconfigKeys: [String] { kubeconfigSecretRef.key.nonEmpty.map { [$0] } ?? ["kubeconfig", "value"] }
}

/// How a credential is renewed.
package struct CredentialRenewal: Codable, Hashable, Sendable {
    /// The member's ServiceAccount that tokens are made for.
    package var serviceAccountRef: ServiceAccountReference
    /// Seconds that a new token is asked to live; 86400 when absent.
    package var expirationSeconds: Int?
    /// Seconds before the expiry at which a new one is made; 3600 when absent.
    package var renewBeforeSeconds: Int?

    /// Makes a renewal with the default times.
    package init(serviceAccountRef: ServiceAccountReference) {
        self.serviceAccountRef = serviceAccountRef
    }

    /// Seconds that a new token lives, with the default applied.
    package var effectiveExpirationSeconds: Int { expirationSeconds ?? 86_400 }
    /// Seconds before the expiry, with the default applied.
    package var effectiveRenewBeforeSeconds: Int { renewBeforeSeconds ?? 3600 }
}

/// Names a ServiceAccount of a member cluster.
package struct ServiceAccountReference: Codable, Hashable, Sendable {
    /// Its namespace.
    package var namespace: String
    /// Its name.
    package var name: String

    /// Makes a reference.
    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }
}

/// What a taint does to placements that do not tolerate it.
package enum TaintEffect: String, CaseIterable, Codable, Hashable {
    case noSchedule = "NoSchedule"
    case preferNoSchedule = "PreferNoSchedule"
    case noExecute = "NoExecute"
}

/// Keeps placements away from a cluster.
package struct ClusterTaint: Codable, Hashable, Sendable {
    /// The taint's key.
    package var key: String
    /// The taint's value.
    package var value: String?
    /// What it does.
    package var effect: Open<TaintEffect>
    /// Since when, for `NoExecute`.
    package var timeAdded: Date?

    /// Makes a taint.
    package init(key: String, value: String? = nil, effect: TaintEffect) {
        self.key = key
        self.value = value
        self.effect = .known(effect)
    }
}

/// How the health of a cluster is asked.
package struct ProbeSettings: Codable, Hashable, Sendable {
    /// Seconds between probes; 30 when absent.
    package var intervalSeconds: Int?
    /// Seconds that a probe may take; 5 when absent.
    package var timeoutSeconds: Int?
    /// Failures in a row that turn a condition False; 3 when absent.
    package var failureThreshold: Int?
    /// Successes in a row that turn it True; 1 when absent.
    package var successThreshold: Int?

    /// Makes the default probe.
    package init() {}

    /// Seconds between probes, with the default applied.
    package var effectiveIntervalSeconds: Int { intervalSeconds ?? 30 }
    /// Seconds of a probe, with the default applied.
    package var effectiveTimeoutSeconds: Int { timeoutSeconds ?? 5 }
    /// Failures in a row, with the default applied.
    package var effectiveFailureThreshold: Int { failureThreshold ?? 3 }
    /// Successes in a row, with the default applied.
    package var effectiveSuccessThreshold: Int { successThreshold ?? 1 }
}

/// Something the credential has to be allowed to do on the member.
package struct RequiredPermission: Codable, Hashable, Sendable {
    /// API group; absent or empty, the core group.
    package var group: String?
    /// Plural resource name.
    package var resource: String
    /// Subresource, such as `status`.
    package var subresource: String?
    /// Verbs, such as `get`.
    package var verbs: [String]
    /// Namespace; absent, all.
    package var namespace: String?

    /// Makes a permission.
    package init(group: String? = nil, resource: String, verbs: [String], namespace: String? = nil) {
        self.group = group
        self.resource = resource
        self.verbs = verbs
        self.namespace = namespace
    }
}

/// What the probes of a cluster found.
package struct MemberClusterStatus: Codable, Hashable, Sendable {
    /// The generation that the rest describes.
    package var observedGeneration: Int64?
    /// Reachable, Authenticated, Authorized, and Ready: the three together; CapacityKnown: nodes and pods are counted;
    /// CredentialRenewed: the credential is renewed in time, where that is asked for; LeftoversKnown: False once there were
    /// more than 200 `leftovers`, and names the latest that has to be removed by hand.
    package var conditions: [Condition]?
    /// The API server's version.
    package var version: String?
    /// The uid of the namespace kube-system, which tells the cluster from every other one; absent where the credential may
    /// not list namespaces.
    package var clusterUID: String?
    /// Time of the latest successful probe, in milliseconds.
    package var latencyMilliseconds: Int?
    /// When the latest probe ended.
    package var lastProbeTime: Date?
    /// Failed probes in a row.
    package var consecutiveFailures: Int?
    /// Successful probes in a row.
    package var consecutiveSuccesses: Int?
    /// When the credential expires, as far as known.
    package var credentialExpirationTime: Date?
    /// Capacity of all nodes by resource name.
    package var capacity: [String: String]?
    /// What pods can get, by resource name.
    package var allocatable: [String: String]?
    /// What pods have asked for, by resource name.
    package var requested: [String: String]?
    /// What Placements that are gone have left there, at most 200: removed as soon as the cluster answers.
    package var leftovers: [PlacementLeftover]?

    /// Makes an empty status.
    package init() {}
}

/// Objects of a Placement that is gone, on a cluster that did not answer at its end.
package struct PlacementLeftover: Codable, Hashable, Sendable {
    /// Namespace of the Placement.
    package var namespace: String
    /// Name of the Placement.
    package var name: String
    /// Its uid: the label `recovery.tmc.io/placement-uid` of the objects.
    package var uid: String
    /// `Kind.group` of everything that may be there; at most 200.
    package var kinds: [String]
    /// When the Placement went.
    package var time: Date
    /// `clusterUID` of the cluster that they are on: while the MemberCluster leads to another one, they wait.
    package var clusterUID: String?

    /// Makes an entry.
    package init(
        namespace: String,
        name: String,
        uid: String,
        kinds: [String],
        time: Date,
        clusterUID: String? = nil
    ) {
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.kinds = kinds
        self.time = time
        self.clusterUID = clusterUID
    }
}
