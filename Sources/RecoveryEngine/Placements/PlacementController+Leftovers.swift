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
        var overflow: String?
        try await changeStatus(of: cluster) { status in
            let entries = status.leftovers ?? []
            guard !entry.uid.isEmpty, !entries.contains(where: { $0.uid == entry.uid }) else { return }
            guard entries.count < Self.maxLeftovers.entries else {
                let words =
                    "more Placements than \(Self.maxLeftovers.entries) have left objects: those of the others have to be "
                    + "removed by hand, at last those of Placement \(placement.metadata.key), with the label "
                    + "\(MetadataName.placementUID)=\(entry.uid)"
                let condition = Condition(
                    type: ConditionType.leftoversKnown,
                    status: .false,
                    reason: "TooMany",
                    message: words
                )
                var conditions = status.conditions ?? []
                conditions.set(condition, now: timeSource.wallTime())
                (status.conditions, overflow) = (conditions, words)
                return
            }
            status.leftovers = entries + [entry]
        }
        if let overflow { record(.warning, "LeftoversForgotten", overflow, about: placement) }
    }

    /// Removes what an earlier placement has left behind from a member that answers again.
    ///
    /// - Returns: `requeue` while something holds it there.
    /// - Throws: `ClientError`.
    func clear(_ leftover: PlacementLeftover, _ key: SyncKey) async throws -> ReconcileResult {
        let member = environment.clusters.store.get(ObjectKey(namespace: nil, name: key.cluster))
        guard (member?.status?.conditions ?? []).isTrue(ConditionType.ready) else { return .done }
        guard let client = client(of: key.cluster) else { return .requeue(after: .seconds(1)) }
        return try await entering(key) {
            let placement = leftover.skeleton
            let objects = PlacedObjects(placement, on: key.cluster, client: client, fence: environment.fence)
            let removal: PlacedRemoval
            do {
                removal = try await objects.remove(keepingData: false)
            } catch let error as ClientError where !error.isUnanswered {
                if case .refused = error { throw error }
                environment.context.logger.warning("leftovers stay", ["sync": "\(key)", "error": "\(error)"])
                return .requeue
            }
            guard removal.isComplete else { return .requeue }
            try await changeStatus(of: key.cluster) { $0.leftovers?.removeAll { $0.uid == leftover.uid } }
            if !removal.removed.isEmpty {
                let words = "removed from \(key.cluster), which answers again: \(removal.removed.count) objects"
                record(.normal, "PlacementLeftoversRemoved", words, about: placement)
            }
            // There may be more of the name, or a new placement that has waited.
            syncs.add(key, after: Self.settling)
            return .done
        }
    }

    private func changeStatus(of cluster: String, _ change: (inout MemberClusterStatus) -> Void) async throws {
        let (hub, key) = (environment.hub, ObjectKey(namespace: nil, name: cluster))
        do {
            try await hub.withRetryOnConflict {
                // Not as a whole: where nobody can read the spec, this can be read and written still.
                let member = try await hub.get(MemberCluster.resource, key)
                let old = try member["status"]?.decode(MemberClusterStatus.self) ?? MemberClusterStatus()
                var status = old
                change(&status)
                if status.leftovers?.isEmpty == true { status.leftovers = nil }
                guard status != old else { return }
                let difference = JSONMergePatch.diff(
                    from: try JSONValue(encoding: old),
                    to: try JSONValue(encoding: status)
                )
                _ = try await hub.patch(
                    MemberCluster.resource,
                    key,
                    ["metadata": ["resourceVersion": .string(member.resourceVersion)], "status": difference],
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
