internal import ControllerRuntime
internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import Telemetry
internal import Timekeeping

extension PlacementLeftover {
    /// Namespace and name of the Placement.
    var placement: ObjectKey { ObjectKey(namespace: namespace, name: name) }

    /// As much of the Placement as it takes to find and remove its objects.
    fileprivate var skeleton: Placement {
        var metadata = ObjectMeta(name: name, namespace: namespace)
        metadata.uid = uid
        var placement = Placement(metadata: metadata, spec: PlacementSpec(manifests: []))
        placement.status = PlacementStatus()
        placement.status?.placedKinds = kinds
        return placement
    }
}

// What placements that are gone have left on members that did not answer: kept in the status of the MemberCluster, so that
// the objects go as soon as the member answers, whoever leads then.
extension PlacementController {
    /// How many entries a MemberCluster keeps, and how many kinds an entry.
    private static let maxLeftovers = (entries: 200, kinds: 200)

    /// What placements of this name have left on a member, as far as it is on the cluster that the member leads to now.
    func leftovers(_ placement: ObjectKey, on cluster: String) -> [PlacementLeftover] {
        guard let member = environment.clusters.store.get(ObjectKey(namespace: nil, name: cluster)) else { return [] }
        return (member.status?.leftovers ?? []).filter {
            $0.placement == placement && !member.leadsElsewhere(than: $0.clusterUID)
        }
    }

    /// Writes down what a placement that goes leaves on a member.
    ///
    /// - Throws: `ClientError`.
    func remember(_ placement: Placement, on cluster: String) async throws {
        let kinds = Set(PlacedManifest.all(of: placement).map(\.placedKind))
            .union((placement.status?.placedKinds ?? []).map { PlacedKind($0) })
        let now = timeSource.wallTime().timeIntervalSinceReferenceDate.rounded(.down)
        let entry = PlacementLeftover(
            namespace: placement.metadata.namespace ?? "",
            name: placement.metadata.name ?? "",
            uid: placement.metadata.uid ?? "",
            kinds: Array(kinds.sorted().map(\.description).prefix(Self.maxLeftovers.kinds)),
            time: Date(timeIntervalSinceReferenceDate: now),
            clusterUID: members.all[cluster]?.status?.clusterUID
        )
        try await changeLeftovers(of: cluster) { entries in
            guard !entry.uid.isEmpty, !entries.contains(where: { $0.uid == entry.uid }) else { return entries }
            guard entries.count < Self.maxLeftovers.entries else {
                environment.context.logger.warning(
                    "too many leftovers: objects have to be removed by hand",
                    ["cluster": cluster, "placement": "\(placement.metadata.key)", "uid": entry.uid]
                )
                return entries
            }
            return entries + [entry]
        }
    }

    /// Removes what an earlier placement has left behind from a member that answers again.
    ///
    /// - Throws: `ClientError`.
    func clear(_ leftover: PlacementLeftover, _ key: SyncKey) async throws -> ReconcileResult {
        let member = environment.clusters.store.get(ObjectKey(namespace: nil, name: key.cluster))
        guard (member?.status?.conditions ?? []).isTrue(ConditionType.ready) else { return .done }
        guard let client = client(of: key.cluster) else { return .requeue(after: .seconds(1)) }
        return try await entering(key) {
            let placement = leftover.skeleton
            let objects = PlacedObjects(placement, on: key.cluster, client: client, fence: environment.fence)
            let removal = try await objects.remove(keepingData: false)
            guard removal.isComplete else { return .requeue(after: Self.fallbackLook.removing) }
            try await changeLeftovers(of: key.cluster) { entries in entries.filter { $0.uid != leftover.uid } }
            if !removal.removed.isEmpty {
                let words = "removed from \(key.cluster), which answers again: \(removal.removed.count) objects"
                record(.normal, "PlacementLeftoversRemoved", words, about: placement)
            }
            // There may be more of the name, or a new placement that has waited.
            syncs.add(key, after: Self.settling)
            return .done
        }
    }

    private func changeLeftovers(
        of cluster: String,
        _ change: ([PlacementLeftover]) -> [PlacementLeftover]
    ) async throws {
        let (hub, key) = (environment.hub, ObjectKey(namespace: nil, name: cluster))
        do {
            try await hub.withRetryOnConflict {
                let member = try await hub.get(MemberCluster.self, key)
                let old = member.status?.leftovers ?? []
                let new = change(old)
                guard new != old else { return }
                var metadata: JSONValue = .object([:])
                metadata["resourceVersion"] = member.metadata.resourceVersion.map(JSONValue.string)
                _ = try await hub.patch(
                    MemberCluster.self,
                    key,
                    [
                        "metadata": metadata,
                        "status": ["leftovers": new.isEmpty ? .null : try JSONValue(encoding: new)],
                    ],
                    type: .merge,
                    subresource: "status",
                    options: WriteOptions(fieldManager: MetadataName.fieldManager)
                )
            }
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            // The cluster is no longer part of the fleet, and nobody knows how to reach it.
        }
    }
}
