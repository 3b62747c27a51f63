internal import JSON
internal import KubernetesCore
internal import RecoveryAPI

/// What is wrong with the kinds whose failures are known without configuration.
///
/// Everything is read from status as controllers and kubelets write it; what they have not written yet is no failure.
enum WorkloadRules {
    /// How an object looks.
    ///
    /// - Parameters:
    ///   - object: what was read of it so far.
    ///   - content: all of it.
    /// - Returns: nil for kinds without rules.
    static func verdict(on object: ObservedObject, _ content: JSONValue) -> TargetVerdict? {
        let group = GroupVersionKind(apiVersion: object.apiVersion, kind: object.kind).group
        switch (group, object.kind) {
        case ("apps", "Deployment"): return object.isObserved ? deployment(object) : .unknown
        case ("apps", "StatefulSet"): return object.isObserved ? statefulSet(content) : .unknown
        case ("apps", "DaemonSet"): return object.isObserved ? daemonSet(content) : .unknown
        case ("batch", "Job"): return job(object)
        case ("", "Pod"): return pod(object, content)
        case ("", "Node"): return node(object)
        default: return nil
        }
    }

    /// The progress deadline first: it says more.
    private static func deployment(_ object: ObservedObject) -> TargetVerdict {
        if let progressing = object.condition("Progressing"), progressing.status == "False",
            progressing.reason == "ProgressDeadlineExceeded"
        {
            return .failing(TargetFailure(progressing))
        }
        guard let available = object.condition("Available") else { return .unknown }
        return available.status == "False" ? .failing(TargetFailure(available)) : .healthy
    }

    /// A rollout in steps is not stuck while pods become ready or new.
    private static func statefulSet(_ content: JSONValue) -> TargetVerdict {
        // The API server fills in `spec.replicas`; status is empty until the controller has looked.
        guard let wanted = content.value(at: ["spec", "replicas"])?.intValue,
            content.value(at: ["status", "replicas"]) != nil
        else { return .unknown }
        let ready = content.value(at: ["status", "readyReplicas"])?.intValue ?? 0
        guard ready < wanted else { return .healthy }
        let updated = content.value(at: ["status", "updatedReplicas"])?.intValue ?? 0
        return notReady(ready, of: wanted, updated: updated)
    }

    private static func daemonSet(_ content: JSONValue) -> TargetVerdict {
        guard let wanted = content.value(at: ["status", "desiredNumberScheduled"])?.intValue else { return .unknown }
        let ready = content.value(at: ["status", "numberReady"])?.intValue ?? 0
        guard ready < wanted else { return .healthy }
        let updated = content.value(at: ["status", "updatedNumberScheduled"])?.intValue ?? 0
        return notReady(ready, of: wanted, updated: updated)
    }

    private static func notReady(_ ready: Int64, of wanted: Int64, updated: Int64) -> TargetVerdict {
        let progress = ready.addingReportingOverflow(updated)
        return .failing(
            TargetFailure(
                reason: "PodsNotReady",
                message: "\(ready) of \(wanted) pods are ready",
                progress: progress.overflow ? nil : Int(progress.partialValue)
            )
        )
    }

    private static func job(_ object: ObservedObject) -> TargetVerdict {
        guard let failed = object.condition("Failed"), failed.status == "True" else { return .healthy }
        return .failing(TargetFailure(failed))
    }

    /// A node whose kubelet is silent is Unknown, which its controllers act on like on False.
    private static func node(_ object: ObservedObject) -> TargetVerdict {
        guard let ready = object.condition("Ready") else { return .unknown }
        return ready.status == "True" ? .healthy : .failing(TargetFailure(ready))
    }
}

extension TargetFailure {
    /// What a condition says.
    init(_ condition: ObservedObject.StatusCondition) {
        self.init(
            reason: condition.reason.isEmpty ? "\(condition.type)\(condition.status)" : condition.reason,
            message: condition.message,
            since: condition.since
        )
    }
}
