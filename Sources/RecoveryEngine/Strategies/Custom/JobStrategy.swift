internal import FoundationEssentials
package import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
internal import Timekeeping

/// Runs a Kubernetes Job from the template in the policy's rung (`job: {template}`), and succeeds when the Job does.
///
/// It is made in the Recovery's namespace, as its ServiceAccount, which its pods run as unless the template says
/// otherwise; the error is in the environment of all containers (`RECOVERY_ERROR_TYPE`, `RECOVERY_TARGET_NAME`, ...).
/// It does not outlive the attempt: `activeDeadlineSeconds` is the time that is left, and one that still runs when the
/// attempt fails or is cancelled is deleted. No detector looks at it.
package struct JobStrategy: RecoveryStrategy {
    static let action = "CreateJob"
    /// Finished Jobs stay for an hour unless the template says otherwise.
    private static let standardTTL: Int64 = 3_600

    /// For whoever names it, as no error type leads here by itself; ten minutes.
    ///
    /// What it does nobody knows, so it counts as the worst.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.job,
        errorTypes: [],
        priority: 40,
        timeout: .seconds(600),
        destructiveness: .destructive,
        needsServiceAccount: true
    )

    /// Makes the strategy.
    package init() {}

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        ParameterCheck(parameters).violations()
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        let account = try attempt.requiredServiceAccount(descriptor.name)
        let job = try manifest(attempt, account)
        let client = attempt.client
        try attempt.journal.endAtSafePoints()
        try await attempt.mutate(Self.action, inverse: ["job": .string(job.name)]) {
            // The name is the attempt's own, so whatever has it was made by this attempt.
            do {
                return try await !client.get(.jobs, job.key).uid.isEmpty
            } catch let error as ClientError where error.apiError?.isNotFound == true {
                return false
            }
        } _: {
            _ = try await client.create(.jobs, job)
            return "made Job \(job.key)"
        }
        let logs = "Read what it said: kubectl logs -n \(job.namespace ?? "") job/\(job.name)"
        do {
            try await attempt.read("WaitForJob") {
                try await ObjectWatch(client, .jobs, job.key).wait(
                    attempt,
                    until: attempt.lastMoment(),
                    "Job \(job.key)",
                    nextSteps: [logs]
                ) { jobs in
                    guard let job = jobs.first else { throw StrategyFailure.transient("Job \(job.key) was deleted") }
                    return try Self.judge(job, logs)
                }
            }
        } catch let stop as AttemptStopped where stop.reason != .suspended {
            attempt.note("DeleteJob", .succeeded, try await end(job.key, client))
            throw stop
        }
        attempt.allowEnd()
        return StrategyResult(message: "Job \(job.key) completed", metrics: ["job": job.name])
    }

    /// Deletes the Job with its pods, unless it has ended: then it stays for whoever reads its log.
    package func undo(_ action: ActionRecord, _ attempt: Attempt) async throws -> String {
        guard let name = action.inverse?["job"]?.stringValue else {
            throw StrategyFailure.permanent("the record of the Job cannot be read")
        }
        let key = ObjectKey(namespace: attempt.recovery.metadata.namespace, name: name)
        return try await end(key, attempt.client)
    }

    private func end(_ key: ObjectKey, _ client: KubernetesClient) async throws -> String {
        do {
            let job = try await client.get(.jobs, key)
            let ends = (job["status", "conditions"]?.arrayValue ?? []).contains {
                ["Complete", "Failed"].contains($0["type"]?.stringValue) && $0["status"]?.stringValue == "True"
            }
            if ends { return "Job \(key) has ended" }
            let options = DeleteOptions(preconditionUID: job.uid, propagationPolicy: .background)
            _ = try await client.delete(.jobs, key, options: options)
            return "deleted Job \(key), which still ran"
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return "there is no Job \(key)"
        }
    }

    private static func judge(_ job: Unstructured, _ logs: String) throws -> ObjectWatch.Sight<String> {
        for condition in job["status", "conditions"]?.arrayValue ?? [] where condition["status"]?.stringValue == "True"
        {
            switch condition["type"]?.stringValue {
            case "Complete": return .reached("Job \(job.key) completed")
            case "Failed":
                let reason = condition["message"]?.stringValue ?? condition["reason"]?.stringValue ?? "no reason given"
                throw StrategyFailure.transient("Job \(job.key) failed: \(reason)", nextSteps: [logs])
            default: break
            }
        }
        return .waiting("has not ended yet")
    }

    // MARK: The Job

    private func manifest(_ attempt: Attempt, _ account: String) throws -> Unstructured {
        guard let template = attempt.recovery.status?.currentRung?.job?.template,
            let containers = template.value(at: ["spec", "template", "spec", "containers"])?.arrayValue,
            !containers.isEmpty
        else {
            throw StrategyFailure.permanent(
                "there is no Job to run: a policy's rung has to give job.template with spec.template.spec.containers",
                nextSteps: [
                    "Add job: {template: {spec: {...}}} to the rung Job of the policy, and create a new Recovery"
                ]
            )
        }
        var job = Unstructured(["metadata": template["metadata"] ?? [:], "spec": template["spec"] ?? [:]])
        job.name = RecoveryNaming.jobName(of: attempt.recovery, executionID: attempt.execution.id)
        job.namespace = attempt.recovery.metadata.namespace
        job["metadata", "generateName"] = nil
        let owner: JSONValue = [
            "apiVersion": .string(RecoveryAPI.apiVersion), "kind": .string(Recovery.resource.kind),
            "name": .string(attempt.recovery.metadata.name ?? ""),
            "uid": .string(attempt.recovery.metadata.uid ?? ""),
        ]
        job["metadata", "ownerReferences"] = [owner]
        for path in [["metadata", "labels"], ["spec", "template", "metadata", "labels"]] {
            job.content.set("true", at: path + [MetadataName.exclude])
        }
        Self.set(&job, ["spec", "ttlSecondsAfterFinished"], .number(Self.standardTTL))
        let left = attempt.timeSource.now().duration(to: attempt.deadline)
        Self.set(&job, ["spec", "activeDeadlineSeconds"], .number(max(1, left.components.seconds)))
        // The ladder counts attempts; a Job that tried again by itself would hide them.
        Self.set(&job, ["spec", "backoffLimit"], 0)
        Self.set(&job, ["spec", "template", "spec", "restartPolicy"], "Never")
        Self.set(&job, ["spec", "template", "spec", "serviceAccountName"], .string(account))
        let environment = attempt.facts.map { fact -> JSONValue in
            // The kubelet would put the value of a variable, such as a Secret's, where the error's text says $(NAME).
            let value = fact.value.replacing("$", with: "$$")
            return ["name": .string("RECOVERY_\(fact.name.uppercased())"), "value": .string(value)]
        }
        for list in ["containers", "initContainers"] {
            let path = ["spec", "template", "spec", list]
            guard let all = job.content.value(at: path)?.arrayValue else { continue }
            let told = all.map { container -> JSONValue in
                var container = container
                container["env"] = .array((container["env"]?.arrayValue ?? []) + environment)
                return container
            }
            job.content.set(.array(told), at: path)
        }
        return job
    }

    private static func set(_ job: inout Unstructured, _ path: [String], _ standard: JSONValue) {
        if job.content.value(at: path) == nil { job.content.set(standard, at: path) }
    }
}
