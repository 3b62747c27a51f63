internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision

extension PlacedObjects {
    /// Removes the placement's objects from the member, those of earlier manifests included.
    ///
    /// Found by label, removed by uid and resourceVersion: nothing that is not ours, or that somebody has just made ours,
    /// can go. Workloads first, CustomResourceDefinitions and Namespaces last. What has a controller is that one's,
    /// whatever labels it copies, and goes with it.
    ///
    /// - Parameters:
    ///   - keepingData: leaves PersistentVolumeClaims, Namespaces and CustomResourceDefinitions, as a move does.
    ///   - elsewhere: the objects of copies that stay, by uid, with their cluster: one that is found here, too, stays.
    /// - Returns: what is gone, what is still going, and what was kept.
    /// - Throws: `ClientError` when the member does not answer, or refuses; what `mayWrite` throws.
    package func remove(keepingData: Bool, elsewhere: [String: String] = [:]) async throws -> PlacedRemoval {
        var removal = PlacedRemoval()
        guard !uid.isEmpty else { return removal }
        for kind in knownKinds.sorted(by: { ($0.removalRank, $0) < ($1.removalRank, $1) }) {
            for (resource, object) in try await objects(of: kind) where !object.hasController {
                let name = "\(object.kind) \(object.key)"
                if let other = elsewhere[object.uid] {
                    removal.shared[object.uid] = other
                } else if object.isExcluded {
                    removal.excluded.append(name)
                } else if keepingData && kind.isKeptByMoves {
                    removal.kept.append(name)
                } else if try await remove(object, resource) {
                    removal.removed.append(name)
                } else {
                    removal.leaving.append(name)
                }
            }
        }
        return removal
    }

    /// Removes the objects of earlier manifests that are not among the present ones; data stays.
    func prune(keeping objects: [PlacedState.Object]) async throws {
        let wanted = Set(objects.compactMap(\.uid))
        for kind in knownKinds.sorted() where !kind.isKeptByMoves {
            for (resource, object) in try await self.objects(of: kind)
            where !wanted.contains(object.uid) && !object.isExcluded && !object.hasController {
                _ = try await remove(object, resource)
            }
        }
    }

    /// The kinds of the manifests, and of earlier ones.
    private var knownKinds: Set<PlacedKind> {
        Set(PlacedManifest.all(of: placement).map(\.placedKind))
            .union((placement.status?.placedKinds ?? []).map { PlacedKind($0) })
    }

    /// The member's objects of a kind that carry the placement's uid; none where the kind is not served.
    private func objects(of kind: PlacedKind) async throws -> [(APIResource, Unstructured)] {
        let resource: APIResource
        do {
            resource = try await client.discovery.resource(group: kind.group, kind: kind.kind)
        } catch ClientError.noMatch {
            return []
        }
        let isOpen = resource.isNamespaced && PlacementFence.problem(group: kind.group, kind: kind.kind) == nil
        guard !isTenant || isOpen else { return [] }
        do {
            let list = try await client.list(
                resource,
                namespace: isTenant ? placement.metadata.namespace : nil,
                options: ListOptions(labelSelector: "\(MetadataName.placementUID)=\(uid)")
            )
            return list.items.map { (resource, $0) }
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return []
        }
    }

    /// Removes one object; false while finalizers or a grace period hold it.
    private func remove(_ object: Unstructured, _ resource: APIResource) async throws -> Bool {
        var object = object
        for _ in 0..<Self.maxTries {
            if object.isBeingDeleted { return false }
            try await mayWrite()
            do {
                let options = DeleteOptions(
                    preconditionUID: object.uid,
                    preconditionResourceVersion: object.resourceVersion,
                    propagationPolicy: .background
                )
                return try await client.delete(resource, object.key, options: options) == nil
            } catch let error as ClientError where error.apiError?.isNotFound == true {
                return true
            } catch let error as ClientError where error.apiError?.isConflict == true {
                guard let live = try await read(object.key, resource), live.uid == object.uid,
                    live.labels[MetadataName.placementUID] == uid, !live.isExcluded, !live.hasController
                else { return true }
                object = live
            }
        }
        return false
    }

    private static let maxTries = 5

    private func read(_ key: ObjectKey, _ resource: APIResource) async throws -> Unstructured? {
        do {
            return try await client.get(resource, key)
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return nil
        }
    }
}

extension Unstructured {
    /// Whether its label `recovery.tmc.io/exclude` keeps everybody away.
    var isExcluded: Bool { labels[MetadataName.exclude] == "true" }

    /// Whether a controller has made it, or has taken it over.
    fileprivate var hasController: Bool {
        let owners = content.value(at: ["metadata", "ownerReferences"])?.arrayValue ?? []
        return owners.contains { $0["controller"]?.boolValue == true }
    }
}
