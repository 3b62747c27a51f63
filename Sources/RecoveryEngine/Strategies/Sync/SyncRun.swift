internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Telemetry
internal import Timekeeping

/// Brings the copy of a Placement on one member back to its manifests: look, apply, wait, write down.
struct SyncRun: Sendable {
    let attempt: Attempt
    let target: PlacementTarget
    let members: MemberClients
    let cluster: String
    /// Tells the actions of several members apart.
    let suffix: String

    /// How long the member may take to show that it is well.
    private static let probeTimeout = Duration.seconds(10)
    private static let maxSteps = 16

    func recover() async throws {
        _ = try await target.read(withCopyOn: cluster)
        try await checkMember()
        let copy = try await target.copy(on: cluster)
        try await compare(copy)
        try await attempt.mutate(applyAction, facts: ["generation": .number(copy.placement.metadata.generation ?? 0)]) {
            try await target.copy(on: cluster).inspect().isInSync
        } _: {
            let state = try await target.writing(to: cluster) {
                let copy = try await target.copy(on: cluster)
                try checkIsRecorded(copy.placement)
                return try await copy.sync().state
            }
            guard state.isInSync else { throw try await failure(state) }
            return "\(state.objects.count) objects are as declared"
        }
        let state = try await waitForReady(try await appliedCopy())
        try await writeStatus(state)
    }

    private var applyAction: String { "ApplyObjects\(suffix)" }

    /// Throws when this is not the spec that the attempt has applied: of another one nobody may say that it was, or what it
    /// does not declare any more is never removed.
    private func checkIsRecorded(_ placement: Placement) throws {
        let applied = attempt.recorded(applyAction)?.facts?["generation"]?.intValue
        guard applied == placement.metadata.generation ?? 0 else {
            throw StrategyFailure.transient("\(target.description) was changed meanwhile: it is compared anew")
        }
    }

    // MARK: - The member

    /// Sync that turns out to be a matter of the cluster is handed over.
    private func checkMember() async throws {
        try attempt.journal.checkStop()
        let endpoint = MemberEndpoint(cluster: cluster, members: members, attempt: attempt)
        let finding = try await endpoint.probe(Self.probeTimeout, exercising: true)
        let isUsable = finding.verdict == .usable
        attempt.note("CheckMemberHealth\(suffix)", isUsable ? .succeeded : .failed, "\(cluster): \(finding)")
        let type: ErrorType
        switch finding.verdict {
        case .usable: return
        case .unreachable: type = .clusterUnreachable
        case .unauthenticated, .unauthorized, .unasked, .unconfigured: type = .clusterAuth
        }
        let words = "\(endpoint.description) cannot be used: \(finding)"
        var error = attempt.successorError(type, words)
        error.context = ["reason": finding.reason]
        let subject = try await endpoint.successorSubject(for: type)
        throw StrategyFailure.superseded(SuccessorRequest(error: error, subject: subject), words)
    }

    /// The copy on the member, of manifests that were just applied, which status does not say yet.
    private func appliedCopy() async throws -> PlacedObjects {
        let placement = try await target.read(withCopyOn: cluster)
        try checkIsRecorded(placement)
        return PlacedObjects(
            placement,
            on: cluster,
            client: try await attempt.member(cluster),
            fence: attempt.placementFence.fence,
            appliedHash: placement.manifestsHash
        )
    }

    // MARK: - The objects

    private func compare(_ objects: PlacedObjects) async throws {
        try await attempt.read("CompareDesired\(suffix)") {
            let found = try await objects.inspect()
            guard found.conflicts.isEmpty else { throw try await failure(found) }
            return found.message
        }
    }

    /// Why the objects are not as declared after all has been tried.
    private func failure(_ state: PlacedState) async throws -> StrategyFailure {
        if !state.conflicts.isEmpty {
            let words = state.conflicts.map(\.description).joined(separator: "; ")
            var error = attempt.successorError(.syncConflict, words)
            error.context = [PlacementTarget.clusterKey: cluster, "reason": "ForeignOwner"]
            return .superseded(SuccessorRequest(error: error), words)
        }
        let words = "\(target.description) cannot be synced on \(cluster): \(state.message)"
        guard !state.refusals.isEmpty else { return .transient(words) }
        return .permanent(
            words,
            nextSteps: try await grants(state)
                + state.refusals.prefix(Self.maxSteps).map { "On \(cluster), permit or correct \($0)" }
                + ["The placement controller goes on by itself as soon as the member accepts it"]
        )
    }

