package import JSON
internal import KubernetesCore

/// Which pods a ResourceQuota counts: all, or those that meet each of its scopes.
///
/// ```swift
/// let scopes = QuotaScopes(quota: spec)
/// let demand = PlacementDemand(manifests: manifests, counting: scopes.covers)
/// ```
package struct QuotaScopes: Sendable, Hashable {
    private struct Scope: Sendable, Hashable {
        var name: String
        var `operator` = "Exists"
        var values: [String] = []
    }

    private var scopes: [Scope]

    /// Reads `scopes` and `scopeSelector` of a quota's spec.
    package init(quota spec: JSONValue?) {
        scopes = (spec?["scopes"]?.arrayValue ?? []).compactMap { $0.stringValue.map { Scope(name: $0) } }
        for expression in spec?.value(at: ["scopeSelector", "matchExpressions"])?.arrayValue ?? [] {
            scopes.append(
                Scope(
                    name: expression["scopeName"]?.stringValue ?? "",
                    operator: expression["operator"]?.stringValue ?? "",
                    values: (expression["values"]?.arrayValue ?? []).compactMap(\.stringValue)
                )
            )
        }
    }

    /// Whether the quota counts a pod; a scope that is not known here is about something else than pods.
    package func covers(_ podSpec: JSONValue) -> Bool {
        scopes.allSatisfy { Self.meets($0, podSpec) }
    }

    private static func meets(_ scope: Scope, _ pod: JSONValue) -> Bool {
        switch scope.name {
        case "Terminating": pod["activeDeadlineSeconds"]?.intValue != nil
        case "NotTerminating": pod["activeDeadlineSeconds"]?.intValue == nil
        case "BestEffort": isBestEffort(pod)
        case "NotBestEffort": !isBestEffort(pod)
        case "PriorityClass": meetsPriority(scope, pod["priorityClassName"]?.stringValue ?? "")
        case "CrossNamespacePodAffinity": reachesOtherNamespaces(pod["affinity"])
        default: false
        }
    }

    /// Whether no container asks for CPU or memory, or has a limit of it.
    private static func isBestEffort(_ pod: JSONValue) -> Bool {
        let containers = ["containers", "initContainers"].flatMap { pod[$0]?.arrayValue ?? [] }
        return !(containers + [pod]).contains { holder in
            ["requests", "limits"].contains { kind in
                let amounts = ResourceAmounts(holder.value(at: ["resources", kind]))
                return amounts["cpu"] > .zero || amounts["memory"] > .zero
            }
        }
    }

    private static func meetsPriority(_ scope: Scope, _ name: String) -> Bool {
        switch scope.operator {
        case "In": scope.values.contains(name)
        case "NotIn": !scope.values.contains(name)
        case "Exists": !name.isEmpty
        case "DoesNotExist": name.isEmpty
        default: false
        }
    }

    private static func reachesOtherNamespaces(_ affinity: JSONValue?) -> Bool {
        ["podAffinity", "podAntiAffinity"].contains { kind in
            let rules = affinity?[kind]
            let required = rules?["requiredDuringSchedulingIgnoredDuringExecution"]?.arrayValue ?? []
            let preferred = rules?["preferredDuringSchedulingIgnoredDuringExecution"]?.arrayValue ?? []
            return (required + preferred.compactMap { $0["podAffinityTerm"] }).contains { term in
                term["namespaces"]?.arrayValue?.isEmpty == false || term["namespaceSelector"]?.objectValue != nil
            }
        }
    }
}
