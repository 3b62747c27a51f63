internal import FoundationEssentials
internal import JSON
package import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
internal import Timekeeping

extension MemberClients {
    /// Writes into a MemberCluster's status what a look at it found.
    ///
    /// Read and write belong together by resourceVersion; a conflict reads again. It is the controller's own
    /// bookkeeping: written as the controller whatever `spec.serviceAccountName` says, but behind the attempt's fence.
    ///
    /// - Parameters:
    ///   - finding: what was found.
    ///   - name: the MemberCluster.
    ///   - fence: of the attempt that looked.
    /// - Returns: whether Ready is another one than before.
    /// - Throws: `ClientError`; `MemberClientError.notFound`.
    @discardableResult
    package func record(_ finding: ClusterFinding, of name: String, fence: AttemptFence) async throws -> Bool {
        let hub = hub.guarded { try fence.check($0) }
        return try await hub.withRetryOnConflict {
            let cluster = try await cluster(name, through: hub)
            let status = cluster.status(after: finding, now: timeSource.wallTime())
            _ = try await Self.write(status, on: cluster, through: hub)
            return (cluster.status?.conditions ?? []).isTrue(ConditionType.ready)
                != (status.conditions ?? []).isTrue(ConditionType.ready)
        }
    }

    /// Writes a MemberCluster's status on top of the version that was read.
    ///
    /// - Returns: the MemberCluster as the hub has it now.
    /// - Throws: `ClientError`, a conflict when somebody else wrote in between.
    package static func write(
        _ status: MemberClusterStatus,
        on cluster: MemberCluster,
        through hub: KubernetesClient
    ) async throws -> MemberCluster {
        let old = try cluster.status.map { try JSONValue(encoding: $0) } ?? .object([:])
        let change = JSONMergePatch.diff(from: old, to: try JSONValue(encoding: status))
        var metadata: [String: JSONValue] = [:]
        metadata["resourceVersion"] = cluster.metadata.resourceVersion.map(JSONValue.string)
        return try await hub.patch(
            MemberCluster.self,
            cluster.metadata.key,
            ["metadata": .object(JSONObject(metadata)), "status": change],
            type: .merge,
            subresource: "status",
            options: WriteOptions(fieldManager: MetadataName.fieldManager)
        )
    }

    /// Reads a MemberCluster.
    ///
    /// - Throws: `MemberClientError.notFound`; `ClientError` when the hub cannot be asked.
    package func cluster(_ name: String, fence: AttemptFence) async throws -> MemberCluster {
        try await cluster(name, through: hub.guarded { try fence.check($0) })
    }

    /// `namespace/name` of the Secret with a member's kubeconfig, for messages.
    package func secretName(of cluster: MemberCluster) -> String {
        "\(namespace)/\(cluster.spec.kubeconfigSecretRef.name)"
    }
}
