internal import KubernetesCore
package import RecoveryAPI

extension ConditionDetector {
    /// How an object looks to this detector.
    ///
    /// A controller that has not seen the newest spec yet speaks of an older one, which is no data.
    ///
    /// - Returns: nil when the detector does not look at the object.
    package func verdict(on object: ObservedObject) -> TargetVerdict? {
        guard object.isWatched, selector?.matches(object.labels) ?? true else { return nil }
        guard object.isObserved, let condition = object.condition(type) else {
            guard effectiveOnNoData == .fail, object.isObserved else { return .unknown }
            return .failing(TargetFailure(reason: "ConditionMissing", message: "condition \(type) is not there"))
        }
        guard condition.status == effectiveStatus.rawValue, reason == nil || reason == condition.reason else {
            return .healthy
        }
        let what = "\(type) is \(condition.status)"
        return .failing(
            TargetFailure(
                reason: condition.reason.isEmpty ? "\(type)\(condition.status)" : condition.reason,
                message: condition.message.isEmpty ? what : "\(what): \(condition.message)",
                since: condition.since
            )
        )
    }
}
