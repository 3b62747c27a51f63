internal import FoundationEssentials
internal import JSON

/// One look at a pod that has a node: what its status is to be now, and when to look again.
///
/// All containers of a pod share one fate. The state is in the status itself, so that the same pod at the same time
/// always gives the same answer.
struct PodRun {
    /// Something worth an Event.
    struct Event: Equatable {
        var reason: String
        var message: String
        var isWarning = false
    }

    private enum Timing {
        /// From the assignment to a node to the first start: image and sandbox.
        static let creation = Duration.seconds(1)
        /// How long a container that crashes runs.
        static let crashAfter = Duration.seconds(1)
        /// From the first failed attempt to pull an image to backing off.
        static let pullAttempt = Duration.seconds(5)
        /// How long the containers of a pod run that is to finish.
        static let work = 2
        static let longestBackoffSeconds = 300
    }

    private let pod: JSONValue
    private let context: ReconcileContext
    /// The status to be.
    var status: JSONValue
    /// After how long the next thing happens; nil when nothing does.
    private(set) var recheck: Duration?
    /// What has happened now.
    private(set) var events: [Event] = []

    init(pod: JSONValue, context: ReconcileContext) {
        self.pod = pod
        self.context = context
        status = pod["status"] ?? [:]
    }

    private var containers: [JSONValue] { pod["spec"]?["containers"]?.arrayValue ?? [] }
    private var restartPolicy: String { pod["spec"]?["restartPolicy"]?.stringValue ?? "Always" }
    private var state: JSONValue? { status["containerStatuses"]?[index: 0]?["state"] }
    private var restarts: Int { status["containerStatuses"]?[index: 0]?.count("restartCount") ?? 0 }
    private var hasEnded: Bool { ["Succeeded", "Failed"].contains(status["phase"]?.stringValue) }

    /// Moves the status on.
    mutating func advance(isNodeReady: Bool) {
        guard !hasEnded else { return }
        if status["startTime"] == nil {
            status["startTime"] = context.timestamp
            status["phase"] = "Pending"
            status.setCondition("PodScheduled", "True", context)
        }
        guard isNodeReady else {
            // The kubelet says nothing any more; the node controller says so for it.
            if status["containerStatuses"] != nil {
                status.setCondition("Ready", "False", reason: "NodeNotReady", context)
            }
            return
        }
        if let left = context.remaining(of: Timing.creation, since: status["startTime"]) {
            wait("ContainerCreating", isFirst: true)
            recheck = left
            return
        }
        switch pod.failure {
        case "image-pull-error": failToPull()
        case "crash-loop": crash()
        default: run(isReady: pod.failure != "not-ready")
        }
    }

    // MARK: Fates

    private mutating func run(isReady: Bool) {
        guard let started = state?["running"]?["startedAt"] else {
            start()
            recheck = .seconds(1)
            return
        }
        if restartPolicy != "Always" {
            let seconds = pod["metadata"]?["annotations"]?["sandbox.tmc.io/run-seconds"]?.stringValue.flatMap {
                Int($0)
            }
            let duration = Duration.seconds(min(max(0, seconds ?? Timing.work), 1_000_000))
            guard let left = context.remaining(of: duration, since: started) else {
                finish(exitCode: 0, reason: "Completed", phase: "Succeeded")
                return
            }
            recheck = left
        }
        let initial = containers.map { $0["readinessProbe"]?.count("initialDelaySeconds") ?? 0 }.max() ?? 0
        let left = context.remaining(of: .seconds(max(1, initial)), since: started)
        if let left { recheck = min(recheck ?? left, left) }
        setContainers(["running": ["startedAt": started]], isReady: isReady && left == nil)
        if !isReady, left == nil {
            report("Unhealthy", "Readiness probe failed: simulated", isWarning: true)
        }
    }

    private mutating func crash() {
        if let started = state?["running"]?["startedAt"] {
            if let left = context.remaining(of: Timing.crashAfter, since: started) {
                recheck = left
                return
            }
            guard restartPolicy != "Never" else {
                finish(exitCode: 1, reason: "Error", phase: "Failed")
                return
            }
            let ended = terminated(exitCode: 1, reason: "Error", started: started)
            let name = containers.first?["name"]?.stringValue ?? ""
            let place = "\(pod.objectName.name)_\(pod.objectName.namespace)(\(pod.uid))"
            let message = "back-off restarting failed container \(name) in pod \(place)"
            setContainers(
                ["waiting": ["reason": "CrashLoopBackOff", "message": .string(message)]],
                isReady: false,
                last: ["terminated": ended]
            )
            report("BackOff", message.prefix(1).uppercased() + message.dropFirst(), isWarning: true)
            recheck = .seconds(backoffSeconds)
            return
        }
        let ended = status["containerStatuses"]?[index: 0]?["lastState"]?["terminated"]?["finishedAt"]
        if state?["waiting"]?["reason"]?.stringValue == "CrashLoopBackOff",
            let left = context.remaining(of: .seconds(backoffSeconds), since: ended)
        {
            recheck = left
            return
        }
        start()
        recheck = Timing.crashAfter
    }

