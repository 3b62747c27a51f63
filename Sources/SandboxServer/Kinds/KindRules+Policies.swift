internal import JSON

extension KindRules {
    /// Leases: times and counters make sense.
    static let leases = checked { lease, _, found in
        found.positive(lease["spec"], "spec", "leaseDurationSeconds")
        found.notNegative(lease["spec"], "spec", "leaseTransitions")
    }

    /// PodDisruptionBudgets: one bound, not both.
    static let disruptionBudgets = checked { budget, _, found in
        let spec = budget["spec"]
        if spec?["minAvailable"] != nil, spec?["maxUnavailable"] != nil {
            found.add(.invalid("spec", spec ?? .null, "minAvailable and maxUnavailable cannot be both set"))
        }
        for name in ["minAvailable", "maxUnavailable"] { found.notNegative(spec, "spec", name) }
    }

    /// Nodes: a new one takes no pods before somebody has found it ready.
    static let nodes: KindRules = {
        var rules = KindRules()
        rules.complete = { node, old in
            guard old == nil else { return }
            let taint: JSONValue = ["key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"]
            let taints = node["spec"]?["taints"]?.arrayValue ?? []
            let isThere = taints.contains { $0["key"] == taint["key"] && $0["effect"] == taint["effect"] }
            if !isThere { node.set(.array(taints + [taint]), at: ["spec", "taints"]) }
        }
        return rules
    }()

    /// HorizontalPodAutoscalers: the bounds are in order.
    static let autoscalers = checked { autoscaler, _, found in
        let spec = autoscaler["spec"]
        let least = spec?["minReplicas"]?.intValue ?? 1
        let most = spec?["maxReplicas"]?.intValue ?? 0
        if let value = spec?["minReplicas"], least < 1 {
            found.add(.invalid("spec.minReplicas", value, "must be greater than or equal to 1"))
        }
        if most < 1 {
            found.add(.invalid("spec.maxReplicas", .number(most), "must be greater than 0"))
        } else if most < least {
            found.add(
                .invalid("spec.maxReplicas", .number(most), "must be greater than or equal to `minReplicas`")
            )
        }
    }

    /// Roles and ClusterRoles: every rule has verbs, and resources or paths.
    static let roles = checked { role, _, found in
        for (index, rule) in (role["rules"]?.arrayValue ?? []).enumerated() {
            let path = "rules[\(index)]"
            if rule["verbs"]?.arrayValue?.isEmpty ?? true {
                found.add(.required("\(path).verbs", "verbs must contain at least one value"))
            }
            if rule["nonResourceURLs"]?.arrayValue?.isEmpty == false {
                guard role["metadata"]?["namespace"]?.stringValue != nil else { continue }
                let text = "namespaced rules cannot apply to non-resource URLs"
                found.add(.invalid("\(path).nonResourceURLs", rule["nonResourceURLs"] ?? .null, text))
                continue
            }
            if rule["apiGroups"]?.arrayValue?.isEmpty ?? true {
                found.add(.required("\(path).apiGroups", "resource rules must supply at least one api group"))
            }
            if rule["resources"]?.arrayValue?.isEmpty ?? true {
                found.add(.required("\(path).resources", "resource rules must supply at least one resource"))
            }
        }
    }

    /// RoleBindings and ClusterRoleBindings: whom they bind may change, to what may not.
    static let bindings: KindRules = {
        var rules = checked { binding, old, found in
            if let old, old["roleRef"] != binding["roleRef"] {
                found.add(.invalid("roleRef", binding["roleRef"] ?? .null, "cannot change roleRef"))
            }
            for (index, subject) in (binding["subjects"]?.arrayValue ?? []).enumerated() {
                let isNamespaced = binding["metadata"]?["namespace"] != nil
                validateSubject(subject, "subjects[\(index)]", isNamespaced: isNamespaced, &found)
            }
        }
        rules.setDefaults = { binding in
            let group = "rbac.authorization.k8s.io"
            if binding["roleRef"] != nil, (binding["roleRef"]?["apiGroup"]?.stringValue ?? "").isEmpty {
                binding.set(.string(group), at: ["roleRef", "apiGroup"])
            }
            guard let subjects = binding["subjects"]?.arrayValue else { return }
            binding["subjects"] = .array(
                subjects.map { subject in
                    var subject = subject
                    let isAccount = subject["kind"]?.stringValue == "ServiceAccount"
                    if !isAccount, subject["apiGroup"] == nil { subject["apiGroup"] = .string(group) }
                    return subject
                }
            )
        }
        return rules
    }()

    private static func validateSubject(
        _ subject: JSONValue,
        _ path: String,
        isNamespaced: Bool,
        _ found: inout Violations
    ) {
        found.present(subject, path, "name")
        switch subject["kind"]?.stringValue {
        case "ServiceAccount":
            // A RoleBinding's own namespace is meant when none is named.
            if !isNamespaced { found.present(subject, path, "namespace") }
        case "User", "Group":
            break
        default:
            let kind = subject["kind"] ?? ""
            found.add(.notSupported("\(path).kind", kind, ["Group", "ServiceAccount", "User"]))
        }
    }

    /// PersistentVolumeClaims: they ask for something, and keep asking for it.
    static let volumeClaims: KindRules = {
        var rules = checked { claim, old, found in
            if claim["spec"]?["accessModes"]?.arrayValue?.isEmpty ?? true {
                found.add(.required("spec.accessModes", "at least 1 access mode is required"))
            }
            if claim.value(at: ["spec", "resources", "requests", "storage"]) == nil {
                found.add(.required("spec.resources[storage]"))
            }
            for name in ["accessModes", "storageClassName", "selector", "volumeMode"] {
                found.unchanged(claim, old, "spec", name)
            }
        }
        rules.complete = { claim, old in
            if claim["spec"]?["volumeMode"] == nil { claim.set("Filesystem", at: ["spec", "volumeMode"]) }
            if old == nil { claim.set("Pending", at: ["status", "phase"]) }
        }
        return rules
    }()

    /// Rules that only check.
    static func checked(
        _ check: @escaping @Sendable (JSONValue, JSONValue?, inout Violations) -> Void
    ) -> KindRules {
        var rules = KindRules()
        rules.validate = { object, old in
            Violations.collect { check(object, old, &$0) }
        }
        return rules
    }
}
