internal import ControllerRuntime
internal import KubernetesCore
internal import RecoveryAPI

/// What the change of a placement's status is worth telling as events.
enum PlacementNews {
    typealias Event = (type: EventType, reason: String, message: String)

    /// One event for each change of a condition, and for clusters that were chosen or left.
    static func events(from old: PlacementStatus?, to new: PlacementStatus) -> [Event] {
        var events: [Event] = []
        if let accepted = change(ConditionType.accepted, old, new), accepted.status == .false {
            events.append((.warning, "PlacementRejected", "\(accepted.reason): \(accepted.message)"))
        }
        let before = names(old)
        let after = names(new)
        let (known, wanted) = (Set(before), Set(after))
        let chosen = after.filter { !known.contains($0) }
        if !chosen.isEmpty { events.append((.normal, "PlacementScheduled", "chose \(chosen.joined(separator: ", "))")) }
        let left = before.filter { !wanted.contains($0) }
        if !left.isEmpty { events.append((.normal, "PlacementLeft", "left \(left.joined(separator: ", "))")) }
        if let scheduled = change(ConditionType.scheduled, old, new), scheduled.status == .false {
            events.append((.warning, "PlacementUnschedulable", "\(scheduled.reason): \(scheduled.message)"))
        }
        if let synced = change(ConditionType.synced, old, new) {
            switch synced.status {
            case .true: events.append((.normal, "PlacementSynced", "the clusters have what they should"))
            case .false where [PlacementReason.syncFailed, PlacementReason.syncConflict].contains(synced.reason):
                events.append((.warning, "PlacementSyncFailed", "\(synced.reason): \(synced.message)"))
            case .false, .unknown: break
            }
        }
        if let ready = change(ConditionType.ready, old, new), ready.status == .true {
            events.append((.normal, "PlacementReady", ready.message))
        }
        return events
    }

    private static func names(_ status: PlacementStatus?) -> [String] {
        (status?.decisions ?? []).map(\.cluster)
    }

    /// The new condition when its status or reason is another one.
    private static func change(_ type: String, _ old: PlacementStatus?, _ new: PlacementStatus) -> Condition? {
        let before = old?.conditions?[type: type]
        guard let after = new.conditions?[type: type], after.status != before?.status || after.reason != before?.reason
        else { return nil }
        return after
    }
}
