internal import JSON

extension KindRules {
    /// What admission and the kubelet's contract add to a pod, and what may change once it exists.
    static let pods: KindRules = {
        var rules = KindRules()
        rules.setDefaults = { pod in
            guard var spec = pod["spec"] else { return }
            PodSpecRules.complete(&spec)
            PodSpecRules.completePod(&spec)
            pod["spec"] = spec
        }
        rules.complete = { pod, old in
            guard old == nil else { return }
            var spec = pod["spec"] ?? [:]
            PodSpecRules.complete(&spec)
            PodSpecRules.completePod(&spec)
            PodSpecRules.admit(&spec)
            pod["spec"] = spec
            var status = pod["status"] ?? [:]
            status["phase"] = "Pending"
            status["qosClass"] = .string(PodSpecRules.qualityOfService(of: spec))
            pod["status"] = status
        }
        rules.validate = { pod, old in
            Violations.collect { found in
                PodSpecRules.validate(pod["spec"], "spec", &found)
                if let old { PodSpecRules.validateChange(of: pod, from: old, &found) }
            }
        }
        return rules
    }()
}

/// The rules of a pod's spec, which templates share.
enum PodSpecRules {
    private static let containerLists = ["initContainers", "containers"]

    /// Fills in what depends on other fields: pull policies by tag, both names of the account.
    static func complete(_ spec: inout JSONValue) {
        changeContainers(of: &spec) { container in
            guard container["imagePullPolicy"] == nil, let image = container["image"]?.stringValue else { return }
            container["imagePullPolicy"] = isLatest(image) ? "Always" : "IfNotPresent"
        }
        if let account = spec["serviceAccountName"] ?? spec["serviceAccount"] {
            spec["serviceAccountName"] = account
            spec["serviceAccount"] = account
        }
    }

    /// Fills in what pods have, and templates of pods have not: requests by limits, ports on the host's network.
    static func completePod(_ spec: inout JSONValue) {
        let isOnHost = spec["hostNetwork"]?.boolValue ?? false
        changeContainers(of: &spec) { container in
            for (name, amount) in container["resources"]?["limits"]?.objectValue ?? [:]
            where container.value(at: ["resources", "requests", name]) == nil {
                container.set(amount, at: ["resources", "requests", name])
            }
            guard isOnHost, let ports = container["ports"]?.arrayValue else { return }
            container["ports"] = .array(
                ports.map { port in
                    var port = port
                    if port["hostPort"] == nil { port["hostPort"] = port["containerPort"] }
                    return port
                }
            )
        }
        if spec["enableServiceLinks"] == nil { spec["enableServiceLinks"] = true }
    }

    private static func changeContainers(of spec: inout JSONValue, _ change: (inout JSONValue) -> Void) {
        for list in containerLists {
            guard var containers = spec[list]?.arrayValue else { continue }
            for index in containers.indices { change(&containers[index]) }
            spec[list] = .array(containers)
        }
    }

    /// Whether an image has the tag `latest`, which is also meant by none.
    private static func isLatest(_ image: String) -> Bool {
        guard !image.contains("@") else { return false }
        let name = image.split(separator: "/").last ?? ""
        guard let colon = name.lastIndex(of: ":") else { return true }
        return name[name.index(after: colon)...] == "latest"
    }

    /// What the admission plug-ins that every cluster has on do to a pod, and to a pod only.
    static func admit(_ spec: inout JSONValue) {
        if spec["serviceAccountName"] == nil {
            spec["serviceAccountName"] = "default"
            spec["serviceAccount"] = "default"
        }
        if spec["priority"] == nil { spec["priority"] = 0 }
        if spec["preemptionPolicy"] == nil { spec["preemptionPolicy"] = "PreemptLowerPriority" }
        var tolerations = spec["tolerations"]?.arrayValue ?? []
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let taint: JSONValue = ["key": .string(key), "effect": "NoExecute"]
            guard Scheduler.toleration(of: ["spec": ["tolerations": .array(tolerations)]], for: taint) == nil else {
                continue
            }
            tolerations.append(
                ["key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300]
            )
        }
        spec["tolerations"] = .array(tolerations)
    }

    /// The class by requests and limits of the containers, for CPU and memory.
    static func qualityOfService(of spec: JSONValue) -> String {
        let containers = containerLists.flatMap { spec[$0]?.arrayValue ?? [] }
        var isGuaranteed = !containers.isEmpty
        var hasAny = false
        for container in containers {
            for name in ["cpu", "memory"] {
                let request = container.value(at: ["resources", "requests", name])
                let limit = container.value(at: ["resources", "limits", name])
                hasAny = hasAny || request != nil || limit != nil
                isGuaranteed = isGuaranteed && limit != nil && request == limit
            }
        }
        return isGuaranteed ? "Guaranteed" : hasAny ? "Burstable" : "BestEffort"
    }

    // MARK: Rules

