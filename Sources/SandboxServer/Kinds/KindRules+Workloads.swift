internal import JSON

extension KindRules {
    /// Deployments: selector, template, and a strategy that can move.
    static let deployments = workload { deployment, old, found in
        found.unchanged(deployment, old, "spec", "selector")
        let spec = deployment["spec"]
        let strategy = spec?["strategy"]
        let isRecreate = strategy?["type"]?.stringValue == "Recreate"
        if isRecreate, strategy?["rollingUpdate"] != nil {
            found.add(
                .forbidden(
                    "spec.strategy.rollingUpdate",
                    "may not be specified when strategy `type` is 'Recreate'"
                )
            )
        }
        validateShares(strategy?["rollingUpdate"], "spec.strategy.rollingUpdate", &found)
        if !isRecreate, let rolling = strategy?["rollingUpdate"],
            isZero(rolling["maxUnavailable"]), isZero(rolling["maxSurge"]), let unavailable = rolling["maxUnavailable"]
        {
            found.add(
                .invalid(
                    "spec.strategy.rollingUpdate.maxUnavailable",
                    unavailable,
                    "may not be 0 when `maxSurge` is 0"
                )
            )
        }
        let deadline = spec?["progressDeadlineSeconds"]
        found.notNegative(spec, "spec", "progressDeadlineSeconds")
        if let deadline, let seconds = deadline.intValue, seconds <= spec?["minReadySeconds"]?.intValue ?? 0 {
            found.add(.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
        }
    }

    /// ReplicaSets: selector and template.
    static let replicaSets = workload { set, old, found in
        found.unchanged(set, old, "spec", "selector")
    }

    /// DaemonSets: selector, template and update strategy.
    static let daemonSets = workload { set, old, found in
        found.unchanged(set, old, "spec", "selector")
        let path = "spec.updateStrategy.rollingUpdate"
        validateShares(set["spec"]?["updateStrategy"]?["rollingUpdate"], path, &found)
    }

    /// StatefulSets: few fields may change.
    static let statefulSets: KindRules = {
        var rules = workload { set, old, found in
            guard let old else { return }
            let mutable = [
                "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
            ]
            let fixed = (set["spec"]?.objectValue ?? [:]).filter { !mutable.contains($0.key) }
            let before = (old["spec"]?.objectValue ?? [:]).filter { !mutable.contains($0.key) }
            guard fixed != before else { return }
            let names = mutable.dropLast().map { "'\($0)'" }.joined(separator: ", ")
            found.add(
                .forbidden(
                    "spec",
                    "updates to statefulset spec for fields other than \(names) and 'minReadySeconds' are forbidden"
                )
            )
        }
        let setDefaults = rules.setDefaults
        rules.setDefaults = { set in
            setDefaults(&set)
            completeClaims(&set)
            let strategy = set["spec"]?["updateStrategy"]
            if strategy?["type"]?.stringValue == "RollingUpdate", strategy?["rollingUpdate"] == nil {
                set.set(["partition": 0], at: ["spec", "updateStrategy", "rollingUpdate"])
            }
        }
        return rules
    }()

    private static func completeClaims(_ set: inout JSONValue) {
        guard var claims = set["spec"]?["volumeClaimTemplates"]?.arrayValue else { return }
        for index in claims.indices {
            claims[index]["apiVersion"] = "v1"
            claims[index]["kind"] = "PersistentVolumeClaim"
            if claims[index]["spec"]?["volumeMode"] == nil {
                claims[index].set("Filesystem", at: ["spec", "volumeMode"])
            }
            if claims[index]["status"]?["phase"] == nil { claims[index].set("Pending", at: ["status", "phase"]) }
        }
        set.set(.array(claims), at: ["spec", "volumeClaimTemplates"])
    }

    /// The rules that all workloads with a template share, and one kind's own.
    private static func workload(
        _ own: @escaping @Sendable (JSONValue, JSONValue?, inout Violations) -> Void
    ) -> KindRules {
        var rules = KindRules()
        rules.setDefaults = { object in
            completeTemplate(&object)
            completeStrategy(&object)
        }
        rules.validate = { object, old in
            Violations.collect { found in
                for name in ["replicas", "minReadySeconds", "revisionHistoryLimit"] {
                    found.notNegative(object["spec"], "spec", name)
                }
                validateSelector(object, &found)
                validateTemplate(object, &found)
                own(object, old, &found)
            }
        }
        return rules
    }

    static func completeTemplate(_ object: inout JSONValue) {
        let path = ["spec", "template", "spec"]
        guard var spec = object.value(at: path) else { return }
        PodSpecRules.complete(&spec)
        object.set(spec, at: path)
    }

    /// A rolling update without bounds gets the usual ones.
    private static func completeStrategy(_ object: inout JSONValue) {
        let spec = object["spec"]
        if spec?["strategy"]?["type"]?.stringValue == "RollingUpdate" {
            for name in ["maxSurge", "maxUnavailable"] where spec?["strategy"]?["rollingUpdate"]?[name] == nil {
                object.set("25%", at: ["spec", "strategy", "rollingUpdate", name])
            }
        }
        let isDaemonSet = object["kind"]?.stringValue == "DaemonSet"
        if isDaemonSet, spec?["updateStrategy"]?["type"]?.stringValue == "RollingUpdate" {
            for (name, value) in [("maxSurge", 0), ("maxUnavailable", 1)]
            where spec?["updateStrategy"]?["rollingUpdate"]?[name] == nil {
                object.set(.number(value), at: ["spec", "updateStrategy", "rollingUpdate", name])
            }
        }
    }

    private static func validateSelector(_ object: JSONValue, _ found: inout Violations) {
        guard let selector = object["spec"]?["selector"] else { return }
        let isEmpty =
            selector["matchLabels"]?.objectValue?.isEmpty ?? true
            && selector["matchExpressions"]?.arrayValue?.isEmpty ?? true
        let kind = object["kind"]?.stringValue?.lowercased() ?? ""
        guard !isEmpty else {
            found.add(.invalid("spec.selector", selector, "empty selector is invalid for \(kind)"))
            return
        }
        let template = object["spec"]?["template"]?["metadata"]?["labels"] ?? [:]
        guard LabelSelector(selector)?.matches(template.stringDictionary ?? [:]) == false else { return }
        found.add(
            .invalid(
                "spec.template.metadata.labels",
                template,
                "`selector` does not match template `labels`"
            )
        )
    }

    private static func validateTemplate(_ object: JSONValue, _ found: inout Violations) {
        let spec = object["spec"]?["template"]?["spec"]
        PodSpecRules.validate(spec, "spec.template.spec", &found)
        if let policy = spec?["restartPolicy"], policy.stringValue != "Always" {
            found.add(.notSupported("spec.template.spec.restartPolicy", policy, ["Always"]))
        }
        if spec?["activeDeadlineSeconds"] != nil {
            let kind = object["kind"]?.stringValue ?? ""
            // A Deployment's template is judged as that of its ReplicaSets.
            let name = kind == "Deployment" ? "ReplicaSet" : kind
            let text = "activeDeadlineSeconds in \(name) is not Supported"
            found.add(.forbidden("spec.template.spec.activeDeadlineSeconds", text))
        }
    }

    private static func isZero(_ share: JSONValue?) -> Bool {
        guard let share else { return false }
        return share.intValue == 0 || share.stringValue == "0%" || share.stringValue == "0"
    }

    private static func validateShares(_ rolling: JSONValue?, _ path: String, _ found: inout Violations) {
        for name in ["maxUnavailable", "maxSurge"] {
            guard let share = rolling?[name] else { continue }
            if let number = share.intValue, number < 0 {
                found.add(.invalid("\(path).\(name)", share, "must be greater than or equal to 0"))
            }
            guard let text = share.stringValue else { continue }
            if !text.hasSuffix("%") || Int(text.dropLast()) == nil || text.hasPrefix("-") || text.hasPrefix("+") {
                found.add(
                    .invalid(
                        "\(path).\(name)",
                        share,
                        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
                            + "'93%', regex used for validation is '[0-9]+%')"
                    )
                )
            } else if name == "maxUnavailable", (Int(text.dropLast()) ?? 0) > 100 {
                found.add(.invalid("\(path).\(name)", share, "must not be greater than 100%"))
            }
        }
    }
}
