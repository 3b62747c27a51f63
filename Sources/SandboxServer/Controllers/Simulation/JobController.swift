internal import FoundationEssentials
internal import JSON

/// Runs the pods of Jobs until enough have succeeded or too many have failed.
struct JobController: Reconciler {
    private static let component = "job-controller"

    private var objects = OwnedObjects(of: Builtin.jobs, Builtin.pods)

    mutating func objects(toReconcileAfter change: ObjectStore.Change) -> [ObjectReference] {
        objects.owners(after: change)
    }

    /// What a Job is to become now.
    struct Step: Equatable {
        enum End: Equatable {
            case complete
            case failed(reason: String, message: String)
        }

        /// How many pods to start.
        var create = 0
        /// The pods to delete.
        var delete: [ObjectName] = []
        var end: End?
    }

    func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let job = try tx.value(object.resource, object.name), !job.isBeingDeleted else { return nil }
        if job.isFinishedJob { return try expire(job, object, &tx, context) }
        let pods = try Workload.claim(Builtin.pods, for: job, &tx, context)
        let step = Self.step(job, pods, context)
        for _ in 0..<step.create { try createPod(of: job, &tx, context) }
        for pod in step.delete {
            try tx.delete(Builtin.pods, pod, context)
            try tx.recordEvent(
                on: job,
                "SuccessfulDelete",
                "Deleted pod: \(pod.name)",
                component: Self.component,
                context
            )
        }
        let now = try tx.values(Builtin.pods, namespace: object.name.namespace) { $0.owners.contains(job.uid) }
        var changed = job
        changed["status"] = Self.status(of: job, now, step.end, context)
        switch step.end {
        case .complete:
            try tx.recordEvent(on: job, "Completed", "Job completed", component: Self.component, context)
        case .failed(let reason, let message):
            try tx.recordEvent(on: job, reason, message, type: "Warning", component: Self.component, context)
        case nil: break
        }
        tx.update(object.resource, changed, from: job, context)
        let limit = job["spec"]?["activeDeadlineSeconds"].flatMap(\.intValue)
        return limit.flatMap {
            context.remaining(of: .seconds(min($0, 1_000_000)), since: changed["status"]?["startTime"])
        }
    }

    /// Decides from the Job and its pods.
    static func step(_ job: JSONValue, _ pods: [JSONValue], _ context: ReconcileContext) -> Step {
        let active = pods.filter(\.isActivePod)
        let succeeded = pods.filter { $0["status"]?["phase"]?.stringValue == "Succeeded" }.count
        let failed = pods.filter { $0["status"]?["phase"]?.stringValue == "Failed" }.count
        let restarts = active.map { $0["status"]?["containerStatuses"]?[index: 0]?.count("restartCount") ?? 0 }
        if failed + restarts.reduce(0, +) > job.count("spec", "backoffLimit", default: 6) {
            let end = Step.End.failed(
                reason: "BackoffLimitExceeded",
                message: "Job has reached the specified backoff limit"
            )
            return Step(delete: active.map(\.objectName), end: end)
        }
        if let limit = job["spec"]?["activeDeadlineSeconds"]?.intValue, let start = job["status"]?["startTime"],
            context.remaining(of: .seconds(min(limit, 1_000_000)), since: start) == nil
        {
            let end = Step.End.failed(
                reason: "DeadlineExceeded",
                message: "Job was active longer than specified deadline"
            )
            return Step(delete: active.map(\.objectName), end: end)
        }
        if job["spec"]?["suspend"]?.boolValue == true { return Step(delete: active.map(\.objectName)) }
        let parallelism = job.count("spec", "parallelism", default: 1)
        guard let completions = job["spec"]?["completions"]?.intValue else {
            // Without a number the first success ends it, once the others have finished.
            if succeeded > 0 { return Step(end: active.isEmpty ? .complete : nil) }
            return Step(create: max(0, parallelism - active.count))
        }
        let wanted = Int(min(max(completions, 0), 1_000_000))
        if succeeded >= wanted { return Step(delete: active.map(\.objectName), end: .complete) }
        let room = min(parallelism, wanted - succeeded) - active.count
        let surplus = room < 0 ? active.suffix(-room).map(\.objectName) : []
        return Step(create: max(0, room), delete: surplus)
    }

    private func createPod(
        of job: JSONValue,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        let name = job.objectName.name
        var pod = Workload.pod(
            from: job["spec"]?["template"],
            owner: job,
            name: "\(name)-\(Workload.randomSuffix())"
        )
        pod.set(.string("\(name)-"), at: ["metadata", "generateName"])
        guard tx.create(Builtin.pods, pod, context) != nil else { return }
        let message = "Created pod: \(pod.objectName.name)"
        try tx.recordEvent(on: job, "SuccessfulCreate", message, component: Self.component, context)
    }

    private static func status(
        of job: JSONValue,
        _ pods: [JSONValue],
        _ end: Step.End?,
        _ context: ReconcileContext
    ) -> JSONValue {
        var status = job["status"] ?? [:]
        if job["spec"]?["suspend"]?.boolValue == true {
            status["startTime"] = nil
            status.setCondition("Suspended", "True", reason: "JobSuspended", message: "Job suspended", context)
        } else if status["startTime"] == nil {
            status["startTime"] = context.timestamp
            if status.condition("Suspended") != nil {
                status.setCondition("Suspended", "False", reason: "JobResumed", message: "Job resumed", context)
            }
        }
        let active = pods.filter(\.isActivePod)
        let phases = pods.compactMap { $0["status"]?["phase"]?.stringValue }
        let ready = active.filter(\.isReadyPod).count
        for (name, count) in [
            ("active", active.count), ("succeeded", phases.filter { $0 == "Succeeded" }.count),
            ("failed", phases.filter { $0 == "Failed" }.count),
        ] {
            // Zero is left out, as in the API's types.
            status[name] = count == 0 ? nil : .number(count)
        }
        status["ready"] = .number(ready)
        status["terminating"] = .number(pods.filter(\.isBeingDeleted).count)
        status["uncountedTerminatedPods"] = [:]
        switch end {
        case .complete:
            let reason = "CompletionsReached"
            let message = "Reached expected number of succeeded pods"
            for type in ["SuccessCriteriaMet", "Complete"] {
                status.setCondition(type, "True", reason: reason, message: message, context)
            }
            status["completionTime"] = context.timestamp
        case .failed(let reason, let message):
            for type in ["FailureTarget", "Failed"] {
                status.setCondition(type, "True", reason: reason, message: message, context)
            }
        case nil: break
        }
        return status
    }

    /// Deletes a finished Job after its `ttlSecondsAfterFinished`.
    private func expire(
        _ job: JSONValue,
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let lifetime = job["spec"]?["ttlSecondsAfterFinished"]?.intValue else { return nil }
        let status = job["status"]
        let ended = (status?.condition("Complete") ?? status?.condition("Failed"))?["lastTransitionTime"]
        if let left = context.remaining(of: .seconds(min(lifetime, 1_000_000_000)), since: ended) { return left }
        try tx.delete(object.resource, object.name, finalizer: "foregroundDeletion", context)
        return nil
    }
}

extension JSONValue {
    /// Whether a Job has completed or failed for good.
    fileprivate var isFinishedJob: Bool {
        self["status"]?.isTrue("Complete") == true || self["status"]?.isTrue("Failed") == true
    }
}
