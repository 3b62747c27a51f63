internal import FoundationEssentials
internal import JSON

extension BuiltinColumns {
    static let pod: [Column] = [
        name,
        text("Ready", "containers that are ready, of all") { PodSummary($0).ready },
        text("Status", "the phase, or what keeps the pod from running") { PodSummary($0).status },
        text("Restarts", "how often containers were restarted, and when last") { PodSummary($0).restarts },
        age,
        text("IP", "the address of the pod", wide: true) { pod in
            pod.list("status", "podIPs").first?["ip"]?.stringValue ?? pod.text("status", "podIP", or: "<none>")
        },
        text("Node", "where the pod runs", wide: true) { $0.text("spec", "nodeName", or: "<none>") },
        text("Nominated Node", "where room is being made for the pod", wide: true) {
            $0.text("status", "nominatedNodeName", or: "<none>")
        },
        text("Readiness Gates", "gates that are open, of all", wide: true) { pod in
            let gates = pod.list("spec", "readinessGates").compactMap { $0["conditionType"]?.stringValue }
            let open = gates.filter { pod.condition($0) == "True" }
            return gates.isEmpty ? "<none>" : "\(open.count)/\(gates.count)"
        },
    ]

    static let podTemplate: [Column] = [
        name,
        text("Containers", "the names of the containers") { containerNames($0.list("template", "spec", "containers")) },
        text("Images", "the images of the containers") { containerImages($0.list("template", "spec", "containers")) },
        text("Pod Labels", "the labels of the pods") {
            CellSource.labels($0.object.value(at: ["template", "metadata", "labels"]))
        },
    ]

    /// The names of containers.
    static func containerNames(_ containers: [JSONValue]) -> String {
        containers.map { $0["name"]?.stringValue ?? "" }.joined(separator: ",")
    }

    /// The images of containers.
    static func containerImages(_ containers: [JSONValue]) -> String {
        containers.map { $0["image"]?.stringValue ?? "" }.joined(separator: ",")
    }
}

/// What the row of a pod says about its containers.
private struct PodSummary {
    private let pod: CellSource
    /// The names of the init containers that run beside the containers.
    private let sidecars: Set<String>
    private var reason: String
    private var readyCount = 0
    private var containerCount: Int
    private var restartCount: Int64 = 0
    private var lastRestart: Date?

    init(_ pod: CellSource) {
        self.pod = pod
        reason = pod.text("status", "reason", or: pod.text("status", "phase"))
        let specs = pod.list("spec", "initContainers").filter { $0["restartPolicy"]?.stringValue == "Always" }
        sidecars = Set(specs.compactMap { $0["name"]?.stringValue })
        containerCount = pod.list("spec", "containers").count + sidecars.count
        if pod.list("status", "conditions").contains(where: Self.isGated) { reason = "SchedulingGated" }
        let isInitializing = readInitContainers()
        if !isInitializing || pod.condition("Initialized") == "True" { readContainers() }
    }

    var ready: String { "\(readyCount)/\(containerCount)" }

    var status: String {
        guard pod.isBeingDeleted else { return reason }
        if pod.text("status", "reason") == "NodeLost" { return "Unknown" }
        return ["Succeeded", "Failed"].contains(pod.text("status", "phase")) ? reason : "Terminating"
    }

    var restarts: String {
        guard restartCount > 0, let lastRestart else { return "\(restartCount)" }
        return "\(restartCount) (\(HumanDuration.text(seconds: pod.now.timeIntervalSince(lastRestart))) ago)"
    }

    private static func isGated(_ condition: JSONValue) -> Bool {
        condition["type"]?.stringValue == "PodScheduled" && condition["reason"]?.stringValue == "SchedulingGated"
    }

    /// Counts the restarts of a container.
    private mutating func count(_ status: JSONValue) {
        restartCount += status["restartCount"]?.intValue ?? 0
        let end = CellSource.date(status.value(at: ["lastState", "terminated", "finishedAt"]))
        if let end, end > lastRestart ?? .distantPast { lastRestart = end }
    }

    /// Goes through the init containers up to the first that is not done.
    ///
    /// - Returns: whether there is one.
    private mutating func readInitContainers() -> Bool {
        for (index, status) in pod.list("status", "initContainerStatuses").enumerated() {
            count(status)
            let isSidecar = sidecars.contains(status["name"]?.stringValue ?? "")
            let ended = status.value(at: ["state", "terminated"])
            if ended?["exitCode"]?.intValue == 0 { continue }
            if isSidecar, status["started"]?.boolValue == true {
                if status["ready"]?.boolValue == true { readyCount += 1 }
                continue
            }
            let waiting = status.value(at: ["state", "waiting", "reason"])?.stringValue ?? ""
            if let ended {
                reason = "Init:" + Self.text(ended)
            } else if !waiting.isEmpty, waiting != "PodInitializing" {
                reason = "Init:" + waiting
            } else {
                reason = "Init:\(index)/\(pod.list("spec", "initContainers").count)"
            }
            return true
        }
        return false
    }

    /// Goes through the containers; of several that are in trouble the first one gives the reason.
    private mutating func readContainers() {
        restartCount = 0
        lastRestart = nil
        for status in pod.list("status", "initContainerStatuses")
        where sidecars.contains(status["name"]?.stringValue ?? "") {
            count(status)
        }
        var isRunning = false
        for status in pod.list("status", "containerStatuses").reversed() {
            count(status)
            let waiting = status.value(at: ["state", "waiting", "reason"])?.stringValue ?? ""
            if !waiting.isEmpty {
                reason = waiting
            } else if let ended = status.value(at: ["state", "terminated"]) {
                reason = Self.text(ended)
            } else if status["ready"]?.boolValue == true, status.value(at: ["state", "running"]) != nil {
                isRunning = true
                readyCount += 1
            }
        }
        if reason == "Completed", isRunning {
            reason = pod.condition("Ready") == "True" ? "Running" : "NotReady"
        }
    }

    /// How a container ended.
    private static func text(_ ended: JSONValue) -> String {
        if let reason = ended["reason"]?.stringValue, !reason.isEmpty { return reason }
        if let signal = ended["signal"]?.intValue, signal != 0 { return "Signal:\(signal)" }
        return "ExitCode:\(ended["exitCode"]?.intValue ?? 0)"
    }
}
