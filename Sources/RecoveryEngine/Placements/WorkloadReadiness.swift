internal import JSON
internal import KubernetesCore

/// Whether an object that was placed does what it is for, by the rules of kstatus and `kubectl rollout status`.
enum WorkloadReadiness {
    /// Why an object is not ready; nil when it is.
    ///
    /// Kinds without rules of their own are judged by their conditions.
    static func problem(of object: Unstructured) -> String? {
        if object.isBeingDeleted { return "is being deleted" }
        switch (object.groupVersionKind.group, object.kind) {
        case ("", "Pod"): return pod(object)
        case ("batch", "Job"): return job(object)
        case ("", "PersistentVolumeClaim"):
            let phase = object["status", "phase"]?.stringValue
            return phase == "Bound" ? nil : "is \(phase ?? "not seen yet")"
        case ("apps", "Deployment"): return generation(object) ?? deployment(object)
        case ("apps", "StatefulSet"): return generation(object) ?? statefulSet(object)
        case ("apps", "DaemonSet"): return generation(object) ?? daemonSet(object)
        case ("apps", "ReplicaSet"): return generation(object) ?? replicas(object, ready: "availableReplicas")
        case ("apiextensions.k8s.io", "CustomResourceDefinition"):
            return condition("Established", of: object) == "True" ? nil : "is not established yet"
        default:
            guard case .unhealthy(let reason) = ObjectHealth.of(object) else { return nil }
            return reason
        }
    }

    private static func deployment(_ object: Unstructured) -> String? {
        let isStuck = conditions(object).contains {
            $0["type"]?.stringValue == "Progressing" && $0["reason"]?.stringValue == "ProgressDeadlineExceeded"
        }
        if isStuck { return "has exceeded its progress deadline" }
        if let problem = replicas(object, ready: "updatedReplicas", word: "updated") { return problem }
        let updated = count(object, "updatedReplicas")
        if count(object, "replicas") > updated { return "waits for old pods to end" }
        return replicas(object, ready: "availableReplicas")
    }

    private static func statefulSet(_ object: Unstructured) -> String? {
        if let problem = replicas(object, ready: "readyReplicas") { return problem }
        let strategy = object["spec", "updateStrategy", "type"]?.stringValue
        let partition = object["spec", "updateStrategy", "rollingUpdate", "partition"]?.intValue ?? 0
        guard strategy != "OnDelete", partition == 0 else { return nil }
        let (current, next) = (object["status", "currentRevision"], object["status", "updateRevision"])
        return current == next ? nil : "is being updated"
    }

    private static func daemonSet(_ object: Unstructured) -> String? {
        let wanted = count(object, "desiredNumberScheduled")
        for (field, word) in [("updatedNumberScheduled", "updated"), ("numberAvailable", "available")] {
            let present = count(object, field)
            if present < wanted { return "has \(present) of \(wanted) pods \(word)" }
        }
        return nil
    }

    private static func pod(_ object: Unstructured) -> String? {
        let phase = object["status", "phase"]?.stringValue ?? "not seen yet"
        if phase == "Succeeded" || condition("Ready", of: object) == "True" { return nil }
        return "is \(phase)" + (phase == "Running" ? ", but not ready" : "")
    }

    /// A Job is ready once it runs: whoever places it does not wait for its end.
    private static func job(_ object: Unstructured) -> String? {
        if condition("Failed", of: object) == "True" { return "has failed" }
        let isUnderWay =
            condition("Complete", of: object) == "True" || object["status", "startTime"] != nil
            || object["spec", "suspend"]?.boolValue == true
        return isUnderWay ? nil : "has not started yet"
    }

    private static func replicas(_ object: Unstructured, ready field: String, word: String = "ready") -> String? {
        let wanted = object["spec", "replicas"]?.intValue ?? 1
        let present = count(object, field)
        return present < wanted ? "has \(present) of \(wanted) replicas \(word)" : nil
    }

    private static func generation(_ object: Unstructured) -> String? {
        let observed = object["status", "observedGeneration"]?.intValue ?? 0
        return observed < object.generation ?? 0 ? "has not been seen by its controller yet" : nil
    }

    private static func count(_ object: Unstructured, _ field: String) -> Int64 {
        object["status", field]?.intValue ?? 0
    }

    private static func conditions(_ object: Unstructured) -> [JSONValue] {
        object["status", "conditions"]?.arrayValue ?? []
    }

    private static func condition(_ type: String, of object: Unstructured) -> String? {
        conditions(object).first { $0["type"]?.stringValue == type }?["status"]?.stringValue
    }
}
