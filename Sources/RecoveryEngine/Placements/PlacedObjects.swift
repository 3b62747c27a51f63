internal import JSON
package import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision

/// The objects of one placement on one member cluster: compared with the manifests, applied and removed.
///
/// Only objects that carry the placement's uid as label are ever changed or removed. Everything can be done twice.
///
/// ```swift
/// let objects = PlacedObjects(placement, on: "edge", client: member, fence: fence)
/// var state = try await objects.inspect()
/// if !state.isInSync { state = try await objects.sync().state }
/// ```
package struct PlacedObjects: Sendable {
    /// The placement, as the hub has it.
    package let placement: Placement
    /// The member's name.
    package let cluster: String
    let client: KubernetesClient
    let isTenant: Bool
    let memory: PlacedMemory
    /// Throws when the placement must not be written to the member any more.
    let mayWrite: @Sendable () async throws -> Void
    private let appliedHash: String?

    /// Looks at a placement on a member.
    ///
    /// - Parameters:
    ///   - placement: the placement, with its uid.
    ///   - cluster: the member's name.
    ///   - client: the member's.
    ///   - fence: tells tenants from the controller's own namespace.
    ///   - memory: what the member's server has settled before; one for all placements and members spares requests.
    ///   - appliedHash: of the manifests that were applied there last; nil takes what the placement's status says.
    ///   - mayWrite: called before each object is applied or removed; throws when the placement must not be written any more.
    package init(
        _ placement: Placement,
        on cluster: String,
        client: KubernetesClient,
        fence: PlacementFence,
        memory: PlacedMemory = PlacedMemory(),
        appliedHash: String? = nil,
        mayWrite: @escaping @Sendable () async throws -> Void = {}
    ) {
        self.placement = placement
        self.cluster = cluster
        self.client = client
        self.memory = memory
        self.mayWrite = mayWrite
        self.appliedHash = appliedHash ?? placement.syncStatus(cluster)?.hash
        isTenant = !fence.isOpen(for: placement.metadata.namespace)
    }

    var uid: String { placement.metadata.uid ?? "" }

    /// Compares every manifest with what the member has; changes nothing.
    ///
    /// - Throws: `ClientError` when the member does not answer; what it says about one object becomes that one's verdict.
    package func inspect() async throws -> PlacedState {
        var state = PlacedState(cluster: cluster, hash: placement.manifestsHash, isOutdated: isOutdated)
        try await look(state.isOutdated) { state.objects.append($0) }
        return state
    }

    /// Compares every manifest, in the order in which they are applied, and hands each object over as it was found.
    func look(_ isOutdated: Bool, _ body: (PlacedState.Object) async throws -> Void) async throws {
        let manifests = PlacedManifest.all(of: placement)
        var look = Look(manifests: manifests, isOutdated: isOutdated)
        for manifest in manifests { try await body(try await inspect(manifest, &look)) }
    }

    /// What one look at a member needs more than once.
    struct Look {
        let isOutdated: Bool
        /// The kinds that the manifests define themselves.
        let defined: Set<PlacedKind>
        var autoscalers: Autoscalers

        init(manifests: [PlacedManifest], isOutdated: Bool) {
            self.isOutdated = isOutdated
            defined = Set(manifests.compactMap(\.definedKind))
            autoscalers = Autoscalers(manifests)
        }
    }

    /// Whether other manifests were applied last, or none: fields that are no longer declared have to go, too.
    var isOutdated: Bool { appliedHash != placement.manifestsHash }

    private func inspect(_ manifest: PlacedManifest, _ look: inout Look) async throws -> PlacedState.Object {
        var object = PlacedState.Object(manifest: manifest, verdict: .missing)
        do {
            object.resource = try await resource(manifest, look)
            guard let resource = object.resource else { throw unknownKind(manifest) }
            if let problem = fenceProblem(manifest, resource) {
                object.verdict = .refused("\(problem): only the controller's namespace may place that")
                return object
            }
            object.manifest = manifest.located(resource)
            try await compare(&object, with: try await client.get(resource, object.key), resource, &look)
        } catch ClientError.noMatch where look.defined.contains(manifest.placedKind) {
            object.verdict = .awaited("waits until the cluster serves the kind")
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            object.verdict = .missing
            try await leaveReplicas(of: &object, &look)
        } catch let error as ClientError {
            object.verdict = .refused(try error.refusal())
        }
        return object
    }

    /// Why a tenant may not have an object; what let it pass on the hub is not relied on here.
    func fenceProblem(_ manifest: PlacedManifest, _ resource: APIResource) -> String? {
        guard isTenant else { return nil }
        if !resource.isNamespaced { return "is cluster-scoped there" }
        if let problem = PlacementFence.problem(group: resource.group, kind: resource.kind) { return problem }
        let isInside = manifest.namespace == placement.metadata.namespace
        return isInside ? nil : "reaches namespace \(manifest.namespace ?? "")"
    }

    /// Where the member serves a kind; asked anew for kinds that the placement has only just defined.
    private func resource(_ manifest: PlacedManifest, _ look: Look) async throws -> APIResource {
        do {
            return try await client.discovery.resource(for: manifest.kind)
        } catch ClientError.noMatch where look.defined.contains(manifest.placedKind) {
            client.discovery.invalidate()
            return try await client.discovery.resource(for: manifest.kind)
        }
    }

    private func compare(
        _ object: inout PlacedState.Object,
        with live: Unstructured,
        _ resource: APIResource,
        _ look: inout Look
    ) async throws {
        guard live.labels[MetadataName.placementUID] == uid else {
            object.verdict = .foreign(Self.owner(of: live))
            // Whoever takes it over leaves them, too.
            return try await leaveReplicas(of: &object, &look)
        }
        object.uid = live.uid
        object.problem = WorkloadReadiness.problem(of: live)
        guard !live.isExcluded else {
            object.verdict = .excluded
            return
        }
        guard !live.isBeingDeleted else {
            object.verdict = .awaited("waits until it is gone, to be made again")
            return
        }
        var differences = DesiredFields.differences(from: object.manifest.content, in: live.content)
        if look.isOutdated || differences.contains("spec.replicas") {
            try await leaveReplicas(of: &object, &look)
            differences = DesiredFields.differences(from: object.manifest.content, in: live.content)
        }
        var isSame = differences.isEmpty
        // Where all is applied anyway, the server need not be asked what it makes of the differences.
        if !isSame, !look.isOutdated { isSame = try await isSettled(object, live, resource) }
        object.verdict = isSame ? .inSync : .drifted(differences)
    }

    /// Whether applying would change nothing, although the member writes some values in another way than the manifest.
    private func isSettled(
        _ object: PlacedState.Object,
        _ live: Unstructured,
        _ resource: APIResource
    ) async throws -> Bool {
        if memory.isSettled(live, cluster, as: object.manifest.content) { return true }
        let result = try await client.patch(
            resource,
            object.key,
            content(of: object),
            type: .apply(fieldManager: MetadataName.fieldManager, force: true),
            options: WriteOptions(dryRun: true)
        )
        guard DesiredFields.settled(result.content) == DesiredFields.settled(live.content) else { return false }
        memory.settle(live, cluster, as: object.manifest.content)
        return true
    }

    /// What is sent for an object: with the uid of the live one, so that another one of its name is never taken over.
    func content(of object: PlacedState.Object) -> JSONValue {
        var content = object.manifest.content
        if let uid = object.uid { content.set(.string(uid), at: ["metadata", "uid"]) }
        return content
    }

    /// Takes `spec.replicas` out of what is wanted where an autoscaler targets the object.
    private func leaveReplicas(of object: inout PlacedState.Object, _ look: inout Look) async throws {
        let manifest = object.manifest
        guard manifest.content.value(at: ["spec", "replicas"]) != nil,
            try await look.autoscalers.target(manifest, client)
        else { return }
        object.manifest = manifest.withoutReplicas()
    }

    /// Whose an object is, as far as it tells.
    private static func owner(of live: Unstructured) -> String {
        if let other = live.labels[MetadataName.placementUID] { return "the placement with uid \(other)" }
        if let manager = live.labels["app.kubernetes.io/managed-by"] { return manager }
        let owner = live.content.value(at: ["metadata", "ownerReferences"])?[index: 0]
        if let kind = owner?["kind"]?.stringValue, let name = owner?["name"]?.stringValue { return "\(kind) \(name)" }
        return "nobody that it names (no label \(MetadataName.placementUID))"
    }

    private func unknownKind(_ manifest: PlacedManifest) -> ClientError {
        .noMatch(group: manifest.kind.group, version: manifest.kind.version, kind: manifest.kind.kind)
    }
}

extension ClientError {
    /// What the server says about one object, so that the others go on; rethrows what says nothing about the object: a
    /// server that is away, busy, or does not know the credential.
    ///
    /// 500 is about the object as well: older servers answer it to manifests that server-side apply cannot read.
    func refusal() throws -> String {
        switch self {
        case .noMatch, .invalidRequest: return description
        case .api(let error) where (400...500).contains(error.status) && ![401, 408, 429].contains(error.status):
            return error.message
        default: throw self
        }
    }
}
