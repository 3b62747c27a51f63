internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision

/// The Placement that an attempt is about: read, changed and followed on the hub.
struct PlacementTarget: Sendable {
    /// The entry of `spec.error.context` that names the member the Placement failed on.
    static let clusterKey = "cluster"

    let attempt: Attempt
    private let target: TargetAccess

    var description: String { target.description }
    /// The member that the reported failure is about; nil when it is about none in particular.
    var reportedCluster: String? { attempt.error.context?[Self.clusterKey].nonEmpty }

    /// Whether an attempt is about a Placement on the hub.
    static func isTarget(of attempt: Attempt) -> Bool {
        guard let target = attempt.target, let apiVersion = target.apiVersion else { return false }
        return target.cluster == nil && target.kind == Placement.resource.kind
            && GroupVersionKind(apiVersion: apiVersion, kind: "").group == RecoveryAPI.group
    }

    /// Finds the Placement.
    ///
    /// - Throws: `StrategyFailure.permanent` when the Recovery is about something else.
    init(_ attempt: Attempt) async throws {
        guard Self.isTarget(of: attempt), let target = try await TargetAccess(attempt, attempt.client) else {
            throw StrategyFailure.permanent(
                "\(attempt.error.type) is about a Placement, and spec.targetRef names none",
                nextSteps: [
                    "Create a new Recovery with spec.targetRef set to the Placement, without spec.clusterRef, and "
                        + "spec.error.context.\(Self.clusterKey) to the member that failed"
                ]
            )
        }
        self.attempt = attempt
        self.target = target
    }

    /// The Placement as it is now.
    ///
    /// - Throws: `StrategyFailure.permanent` when it is gone, going, excluded from recovery, invalid, or reaches out of its
    ///   namespace.
    func read() async throws -> Placement {
        let object = try await target.read()
        try target.checkMayChange(object)
        let placement = try Placement(json: object.content)
        try attempt.placementFence.check(placement)
        return placement
    }

    /// The Placement as it is now, with a copy on this member that is to stay, and may be there.
    ///
    /// - Throws: as `read()`; `StrategyFailure.permanent` where no copy is to stay, or none may be.
    func read(withCopyOn cluster: String) async throws -> Placement {
        let placement = try await read()
        guard placement.wantedClusters.contains(cluster) else {
            throw StrategyFailure.permanent(
                "\(description) has no copy on \(cluster) that is to stay: nothing is done there",
                nextSteps: ["See where its copies are: status.decisions of \(description)"]
            )
        }
        try await attempt.placementFence.check(placement, on: cluster)
        return placement
    }

    /// Runs `body`, which writes to the copy on a member, while the placement controller does not.
    func writing<Value>(to cluster: String, _ body: () async throws -> Value) async throws -> Value {
        try await attempt.placementFence.turns.take(SyncKey(placement: target.key, cluster: cluster), body)
    }

    /// The copy on a member, to be compared and written; before each write all that permits it is looked at again.
    ///
    /// - Throws: as `read(withCopyOn:)`.
    func copy(on cluster: String) async throws -> PlacedObjects {
        let placement = try await read(withCopyOn: cluster)
        return PlacedObjects(
            placement,
            on: cluster,
            client: try await attempt.member(cluster),
            fence: attempt.placementFence.fence
        ) {
            let live = try await read(withCopyOn: cluster)
            guard live.metadata.uid == placement.metadata.uid, live.spec == placement.spec else {
                throw StrategyFailure.transient("\(description) was changed meanwhile: it is compared anew")
            }
        }
    }

    /// Writes a part of the status on top of the version that was read.
    ///
    /// - Parameters:
    ///   - placement: the version that was read.
    ///   - fields: the members of `status` to set; lists are replaced as a whole.
    /// - Throws: `ClientError`, a conflict when somebody else was faster.
    func patch(_ placement: Placement, status fields: [String: JSONValue]) async throws {
        var metadata: JSONValue = [:]
        metadata["resourceVersion"] = placement.metadata.resourceVersion.map(JSONValue.string)
        metadata["uid"] = placement.metadata.uid.map(JSONValue.string)
        _ = try await target.client.patch(
            Placement.self,
            target.key,
            ["metadata": metadata, "status": .object(JSONObject(fields))],
            type: .merge,
            subresource: "status"
        )
    }

    /// Follows the Placement until it is as wanted.
    ///
    /// - Parameters:
    ///   - nextSteps: what a person may do when that does not come in time.
    ///   - shortfall: what it lacks, in words; nil when it is as wanted.
    /// - Returns: the Placement.
    /// - Throws: `StrategyFailure.transient` with what it lacked last; `ClientError`; `AttemptStopped`.
    func wait(
        nextSteps: [String],
        until shortfall: @escaping @Sendable (Placement) -> String?
    ) async throws -> Placement {
        let watch = ObjectWatch(target.client, target.resource, target.key)
        return try await watch.wait(attempt, until: attempt.lastMoment(), description, nextSteps: nextSteps) {
            objects in
            guard let object = objects.first else { return .waiting("does not exist any more") }
            let placement = try Placement(json: object.content)
            return shortfall(placement).map { .waiting($0) } ?? .reached(placement)
        }
    }
}

extension Placement {
    /// The clusters that are to have a copy for good.
    var wantedClusters: [String] {
        (status?.decisions ?? []).filter { !$0.isLeaving }.map(\.cluster)
    }

    /// What keeps it from having a ready copy on as many clusters as it asks for, in words; nil when it has.
    var shortfall: String? {
        let wanted = wantedClusters
        let missing = spec.effectiveClusterCount - wanted.count
        if missing > 0 { return "has no cluster for \(missing) copies" }
        let open = wanted.filter { !isReady(on: $0) }
        guard !open.isEmpty else { return nil }
        let states = open.map { cluster in
            "\(cluster): " + (syncStatus(cluster).map { $0.message ?? $0.state.rawValue } ?? "nothing was applied yet")
        }
        return "is not ready everywhere: " + states.joined(separator: "; ")
    }
}
