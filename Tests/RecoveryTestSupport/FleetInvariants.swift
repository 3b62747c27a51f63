internal import KubernetesCore
package import RecoveryAPI
internal import RecoveryDecision

/// What must hold from one state of a Placement to the next, whatever is done to the fleet.
package struct PlacementInvariants {
    private let old: Placement
    private let new: Placement

    /// Compares a state with the one before.
    package init(old: Placement, new: Placement) {
        self.old = old
        self.new = new
    }

    /// Of the copies that are well, one at least is never given up.
    package func problems() -> [String] {
        guard !new.metadata.isBeingDeleted, old.metadata.uid == new.metadata.uid else { return [] }
        let kept = (new.status?.decisions ?? []).map(\.cluster)
        let well = (old.status?.well ?? []) + (new.status?.well ?? [])
        guard old.status?.well.isEmpty == false, Set(kept).isDisjoint(with: well) else { return [] }
        return ["left every cluster with a copy that is well: \(well), now on \(kept)"]
    }
}

/// What must hold from one state of a Migration to the next, whatever is done to the fleet.
package struct MigrationInvariants {
    private let old: Migration
    private let new: Migration

    /// Compares a state with the one before.
    package init(old: Migration, new: Migration) {
        self.old = old
        self.new = new
    }

    /// A Migration loses no checkpoint, never turns round behind the point of no return, and ends once.
    package func problems() -> [String] {
        guard old.metadata.uid == new.metadata.uid, let before = old.status else { return [] }
        let (earlier, steps) = (before.completedSteps ?? [], new.status?.completedSteps ?? [])
        var found: [String] = []
        if steps.prefix(earlier.count) != earlier[...] { found.append("checkpoints were lost: \(earlier), \(steps)") }
        if before.isPastReturn, new.status?.isPastReturn != true { found.append("the point of no return is gone") }
        if before.isPastReturn, new.status?.phase == .rollingBack { found.append("turned round behind no return") }
        if before.phase?.isFinal == true, before.phase != new.status?.phase { found.append("its end was changed") }
        return found
    }
}

extension PlacementStatus {
    /// The clusters whose copy is synced and ready.
    package var well: [String] {
        (clusters ?? []).filter { $0.state == .synced && $0.ready == true }.map(\.cluster)
    }
}
