internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision

/// One attempt to settle that a Placement wants objects on a member which belong to somebody else.
///
/// Nothing is taken from anybody unless `parameters.resolution` is TakeOurs: then the objects are labelled as the
/// placement's and get the fields of their manifests; the placement controller looks after them from then on. TakeTheirs
/// leaves them alone, and without a decision a person has to make it.
struct PlacedConflictRun: Sendable {
    static let takeOverAction = "TakeOverObjects"
    private static let maxSteps = 16

    let attempt: Attempt
    let target: PlacementTarget
    let cluster: String

    /// Finds the Placement and the member that the conflict is about.
    ///
    /// - Throws: `StrategyFailure.permanent` when the Recovery does not say which member, or no copy belongs there.
    init(_ attempt: Attempt) async throws {
        self.attempt = attempt
        target = try await PlacementTarget(attempt)
        guard let cluster = target.reportedCluster else {
            throw StrategyFailure.permanent(
                "\(attempt.error.type) does not say on which member: spec.error.context.\(PlacementTarget.clusterKey) "
                    + "is missing",
                nextSteps: ["Create a new Recovery with spec.error.context.\(PlacementTarget.clusterKey) set to it"]
            )
        }
        self.cluster = cluster
    }

    func resolve() async throws -> StrategyResult {
        var state: PlacedState?
        try await attempt.read("ReadLatest") {
            let found = try await target.copy(on: cluster).inspect()
            state = found
            return found.message
        }
        let conflicts = state?.conflicts ?? []
        guard !conflicts.isEmpty || attempt.recorded(Self.takeOverAction) != nil else {
            return StrategyResult(message: "nobody else has an object of \(target.description) on \(cluster)")
        }
        let resolution = attempt.parameters[ConflictRequest.resolutionParameter]?.stringValue
        switch resolution.flatMap(ConflictResolution.init) {
        case .takeOurs: return try await takeOver()
        case .takeTheirs: return giveUp(conflicts)
        case .threeWayMerge, .serverSideApply, .manual, nil: throw undecided(conflicts)
        }
    }

    // MARK: - TakeOurs

    private func takeOver() async throws -> StrategyResult {
        try await attempt.mutate(Self.takeOverAction) {
            try await target.copy(on: cluster).inspect().conflicts.isEmpty
        } _: {
            let taken = try await target.writing(to: cluster) {
                let objects = try await target.copy(on: cluster)
                var taken: [String] = []
                for object in try await objects.inspect().objects {
                    guard case .foreign = object.verdict, let resource = object.resource else { continue }
                    try await takeOver(object, resource, of: objects)
                    taken.append(object.description)
                }
                return taken
            }
            return taken.isEmpty ? "nothing was left to take" : "took over \(taken.joined(separator: ", "))"
        }
        let state = try await target.copy(on: cluster).inspect()
        guard state.conflicts.isEmpty else {
            throw StrategyFailure.transient("\(target.description) still has conflicts on \(cluster): \(state.message)")
        }
        return StrategyResult(
            message: "the objects of \(target.description) on \(cluster) are its own now: \(state.message)",
            metrics: ["resolution": ConflictResolution.takeOurs.rawValue]
        )
    }

    /// Makes an object the placement's, in the version that was just looked at and no other.
    private func takeOver(
        _ object: PlacedState.Object,
        _ resource: APIResource,
        of objects: PlacedObjects
    ) async throws {
        let live = try await objects.client.get(resource, object.key)
        if let owner = live.labels[MetadataName.placementUID] {
            throw StrategyFailure.permanent(
                "\(object.description) on \(cluster) belongs to another placement (uid \(owner)); nothing was taken over",
                nextSteps: [
                    "Take the object out of one of the two placements",
                    "If that placement is gone, remove the label \(MetadataName.placementUID) from the object",
                ]
            )
        }
        if live.isExcluded || live.isBeingDeleted {
            throw StrategyFailure.permanent(
                "\(object.description) on \(cluster) is being deleted or has the label \(MetadataName.exclude)=true; "
                    + "nothing was taken over",
                nextSteps: ["Wait until it is gone, or remove the label, and create a new Recovery"]
            )
        }
        var content = object.manifest.content
        content.set(.string(live.uid), at: ["metadata", "uid"])
        content.set(.string(live.resourceVersion), at: ["metadata", "resourceVersion"])
        try await objects.mayWrite()
        _ = try await objects.client.patch(
            resource,
            object.key,
            content,
            type: .apply(fieldManager: MetadataName.fieldManager, force: true)
        )
    }

    // MARK: - TakeTheirs, and no decision

    private func giveUp(_ conflicts: [PlacedConflict]) -> StrategyResult {
        StrategyResult(
            message: "left to their owners: \(text(conflicts))",
            nextSteps: conflicts.prefix(Self.maxSteps).map {
                "Take \($0.object) out of spec.manifests of \(target.description): it is not synced on \(cluster)"
            },
            metrics: ["resolution": ConflictResolution.takeTheirs.rawValue]
        )
    }

    private func undecided(_ conflicts: [PlacedConflict]) -> StrategyFailure {
        .permanent(
            "\(text(conflicts)); nothing was changed, as nobody has decided whose it is",
            nextSteps: conflicts.prefix(Self.maxSteps).map {
                "Decide about \($0.object) on \($0.cluster): it belongs to \($0.owner)"
            }
                + [
                    "To have the placement take it over, with the fields of its manifest, create a new Recovery with "
                        + "parameters.resolution TakeOurs",
                    "To leave it to its owner, create a new Recovery with parameters.resolution TakeTheirs, and take it "
                        + "out of spec.manifests",
                ],
            metrics: ["resolution": ConflictResolution.manual.rawValue]
        )
    }

    private func text(_ conflicts: [PlacedConflict]) -> String {
        conflicts.prefix(Self.maxSteps).map(\.description).joined(separator: "; ")
    }
}
