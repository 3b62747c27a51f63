internal import JSON
internal import KubernetesCore

extension WorkloadRules {
    /// Why containers wait in vain.
    private static let failures: Set<String> = [
        "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName",
        "CreateContainerConfigError", "CreateContainerError", "RunContainerError",
    ]

    /// A pod that has ended says nothing: its Job, or whoever made it, knows what that means.
    static func pod(_ object: ObservedObject, _ content: JSONValue) -> TargetVerdict {
        let phase = content.value(at: ["status", "phase"])?.stringValue
        guard let phase, phase != "Succeeded", phase != "Failed" else { return .healthy }
        if let scheduled = object.condition("PodScheduled"), scheduled.status == "False",
            scheduled.reason == "Unschedulable"
        {
            return .failing(TargetFailure(scheduled).about(object))
        }
        let containers = ["initContainerStatuses", "containerStatuses"].flatMap {
            content.value(at: ["status", $0])?.arrayValue ?? []
        }
        let failure = containers.lazy.compactMap(failure).first
        return failure.map { .failing($0.about(object)) } ?? .healthy
    }

    private static func failure(_ container: JSONValue) -> TargetFailure? {
        let name = container["name"]?.stringValue ?? ""
        if let waiting = container.value(at: ["state", "waiting"]), let reason = waiting["reason"]?.stringValue,
            failures.contains(reason)
        {
            let message = waiting["message"]?.stringValue ?? reason
            return TargetFailure(reason: family(reason), message: "container \(name): \(message.prefix(256))")
        }
        return crash(container, name)
    }

    /// A container that has crashed and runs again, but is not ready: between two back-offs nothing is better.
    private static func crash(_ container: JSONValue, _ name: String) -> TargetFailure? {
        let crashes = container["restartCount"]?.intValue ?? 0
        guard crashes > 0, container["ready"]?.boolValue != true,
            let code = container.value(at: ["lastState", "terminated", "exitCode"])?.intValue, code != 0
        else { return nil }
        return TargetFailure(
            reason: "CrashLoopBackOff",
            message: "container \(name): exit code \(code), restarted \(crashes) times, not ready"
        )
    }

    /// Kubelets alternate between the error and the back-off from it: one reason for both.
    private static func family(_ reason: String) -> String { reason == "ErrImagePull" ? "ImagePullBackOff" : reason }
}

extension TargetFailure {
    /// The same, saying which object it is about: the target may be its owner.
    func about(_ object: ObservedObject) -> TargetFailure {
        var failure = self
        failure.message = "\(object.kind) \(object.key.name): \(message)"
        return failure
    }
}
