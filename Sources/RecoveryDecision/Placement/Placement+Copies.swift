internal import JSON
internal import KubernetesCore
package import RecoveryAPI

/// What the status of a Placement says of its copies, held against its spec.
extension Placement {
    /// SHA-256 (hexadecimal) over the canonical JSON of the manifests.
    package var manifestsHash: String { SHA256.hexDigest(of: JSONValue.array(spec.manifests).serialized()) }

    /// The state on one cluster, as status has it.
    package func syncStatus(_ cluster: String) -> ClusterSyncStatus? {
        status?.clusters?.first { $0.cluster == cluster }
    }

    /// Whether the copy on a cluster is the one of these manifests, and ready.
    package func isReady(on cluster: String) -> Bool {
        guard let state = syncStatus(cluster) else { return false }
        return state.isReady && state.hash == manifestsHash
    }

    /// Whether a copy that is meant to stay is ready on a cluster, by a status that knows the present spec.
    package func isServed(by cluster: String) -> Bool {
        guard let status, status.observedGeneration == metadata.generation else { return false }
        return status.decision(on: cluster).map { !$0.isLeaving } == true && isReady(on: cluster)
    }
}
