internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision

extension PlacedObjects {
    /// Makes what is missing, repairs what drifted, and when the manifests are other ones than before applies all of
    /// them and removes what is no longer among them (data stays).
    ///
    /// Server-side apply as the manager `recovery-controller`; fields of others are taken on our own objects only. Each
    /// object is applied as soon as it was looked at: apply cannot be told to make an object and never to change one, so
    /// one that somebody else makes meanwhile would be taken for ours.
    ///
    /// - Returns: what was found, and the state afterwards; objects that the member refuses, or that belong to others, stay
    ///   as they were.
    /// - Throws: `ClientError` when the member does not answer; what `mayWrite` throws.
    package func sync() async throws -> (found: PlacedState, state: PlacedState) {
        var found = PlacedState(cluster: cluster, hash: placement.manifestsHash, isOutdated: isOutdated)
        var state = found
        try await look(found.isOutdated) { object in
            found.objects.append(object)
            var object = object
            try await apply(&object, all: found.isOutdated)
            state.objects.append(object)
        }
        if state.isOutdated, state.objects.allSatisfy(\.verdict.isSettled) {
            try await prune(keeping: state.objects)
            state.isOutdated = false
        }
        return (found, state)
    }

    private func apply(_ object: inout PlacedState.Object, all: Bool) async throws {
        guard let resource = object.resource else { return }
        switch object.verdict {
        case .inSync where !all: return
        case .foreign, .refused, .awaited, .excluded: return
        case .inSync, .missing, .drifted: break
        }
        try await mayWrite()
        do {
            let applied = try await client.patch(
                resource,
                object.key,
                try await contentWithReplicas(of: object, resource),
                // What was missing a moment ago and is there now belongs to somebody else: nothing is taken from it.
                type: .apply(fieldManager: MetadataName.fieldManager, force: object.uid != nil)
            )
            object.verdict = .inSync
            object.uid = applied.uid
            object.problem = WorkloadReadiness.problem(of: applied)
            if !DesiredFields.differences(from: object.manifest.content, in: applied.content).isEmpty {
                memory.settle(applied, cluster, as: object.manifest.content)
            }
        } catch let error as ClientError {
            object.verdict = .refused(try error.refusal())
        }
    }

    /// What is sent for an object whose replicas are left to an autoscaler: where they are still ours, from a time
    /// without one, leaving them out would give them up, and the server would go back to one replica.
    private func contentWithReplicas(of object: PlacedState.Object, _ resource: APIResource) async throws -> JSONValue {
        var content = content(of: object)
        guard object.manifest.leavesReplicas, object.uid != nil else { return content }
        let path = ["spec", "replicas"]
        let answer = try await client.send(.get(resource, object.key))
        let live: JSONValue
        do {
            live = try JSONValue(parsing: answer.body)
        } catch {
            throw ClientError.decoding(error, request: RequestSummary(.get(resource, object.key)))
        }
        if ManagedFields.owned(by: MetadataName.fieldManager, in: live).value(at: path) != nil {
            content.set(live.value(at: path), at: path)
        }
        return content
    }
}
