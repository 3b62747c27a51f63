internal import FoundationEssentials
internal import JSON

extension BuiltinColumns {
    static let deployment: [Column] =
        [
            name,
            text("Ready", "pods that are ready, of those wanted") {
                "\($0.number("status", "readyReplicas"))/\($0.number("spec", "replicas"))"
            },
            number("Up-to-date", "pods of the newest template", type: "string") {
                $0.number("status", "updatedReplicas")
            },
            number("Available", "pods that have been ready long enough", type: "string") {
                $0.number("status", "availableReplicas")
            },
            age,
        ] + template("spec", "template") + [
            text("Selector", "the pods of the deployment", wide: true) {
                CellSource.selector($0.object.value(at: ["spec", "selector"]))
            }
        ]

    static let replicaSet: [Column] = replicas + template("spec", "template") + [selector("spec", "selector")]

    static let replicationController: [Column] =
        replicas + template("spec", "template") + [
            text("Selector", "the pods of the controller", wide: true) {
                CellSource.labels($0.object.value(at: ["spec", "selector"]))
            }
        ]

    static let statefulSet: [Column] =
        [
            name,
            text("Ready", "pods that are ready, of those wanted") {
                "\($0.number("status", "readyReplicas"))/\($0.number("spec", "replicas"))"
            },
            age,
        ] + template("spec", "template")

    static let daemonSet: [Column] =
        [
            name,
            number("Desired", "nodes that should run the pod") { $0.number("status", "desiredNumberScheduled") },
            number("Current", "nodes that run the pod") { $0.number("status", "currentNumberScheduled") },
            number("Ready", "nodes with a ready pod") { $0.number("status", "numberReady") },
            number("Up-to-date", "nodes with the newest pod") { $0.number("status", "updatedNumberScheduled") },
            number("Available", "nodes with an available pod") { $0.number("status", "numberAvailable") },
            text("Node Selector", "labels that the nodes need") {
                CellSource.labels($0.object.value(at: ["spec", "template", "spec", "nodeSelector"]))
            },
            age,
        ] + template("spec", "template") + [selector("spec", "selector")]

    static let job: [Column] =
        [
            name,
            text("Status", "whether the job is done") { jobStatus($0) },
            text("Completions", "pods that succeeded, of those wanted") { jobCompletions($0) },
            text("Duration", "the time from start to end") { job in
                guard let start = CellSource.date(job.object.value(at: ["status", "startTime"])) else { return "" }
                let end = CellSource.date(job.object.value(at: ["status", "completionTime"])) ?? job.now
                return HumanDuration.text(seconds: end.timeIntervalSince(start))
            },
            age,
        ] + template("spec", "template") + [selector("spec", "selector")]

    static let cronJob: [Column] =
        [
            name,
            text("Schedule", "when jobs are made") { $0.text("spec", "schedule") },
            text("Timezone", "the time zone of the schedule") { $0.text("spec", "timeZone", or: "<none>") },
            column("Suspend", "boolean", "whether it is paused") { cronJob in
                switch cronJob.object.value(at: ["spec", "suspend"])?.boolValue {
                case true?: "True"
                case false?: "False"
                case nil: "<unset>"
                }
            },
            number("Active", "jobs that are running") { Int64($0.list("status", "active").count) },
            text("Last Schedule", "the time since the last job was made") { cronJob in
                let time = cronJob.object.value(at: ["status", "lastScheduleTime"])
                return time?.stringValue == nil ? "<none>" : cronJob.age(time)
            },
            age,
        ] + template("spec", "jobTemplate", "spec", "template") + [selector("spec", "jobTemplate", "spec", "selector")]

    static let controllerRevision: [Column] = [
        name,
        text("Controller", "what the revision belongs to") { revision in
            let owners = revision.list("metadata", "ownerReferences")
            guard let owner = owners.first(where: { $0["controller"]?.boolValue == true }) else { return "<none>" }
            let group = owner["apiVersion"]?.stringValue?.split(separator: "/").dropLast().first.map { ".\($0)" } ?? ""
            return "\(owner["kind"]?.stringValue ?? "")\(group)".lowercased() + "/\(owner["name"]?.stringValue ?? "")"
        },
        number("Revision", "the number of the revision", type: "string") { $0.number("revision") },
        age,
    ]

    private static let replicas: [Column] = [
        name,
        number("Desired", "pods that are wanted") { $0.number("spec", "replicas") },
        number("Current", "pods that exist") { $0.number("status", "replicas") },
        number("Ready", "pods that are ready") { $0.number("status", "readyReplicas") },
        age,
    ]

    private static func template(_ path: String...) -> [Column] {
        let path = path + ["spec", "containers"]
        return [
            text("Containers", "the names of the containers", wide: true) {
                containerNames($0.object.value(at: path)?.arrayValue ?? [])
            },
            text("Images", "the images of the containers", wide: true) {
                containerImages($0.object.value(at: path)?.arrayValue ?? [])
            },
        ]
    }

    private static func selector(_ path: String...) -> Column {
        text("Selector", "the pods that belong to it", wide: true) { source in
            let text = CellSource.selector(source.object.value(at: path))
            return text.isEmpty ? "<none>" : text
        }
    }

    private static func jobStatus(_ job: CellSource) -> String {
        if job.condition("Complete") == "True" { return "Complete" }
        if job.condition("Failed") == "True" { return "Failed" }
        if job.isBeingDeleted { return "Terminating" }
        if job.condition("Suspended") == "True" { return "Suspended" }
        return job.condition("FailureTarget") == "True" ? "FailureTarget" : "Running"
    }

    private static func jobCompletions(_ job: CellSource) -> String {
        let succeeded = job.number("status", "succeeded")
        if let wanted = job.object.value(at: ["spec", "completions"])?.intValue { return "\(succeeded)/\(wanted)" }
        let parallelism = job.number("spec", "parallelism")
        return parallelism > 1 ? "\(succeeded)/1 of \(parallelism)" : "\(succeeded)/1"
    }
}