    private var backoffSeconds: Int {
        min(Timing.longestBackoffSeconds, 10 << min(restarts, 5))
    }

    private mutating func failToPull() {
        let image = containers.first?["image"]?.stringValue ?? ""
        let reason = state?["waiting"]?["reason"]?.stringValue
        guard reason != "ImagePullBackOff" else { return }
        if reason != "ErrImagePull" {
            let message = "failed to pull and unpack image \"\(image)\": not found"
            setContainers(["waiting": ["reason": "ErrImagePull", "message": .string(message)]], isReady: false)
            report("Failed", "Failed to pull image \"\(image)\": \(message)", isWarning: true)
            recheck = Timing.pullAttempt
            return
        }
        let left = context.remaining(of: Timing.pullAttempt, since: status.condition("Ready")?["lastTransitionTime"])
        if let left {
            recheck = left
            return
        }
        let message = "Back-off pulling image \"\(image)\""
        setContainers(["waiting": ["reason": "ImagePullBackOff", "message": .string(message)]], isReady: false)
        report("BackOff", message, isWarning: true)
    }

    // MARK: Steps

    private mutating func wait(_ reason: String, isFirst: Bool) {
        if state == nil, let image = containers.first?["image"]?.stringValue {
            report("Pulling", "Pulling image \"\(image)\"")
        }
        setContainers(["waiting": ["reason": .string(reason)]], isReady: false)
    }

    private mutating func start() {
        let isRestart = state?["waiting"]?["reason"]?.stringValue == "CrashLoopBackOff" || state?["terminated"] != nil
        let name = containers.first?["name"]?.stringValue ?? ""
        setContainers(
            ["running": ["startedAt": context.timestamp]],
            isReady: false,
            restartCount: restarts + (isRestart ? 1 : 0)
        )
        status["phase"] = "Running"
        report("Created", "Container created: \(name)")
        report("Started", "Container started: \(name)")
    }

    private mutating func finish(exitCode: Int, reason: String, phase: String) {
        let ended = terminated(exitCode: exitCode, reason: reason, started: state?["running"]?["startedAt"] ?? .null)
        setContainers(["terminated": ended], isReady: false)
        for type in ["Ready", "ContainersReady"] {
            status.setCondition(type, "False", reason: exitCode == 0 ? "PodCompleted" : "PodFailed", context)
        }
        status["phase"] = .string(phase)
        recheck = nil
    }

    private func terminated(exitCode: Int, reason: String, started: JSONValue) -> JSONValue {
        [
            "exitCode": .number(exitCode), "reason": .string(reason), "startedAt": started,
            "finishedAt": context.timestamp, "containerID": .string("sandbox://\(pod.uid)"),
        ]
    }

    private mutating func report(_ reason: String, _ message: String, isWarning: Bool = false) {
        events.append(Event(reason: reason, message: message, isWarning: isWarning))
    }

    /// Gives all containers the same state, and the conditions that follow from it.
    private mutating func setContainers(
        _ state: JSONValue,
        isReady: Bool,
        last: JSONValue? = nil,
        restartCount: Int? = nil
    ) {
        let old = status["containerStatuses"]?.arrayValue ?? []
        let isRunning = state["running"] != nil
        let statuses = containers.enumerated().map { index, container -> JSONValue in
            let before = old.indices.contains(index) ? old[index] : nil
            let restarts = restartCount ?? before?.count("restartCount") ?? 0
            var entry: JSONValue = [
                "name": container["name"] ?? "", "image": container["image"] ?? "", "state": state,
                "imageID": "", "ready": .bool(isReady), "started": .bool(isRunning), "restartCount": .number(restarts),
            ]
            entry["lastState"] = last ?? before?["lastState"] ?? [:]
            if isRunning { entry["containerID"] = .string("sandbox://\(pod.uid)/\(restarts)") }
            if isRunning { entry["imageID"] = .string("sandbox://\(container["image"]?.stringValue ?? "")") }
            return entry
        }
        status["containerStatuses"] = .array(statuses)
        let names = containers.compactMap { $0["name"]?.stringValue }.joined(separator: " ")
        status.setCondition("PodReadyToStartContainers", "True", context)
        status.setCondition("Initialized", "True", context)
        for type in ["ContainersReady", "Ready"] {
            status.setCondition(
                type,
                isReady ? "True" : "False",
                reason: isReady ? nil : "ContainersNotReady",
                message: isReady ? nil : "containers with unready status: [\(names)]",
                context
            )
        }
    }
}
