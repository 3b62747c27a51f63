internal import JSON

extension KindRules {
    private enum Label {
        static let controller = "batch.kubernetes.io/controller-uid"
        static let job = "batch.kubernetes.io/job-name"
    }

    /// Jobs: defaults that depend on one another, the generated selector, and what may not change.
    static let jobs: KindRules = {
        var rules = KindRules()
        rules.setDefaults = { job in
            completeTemplate(&job)
            var spec = job["spec"] ?? [:]
            completeJob(&spec)
            job["spec"] = spec
        }
        rules.complete = { job, old in
            if old == nil { generateSelector(&job) }
        }
        rules.validate = { job, old in
            Violations.collect { found in
                validateJob(job["spec"], "spec", &found)
                for name in ["selector", "template", "completionMode"] { found.unchanged(job, old, "spec", name) }
                if job["spec"]?["completionMode"]?.stringValue != "Indexed" {
                    found.unchanged(job, old, "spec", "completions")
                }
            }
        }
        return rules
    }()

    /// CronJobs: the same for the Jobs that they make.
    static let cronJobs: KindRules = {
        var rules = KindRules()
        rules.setDefaults = { cronJob in
            let path = ["spec", "jobTemplate", "spec", "template", "spec"]
            guard var spec = cronJob.value(at: path) else { return }
            PodSpecRules.complete(&spec)
            cronJob.set(spec, at: path)
        }
        rules.validate = { cronJob, _ in
            Violations.collect { found in
                validateJob(cronJob["spec"]?["jobTemplate"]?["spec"], "spec.jobTemplate.spec", &found)
                let schedule = cronJob["spec"]?["schedule"]
                if let schedule, let text = schedule.stringValue, !text.isEmpty, !text.hasPrefix("@") {
                    let count = text.split(separator: " ").count
                    guard count != 5 else { return }
                    found.add(
                        .invalid("spec.schedule", schedule, "expected exactly 5 fields, found \(count): [\(text)]")
                    )
                }
            }
        }
        return rules
    }()

    private static func completeJob(_ spec: inout JSONValue) {
        if spec["completions"] == nil, spec["parallelism"] == nil { spec["completions"] = 1 }
        for (name, value) in [
            ("parallelism", 1), ("backoffLimit", 6), ("suspend", false), ("completionMode", "NonIndexed"),
        ] as [(String, JSONValue)] where spec[name] == nil {
            spec[name] = value
        }
        if spec["podReplacementPolicy"] == nil {
            spec["podReplacementPolicy"] = spec["podFailurePolicy"] == nil ? "TerminatingOrFailed" : "Failed"
        }
    }

    /// Selector and labels by the Job's uid, unless the author brings their own.
    private static func generateSelector(_ job: inout JSONValue) {
        guard job["spec"]?["manualSelector"]?.boolValue != true else { return }
        let uid = JSONValue.string(job.uid)
        let name = JSONValue.string(job.objectName.name)
        let labels = ["spec", "template", "metadata", "labels"]
        for (key, value) in [
            (Label.controller, uid), (Label.job, name), ("controller-uid", uid), ("job-name", name),
        ] where job.value(at: labels + [key]) == nil {
            job.set(value, at: labels + [key])
        }
        if job["spec"]?["selector"] == nil {
            job.set(["matchLabels": [Label.controller: uid]], at: ["spec", "selector"])
        }
    }

    private static func validateJob(_ spec: JSONValue?, _ path: String, _ found: inout Violations) {
        for name in ["completions", "parallelism", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"] {
            found.notNegative(spec, path, name)
        }
        let template = spec?["template"]?["spec"]
        PodSpecRules.validate(template, "\(path).template.spec", &found)
        let policy = template?["restartPolicy"]?.stringValue
        guard policy != "OnFailure", policy != "Never" else { return }
        // The default of a pod, Always, is not meant here: it has to be said.
        found.add(.required("\(path).template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\""))
    }
}