    /// Checks a spec; `path` is where it stands.
    static func validate(_ spec: JSONValue?, _ path: String, _ found: inout Violations) {
        let volumes = spec?["volumes"]?.arrayValue ?? []
        var volumeNames: Set<String> = []
        for (index, volume) in volumes.enumerated() {
            let name = volume["name"]?.stringValue ?? ""
            found.label(volume["name"], "\(path).volumes[\(index)].name")
            if !volumeNames.insert(name).inserted {
                found.add(.duplicate("\(path).volumes[\(index)].name", .string(name)))
            }
        }
        if spec?["containers"]?.arrayValue?.isEmpty == true { found.add(.required("\(path).containers")) }
        var names: Set<String> = []
        for list in ["containers", "initContainers"] {
            for (index, container) in (spec?[list]?.arrayValue ?? []).enumerated() {
                let place = "\(path).\(list)[\(index)]"
                validate(container, place, volumes: volumeNames, &found)
                guard let name = container["name"]?.stringValue, !name.isEmpty else { continue }
                if !names.insert(name).inserted { found.add(.duplicate("\(place).name", .string(name))) }
            }
        }
        found.notNegative(spec, path, "terminationGracePeriodSeconds")
        if let seconds = spec?["activeDeadlineSeconds"], !(1...2_147_483_647).contains(seconds.intValue ?? 1) {
            found.add(.invalid("\(path).activeDeadlineSeconds", seconds, "must be between 1 and 2147483647, inclusive"))
        }
    }

    private static func validate(
        _ container: JSONValue,
        _ path: String,
        volumes: Set<String>,
        _ found: inout Violations
    ) {
        found.label(container["name"], "\(path).name")
        if let image = container["image"]?.stringValue {
            if image.isEmpty { found.add(.required("\(path).image")) }
            if image.first?.isWhitespace == true || image.last?.isWhitespace == true {
                found.add(.invalid("\(path).image", .string(image), "must not have leading or trailing whitespace"))
            }
        } else {
            found.add(.required("\(path).image"))
        }
        for (index, port) in (container["ports"]?.arrayValue ?? []).enumerated() {
            found.port(port["containerPort"], "\(path).ports[\(index)].containerPort")
            found.port(port["hostPort"], "\(path).ports[\(index)].hostPort")
        }
        for (index, mount) in (container["volumeMounts"]?.arrayValue ?? []).enumerated() {
            guard let name = mount["name"]?.stringValue, !volumes.contains(name) else { continue }
            found.add(
                Violations.Cause(
                    reason: "FieldValueNotFound",
                    message: "Not found: \(JSONValue.string(name).goText)",
                    field: "\(path).volumeMounts[\(index)].name"
                )
            )
        }
        validateResources(container["resources"], "\(path).resources", &found)
    }

    private static func validateResources(_ resources: JSONValue?, _ path: String, _ found: inout Violations) {
        for (name, request) in resources?["requests"]?.objectValue ?? [:] {
            guard let limit = resources?["limits"]?[name], let most = Quantity(limit), let wanted = Quantity(request),
                wanted.value > most.value
            else { continue }
            let amount = limit.stringValue ?? limit.text
            found.add(
                .invalid("\(path).requests", request, "must be less than or equal to \(name) limit of \(amount)")
            )
        }
    }

    /// A pod that exists may change in few ways only.
    static func validateChange(of pod: JSONValue, from old: JSONValue, _ found: inout Violations) {
        guard neutral(pod, like: old) != old["spec"] ?? [:] else { return }
        found.add(
            .forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`,"
                    + "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
                    + "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
                    + "previously negative)"
            )
        )
    }

    /// The new spec with all that may differ taken from the old one.
    private static func neutral(_ pod: JSONValue, like old: JSONValue) -> JSONValue {
        var spec = pod["spec"] ?? [:]
        for list in containerLists {
            let before = old["spec"]?[list]?.arrayValue ?? []
            guard let now = spec[list]?.arrayValue, now.count == before.count else { continue }
            spec[list] = .array(
                zip(now, before).map { container, oldContainer in
                    var container = container
                    container["image"] = oldContainer["image"]
                    return container
                }
            )
        }
        spec["activeDeadlineSeconds"] = old["spec"]?["activeDeadlineSeconds"]
        let tolerations = spec["tolerations"]?.arrayValue ?? []
        if (old["spec"]?["tolerations"]?.arrayValue ?? []).allSatisfy(tolerations.contains) {
            spec["tolerations"] = old["spec"]?["tolerations"]
        }
        // Gates may be lifted, and while there are any the choice of nodes may be narrowed.
        let gates = spec["schedulingGates"]?.arrayValue ?? []
        let oldGates = old["spec"]?["schedulingGates"]?.arrayValue ?? []
        if !oldGates.isEmpty, gates.allSatisfy(oldGates.contains) {
            for name in ["schedulingGates", "nodeSelector", "affinity"] { spec[name] = old["spec"]?[name] }
        }
        return spec
    }
}

/// An amount of a resource, as `100m` or `1Gi`.
struct Quantity {
    /// In the resource's unit.
    let value: Double

    init?(_ json: JSONValue) {
        if let number = json.doubleValue {
            value = number
            return
        }
        guard let text = json.stringValue else { return nil }
        let digits = text.prefix { $0.isNumber || $0 == "." || $0 == "+" || $0 == "-" }
        guard let number = Double(digits) else { return nil }
        let factors: [String: Double] = [
            "": 1, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
            "Ki": 0x1p10, "Mi": 0x1p20, "Gi": 0x1p30, "Ti": 0x1p40, "Pi": 0x1p50, "Ei": 0x1p60,
        ]
        guard let factor = factors[String(text.dropFirst(digits.count))] else { return nil }
        value = number * factor
    }
}