    /// The manifest that lets the member's credential keep the objects, where it lacks a right to one that was refused.
    private func grants(_ state: PlacedState) async throws -> [String] {
        let copy = try await target.copy(on: cluster)
        let refused = state.objects.filter { object in
            guard case .refused = object.verdict, let resource = object.resource else { return false }
            return copy.fenceProblem(object.manifest, resource) == nil
        }
        let probe = ClusterProbe(copy.client, timeout: Self.probeTimeout, timeSource: attempt.timeSource)
        do {
            let missing = try await probe.missingPermissions(Array(Self.permissions(refused).prefix(Self.maxSteps)))
            guard !missing.isEmpty else { return [] }
            let manifest = PermissionGrant.manifest(
                placement: copy.placement.metadata.key.description,
                Self.permissions(state.objects),
                user: members.claims(cluster)?.user
            )
            return ["On \(cluster), grant what is missing (\(missing.text)): kubectl apply this\n\(manifest)"]
        } catch let error as ClientError {
            if case .refused = error { throw error }
            attempt.logger.warning("cannot ask for rights", ["cluster": cluster, "error": "\(error)"])
            return []
        }
    }

    /// What keeping these objects takes.
    private static func permissions(_ objects: [PlacedState.Object]) -> [RequiredPermission] {
        objects.reduce(into: []) { permissions, object in
            guard let resource = object.resource else { return }
            let permission = RequiredPermission(
                group: resource.group,
                resource: resource.plural,
                verbs: ["get", "list", "watch", "create", "patch", "delete"],
                namespace: object.key.namespace
            )
            if !permissions.contains(permission) { permissions.append(permission) }
        }
    }

    /// Watches what is not ready, one object after the other, and looks at all of them at the end.
    private func waitForReady(_ objects: PlacedObjects) async throws -> PlacedState {
        let limit = attempt.lastMoment()
        while true {
            let state = try await objects.inspect()
            guard state.isInSync else { throw try await failure(state) }
            guard let waiting = state.objects.first(where: { $0.problem != nil }), let resource = waiting.resource
            else {
                attempt.note("WaitForReady\(suffix)", .succeeded, state.message)
                return state
            }
            do {
                let watch = ObjectWatch(objects.client, resource, waiting.key)
                try await watch.wait(attempt, until: limit, waiting.description) { found in
                    // One that is gone is for the next look.
                    let problem = found.first.flatMap(WorkloadReadiness.problem)
                    return problem.map { .waiting($0) } ?? .reached(())
                }
            } catch let failure as StrategyFailure {
                attempt.note("WaitForReady\(suffix)", .failed, failure.description)
                throw try await late(objects)
            }
        }
    }

    /// What the time was too short for; pods without a node are a matter of room, which waiting does not make.
    private func late(_ objects: PlacedObjects) async throws -> StrategyFailure {
        let state = try await objects.inspect()
        if let pod = try await UnschedulablePods.first(of: state, objects.client) {
            let words = "the copy on \(cluster) finds no room: \(pod)"
            var error = attempt.successorError(.placementCapacity, words)
            error.context = [PlacementTarget.clusterKey: cluster, "reason": UnschedulablePods.reason]
            return .superseded(SuccessorRequest(error: error), words)
        }
        return .transient(
            "\(target.description) is as declared on \(cluster), and not ready: \(state.waits.joined(separator: "; "))",
            nextSteps: state.objects.filter { $0.problem != nil }.prefix(Self.maxSteps).map { object in
                "See what keeps it from becoming ready: on \(cluster), kubectl describe "
                    + "\(object.manifest.kind.kind) \(object.key.name)"
                    + (object.key.namespace.map { " --namespace \($0)" } ?? "")
            }
        )
    }

    // MARK: - The report

    private func writeStatus(_ state: PlacedState) async throws {
        try await attempt.mutate("WriteSyncStatus\(suffix)") {
            try await target.read().isReady(on: cluster)
        } _: {
            try await attempt.client.withRetryOnConflict {
                let placement = try await target.read(withCopyOn: cluster)
                guard !placement.isReady(on: cluster) else { return "the placement controller has written it" }
                try checkIsRecorded(placement)
                var written = placement
                var entry = placement.syncStatus(cluster) ?? ClusterSyncStatus(cluster: cluster, state: .synced)
                entry.state = .synced
                entry.hash = state.hash
                entry.ready = true
                entry.lastSyncTime = attempt.timeSource.wallTime().wholeSecond
                entry.message = state.message
                written.put(entry)
                let clusters = try JSONValue(encoding: written.status?.clusters ?? [])
                try await target.patch(placement, status: ["clusters": clusters])
                return "\(cluster): Synced, ready"
            }
        }
    }
}

extension Placement {
    /// Puts the state on one cluster in the place of the one before.
    fileprivate mutating func put(_ state: ClusterSyncStatus) {
        var status = status ?? PlacementStatus()
        var clusters = status.clusters ?? []
        let index = clusters.firstIndex { $0.cluster == state.cluster }
        if let index { clusters[index] = state } else { clusters.append(state) }
        status.clusters = clusters
        self.status = status
    }
}
