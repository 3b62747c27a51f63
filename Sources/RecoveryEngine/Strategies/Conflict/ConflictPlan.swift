internal import JSON
internal import KubernetesCore

/// What a resolution would write over the live object; pure.
struct ConflictPlan: Sendable {
    /// The fields that the write changes.
    let mergedFields: [String]
    /// The fields that both sides have changed differently.
    let conflicts: [ThreeWayMerge.Conflict]
    /// The change as a merge patch, without precondition.
    let change: JSONValue

    /// Whether the live object has everything already.
    var isDone: Bool { change.objectValue?.isEmpty ?? true }

    /// Plans a write.
    ///
    /// - Parameters:
    ///   - desired: what the failed write wanted: a part, in which null deletes.
    ///   - base: what it started from; the live object itself makes all of `desired` win.
    ///   - live: the object as it is.
    init(desired: JSONValue, base: JSONValue, live: JSONValue) {
        let result = ThreeWayMerge.merge(
            base: base,
            ours: ThreeWayMerge.complete(desired, from: base),
            theirs: live
        )
        mergedFields = result.mergedFields
        conflicts = result.conflicts
        change = JSONMergePatch.diff(from: live, to: result.merged)
    }

    /// The patch that holds only for the version of the object that the plan was made for.
    func patch(for live: Unstructured) -> JSONValue {
        var patch = change
        patch.set(.string(live.resourceVersion), at: ["metadata", "resourceVersion"])
        patch.set(.string(live.uid), at: ["metadata", "uid"])
        return patch
    }
}
